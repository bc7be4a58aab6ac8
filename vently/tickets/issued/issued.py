"""Issued tickets as people have them: reading, listing, and on paper."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import msgspec

from vently.database.pool import Listing, Transaction, Viewer
from vently.database.queries import load
from vently.refusals import Conflict, NotFound
from vently.tickets.issued import qr
from vently.tickets.issued.calendars import calendar
from vently.tickets.issued.codes import Codes
from vently.tickets.issued.documents import PrintedTicket
from vently.tickets.issued.events import TicketedEvent
from vently.tickets.issued.shapes import Ticket
from vently.tickets.till import links
from vently.web.facts import Parts

sql = load(__package__)


class NoCode(Conflict):
    """This ticket opens no door: it is not paid yet, was given back, or belongs to somebody else now."""

    type = "not-valid"
    title = "No ticket to show"


class Seen(msgspec.Struct):
    """A ticket as JSON; `mine`: the viewer may show its code."""

    body: str
    serial: int
    status: str
    mine: bool


class Printed(msgspec.Struct):
    """What is on the paper of a ticket."""

    id: UUID
    serial: int
    status: str
    type: str
    holder: str
    order: str
    paid: int | None
    currency: str
    event: dict[str, Any]


@asynccontextmanager
async def opened(parts: Parts, viewer: Viewer, ticket: UUID, key: str | None) -> AsyncIterator[Transaction]:
    """A transaction as the viewer, to whom the link's key shows the ticket until it is handed on."""
    async with parts.database.acting_as(viewer, link=link_of(parts, ticket, key)) as tx:
        yield tx


def link_of(parts: Parts, ticket: UUID, key: str | None) -> str:
    """What row-level security reads of a ticket's key."""
    serial = links.opened_ticket(parts, ticket, key) if key else None
    return "" if serial is None else f"ticket:{ticket}:{serial}"


async def read(tx: Transaction, parts: Parts, ticket: UUID) -> Ticket:
    """Raises NotFound for who neither has it, nor bought it, nor runs its event."""
    seen = await tx.one(sql.get_ticket, Seen, ticket=ticket)
    found = msgspec.json.decode(seen.body, type=Ticket)
    if seen.mine:
        found.link = links.of_ticket(parts, ticket, seen.serial)
        if seen.status in ("valid", "used"):
            found.code = codes(parts).issue(ticket, seen.serial)
            found.qr_svg = qr.svg(found.code, f"Code of your ticket for {found.event.title}")
    return found


async def mine(tx: Transaction, count: int, after: tuple[float, UUID] | None) -> Listing:
    """Those I have: what is to come first, the soonest before the others."""
    key, last = after or (None, None)
    return await tx.one(sql.list_tickets, Listing, count=count, after_key=key, after_id=last)


async def printed(tx: Transaction, ticket: UUID) -> Printed:
    """Raises NotFound for who may not see it, NoCode for who sees it and does not have it."""
    rows = await tx.many(sql.list_printed, Printed, ticket=ticket, order=None)
    if not rows:
        await tx.one(sql.get_ticket, Seen, ticket=ticket)
        raise NoCode
    return rows[0]


async def printed_of_order(tx: Transaction, parts: Parts, order: UUID, key: str | None) -> list[Printed]:
    """The valid tickets of an order that its buyer still has. Raises NotFound, and NoCode when there is none."""
    serial = links.opened_order(parts, order, key) if key else None
    if serial is not None:
        await tx.execute(sql.check_order_link, order=order, serial=serial)
    if await tx.value(sql.see_order, order=order) is None:
        raise NotFound
    rows = await tx.many(sql.list_printed, Printed, ticket=None, order=order)
    valid = [row for row in rows if row.status == "valid"]
    if not valid:
        raise NoCode("This order has no ticket that opens the door: it is not paid yet, or all were given back.")
    return valid


def papers(parts: Parts, rows: Sequence[Printed]) -> list[PrintedTicket]:
    """Raises NoCode for what is held, void or refunded."""
    if any(row.status != "valid" for row in rows):
        raise NoCode
    return [
        PrintedTicket(
            code=codes(parts).issue(row.id, row.serial),
            event=event_of(row.event),
            type=row.type,
            holder=row.holder,
            order=row.order,
            paid=row.paid,
            currency=row.currency,
        )
        for row in rows
    ]


def calendar_of(row: Printed) -> bytes:
    """The event of a ticket that is the viewer's."""
    return calendar(event_of(row.event), f"Ticket: {row.type}")


def event_of(plain: dict[str, Any]) -> TicketedEvent:
    return msgspec.convert(plain, TicketedEvent)


def codes(parts: Parts) -> Codes:
    known: Codes = parts.other["codes"]
    return known
