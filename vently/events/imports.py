"""Importing: what a file's reading becomes in a community, all of it or nothing."""

import hashlib
from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

import msgspec

from vently.communities.shapes import Community
from vently.database.pool import Transaction
from vently.database.queries import load
from vently.events.importing import ReadEvent, Reading, Refused
from vently.outside.places import Places
from vently.refusals import Invalid, NotAllowed

sql = load(__package__)

BATCH = 500
"""Events that one statement stores; it stays far below the statement timeout."""


class ImportReport(msgspec.Struct, frozen=True):
    """What an import did, or with `dry_run` would do. Every entry left out is in `refused`, with line and reason."""

    created: int
    updated: int
    unchanged: int
    refused: tuple[Refused, ...]
    dry_run: bool = False


class MayNotImport(NotAllowed):
    """Only organisers and admins of this community may import events into it."""


class _Stored(msgspec.Struct):
    created: int = 0
    updated: int = 0


def check_role(community: Community) -> None:
    """Before a file is read, which may take a minute; the database judges again. Raises MayNotImport."""
    active = community.membership is not None and community.membership.status == "active"
    if not active or community.role not in ("organizer", "admin", "owner"):
        raise MayNotImport


async def import_events(
    tx: Transaction,
    community_id: UUID,
    reading: Reading,
    *,
    dry_run: bool = False,
    on_row: Callable[[int, int], None] | None = None,
) -> ImportReport:
    """Store a reading as the viewer of `tx`; again changes nothing. Raises NotAllowed.

    Known by UID within the community: a lower SEQUENCE or an earlier LAST-MODIFIED never overwrites, and what is
    exactly as last imported is not touched, so that edits made here stay.
    """
    if not await tx.value(sql.may_import, community_id=community_id):
        raise MayNotImport
    if dry_run:
        await tx.script("savepoint as_if")
    stored = _Stored()
    refused = list(reading.refused)
    for start in range(0, len(reading.events), BATCH):
        batch = reading.events[start : start + BATCH]
        await _store(tx, community_id, batch, stored, refused)
        if on_row is not None:
            on_row(min(start + BATCH, len(reading.events)), len(reading.events))
    if dry_run:
        await tx.script("rollback to savepoint as_if")
    unchanged = len(reading.events) - stored.created - stored.updated - (len(refused) - len(reading.refused))
    return ImportReport(stored.created, stored.updated, unchanged, tuple(refused), dry_run)


async def _store(
    tx: Transaction, community_id: UUID, batch: Sequence[ReadEvent], stored: _Stored, refused: list[Refused]
) -> None:
    """One statement. Should the database refuse it, halves find the entry that is to blame."""
    await tx.script("savepoint batch")
    try:
        done = await tx.one(
            sql.import_events,
            _Stored,
            community_id=community_id,
            events=[_row(place, event) for place, event in enumerate(batch)],
        )
    except Invalid as error:
        await tx.script("rollback to savepoint batch")
        if len(batch) == 1:
            refused.append(Refused(batch[0].line, batch[0].uid, _sentence(error)))
            return
        middle = len(batch) // 2
        await _store(tx, community_id, batch[:middle], stored, refused)
        await _store(tx, community_id, batch[middle:], stored, refused)
        return
    await tx.script("release savepoint batch")
    stored.created += done.created
    stored.updated += done.updated


def _row(place: int, event: ReadEvent) -> dict[str, Any]:
    content = {
        "title": event.title,
        "description": event.description,
        "starts_at": event.starts_at,
        "ends_at": event.ends_at,
        "timezone": event.timezone,
        "all_day": event.all_day,
        "online": event.online,
        "online_url": event.online_url,
        "website": event.url,
        "categories": event.categories,
        "recurrence": event.rrule,
        "visibility": "members" if event.private else "public",
        "status": event.status,
        "sequence": event.sequence,
        "modified_at": event.last_modified,
        **_place(event),
    }
    digest = hashlib.sha256(msgspec.json.encode(content, order="sorted")).hexdigest()
    return {"place": place, "uid": event.uid, "derived": event.derived, "hash": digest, **content}


def _place(event: ReadEvent) -> dict[str, Any]:
    venue = msgspec.structs.asdict(event.venue) if event.venue else {}
    return {("venue_name" if name == "name" else name): value for name, value in venue.items()}


def _sentence(error: Invalid) -> str:
    """A constraint's sentence begins after its pointer: `/ends_at` `must not be before starts_at`."""
    return " ".join(f"{found.pointer.strip('/')} {found.detail}" for found in error.errors) or error.detail


def clock_of(community: Community, places: Places) -> str:
    """The IANA zone of the community's city, for what neither file nor place tells; else UTC."""
    place = places.find_city(community.city, community.country) if community.city else None
    return place.timezone if place else "UTC"
