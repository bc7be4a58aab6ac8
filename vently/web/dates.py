"""Dates in words: when an event is, in its own time zone, as a person would say it."""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import cache
from importlib.resources import files
from itertools import groupby
from typing import Protocol, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from babel import Locale
from babel.dates import format_interval, format_skeleton, format_timedelta, get_timezone_location

LOCALE = Locale.parse("en_GB")
DASH = "\u00a0\u2013\u00a0"  # an en dash that stays with what it joins


class Timed(Protocol):
    """What an event says about its time. `ends_at` is when it is over: an all-day event's is the midnight after."""

    @property
    def starts_at(self) -> datetime: ...
    @property
    def ends_at(self) -> datetime | None: ...
    @property
    def timezone(self) -> str: ...
    @property
    def all_day(self) -> bool: ...


AnyTimed = TypeVar("AnyTimed", bound=Timed)


def when(event: Timed) -> str:
    """All of it: "Saturday 12 December, 19:00 - 22:00 CET", "Sat 12 Dec - Mon 14 Dec" (with en dashes)."""
    first, last = days(event)
    if event.all_day:
        return long_day(first) if first == last else f"{day(first)}{DASH}{day(last)}"
    start, end = local(event.starts_at, event), local(event.ends_at or event.starts_at, event)
    if start == end:
        return f"{long_day(first)}, {_clock(start)} {_zone(start)}"
    if first == last:
        return f"{long_day(first)}, {_clock(start)}{DASH}{_clock(end)} {_zone(start)}"
    return f"{day(first)}, {_clock(start)}{DASH}{day(end)}, {_clock(end)} {_zone(start)}"


def brief_when(event: Timed) -> str:
    """For a card that stands alone: "Sat 12 Dec, 19:00 CET", "12-14 Dec"."""
    first, last = days(event)
    if _spans_days(event):
        return _days_between(first, last)
    return day(first) if event.all_day else f"{day(first)}, {time_of_day(event)}"


def time_of_day(event: Timed) -> str:
    """For a card under its day's heading: "19:00 CET", "All day", "12-14 Dec"."""
    if _spans_days(event):
        return _days_between(*days(event))
    if event.all_day:
        return "All day"
    start = local(event.starts_at, event)
    return f"{_clock(start)} {_zone(start)}"


def day(moment: date | datetime) -> str:
    """Such as "Sat 12 Dec", with the year when it is not this one."""
    here = _date(moment)
    return format_skeleton("MMMEd" if _this_year(here) else "yMMMEd", here, locale=LOCALE).replace(",", "")


def long_day(moment: date | datetime) -> str:
    """Such as "Saturday 12 December", with the year when it is not this one."""
    here = _date(moment)
    return format_skeleton("MMMMEEEEd" if _this_year(here) else "yMMMMEEEEd", here, locale=LOCALE).replace(",", "")


def day_label(moment: date | datetime, timezone: str = "UTC") -> str:
    """Today, Tomorrow, else the day, as seen from that time zone."""
    here = _date(moment)
    today = now().astimezone(_zoneinfo(timezone)).date()
    if here == today:
        return "Today"
    return "Tomorrow" if here == today + timedelta(days=1) else day(here)


def by_day(events: Iterable[AnyTimed]) -> list[tuple[date, str, list[AnyTimed]]]:
    """Events in order of time, as (day, its label, events). What began earlier and still goes on stands under today.

    Days are those of each event's place. Moments around the world do not follow their calendars: Friday in Auckland
    begins before Thursday's evening in New York. So each day stands once, in the order the events come.
    """
    listed = list(events)
    shelves: dict[date, list[AnyTimed]] = {}
    for event in listed:
        shelves.setdefault(_shelf(event), []).append(event)
    latest_first = bool(listed) and listed[0].starts_at > listed[-1].starts_at
    return [
        (shown, day_label(shown, shelves[shown][0].timezone), shelves[shown])
        for shown in sorted(shelves, reverse=latest_first)
    ]


