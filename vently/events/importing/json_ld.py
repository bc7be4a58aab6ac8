"""Pages and documents that carry schema.org events as JSON-LD (https://schema.org/Event)."""

import re
from collections.abc import Callable, Iterator
from datetime import date, datetime
from html.parser import HTMLParser
from typing import Any

import msgspec

from vently.events.importing.entries import MAX_ROWS, Draft, NotReadable, ReadEvent, Reading, Refused, Unreadable
from vently.events.importing.lines import decoded
from vently.events.importing.merge import merge
from vently.events.importing.settle import Surroundings, settle
from vently.outside.places import Places

EVENTS = frozenset({"Festival", "Hackathon", "CourseInstance", "EventSeries"})
"""Subtypes of Event whose name does not end in Event."""

_date = re.compile(r"[0-9]{4}-?[0-9]{2}-?[0-9]{2}")


def read_page(
    data: bytes, *, default_timezone: str, places: Places, on_row: Callable[[int, int], None] | None = None
) -> Reading:
    """Raises NotReadable when there is no JSON-LD, or no event in it. A page's line is its script's."""
    text = decoded(data).decode("utf-8", "replace")
    refused: list[Refused] = []
    found: list[tuple[int, dict[str, Any]]] = []
    for line, script in _scripts(text):
        try:
            found += ((line, event) for event in _events(msgspec.json.decode(script)))
        except (msgspec.DecodeError, RecursionError) as error:
            refused.append(Refused(line, None, f"The JSON cannot be read: {str(error)[:100]}."))
    if not found:
        reason = refused[0].reason if refused else "The page carries no schema.org event (JSON-LD of type Event)."
        raise NotReadable(reason)
    if len(found) > MAX_ROWS:
        raise NotReadable(f"The page has {len(found):,} events; {MAX_ROWS:,} can be imported at a time.")
    around = Surroundings(places, default_timezone)
    events: list[ReadEvent] = []
    for done, (line, given) in enumerate(found, 1):
        try:
            events.append(settle(_draft(line, given), around))
        except Unreadable as error:
            refused.append(Refused(line, _text(given.get("@id")) or None, error.reason))
        if on_row is not None:
            on_row(done, len(found))
    return Reading(tuple(merge(events)), tuple(refused), len(found))


