"""Events as calendars (RFC 5545): one event, or a list to subscribe to."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from icalendar import Calendar
from icalendar import Event as Entry
from icalendar.prop import vRecur

from vently.events.shapes import Event

MEDIA_TYPE = "text/calendar; charset=utf-8"
STATUSES = {"cancelled": "CANCELLED", "postponed": "TENTATIVE"}


def calendar(events: Iterable[Event], name: str = "Vently") -> bytes:
    """A VCALENDAR. Times are UTC, except all-day ones, which are dates; DTEND of those is exclusive."""
    made = Calendar()
    made.add("prodid", "-//Vently//EN")
    made.add("version", "2.0")
    made.add("x-wr-calname", name)
    for event in events:
        made.add_component(_entry(event))
    return bytes(made.to_ical())


def _entry(event: Event) -> Entry:
    entry = Entry()
    entry.add("uid", f"{event.id}@vently")
    entry.add("summary", event.title)
    entry.add("dtstamp", event.updated_at)
    entry.add("last-modified", event.updated_at)
    entry.add("sequence", event.version - 1)
    starts, ends = _span(event)
    entry.add("dtstart", starts)
    entry.add("dtend", ends)
    entry.add("status", STATUSES.get(event.status, "CONFIRMED"))
    entry.add("url", event.url)
    if event.description:
        entry.add("description", event.description)
    if place := _place(event):
        entry.add("location", place)
    if event.venue and event.venue.lat is not None:
        entry.add("geo", (event.venue.lat, event.venue.lng))
    if event.categories:
        entry.add("categories", event.categories)
    if event.recurrence:
        entry.add("rrule", vRecur.from_ical(event.recurrence))
    return entry


def _span(event: Event) -> tuple[Any, Any]:
    if not event.all_day:
        return event.starts_at, event.ends_at
    zone = ZoneInfo(event.timezone)
    first, last = event.starts_at.astimezone(zone).date(), event.ends_at.astimezone(zone).date()
    return first, max(last, first + timedelta(days=1))


def _place(event: Event) -> str:
    if event.venue is None:
        return event.online_url or ("Online" if event.online else "")
    venue = event.venue
    return ", ".join(part for part in (venue.name, venue.address, venue.city, venue.country) if part)