def _shelf(event: Timed) -> date:
    today = local(now(), event).date()
    first, last = days(event)
    return today if first < today <= last else first


def starts_on(event: Timed) -> date:
    """The day it begins where it happens."""
    return days(event)[0]


def days(event: Timed) -> tuple[date, date]:
    """First and last day where it happens; what ends at midnight does not touch the next day."""
    start = local(event.starts_at, event)
    end = local(event.ends_at or event.starts_at, event)
    return start.date(), max(start, end - timedelta(microseconds=1)).date()


def local(moment: datetime, event: Timed) -> datetime:
    """The moment on the clocks where the event is."""
    return moment.astimezone(_zoneinfo(event.timezone))


def is_over(event: Timed) -> bool:
    return (event.ends_at or event.starts_at) < now()


def ago(moment: datetime) -> str:
    """Such as "3 hours ago"; after four weeks the day itself."""
    passed = now() - moment
    if passed < timedelta(minutes=1):
        return "just now"
    if passed > timedelta(weeks=4):
        return day(moment)
    return format_timedelta(-passed, add_direction=True, locale=LOCALE)


def zone_name(timezone: str) -> str:
    """Such as "Berlin time", for a line beside the clock."""
    zone = _zoneinfo(timezone)
    if "/" not in zone.key or zone.key.startswith("Etc/"):
        return zone.key.removeprefix("Etc/")
    city = get_timezone_location(zone, locale=LOCALE, return_city=True)
    return f"{city.rpartition('/')[2]} time"


def input_moment(moment: datetime | None, timezone: str) -> str:
    """The value of an <input type="datetime-local"> (HTML's local date and time string)."""
    return f"{moment.astimezone(_zoneinfo(timezone)):%Y-%m-%dT%H:%M}" if moment else ""


def now() -> datetime:
    return datetime.now(UTC)


@cache
def zones() -> Sequence[tuple[str, list[tuple[str, str]]]]:
    """Time zones to choose from: (region, [(IANA name, city)]), from tzdata's zone.tab."""
    table = (files("tzdata.zoneinfo") / "zone.tab").read_text("utf-8")
    names = sorted(line.split("\t")[2] for line in table.splitlines() if line and not line.startswith("#"))
    regions = groupby(names, key=lambda name: name.partition("/")[0])
    listed = [(region, [(name, _city(name)) for name in group]) for region, group in regions]
    return [*listed, ("Everywhere", [("UTC", "UTC")])]


def _city(zone: str) -> str:
    return zone.partition("/")[2].replace("_", " ").replace("/", ", ")


@cache
def _zoneinfo(timezone: str) -> ZoneInfo:
    """Postgres knows a few names (EST5, posixrules) that Python does not; those events show in UTC, and say so."""
    try:
        return ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")


def _spans_days(event: Timed) -> bool:
    """A night out that ends at four in the morning is still one evening's event."""
    first, last = days(event)
    if event.all_day or event.ends_at is None:
        return first != last
    return event.ends_at - event.starts_at >= timedelta(days=1)


def _date(moment: date | datetime) -> date:
    return moment.date() if isinstance(moment, datetime) else moment


def _this_year(here: date) -> bool:
    return here.year == now().year


def _days_between(first: date, last: date) -> str:
    skeleton = "MMMd" if _this_year(first) and _this_year(last) else "yMMMd"
    return str(format_interval(first, last, skeleton, locale=LOCALE))


def _clock(moment: datetime) -> str:
    return f"{moment:%H:%M}"


def _zone(moment: datetime) -> str:
    """CET where the zone has letters, else GMT+5:30."""
    name = moment.tzname() or ""
    if name.isalpha():
        return name
    minutes = int((moment.utcoffset() or timedelta()).total_seconds() // 60)
    hours, rest = divmod(abs(minutes), 60)
    return f"GMT{'-' if minutes < 0 else '+'}{hours}" + (f":{rest:02}" if rest else "")
