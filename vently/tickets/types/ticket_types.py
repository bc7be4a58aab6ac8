"""Ticket types: adding, reading, changing, resizing and taking away what an event sells."""

from typing import Any
from uuid import UUID

from msgspec import UNSET

from vently.database.pool import Document, Transaction, Viewer
from vently.database.queries import load
from vently.refusals import Conflict, Invalid, NotFound, Stale
from vently.tickets.types import selling
from vently.tickets.types.selling import Selling
from vently.tickets.types.shapes import NewTicketType, TicketTypeChanges
from vently.web.merge_patch import changes

sql = load(__package__)

MOST = 100
"""Ticket types of one event."""
BASIS_POINTS = 100


class TooMany(Conflict):
    """An event has at most 100 ticket types."""

    type = "too-many"


async def listed(tx: Transaction, viewer: Viewer, event: str) -> str:
    """All of them as JSON; hidden ones for those who run the event alone."""
    found = await selling.seen(tx, viewer, event)
    text: str = await tx.value(sql.list_types, event=found.id, runs=found.runs)
    return text


async def read(tx: Transaction, viewer: Viewer, ticket_type: UUID) -> Document:
    return await _document(tx, await _seen(tx, viewer, ticket_type), ticket_type)


async def add(tx: Transaction, viewer: Viewer, event: str, new: NewTicketType) -> Document:
    """Raises NotAllowed for all who do not run the event, Invalid for another currency than it sells in."""
    found = await selling.run(tx, viewer, event)
    if await tx.value(sql.count_types, event=found.id) >= MOST:
        raise TooMany
    await selling.opened(tx, found, new.price.currency)
    fields = _columns(changes(new))
    made: UUID = await tx.value(
        sql.add_type, event=found.id, currency=new.price.currency, quantity=new.quantity, fields=fields
    )
    if new.access_code is not None:
        await tx.execute(sql.set_access_code, id=made, access_code=new.access_code)
    return await _document(tx, found, made)


async def edit(
    tx: Transaction, viewer: Viewer, ticket_type: UUID, patch: TicketTypeChanges, *, version: int | None
) -> Document:
    """Raises Invalid for a quantity below what is sold and held, Stale when it is not at `version`."""
    found = await _run(tx, viewer, ticket_type)
    given = changes(patch)
    if "price" in given and given["price"].currency is not UNSET:
        selling.same_currency(found, given["price"].currency, "/price/currency")
    if given.keys() & {"quantity", "pool"}:
        await tx.execute(sql.take_till, event=found.id)
    if not await tx.execute(sql.change_type, id=ticket_type, version=version, changes=_columns(given)):
        raise Stale
    if "quantity" in given:
        selling.not_below(given["quantity"], await tx.value(sql.taken_of_type, id=ticket_type))
        await tx.execute(sql.resize_type, id=ticket_type, quantity=given["quantity"])
    if "access_code" in given:
        await _lock(tx, ticket_type, given["access_code"])
    return await _document(tx, found, ticket_type)


async def remove(tx: Transaction, viewer: Viewer, ticket_type: UUID, *, version: int | None) -> None:
    """Raises Conflict when tickets of it were ordered."""
    found = await _run(tx, viewer, ticket_type)
    await tx.execute(sql.take_till, event=found.id)
    if not await tx.execute(sql.remove_type, id=ticket_type, version=version):
        raise Stale


async def _seen(tx: Transaction, viewer: Viewer, ticket_type: UUID) -> Selling:
    event = await tx.value(sql.get_event_of_type, id=ticket_type)
    if event is None:
        raise NotFound
    return await selling.seen(tx, viewer, str(event))


async def _run(tx: Transaction, viewer: Viewer, ticket_type: UUID) -> Selling:
    return await selling.run_by_id(tx, viewer, await tx.value(sql.get_event_of_type, id=ticket_type))


async def _document(tx: Transaction, found: Selling, ticket_type: UUID) -> Document:
    return await tx.one(sql.get_type, Document, id=ticket_type, runs=found.runs)


async def _lock(tx: Transaction, ticket_type: UUID, code: str | None) -> None:
    if code is None:
        await tx.execute(sql.drop_access_code, id=ticket_type)
    else:
        await tx.execute(sql.set_access_code, id=ticket_type, access_code=code)


def _columns(given: dict[str, Any]) -> dict[str, Any]:
    """What was given, by the table's columns. Raises Invalid for a percentage finer than basis points."""
    fields = dict(given)
    if "price" in fields:
        fields["price"] = fields["price"].amount
    if "pool" in fields:
        fields["pool_id"] = fields.pop("pool")
    if "tax_percent" in fields:
        percent = fields.pop("tax_percent")
        fields["tax_rate"] = round(percent * BASIS_POINTS)
        if fields["tax_rate"] / BASIS_POINTS != percent:
            raise Invalid.at("/tax_percent", "takes at most two digits after the point")
    return fields