class _Scripts(HTMLParser):
    """Collects `<script type="application/ld+json">` with the line each begins on."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[int, list[str]]] = []
        self.inside = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        kind = (dict(attrs).get("type") or "").partition(";")[0].strip().lower()
        if tag == "script" and kind == "application/ld+json":
            self.inside = True
            self.found.append((self.getpos()[0], []))

    def handle_endtag(self, tag: str) -> None:
        self.inside = self.inside and tag != "script"

    def handle_data(self, data: str) -> None:
        if self.inside:
            self.found[-1][1].append(data)


def _scripts(text: str) -> Iterator[tuple[int, str]]:
    if text.lstrip()[:1] in {"{", "["}:
        yield 1, text
        return
    parser = _Scripts()
    try:
        parser.feed(text)
        parser.close()
    except (AssertionError, ValueError) as error:
        raise NotReadable("The page is not HTML that can be read.") from error
    for line, parts in parser.found:
        yield line, "".join(parts)


def _events(document: Any) -> Iterator[dict[str, Any]]:
    """Every event anywhere in the document, outermost first; the events inside an event are its own affair."""
    waiting = [document]
    while waiting:
        node = waiting.pop()
        if isinstance(node, list):
            waiting.extend(reversed(node))
        elif isinstance(node, dict):
            if _is_event(node):
                yield node
                waiting.extend(value for key, value in node.items() if key == "subEvent")
            else:
                waiting.extend(reversed(list(node.values())))


def _is_event(node: dict[str, Any]) -> bool:
    kinds = node.get("@type")
    names = [str(kind).rsplit("/", 1)[-1] for kind in (kinds if isinstance(kinds, list) else [kinds])]
    return any(name.endswith("Event") or name in EVENTS for name in names)


def _draft(line: int, given: dict[str, Any]) -> Draft:
    place, virtual = _places(given.get("location"))
    mode = _text(given.get("eventAttendanceMode"))
    start = _moment(given.get("startDate"), "startDate")
    if start is None:
        raise Unreadable("The event has no startDate.")
    return Draft(
        line=line,
        uid=_text(given.get("@id")) or None,
        title=_text(given.get("name")),
        description=_text(given.get("description")),
        start=start,
        end=_end(given.get("endDate"), start),
        location=_address(place),
        venue_name=_text(place.get("name")) or None if isinstance(place, dict) else None,
        geo=_geo(place),
        online=True if "Online" in mode or "Mixed" in mode or virtual is not None else None,
        online_url=_text(virtual.get("url")) or None if virtual else None,
        url=_text(given.get("url")) or None,
        categories=_words(given.get("keywords")),
        status="cancelled" if "Cancelled" in _text(given.get("eventStatus")) else "published",
    )


def _places(location: Any) -> tuple[Any, dict[str, Any] | None]:
    """The physical place and the virtual one."""
    several = location if isinstance(location, list) else [location]
    virtual = next((one for one in several if isinstance(one, dict) and "Virtual" in _text(one.get("@type"))), None)
    return next((one for one in several if one is not virtual and one), None), virtual


def _address(place: Any) -> str:
    if not isinstance(place, dict):
        return _text(place)
    address = place.get("address", place if "addressLocality" in place else None)
    if not isinstance(address, dict):
        return _text(address) or _text(place.get("name"))
    keys = ("streetAddress", "postalCode addressLocality", "addressRegion", "addressCountry")
    parts = (" ".join(filter(None, (_text(address.get(name)) for name in key.split()))) for key in keys)
    return ", ".join(part for part in parts if part)


def _geo(place: Any) -> tuple[float, float] | None:
    geo = place.get("geo") if isinstance(place, dict) else None
    if not isinstance(geo, dict) or geo.get("latitude") in {None, ""}:
        return None
    try:
        lat, lng = float(geo["latitude"]), float(geo["longitude"])
    except (ValueError, TypeError, KeyError):
        lat = lng = 1000.0
    if not (-90 <= lat <= 90 and -180 <= lng <= 180):  # noqa: PLR2004 - degrees
        raise Unreadable("The place's latitude and longitude are not a place on earth.")
    return lat, lng


def _moment(given: Any, name: str) -> date | datetime | None:
    text = _text(given)
    if not text:
        return None
    try:
        return date.fromisoformat(text) if _date.fullmatch(text) else datetime.fromisoformat(text)
    except ValueError as error:
        raise Unreadable(f"{name} is {text[:40]!r}; it must be a date or time such as 2025-03-01T18:30.") from error


def _end(given: Any, start: date | datetime) -> date | datetime | None:
    """schema.org's last day is part of the event."""
    end = _moment(given, "endDate")
    if end is None or isinstance(end, datetime) or isinstance(start, datetime):
        return end if isinstance(end, datetime) == isinstance(start, datetime) else None
    if end < start:
        raise Unreadable("The event ends before it starts (endDate is before startDate).")
    return date.fromordinal(min(end.toordinal() + 1, date.max.toordinal()))


def _words(given: Any) -> list[str]:
    several = given if isinstance(given, list) else [given]
    return [word for one in several for word in _text(one).split(",") if len(word.strip()) <= 40]  # noqa: PLR2004 - phrases longer than a category may be are no categories


def _text(given: Any) -> str:
    """The words of a value: text itself, a number, a language-tagged or named thing, the first of a list."""
    if isinstance(given, list):
        given = given[0] if given else None
    if isinstance(given, dict):
        given = given.get("@value", given.get("name", given.get("@id")))
    return str(given).strip() if isinstance(given, str | int | float) else ""
