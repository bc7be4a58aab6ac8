"""The event of a ticket as a calendar entry (RFC 5545), to go with a letter or to be downloaded."""

from datetime import timedelta
from typing import Any

from icalendar import Calendar
from icalendar import Event as Entry

from vently.events.calendars import MEDIA_TYPE, STATUSES
from vently.tickets.issued.events import TicketedEvent
from vently.web import dates, visible

__all__ = ["MEDIA_TYPE", "calendar"]


def calendar(event: TicketedEvent, note: str = "") -> bytes:
    """A VCALENDAR. It names the event as the site's own calendars do, so that nobody has it twice.

    `note`: what the holder wants to know there. No link that opens an order: calendars are shared.
    """
    made = Calendar()
    made.add("prodid", "-//Vently//EN")
    made.add("version", "2.0")
    made.add("method", "PUBLISH")
    made.add_component(_entry(event, note))
    return bytes(made.to_ical())


def _entry(event: TicketedEvent, note: str) -> Entry:
    entry = Entry()
    entry.add("uid", f"{event.id}@vently")
    entry.add("summary", visible.line(event.title))
    entry.add("dtstamp", event.updated_at)
    entry.add("last-modified", event.updated_at)
    entry.add("sequence", event.version - 1)
    starts, ends = _span(event)
    entry.add("dtstart", starts)
    entry.add("dtend", ends)
    entry.add("status", STATUSES.get(event.status, "CONFIRMED"))
    if event.url:
        entry.add("url", event.url)
    if event.where:
        entry.add("location", visible.line(event.where))
    if note:
        entry.add("description", note)
    return entry


def _span(event: TicketedEvent) -> tuple[Any, Any]:
    """Moments in UTC; of what lasts all day the dates, the last one exclusive."""
    if not event.all_day:
        return event.starts_at, event.ends_at
    first, last = dates.days(event)
    return first, last + timedelta(days=1)
