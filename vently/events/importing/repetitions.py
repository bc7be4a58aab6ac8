"""Repetitions that differ from their series (RECURRENCE-ID) or come besides it (RDATE): events of their own."""

from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from vently.events.importing.entries import ReadEvent
from vently.events.importing.merge import merge


class Entry(Struct):
    """A settled event and what only a calendar says of it: which repetition it replaces, and its extra dates."""

    event: ReadEvent
    replaces: datetime | None = None
    extra: tuple[datetime, ...] = ()


def apart(entries: list[Entry]) -> list[ReadEvent]:
    """A changed repetition (RECURRENCE-ID) becomes an event of its own and is taken out of its series."""
    series = merge(entry.event for entry in entries if entry.replaces is None)
    known = {event.uid for event in series}
    gone: dict[str, set[datetime]] = {}
    single: list[ReadEvent] = []
    for entry in entries:
        event = entry.event
        if entry.replaces is not None:
            gone.setdefault(event.uid, set()).add(entry.replaces)
            # Called off and part of a series that is here: the gap in the series says it.
            if event.status != "cancelled" or event.uid not in known:
                single.append(_alone(event, entry.replaces, event.starts_at))
        single += [_alone(event, start, start) for start in entry.extra if start != event.starts_at]
    series = [
        replace(event, exdates=tuple(sorted({*event.exdates, *gone[event.uid]}))) if event.uid in gone else event
        for event in series
    ]
    return merge([*series, *single])


def _alone(event: ReadEvent, original: datetime, start: datetime) -> ReadEvent:
    uid = f"{event.uid[:230]}#{original:%Y%m%dT%H%M%SZ}"
    length = event.ends_at - event.starts_at
    return replace(event, uid=uid, starts_at=start, ends_at=start + length, rrule=None, exdates=())
