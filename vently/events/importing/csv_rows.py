"""Tables (.csv, .tsv): one row an event, by the names of their columns."""

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta

from vently.events.importing import zones
from vently.events.importing.entries import MAX_ROWS, Draft, NotReadable, ReadEvent, Reading, Refused, Unreadable
from vently.events.importing.lines import decoded
from vently.events.importing.merge import merge
from vently.events.importing.records import Record, records
from vently.events.importing.settle import Surroundings, settle
from vently.outside.places import Places

COLUMNS = {
    "title": ("title", "name", "summary", "subject", "event", "eventname", "eventtitle"),
    "start": ("start", "startdate", "startsat", "startat", "startdatetime", "dtstart", "date", "begin", "begins"),
    "start_time": ("starttime", "time"),
    "end": ("end", "enddate", "endsat", "endat", "enddatetime", "dtend", "finish", "ends"),
    "end_time": ("endtime",),
    "timezone": ("timezone", "tz", "tzid"),
    "url": ("url", "website", "link", "homepage", "eventurl"),
    "online_url": ("onlineurl", "meetingurl", "joinurl", "streamurl"),
    "city": ("city", "town"),
    "country": ("country",),
    "location": ("location", "place", "where"),
    "venue": ("venue", "venuename"),
    "address": ("address", "street", "venueaddress"),
    "lat": ("lat", "latitude"),
    "lng": ("lng", "lon", "long", "longitude"),
    "online": ("online", "virtual", "isonline"),
    "category": ("category", "categories", "topic", "topics", "type"),
    "description": ("description", "details", "body", "notes"),
    "uid": ("uid", "id", "eventid"),
    "recurrence": ("recurrence", "rrule"),
    "status": ("status",),
    "sequence": ("sequence", "revision"),
    "last_modified": ("lastmodified", "updatedat", "modified"),
}
_BY_NAME = {name: column for column, names in COLUMNS.items() for name in names}
_YES = frozenset({"true", "yes", "y", "1", "x", "ja", "oui", "online", "hybrid"})
_NO = frozenset({"false", "no", "n", "0", "nej", "nein", "non", "offline", "inperson"})
_compact = re.compile(r"[0-9]{8}")
_clock = re.compile(r"([0-9]{1,2})[:.]([0-9]{2})(?::[0-9]{2})?\s*([ap]m)?", re.IGNORECASE)


def read_table(
    data: bytes, *, default_timezone: str, places: Places, on_row: Callable[[int, int], None] | None = None
) -> Reading:
    """Raises NotReadable when the first line does not name at least a title and a start."""
    heading, rows = records(decoded(data).decode("utf-8", "surrogateescape"))
    columns = _columns(heading)
    found = list(rows)
    if len(found) > MAX_ROWS:
        raise NotReadable(f"The table has {len(found):,} rows; {MAX_ROWS:,} can be imported at a time. Split it.")
    around = Surroundings(places, default_timezone)
    events: list[ReadEvent] = []
    refused: list[Refused] = []
    for done, record in enumerate(found, 1):
        row = {column: record.cells[at] for at, column in columns.items() if at < len(record.cells)}
        try:
            events.append(_event(record, row, around))
        except Unreadable as error:
            uid = row.get("uid", "")[:255].encode("utf-8", "replace").decode().replace("\0", "")
            refused.append(Refused(record.line, uid or None, _in_words_of_tables(error.reason)))
        if on_row is not None:
            on_row(done, len(found))
    return Reading(tuple(merge(events)), tuple(refused), len(found))


def _columns(heading: list[str]) -> dict[int, str]:
    known = [_BY_NAME.get(re.sub(r"[^a-z]", "", cell.casefold())) for cell in heading]
    columns: dict[int, str] = {}
    for at, column in enumerate(known):
        if column is not None and column not in columns.values():
            columns[at] = column
    if "start_time" in columns.values() and "start" not in columns.values():
        columns = {at: {"start_time": "start", "end_time": "end"}.get(name, name) for at, name in columns.items()}
    if missing := {"title", "start"} - set(columns.values()):
        wanted = " or ".join(COLUMNS[column][0] for column in sorted(missing, reverse=True))
        raise NotReadable(f"This is not a table of events: its first line names no column {wanted}.")
    return columns


def _event(record: Record, row: dict[str, str], around: Surroundings) -> ReadEvent:
    if record.trouble:
        raise Unreadable(record.trouble)
    if not row.get("start"):
        raise Unreadable("The row has no start.")
    zone = zones.checked(row["timezone"]) if row.get("timezone") else None
    start = _moment(row["start"], row.get("start_time", ""), "start")
    return settle(
        Draft(
            line=record.line,
            uid=row.get("uid"),
            title=row.get("title", ""),
            description=row.get("description"),
            start=start,
            end=_end(row, start),
            zone=zone,
            location=_location(row),
            venue_name=row.get("venue") or None,
            geo=_geo(row),
            online=_online(row.get("online", "")),
            online_url=row.get("online_url"),
            url=row.get("url"),
            categories=re.split(r"[,;|]", row.get("category", "")),
            rrule=row.get("recurrence") or None,
            status=_status(row.get("status", "")),
            sequence=_sequence(row.get("sequence", "")),
            last_modified=_last_modified(row.get("last_modified", "")),
        ),
        around,
    )


