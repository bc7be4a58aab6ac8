"""Content lines as properties (RFC 5545, 3.8), each with the line it stands on."""

import re

from icalendar.parser import Contentline
from icalendar.parser.property import unescape_backslash
from msgspec import Struct

from vently.events.importing.entries import MAX_ROW_BYTES, Unreadable
from vently.events.importing.lines import Block, Line

ONCE = frozenset(
    {
        "UID", "SUMMARY", "DESCRIPTION", "DTSTART", "DTEND", "DURATION", "RRULE", "RECURRENCE-ID", "LOCATION", "GEO",
        "URL", "STATUS", "SEQUENCE", "LAST-MODIFIED", "CLASS",
    }
)  # fmt: skip
OFTEN = frozenset({"CATEGORIES", "EXDATE", "RDATE", "CONFERENCE", "X-GOOGLE-CONFERENCE"})
STATUSES = {"CONFIRMED": "published", "TENTATIVE": "published", "CANCELLED": "cancelled", "CANCELED": "cancelled"}

_name = re.compile(r"([A-Za-z0-9-]+)([;:])")
_number = re.compile(r"[+-]?[0-9]{1,3}(\.[0-9]{1,20})?")


class Property(Struct, frozen=True):
    """A content line taken apart; `value` is still escaped."""

    line: int
    name: str
    parameters: dict[str, str]
    value: str

    @property
    def text(self) -> str:
        return str(unescape_backslash(self.value))


def properties_of(block: Block) -> dict[str, list[Property]]:
    found: dict[str, list[Property]] = {}
    size = 0
    for line in block.lines:
        head = _name.match(line.text)
        if head is None:
            raise Unreadable(f"The line is no part of a calendar: {_shown(line.text)}.", line.number)
        name = head[1].upper()
        if name not in ONCE and name not in OFTEN:
            continue
        size += len(line.text)
        if name in found and name in ONCE:
            raise Unreadable(f"{name} stands twice in the entry.", line.number)
        if size > MAX_ROW_BYTES:
            raise Unreadable(f"The entry is too long: more than {MAX_ROW_BYTES:,} characters.", line.number)
        found.setdefault(name, []).append(_property(name, head, line))
    return found


def _property(name: str, head: re.Match[str], line: Line) -> Property:
    if head[2] == ":":
        return Property(line.number, name, {}, line.text[head.end() :])
    try:
        _, parameters, value = Contentline(line.text).raw_parts()  # type: ignore[no-untyped-call]
    except ValueError as error:
        raise Unreadable(f"{name} has parameters that cannot be read: {_shown(line.text)}.", line.number) from error
    return Property(line.number, name, {key.upper(): str(given) for key, given in parameters.items()}, value)


def geo(given: dict[str, list[Property]]) -> tuple[float, float] | None:
    if "GEO" not in given:
        return None
    parts = given["GEO"][0].value.replace("\\;", ";").replace(",", ";").split(";")
    if len(parts) == 2 and all(_number.fullmatch(part.strip()) for part in parts):  # noqa: PLR2004 - latitude, longitude
        lat, lng = float(parts[0]), float(parts[1])
        if -90 <= lat <= 90 and -180 <= lng <= 180:  # noqa: PLR2004 - degrees
            return lat, lng
    raise wrong(given["GEO"][0], "a latitude and a longitude such as 57.70;11.97")


def conference(given: dict[str, list[Property]]) -> str | None:
    values = [each.value.strip() for name in ("CONFERENCE", "X-GOOGLE-CONFERENCE") for each in given.get(name, [])]
    return next((value for value in values if value.lower().startswith(("http://", "https://"))), None)


def status(given: dict[str, list[Property]]) -> str:
    if "STATUS" not in given:
        return "published"
    status = STATUSES.get(given["STATUS"][0].value.strip().upper())
    if status is None:
        raise wrong(given["STATUS"][0], "CONFIRMED, TENTATIVE or CANCELLED")
    return status


def sequence(given: dict[str, list[Property]]) -> int:
    if "SEQUENCE" not in given:
        return 0
    value = given["SEQUENCE"][0].value.strip()
    if not re.fullmatch(r"[0-9]{1,9}", value):
        raise wrong(given["SEQUENCE"][0], "a whole number from 0")
    return int(value)


def wrong(given: Property, wanted: str) -> Unreadable:
    return Unreadable(f"{given.name} is {_shown(given.value)}; it must be {wanted}.", given.line)


def _shown(text: str) -> str:
    """Short and printable, whatever the file has there."""
    return repr(text if len(text) <= 40 else text[:39] + "…").encode("ascii", "backslashreplace").decode()  # noqa: PLR2004 - one line
