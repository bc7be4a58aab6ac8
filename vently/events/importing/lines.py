"""A calendar file as lines and blocks, so that one broken entry never hides the next (RFC 5545, 3.1 and 3.6)."""

import re
from collections.abc import Iterator

from msgspec import Struct

from vently.events.importing.entries import NotReadable, Refused


class Line(Struct, frozen=True):
    """A content line, unfolded, and the number (from 1) of the physical line it begins on."""

    number: int
    text: str


class Block(Struct):
    """The lines between BEGIN and END. `trouble` is what is wrong with the block as a whole."""

    name: str
    number: int
    lines: list[Line] = []
    trouble: str | None = None


class Calendar(Struct):
    """One VCALENDAR: its own properties, its zones and its events."""

    properties: list[Line] = []
    zones: list[Block] = []
    events: list[Block] = []


DEEPEST = 10

_bracket = re.compile(r"(BEGIN|END)\s*:\s*([A-Za-z0-9-]*)\s*", re.IGNORECASE)
_property = re.compile(r"[A-Za-z0-9-]+[;:]")


def decoded(data: bytes) -> bytes:
    """The file as UTF-8. Windows-1252 is believed only of a file in which no character is UTF-8's own.

    In a file that is UTF-8 but for some bytes, those bytes stay, and the entries they stand in are refused.
    """
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace").encode("utf-8", "replace")
    data = data.removeprefix(b"\xef\xbb\xbf")
    whole = re.sub(rb"(?:\r\n|\n|\r)[ \t]", b"", data)  # a fold may stand in the middle of a character
    try:
        whole.decode()
    except UnicodeDecodeError:
        letters = set(whole.decode("utf-8", "surrogateescape"))
        if not any(letter > "\x7f" and not "\ud800" <= letter <= "\udfff" for letter in letters):
            return data.decode("cp1252", "replace").encode()
    return data


def lines(data: bytes) -> Iterator[Line]:
    """Unfolds before decoding, because old programs fold in the middle of a character."""
    for number, line in _unfolded(data if b"\n" in data else data.replace(b"\r", b"\n")):
        yield Line(number, line.decode("utf-8", "surrogateescape"))


def _unfolded(data: bytes) -> Iterator[tuple[int, bytes]]:
    begun = 0
    parts: list[bytes] = []
    for number, physical in enumerate(data.split(b"\n"), 1):
        line = physical.removesuffix(b"\r")
        if line[:1] in {b" ", b"\t"} and parts:
            parts.append(line[1:])
            continue
        if parts:
            yield begun, b"".join(parts)
        begun, parts = number, [line] if line.strip() else []
    if parts:
        yield begun, b"".join(parts)


def calendars(data: bytes) -> tuple[list[Calendar], list[Refused]]:
    """Raises NotReadable when there is none."""
    return _Sorter().sort(lines(data))


class _Sorter:
    """Walks the lines once; knows the calendar, the open component, and what is nested in it."""

    def __init__(self) -> None:
        self.calendars: list[Calendar] = []
        self.refused: list[Refused] = []
        self.open: Block | None = None
        self.nested: list[str] = []
        self.loose: list[Line] = []

    def sort(self, found: Iterator[Line]) -> tuple[list[Calendar], list[Refused]]:
        for line in found:
            bracket = _bracket.fullmatch(line.text)
            if bracket is None:
                self._property(line)
            elif bracket[1].upper() == "BEGIN":
                self._begin(bracket[2].upper(), line)
            else:
                self._end(bracket[2].upper(), line)
        self._close("is not closed: END:VEVENT is missing before the file ends")
        self._sort_loose()
        if not self.calendars:
            raise NotReadable("This is not a calendar: it has no BEGIN:VCALENDAR line.")
        return self.calendars, self.refused

    def _property(self, line: Line) -> None:
        if self.open is None:
            self.loose.append(line)
        elif not self.nested or self.open.name == "VTIMEZONE":
            self.open.lines.append(line)

    def _begin(self, name: str, line: Line) -> None:
        if name in {"VCALENDAR", "VEVENT"} or (name == "VTIMEZONE" and self.open is not None):
            self._close(f"is not closed: END:VEVENT is missing before line {line.number}")
        if name == "VCALENDAR":
            self.calendars.append(Calendar())
        elif self.open is not None:
            if len(self.nested) == DEEPEST:
                self.open.trouble = f"has more than {DEEPEST} components inside each other"
                return
            self.nested.append(name)
            if self.open.name == "VTIMEZONE":
                self.open.lines.append(line)
        elif self.calendars:
            self._sort_loose()
            self.open = Block(name, line.number)
        elif name == "VEVENT":
            raise NotReadable(f"This is not a calendar: an event begins on line {line.number} before BEGIN:VCALENDAR.")

    def _end(self, name: str, line: Line) -> None:
        if self.open is None:
            if name != "VCALENDAR":
                self.loose.append(line)
            self._sort_loose(name)
        elif self.nested and name in {*self.nested, self.open.name}:
            self._end_nested(name, line)
        elif name == self.open.name:
            self._close(None)
        elif name == "VEVENT":
            self._close(f"begins with BEGIN:{self.open.name} but ends with END:VEVENT")
        elif name == "VCALENDAR":
            self._close(f"is not closed: END:VEVENT is missing before line {line.number}")
        else:
            self.open.trouble = f"has END:{name} on line {line.number} without its BEGIN"

    def _end_nested(self, name: str, line: Line) -> None:
        block = self.open
        if block is None:
            return
        if block.name == "VTIMEZONE":
            block.lines.append(line)
        if self.nested[-1] != name:
            block.trouble = f"has BEGIN:{self.nested[-1]} without its END before line {line.number}"
        if name in self.nested:
            del self.nested[len(self.nested) - 1 - self.nested[::-1].index(name) :]
        else:
            self._close(block.trouble)

    def _close(self, trouble: str | None) -> None:
        block, self.open, self.nested = self.open, None, []
        if block is None:
            return
        block.trouble = trouble or block.trouble
        if block.name == "VTIMEZONE":
            self.calendars[-1].zones.append(block)
        elif block.name == "VEVENT" or (trouble and "but ends with END:VEVENT" in trouble):
            self.calendars[-1].events.append(block)

    def _sort_loose(self, ended: str = "") -> None:
        """Lines outside any component are the calendar's own, unless they are an entry's that lost its BEGIN."""
        loose, self.loose = self.loose, []
        if not loose or not self.calendars:
            return
        names = {line.text.upper().partition(":")[0].partition(";")[0] for line in loose}
        garbage = next((line for line in loose if not _property.match(line.text)), None)
        uid = next((line.text[4:].strip() for line in loose if line.text.upper().startswith("UID:")), None)
        if ended == "VEVENT" or names & {"DTSTART", "SUMMARY"}:
            self.refused.append(Refused(loose[0].number, uid, "The entry is not opened: BEGIN:VEVENT is missing."))
        elif garbage is not None:
            self.refused.append(
                Refused(garbage.number, None, f"The line is no part of a calendar: {garbage.text[:40]!r}.")
            )
        else:
            self.calendars[-1].properties += loose
