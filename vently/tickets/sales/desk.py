"""The organiser's desk: what an event sold, who comes, and the orders."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from vently.database.pool import Listing, Transaction
from vently.database.queries import load
from vently.refusals import NotAllowed, NotFound
from vently.tickets.sales.shapes import AttendeeChoice, OrderFilters
from vently.tickets.till.shapes import TypeName
from vently.web.references import split

sql = load(__package__)


class NotYourSale(NotAllowed):
    """Only who runs this event sees what it sold and who comes."""

    type = "not-your-sale"


class Desk(msgspec.Struct):
    """An event as its organiser sells it."""

    id: UUID
    slug: str
    title: str
    timezone: str
    currency: str | None
    runs: bool


class Question(msgspec.Struct):
    """What attendees were asked."""

    id: UUID
    label: str


async def at(tx: Transaction, event: str) -> Desk:
    """Raises NotYourSale, and NotFound for who does not even see the event."""
    desk = await tx.maybe_one(sql.get_desk, Desk, **split(event))
    if desk is None:
        raise NotFound
    if not desk.runs:
        raise NotYourSale
    return desk


async def sales(tx: Transaction, desk: Desk) -> bytes:
    """JSON of `Sales`."""
    body: str = await tx.value(sql.read_sales, event=desk.id, timezone=desk.timezone, currency=desk.currency)
    event = msgspec.json.encode({"id": desk.id, "slug": desk.slug, "title": desk.title, "timezone": desk.timezone})
    return b'{"event":' + event + b"," + body[1:].encode()


async def attendees(tx: Transaction, desk: Desk, choice: AttendeeChoice, after: Any, count: int) -> Listing:
    """A page of `Attendee` as JSON, those of the newest orders first."""
    key, last = after or (None, None)
    return await tx.one(
        sql.list_attendees,
        Listing,
        event=desk.id,
        q=choice.q,
        ticket_type=choice.ticket_type,
        status=choice.status,
        count=count,
        after_key=_moment(key),
        after_id=last,
    )


async def questions(tx: Transaction, desk: Desk) -> list[Question]:
    return await tx.many(sql.list_questions, Question, event=desk.id)


async def types(tx: Transaction, desk: Desk) -> list[TypeName]:
    return await tx.many(sql.list_types, TypeName, event=desk.id)


async def orders(tx: Transaction, desk: Desk, filters: OrderFilters, after: Any) -> Listing:
    """A page of `OrderRow` as JSON, the newest first."""
    key, last = after or (None, None)
    return await tx.one(
        sql.list_orders,
        Listing,
        event=desk.id,
        q=filters.q,
        status=filters.status,
        method=filters.method,
        count=filters.limit,
        after_key=_moment(key),
        after_id=last,
    )


def _moment(key: str | datetime | None) -> datetime | None:
    return datetime.fromisoformat(key) if isinstance(key, str) else key
