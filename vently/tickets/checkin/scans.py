"""Scans: codes are read here, and judged by the database all at once, in the order in which they arrive."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from vently.database.pool import Transaction
from vently.database.queries import load
from vently.refusals import Invalid
from vently.tickets.checkin.shapes import Checkin, Checkins, DoorTicket, NewCheckin, Scan
from vently.tickets.issued.codes import Codes, Seat
from vently.web.references import split

sql = load(__package__)

READ_AT_ONCE = 20
"""Codes beyond which they are read in a thread: each takes a tenth of a millisecond."""


class Entry(msgspec.Struct, omit_defaults=True):
    """What `private.check_in` reads of one scan."""

    place: int
    scan_id: str
    device: str
    by_hand: bool
    ticket: UUID | None = None
    serial: int | None = None
    scanned_at: datetime | None = None
    let_in: bool | None = None
    event_id: UUID | None = None
    event_slug: str | None = None


class Judged(msgspec.Struct):
    """What became of one scan."""

    place: int
    event_id: UUID | None
    result: str
    reason: str | None
    is_double: bool
    admitted_at: datetime | None
    ticket: dict[str, Any] | None


def asked(new: NewCheckin) -> list[Scan]:
    """The scans of a request. Raises Invalid when it is neither one scan nor a list."""
    if new.scans is not None:
        if new.code is not None or new.scan_id is not None:
            raise Invalid.at("/scans", "stands alone: send one scan as code and scan_id, or several as scans")
        return [
            scan if scan.event or not new.event else msgspec.structs.replace(scan, event=new.event)
            for scan in new.scans
        ]
    if new.code is None:
        raise Invalid.at("/code", "is needed, as it was read")
    if new.scan_id is None:
        raise Invalid.at("/scan_id", "is needed: an id of the device's own, the same when it sends the scan again")
    return [Scan(new.code, new.scan_id, new.device, new.scanned_at, new.event, new.admitted)]


async def entries(codes: Codes, scans: Sequence[Scan]) -> list[Entry]:
    """What the codes say; whatever no key of ours wrote says nothing."""
    if len(scans) <= READ_AT_ONCE:
        return _entries(codes, scans)
    return await asyncio.to_thread(_entries, codes, scans)


def _entries(codes: Codes, scans: Sequence[Scan]) -> list[Entry]:
    return [_entry(place, scan, codes.read(scan.code)) for place, scan in enumerate(scans)]


def _entry(place: int, scan: Scan, seat: Seat | None) -> Entry:
    event = split(scan.event) if scan.event else {"id": None, "slug": None}
    return Entry(
        place,
        scan.scan_id,
        scan.device,
        by_hand=False,
        ticket=seat.ticket if seat else None,
        serial=seat.serial if seat else None,
        scanned_at=scan.scanned_at,
        let_in=scan.admitted,
        event_id=event["id"],
        event_slug=event["slug"],
    )


def by_hand(event: UUID, ticket: UUID, scan_id: str, device: str) -> Entry:
    """A ticket that the door found by its name."""
    return Entry(0, scan_id, device, by_hand=True, ticket=ticket, let_in=False, event_id=event)


async def check_in(tx: Transaction, scans: Sequence[Entry]) -> list[Checkin]:
    """One answer for each, in their order. A ticket is admitted once; a scan that came before is answered as then."""
    judged = await tx.many(sql.check_in, Judged, scans=list(scans))
    return [_answer(scans[one.place], one) for one in judged]


def as_answer(new: NewCheckin, results: list[Checkin]) -> Checkin | Checkins:
    return results[0] if new.scans is None else Checkins(results)


async def undo(tx: Transaction, event: str, scan_id: str) -> None:
    """The ticket may come again. Undoing twice changes nothing; raises NotFound, and Conflict where nobody came in."""
    await tx.value(sql.undo, scan=scan_id, **split(event))


def _answer(entry: Entry, one: Judged) -> Checkin:
    ticket = msgspec.convert(one.ticket, DoorTicket, strict=False) if one.ticket else None
    return Checkin(
        one.result,  # type: ignore[arg-type]  # the database holds them to these words
        one.reason,  # type: ignore[arg-type]
        entry.scan_id,
        one.event_id,
        ticket,
        one.admitted_at,
        one.is_double,
    )
