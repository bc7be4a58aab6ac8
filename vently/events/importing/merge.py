"""Making one of several: the rows of a file that mean the same event, and of several files."""

from collections.abc import Iterable
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from vently.events.importing.entries import MAX_CATEGORIES, ReadEvent

_LONG_AGO = datetime(1, 1, 1, tzinfo=UTC)


def merge(events: Iterable[ReadEvent]) -> list[ReadEvent]:
    """One event for each UID, in order of first appearance.

    The categories of all rows are kept; for the rest the highest SEQUENCE wins, then the latest LAST-MODIFIED,
    and the first row among equals. A row without a UID joins the event of the same title, day and address.
    """
    merged: dict[str, ReadEvent] = {}
    by_content: dict[tuple[str, str, str | None], str] = {}
    # Rows with a UID of their own first, so that the others find them wherever they stand.
    ordered = list(events)
    for event in sorted(ordered, key=lambda event: event.derived):
        key = natural_key(event)
        uid = by_content.get(key, event.uid) if event.derived else event.uid
        by_content.setdefault(key, uid)
        merged[uid] = _join(merged[uid], event) if uid in merged else event
    places: dict[str, int] = {}
    for at, event in enumerate(ordered):
        places.setdefault(event.uid, at)
    return sorted(merged.values(), key=lambda event: places[event.uid])


def natural_key(event: ReadEvent) -> tuple[str, str, str | None]:
    """What makes an event without a UID the same as another: title, first day (its own clock's), address."""
    day = event.starts_at.astimezone(ZoneInfo(event.timezone)).date()
    return event.title, day.isoformat(), event.url


def _join(first: ReadEvent, other: ReadEvent) -> ReadEvent:
    newer = _version(other) > _version(first)
    winner, loser = (other, first) if newer else (first, other)
    names = {name.casefold(): name for name in reversed((*first.categories, *other.categories))}
    kept = tuple(dict.fromkeys(names[name.casefold()] for name in (*first.categories, *other.categories)))
    exdates = tuple(sorted({*winner.exdates, *(loser.exdates if _version(first) == _version(other) else ())}))
    return replace(
        winner, uid=first.uid, derived=first.derived, line=first.line, categories=kept[:MAX_CATEGORIES], exdates=exdates
    )


def _version(event: ReadEvent) -> tuple[int, datetime]:
    return event.sequence, event.last_modified or _LONG_AGO