def _moment(text: str, clock: str, name: str) -> date | datetime:
    """ISO 8601, or a date with its time in a column of its own. Days and months in another order are not guessed."""
    wrong = Unreadable(f"The {name} is {text[:40]!r}; write it as 2025-03-01 or 2025-03-01 18:30.")
    if not text.isascii():
        raise wrong
    try:
        if len(text) == 10 or _compact.fullmatch(text):  # noqa: PLR2004 - 2025-03-01
            day = date.fromisoformat(text)
            return datetime.combine(day, _time(clock, name)) if clock else day
        return datetime.fromisoformat(text)
    except ValueError as error:
        raise wrong from error


def _time(text: str, name: str) -> time:
    found = _clock.fullmatch(text.strip())
    try:
        if found is None:
            raise ValueError(text)  # noqa: TRY301 - one way out
        hour = int(found[1])
        if found[3]:
            hour = hour % 12 + (12 if found[3].lower() == "pm" else 0)
        return time(hour, int(found[2]))
    except ValueError as error:
        raise Unreadable(f"The {name} time is {text[:40]!r}; write it as 18:30.") from error


def _end(row: dict[str, str], start: date | datetime) -> date | datetime | None:
    """A table's last day is part of the event."""
    if not row.get("end"):
        if not isinstance(start, datetime) or not row.get("end_time"):
            return None
        return datetime.combine(start.date(), _time(row["end_time"], "end"), tzinfo=start.tzinfo)
    whole_day = not isinstance(start, datetime)
    end = _moment(row["end"], "" if whole_day else row.get("end_time", ""), "end")
    if whole_day and not isinstance(end, datetime):
        if end < start:
            raise Unreadable("The event ends before it starts.")
        try:
            return end + timedelta(days=1)
        except OverflowError as error:
            raise Unreadable(f"The end is {row['end'][:40]!r}; there is no day after it.") from error
    return end


def _location(row: dict[str, str]) -> str:
    parts = (row.get("address"), row.get("location"), row.get("city"), row.get("country"))
    return ", ".join(dict.fromkeys(part for part in parts if part))


def _geo(row: dict[str, str]) -> tuple[float, float] | None:
    if not row.get("lat") and not row.get("lng"):
        return None
    try:
        lat, lng = float(row.get("lat", "")), float(row.get("lng", ""))
    except ValueError:
        lat = lng = 1000.0
    if not (-90 <= lat <= 90 and -180 <= lng <= 180):  # noqa: PLR2004 - degrees
        raise Unreadable("The latitude and longitude are not a place on earth; write them as 57.70 and 11.97.")
    return lat, lng


def _online(text: str) -> bool | None:
    word = re.sub(r"[^a-z0-9]", "", text.casefold())
    if not word:
        return None
    if word in _YES or word in _NO:
        return word in _YES
    raise Unreadable(f"Online is {text[:40]!r}; write true or false.")


def _status(text: str) -> str:
    word = text.strip().casefold()
    if word in {"cancelled", "canceled"}:
        return "cancelled"
    if word in {"", "published", "confirmed", "tentative", "active", "live", "scheduled"}:
        return "published"
    raise Unreadable(f"The status is {text[:40]!r}; write published or cancelled.")


def _sequence(text: str) -> int:
    if text and not re.fullmatch(r"[0-9]{1,9}", text):
        raise Unreadable(f"The sequence is {text[:40]!r}; it must be a whole number from 0.")
    return int(text or 0)


def _last_modified(text: str) -> datetime | None:
    if not text:
        return None
    moment = _moment(text, "00:00", "time of the last change")
    if not isinstance(moment, datetime):
        return None
    try:
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except OverflowError as error:
        raise Unreadable("The time of the last change is out of range.") from error


def _in_words_of_tables(reason: str) -> str:
    """Judging speaks of a calendar's properties; whoever has a table knows columns."""
    for name, word in (
        ("The entry has no title (SUMMARY)", "The row has no title"), (" (DTEND is before DTSTART)", ""),
        ("SUMMARY (its title)", "The title"), ("DTSTART", "the start"), ("DTEND", "the end"), ("LOCATION", "the place"),
        ("DESCRIPTION", "the description"), ("RRULE", "the recurrence"), ("UID", "the uid"), ("URL", "the url"),
    ):  # fmt: skip
        reason = reason.replace(name, word)
    return reason[:1].upper() + reason[1:]
