"""Tickets as those who have them see them: of one order, mine, one at the door."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec
from markupsafe import Markup

from vently.database.pool import Transaction
from vently.database.queries import load
from vently.tickets.issued import qr
from vently.tickets.issued.codes import Codes
from vently.tickets.orders.offers import Question
from vently.tickets.till.shapes import OrderEvent, TicketStatus
from vently.web.facts import Parts

sql = load(__package__)


class Venue(msgspec.Struct):
    """Where it is, as far as it was said."""

    name: str | None
    address: str | None
    city: str | None
    country: str | None
    lat: float | None
    lng: float | None


class EventOfMine(msgspec.Struct):
    """What a ticket is for. Who holds one sees it, and where to join online, whoever else does."""

    id: UUID
    slug: str
    title: str
    starts_at: datetime
    ends_at: datetime
    all_day: bool
    timezone: str
    status: Literal["draft", "published", "postponed", "cancelled"]
    online: bool = False
    online_url: str | None = None
    venue: Venue | None = None


class _Seen(msgspec.Struct):
    event: EventOfMine | None

    def __post_init__(self) -> None:
        self.event = msgspec.convert(self.event, EventOfMine | None)


class Ticket(msgspec.Struct):
    """A ticket of an order. `opens`: the viewer may have its code."""

    id: UUID
    type: str
    name: str | None
    status: TicketStatus
    serial: int
    answers: dict[str, str]
    opens: bool


class Mine(_Seen, kw_only=True):
    """A ticket that is mine to show."""

    id: UUID
    order_id: UUID
    type: str
    name: str | None
    status: TicketStatus


class One(_Seen, kw_only=True):
    """A ticket on a page of its own."""

    id: UUID
    order_id: UUID
    type: str
    name: str | None
    status: TicketStatus
    serial: int
    transferable: bool
    opens: bool
    order_seen: bool


class Evening(msgspec.Struct):
    """Tickets of mine for one event."""

    event: EventOfMine
    tickets: list[Mine]


async def of_order(tx: Transaction, order: UUID) -> list[Ticket]:
    return await tx.many(sql.list_order_tickets, Ticket, order=order)


async def questions(tx: Transaction, order: UUID) -> list[Question]:
    return await tx.many(sql.list_order_questions, Question, order=order)


async def one(tx: Transaction, ticket: UUID) -> One:
    """Raises NotFound."""
    return await tx.one(sql.get_ticket, One, ticket=ticket)


async def mine(tx: Transaction) -> list[Evening]:
    """By event, the soonest first."""
    evenings: dict[UUID, Evening] = {}
    for ticket in reversed(await tx.many(sql.list_my_tickets, Mine)):
        if ticket.event is not None:
            evenings.setdefault(ticket.event.id, Evening(ticket.event, [])).tickets.append(ticket)
    return sorted(evenings.values(), key=lambda evening: evening.event.starts_at)


def picture(parts: Parts, ticket: Ticket | One) -> Markup | None:
    """The QR code for the door, of a ticket that opens it, for who may have it."""
    if ticket.status != "valid" or not ticket.opens:
        return None
    codes: Codes = parts.other["codes"]
    return Markup(qr.svg(codes.issue(ticket.id, ticket.serial), f"Code of the ticket {ticket.type}"))  # noqa: S704


def as_seen(event: OrderEvent) -> EventOfMine:
    """For who runs the event: nothing that its own page does not say."""
    return msgspec.convert(event, EventOfMine, from_attributes=True)


def shown(event: Any) -> EventOfMine | None:
    return msgspec.convert(event, EventOfMine | None)
