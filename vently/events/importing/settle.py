"""Judging a draft: its times become instants, its place a venue, and what cannot be an event is refused."""

import hashlib
import re
from datetime import UTC, date, datetime, time, timedelta
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from msgspec import Struct

from vently.events.importing import recurrence, zones
from vently.events.importing.entries import (
    END,
    FIRST,
    MAX_CATEGORIES,
    MAX_CATEGORY,
    MAX_DESCRIPTION,
    MAX_TITLE,
    MAX_UID,
    MAX_URL,
    Draft,
    ReadEvent,
    ReadVenue,
    Unreadable,
)
from vently.outside.places import Address, Places
from vently.outside.places.addresses import read_address

ONE_DAY = timedelta(days=1)
MAX_EXDATES = 200
_YEARS = f"events are between {FIRST.year} and {END.year - 1}"

# Everything Unicode calls a control (Cc) but tab and line breaks, and lone surrogates: bytes that were not UTF-8.
_controls = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_not_utf8 = re.compile("[\ud800-\udfff]")
_link = re.compile(r"https?://[^\s<>\"\\]+", re.IGNORECASE)
_online_words = re.compile(
    r"(?:online|virtual|remote|webinar|zoom|livestream|internet)(?: event| meeting)?", re.IGNORECASE
)


class Surroundings(Struct, frozen=True):
    """What a draft does not say itself: the calendar's zone, the community's, and the gazetteer."""

    places: Places
    default_timezone: str
    calendar_timezone: str | None = None


def settle(draft: Draft, around: Surroundings) -> ReadEvent:
    """Raises Unreadable."""
    title = _line(draft.title, "SUMMARY (its title)", MAX_TITLE)
    if not title:
        raise Unreadable("The entry has no title (SUMMARY).")
    url = _web_address(draft.url, "URL")
    location = _line(draft.location or "", "LOCATION", 2000)
    online, online_url, where = _online(draft, location)
    address = read_address(where, around.places) if where else None
    timezone = _timezone(draft, address, around)
    starts_at, ends_at, all_day = _span(draft, timezone)
    uid = _line(draft.uid or "", "UID", MAX_UID)
    return ReadEvent(
        uid=uid or derived_uid(title, _day(draft.start), url),
        derived=not uid,
        line=draft.line,
        title=title,
        starts_at=starts_at,
        ends_at=ends_at,
        timezone=timezone,
        all_day=all_day,
        description=_description(draft.description),
        venue=_venue(draft, where, address),
        online=online,
        online_url=online_url,
        url=url,
        categories=categories(draft.categories),
        rrule=recurrence.checked(draft.rrule, _local(draft.start, timezone)) if draft.rrule else None,
        exdates=tuple(sorted({_instant(day, timezone) for day in draft.exdates[:MAX_EXDATES]})),
        private=draft.private,
        status=draft.status,
        sequence=draft.sequence,
        last_modified=draft.last_modified,
    )


def derived_uid(title: str, day: date, url: str | None) -> str:
    """A stable UID for an entry without one: the same title, first day and address give the same."""
    digest = hashlib.sha1(f"{title}{day.isoformat()}{url or ''}".encode(), usedforsecurity=False).hexdigest()
    return f"{digest[:20]}@derived"


def categories(given: list[str]) -> tuple[str, ...]:
    """In order, each once (whatever its case), without the commas and controls that the events table refuses."""
    kept: dict[str, str] = {}
    for name in given:
        clean = " ".join(_controls.sub(" ", name).replace(",", " ").split())
        if len(clean) > MAX_CATEGORY:
            raise Unreadable(f"A category is longer than {MAX_CATEGORY} characters: {clean[:30]}….")
        if clean:
            kept.setdefault(clean.casefold(), clean)
    return tuple(kept.values())[:MAX_CATEGORIES]


def _timezone(draft: Draft, address: Address | None, around: Surroundings) -> str:
    """The entry's own zone, the calendar's, the coordinates', the city's, the community's: the first that is known."""
    if draft.zone:
        return draft.zone
    # A calendar kept in UTC says how it is stored, not where it happens.
    if around.calendar_timezone and around.calendar_timezone != "UTC":
        return around.calendar_timezone
    if draft.geo and (zone := around.places.timezone_at(*draft.geo)) and zones.iana(zone):
        return zones.iana(zone) or zone
    if address is not None and address.timezone:
        return zones.iana(address.timezone) or around.default_timezone
    return around.calendar_timezone or around.default_timezone


def _span(draft: Draft, timezone: str) -> tuple[datetime, datetime, bool]:
    all_day = not isinstance(draft.start, datetime)
    end = draft.end
    if end is None or (all_day and end == draft.start):
        # Some calendars write the last day where RFC 5545 wants the day after.
        end = ONE_DAY if all_day else timedelta()
    if isinstance(end, timedelta):
        end = _after(draft.start, end)
    if all_day and isinstance(end, datetime):
        raise Unreadable("DTEND has a time of day, but DTSTART is a whole day; give both as days or both as times.")
    if not all_day and not isinstance(end, datetime):
        raise Unreadable("DTEND is a whole day, but DTSTART has a time of day; give both as days or both as times.")
    starts_at, ends_at = _instant(draft.start, timezone), _instant(end, timezone)
    if not FIRST <= starts_at < END:
        raise Unreadable(f"DTSTART is in the year {draft.start.year}; {_YEARS}.")
    if ends_at >= END + ONE_DAY:
        raise Unreadable(f"DTEND is in the year {end.year}; {_YEARS}.")
    if ends_at < starts_at:
        raise Unreadable("The event ends before it starts (DTEND is before DTSTART).")
    return starts_at, ends_at, all_day


