"""What search engines read: an event as schema.org JSON-LD (https://schema.org/Event)."""

from collections.abc import Callable
from typing import Any

from jinja2 import Environment, Undefined, pass_environment
from jinja2.utils import htmlsafe_json_dumps
from markupsafe import Markup

from vently.web.dates import days, local
from vently.web.prose import excerpt

STATUSES = {"cancelled": "EventCancelled", "postponed": "EventPostponed"}

Get = Callable[[Any, str], Any]


def reader(environment: Environment) -> Get:
    """Reads a field of a struct or of decoded JSON alike, as a template does; what is not there is None."""

    def get(thing: Any, name: str) -> Any:
        value = environment.getattr(thing, name)
        return None if isinstance(value, Undefined) else value

    return get


@pass_environment
def event_json_ld(environment: Environment, event: Any, url: str) -> Markup:
    """The text of a <script type="application/ld+json">, safe to stand inside one."""
    get = reader(environment)
    mode = "OnlineEventAttendanceMode" if event.online else "OfflineEventAttendanceMode"
    return htmlsafe_json_dumps(
        {
            "@context": "https://schema.org",
            "@type": "Event",
            "name": event.title,
            "url": url,
            "eventStatus": f"https://schema.org/{STATUSES.get(event.status, 'EventScheduled')}",
            "eventAttendanceMode": f"https://schema.org/{mode}",
        }
        | _dates(event)
        | _filled(
            description=excerpt(get(event, "description"), 300),
            location={"@type": "VirtualLocation", "url": url} if event.online else _place(get, get(event, "venue")),
            organizer=_filled({"@type": "Person"}, name=get(get(event, "organizer"), "name")),
            image=get(event, "cover"),
        )
    )


def _dates(event: Any) -> dict[str, str]:
    """All-day events have plain dates, the last one included; the others carry their offset."""
    if event.all_day:
        first, last = days(event)
        return {"startDate": first.isoformat(), "endDate": last.isoformat()}
    start = local(event.starts_at, event).isoformat(timespec="minutes")
    if event.ends_at is None:
        return {"startDate": start}
    return {"startDate": start, "endDate": local(event.ends_at, event).isoformat(timespec="minutes")}


def _place(get: Get, venue: Any) -> dict[str, Any] | None:
    if venue is None:
        return None
    address = _filled(
        {"@type": "PostalAddress"},
        streetAddress=get(venue, "address"),
        addressLocality=get(venue, "city"),
        addressCountry=get(venue, "country"),
    )
    return _filled({"@type": "Place", "address": address}, name=get(venue, "name"))


def _filled(known: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
    return {**(known or {}), **{name: value for name, value in fields.items() if value}}
