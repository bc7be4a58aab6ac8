"""Time zones by the names calendars give them, as IANA names.

A TZID is an IANA name, or Windows' (`W. Europe Standard Time`), or an IANA name behind a vendor's prefix
(RFC 5545, 3.2.19), or any word at all whose rules a VTIMEZONE spells out; those are matched to the zone
that keeps the same clock.
"""

import io
import re
from datetime import datetime, timedelta, tzinfo
from functools import cache, lru_cache
from zoneinfo import ZoneInfo, available_timezones

from vently.events.importing.entries import Unreadable

BEST_KNOWN = (
    "Europe/Berlin", "Europe/London", "Europe/Paris", "Europe/Athens", "Europe/Istanbul", "Europe/Moscow",
    "America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles", "America/Sao_Paulo",
    "Asia/Tokyo", "Asia/Shanghai", "Asia/Kolkata", "Asia/Dubai", "Australia/Sydney", "Africa/Lagos", "UTC",
)  # fmt: skip
_NOT_PLACES = ("posix/", "right/", "SystemV/", "build/")
_UTC_NAMES = frozenset({"utc", "z", "gmt", "etc/utc", "etc/gmt", "etc/zulu", "zulu", "uct", "etc/uct", "universal"})
_ERAS = (2025, 2015)
"""Clocks are compared over the four years from these: rules change, and old files tell old ones."""

_FIRST_RULE = 1970
"""Rules from before (Windows counts from 1601) are moved up to here: dateutil walks them year by year."""


@lru_cache(maxsize=512)
def iana(name: str) -> str | None:
    """The IANA name that this name means, or None. Any case will do."""
    name = name.strip().strip('"').strip("/")
    if name.casefold() in _UTC_NAMES:
        return "UTC"
    known = _known()
    if found := known.get(name.casefold()) or _windows().get(name.casefold()):
        return found
    parts = name.split("/")
    for start in range(1, len(parts)):
        if found := known.get("/".join(parts[start:]).casefold()):
            return found
    return None


def zone_of_rules(block: str, hints: tuple[str, ...] = ()) -> str | None:
    """The IANA zone that keeps the clock a VTIMEZONE describes; of several, a hint first, then the best known.

    Compared week by week.
    """
    clock = _clock(block)
    if clock is None:
        return None
    candidates = list(dict.fromkeys([*hints, *BEST_KNOWN, *_windows().values(), *sorted(_known().values())]))
    for year in _ERAS:
        kept = _signature(clock, year)
        if found := next((name for name in candidates if _signature_of(name, year) == kept), None):
            return found
    return None


def _clock(block: str) -> tzinfo | None:
    from dateutil.tz import tzical

    # dateutil walks the rules one by one: yearly ones from a year it can count are all that clocks need.
    rules = re.findall(r"^RRULE[^:\n]*:(.*)$", block, re.MULTILINE | re.IGNORECASE)
    starts = re.findall(r"^DTSTART[^:\n]*:(\d{4})", block, re.MULTILINE | re.IGNORECASE)
    offsets = re.findall(r"^TZOFFSET(?:FROM|TO)[^:\n]*:\s*(\S*)", block, re.MULTILINE | re.IGNORECASE)
    if not all(re.search(r"FREQ=YEARLY", rule, re.IGNORECASE) for rule in rules):
        return None
    if any(re.search(r"INTERVAL=(?!1(;|\s|$))", rule, re.IGNORECASE) for rule in rules):
        return None
    if not offsets or not all(re.fullmatch(r"[+-](0\d|1[0-5])[0-5]\d([0-5]\d)?", offset) for offset in offsets):
        return None
    for year in {year for year in starts if int(year) < _FIRST_RULE}:
        block = re.sub(rf"^(DTSTART[^:\n]*:){year}", rf"\g<1>{_FIRST_RULE}", block, flags=re.MULTILINE)
    block = re.sub(r"^X-[^\n]*\n", "", block, flags=re.MULTILINE)
    try:
        clock = tzical(io.StringIO(block)).get()
        return clock if clock.utcoffset(_weeks(_ERAS[0])[0]) is not None else None
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, OverflowError):
        return None  # dateutil raises any of these on rules that are none


@cache
def _weeks(year: int) -> tuple[datetime, ...]:
    first = datetime(year, 1, 1, 12)  # noqa: DTZ001 - clocks are compared by their own local time
    return tuple(first + timedelta(weeks=week) for week in range(53 * 4))


def _signature(clock: tzinfo, year: int) -> tuple[timedelta | None, ...]:
    return tuple(clock.utcoffset(noon) for noon in _weeks(year))


@lru_cache(maxsize=2048)
def _signature_of(name: str, year: int) -> tuple[timedelta | None, ...] | None:
    return _signature(ZoneInfo(name), year) if name in _known().values() or name == "UTC" else None


def clock(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def checked(name: str | None, otherwise: str = "UTC") -> str:
    """A zone that settings or a community gave; `otherwise` when there is none. Raises Unreadable when unknown."""
    if not name:
        return otherwise
    found = iana(name)
    if found is None:
        raise Unreadable(f"The time zone {name[:60]} is not known; give an IANA name such as Europe/Berlin.")
    return found


@cache
def _known() -> dict[str, str]:
    return {
        name.casefold(): name
        for name in available_timezones()
        if not name.startswith(_NOT_PLACES) and name not in {"Factory", "localtime", "posixrules"}
    }


@cache
def _windows() -> dict[str, str]:
    from icalendar.timezone.windows_to_olson import WINDOWS_TO_OLSON

    return {name.casefold(): zone for name, zone in WINDOWS_TO_OLSON.items()}
