"""The form of an event, between what inputs send and what the API takes."""

from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from vently.events.shapes import Event, EventChanges, NewEvent
from vently.refusals import FieldError, Invalid
from vently.web import dates
from vently.web.form_pages import as_shape


def filled(event: Event) -> dict[str, str]:
    """The inputs of an event that stands."""
    venue = event.venue
    last = event.ends_at - timedelta(seconds=1) if event.all_day and event.ends_at > event.starts_at else event.ends_at
    moments = [dates.input_moment(moment, event.timezone) for moment in (event.starts_at, last)]
    starts, ends = (moment[:10] for moment in moments) if event.all_day else moments
    return {
        "title": event.title,
        "description": event.description,
        "starts_at": starts,
        "ends_at": ends,
        "timezone": event.timezone,
        "all_day": "1" if event.all_day else "",
        "place": "online" if event.online else "venue",
        "venue_name": (venue and venue.name) or "",
        "venue_address": (venue and venue.address) or "",
        "venue_city": (venue and venue.city) or "",
        "venue_country": (venue and venue.country) or "",
        "online_url": event.online_url or "",
        "website": event.website or "",
        "category": event.category or "",
        "tags": ", ".join(event.tags),
        "capacity": str(event.capacity or ""),
        "visibility": event.visibility,
        "community": event.community.slug if event.community else "",
    }


def new_event(form: dict[str, str]) -> NewEvent:
    """Raises Invalid with a pointer for each input that is not understood."""
    fields = {name: value for name, value in _fields(form).items() if value is not None}
    return as_shape(NewEvent, {**fields, "status": "published" if form.get("status") == "published" else "draft"})


INPUTS = {
    "starts_at": ("starts_at", "timezone", "all_day"),
    "ends_at": ("ends_at", "timezone", "all_day"),
    "venue": ("place", "venue_name", "venue_address", "venue_city", "venue_country"),
    "online": ("place",),
    "category": ("category",),
}
"""Fields of which an event holds more than their inputs show: seconds, the second of two equal hours in autumn,
coordinates, a place beside a link, further categories.
"""


def changes(form: dict[str, str], event: Event) -> EventChanges:
    """What the form says of an event that stands: inputs left as they were change nothing that they do not show.

    A venue's coordinates stay while its address does.
    """
    shown = filled(event)
    fields = _fields(form)
    for name, inputs in INPUTS.items():
        if all(form.get(each, "").strip() == shown[each] for each in inputs):
            del fields[name]
    if fields.get("venue") and event.venue:
        same = all(fields["venue"].get(part) == getattr(event.venue, part) for part in ("name", "address", "city"))
        if same:
            fields["venue"] |= {"lat": event.venue.lat, "lng": event.venue.lng}
    if form.get("status") == "published" and event.status == "draft":
        fields["status"] = "published"
    return as_shape(EventChanges, fields)


def _fields(form: dict[str, str]) -> dict[str, Any]:
    def text(name: str) -> str | None:
        return form.get(name, "").strip() or None

    all_day, online = bool(form.get("all_day")), form.get("place") == "online"
    zone = _zone(text("timezone") or "UTC")
    starts_at = _moment("/starts_at", form.get("starts_at", ""), zone)
    ends_at = _moment("/ends_at", form.get("ends_at", ""), zone, last_day=all_day)
    venue = {part: text(f"venue_{part}") for part in ("name", "address", "city", "country")}
    return {
        "title": form.get("title", "").strip(),
        "description": form.get("description", "").strip(),
        "starts_at": starts_at,
        "ends_at": ends_at,
        "timezone": zone.key,
        "all_day": all_day,
        "venue": venue if not online and any(venue.values()) else None,
        "online": online,
        "online_url": text("online_url") if online else None,
        "website": text("website"),
        "category": text("category"),
        "tags": list(dict.fromkeys(tag.strip() for tag in form.get("tags", "").split(",") if tag.strip())),
        "capacity": _number("/capacity", form.get("capacity", "")),
        "visibility": text("visibility") or "public",
        "community": text("community"),
    }


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise Invalid.at("/timezone", "choose one of the list") from None


def _moment(pointer: str, value: str, zone: ZoneInfo, *, last_day: bool = False) -> datetime:
    """A local date and time, or a date: its midnight, or for a last day the midnight after it."""
    try:
        moment = datetime.fromisoformat(value)
        if last_day:
            moment = datetime.combine(moment.date() + timedelta(days=1), time())
    except (ValueError, OverflowError):
        raise Invalid(errors=[FieldError(pointer, "choose a date and a time")]) from None
    return moment.replace(tzinfo=zone)


def _number(pointer: str, value: str) -> int | None:
    if not value.strip():
        return None
    try:
        return int(value)
    except ValueError:
        raise Invalid(errors=[FieldError(pointer, "takes a whole number")]) from None
