"""Reading events out of files: calendars (.ics), tables (.csv) and pages that carry schema.org events.

    reading = read("meetups.ics", default_timezone="Europe/Stockholm", places=OfflinePlaces())

gives the events and, line by line with the reason, the entries that could not be read. Nothing is stored here.
"""

from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

from msgspec.structs import replace

from vently.events.importing.entries import (
    MAX_BYTES,
    MAX_ROWS,
    NotReadable,
    ReadEvent,
    Reading,
    ReadVenue,
    Refused,
    Unreadable,
)
from vently.events.importing.merge import merge
from vently.outside.places import Places
from vently.refusals import TooLarge

__all__ = ["MAX_BYTES", "MAX_ROWS", "NotReadable", "ReadEvent", "ReadVenue", "Reading", "Refused", "read", "read_many"]

Progress = Callable[[int, int], None]
"""Called with how many entries are done and how many there are."""

_BY_ENDING = {
    ".ics": "calendar", ".ical": "calendar", ".ifb": "calendar", ".icalendar": "calendar",
    ".csv": "table", ".tsv": "table", ".html": "page", ".htm": "page", ".json": "page", ".jsonld": "page",
}  # fmt: skip


def read(
    source: Path | str | bytes,
    filename: str | None = None,
    *,
    default_timezone: str = "UTC",
    places: Places,
    on_row: Progress | None = None,
) -> Reading:
    """Read one file (a path, or its bytes and its name). Raises NotReadable or TooLarge; never for one entry.

    `default_timezone` is for what neither the file nor its places tell: the community's, or UTC.
    It computes for up to some seconds: call it in a thread where others wait.
    """
    from vently.events.importing import zones

    name = filename or (str(source) if not isinstance(source, bytes) else "the file")
    data = source if isinstance(source, bytes) else _contents(Path(source))
    if len(data) > MAX_BYTES:
        raise TooLarge(f"{_base(name)} is larger than {MAX_BYTES // 1_000_000} MB; split it and import the parts.")
    try:
        zone = zones.checked(default_timezone)
    except Unreadable as error:
        raise NotReadable(error.reason) from error
    return _reader(_kind(data, name))(data, default_timezone=zone, places=places, on_row=on_row)


def _reader(kind: str) -> Callable[..., Reading]:
    # Loaded when a file comes: icalendar alone takes a tenth of a second, and a web node may never need it.
    if kind == "calendar":
        from vently.events.importing.ics import read_calendar

        return read_calendar
    if kind == "table":
        from vently.events.importing.csv_rows import read_table

        return read_table
    from vently.events.importing.json_ld import read_page

    return read_page


def read_many(
    files: Iterable[Path | str | tuple[str, bytes]],
    *,
    default_timezone: str = "UTC",
    places: Places,
    on_row: Callable[[str, int, int], None] | None = None,
) -> Reading:
    """Several files as one reading: the same event in two of them is one event. Refusals name their file."""
    events: list[ReadEvent] = []
    refused: list[Refused] = []
    rows = 0
    for file in files:
        name, source = file if isinstance(file, tuple) else (str(file), file)
        reading = read(
            source,
            name,
            default_timezone=default_timezone,
            places=places,
            on_row=partial(on_row, _base(name)) if on_row else None,
        )
        events += reading.events
        refused += (replace(entry, file=_base(name)) for entry in reading.refused)
        rows += reading.rows
    return Reading(tuple(merge(events)), tuple(refused), rows)


def _contents(path: Path) -> bytes:
    try:
        if path.stat().st_size > MAX_BYTES:
            raise TooLarge(f"{path.name} is larger than {MAX_BYTES // 1_000_000} MB; split it and import the parts.")
        return path.read_bytes()
    except OSError as error:
        raise NotReadable(f"{path} cannot be opened: {error.strerror or error}.") from error
    except ValueError as error:
        raise NotReadable(f"{str(path)!r} is not the name of a file.") from error


def _kind(data: bytes, name: str) -> str:
    """By what the file begins with, then by its name's ending: exports are often misnamed."""
    start = data[:2000].removeprefix(b"\xef\xbb\xbf").replace(b"\0", b"").lstrip().upper()
    if start.startswith((b"BEGIN:VCALENDAR", b"\xff\xfeBEGIN:VCALENDAR", b"\xfe\xffBEGIN:VCALENDAR")):
        return "calendar"
    ending = Path(name).suffix.lower() if "\0" not in name else ""
    if ending in _BY_ENDING:
        return _BY_ENDING[ending]
    if start.startswith((b"{", b"[", b"<")):
        return "page"
    if not ending and not data:
        raise NotReadable("The file is empty.")
    if ending in {"", ".txt"}:
        return "table"
    raise NotReadable(f"{_base(name)} is of no kind that can be imported; give an .ics, .csv, .json or .html file.")


def _base(name: str) -> str:
    return name.replace("\\", "/").rsplit("/", 1)[-1][:100] or "the file"
