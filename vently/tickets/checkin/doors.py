"""The door of an event: who keeps it, how many are in, and what a scanner without a network goes by."""

import base64
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from vently.database.pool import Transaction
from vently.database.queries import load
from vently.refusals import NotAllowed, NotFound
from vently.tickets.checkin.shapes import DoorTicket
from vently.tickets.issued.codes import Codes
from vently.web.references import split

sql = load(__package__)


class NotAtThisDoor(NotAllowed):
    """Only who runs this event, and who helps at its door, may do this."""

    type = "not-at-this-door"


class Door(msgspec.Struct):
    """An event as its door staff see it; `runs`: the viewer names the staff."""

    id: UUID
    slug: str
    title: str
    starts_at: datetime
    ends_at: datetime
    timezone: str
    status: str
    runs: bool


class Found(msgspec.Struct):
    """A ticket found by name; `scan_id` admitted it."""

    ticket: Any
    admitted_at: datetime | None
    scan_id: str | None


class Latest(msgspec.Struct):
    """One of the last scans."""

    scan_id: str
    result: str
    reason: str | None
    is_double: bool
    device: str
    at: datetime
    undone: bool
    ticket: Any


async def at(tx: Transaction, event: str) -> Door:
    """Raises NotAtThisDoor, or NotFound for who does not even see the event."""
    named = split(event)
    door = await tx.maybe_one(sql.get_door, Door, **named)
    if door is None:
        raise NotAtThisDoor if await tx.value(sql.sees_event, **named) else NotFound
    return door


async def counts(tx: Transaction, door: Door) -> str:
    """JSON of `Counts`."""
    counted: str = await tx.value(sql.count_admitted, event=door.id)
    return counted


async def offline(tx: Transaction, codes: Codes, door: Door) -> bytes:
    """JSON of `DoorList`; the same as long as nothing changes."""
    listed: str = await tx.value(sql.list_admissible, event=door.id)
    keys = {name: base64.b64encode(key).decode() for name, key in codes.public_keys().items()}
    event = {name: value for name, value in msgspec.structs.asdict(door).items() if name != "runs"}
    head = msgspec.json.encode({"event": event, "keys": keys})
    return head[:-1] + b"," + listed[1:].encode()


async def search(tx: Transaction, door: Door, q: str) -> list[Found]:
    """Up to 50 tickets by the name or address of holder or buyer, or by their order's number."""
    found = await tx.many(sql.find_at_door, Found, event=door.id, q=q)
    return [msgspec.structs.replace(one, ticket=_ticket(one.ticket)) for one in found]


async def latest(tx: Transaction, door: Door) -> list[Latest]:
    """The last ten scans, the newest first."""
    seen = await tx.many(sql.latest_scans, Latest, event=door.id)
    return [msgspec.structs.replace(one, ticket=_ticket(one.ticket)) for one in seen]


def _ticket(value: Any) -> DoorTicket | None:
    return msgspec.convert(value, DoorTicket, strict=False) if value else None