def _after(start: date | datetime, length: timedelta) -> date | datetime:
    if length < timedelta(0):
        raise Unreadable("DURATION is negative: the event would end before it starts.")
    if not isinstance(start, datetime) and length % ONE_DAY:
        raise Unreadable("DURATION has hours, but DTSTART is a whole day; give whole days or weeks.")
    try:
        return start + length
    except OverflowError as error:
        raise Unreadable(f"The event would end after the year 9999; {_YEARS}.") from error


def _instant(moment: date | datetime, timezone: str) -> datetime:
    """UTC. An hour that the clock skips in spring is taken as the one after (RFC 5545, 3.3.5)."""
    local = moment if isinstance(moment, datetime) else datetime.combine(moment, time())
    try:
        return (local if local.tzinfo else local.replace(tzinfo=ZoneInfo(timezone))).astimezone(UTC)
    except OverflowError as error:
        raise Unreadable("A date is out of the range that can be stored.") from error


def _local(moment: date | datetime, timezone: str) -> datetime:
    return _instant(moment, timezone).astimezone(ZoneInfo(timezone)).replace(tzinfo=None)


def _day(moment: date | datetime) -> date:
    return moment.date() if isinstance(moment, datetime) else moment


def _online(draft: Draft, location: str) -> tuple[bool | None, str | None, str]:
    """Whether it is online, under which address, and what of the location is left as a place."""
    online_url = _web_address(draft.online_url, "The online address")
    link = _link.search(location)
    if link:
        online_url = online_url or _web_address(link.group().rstrip(".,;)"), "LOCATION")
        location = _link.sub("", location).strip(" ,;()-")
    only_online = _online_words.fullmatch(location.strip(" .!()")) is not None
    online = True if only_online or online_url else draft.online
    return online, online_url, "" if only_online else location


def _venue(draft: Draft, where: str, address: Address | None) -> ReadVenue | None:
    lat, lng = draft.geo or (None, None)
    if address is None:
        if not where and not draft.venue_name and draft.geo is None:
            return None
        name = draft.venue_name or where.partition(",")[0].strip() or None
        return ReadVenue(_cut(name, 200), _cut(where if where != name else None, 300), lat=lat, lng=lng)
    place = address.place
    if draft.geo is None and place is not None:
        lat, lng = place.lat, place.lng
    name = draft.venue_name or address.detail.partition(",")[0].strip() or None
    detail = address.detail if address.detail and address.detail != name else None
    city = address.city or None
    if not (name or city or lat is not None):
        name = where
    return ReadVenue(_cut(name, 200), _cut(detail, 300), _cut(city, 120), _cut(address.country_name, 80), lat, lng)


def _cut(text: str | None, longest: int) -> str | None:
    """A place's words are cut rather than refused: the event is still where it is."""
    return text[:longest].strip() or None if text else None


def _web_address(given: str | None, name: str) -> str | None:
    text = (given or "").strip()
    if not text:
        return None
    if re.match(r"www\.", text, re.IGNORECASE):
        text = f"https://{text}"
    try:
        parts = urlsplit(text)
        right = parts.scheme.lower() in {"http", "https"} and parts.hostname and not re.search(r"\s", text)
    except ValueError:
        right = False
    if not right or len(text) > MAX_URL or _controls.search(text) or _not_utf8.search(text):
        raise Unreadable(f"{name} is not a web address; it must begin with http:// or https://.")
    return parts.scheme.lower() + text[len(parts.scheme) :]


def _line(text: str, name: str, longest: int) -> str:
    """One line of words. Line breaks and tabs become blanks."""
    _refuse_controls(text, name)
    line = " ".join(text.split())
    if len(line) > longest:
        raise Unreadable(f"{name} has {len(line):,} characters; {longest:,} are allowed.")
    return line


def _description(text: str | None) -> str | None:
    if text is None or not text.strip():
        return None
    _refuse_controls(text, "DESCRIPTION")
    if len(text) > MAX_DESCRIPTION:
        raise Unreadable(f"DESCRIPTION has {len(text):,} characters; {MAX_DESCRIPTION:,} are allowed.")
    return text.replace("\r\n", "\n").replace("\r", "\n").strip()


def _refuse_controls(text: str, name: str) -> None:
    if _not_utf8.search(text):
        raise Unreadable(f"{name} is not valid UTF-8; save the file as UTF-8 and import it again.")
    if found := _controls.search(text):
        raise Unreadable(f"{name} has a control character (U+{ord(found.group()):04X}) in it.")
