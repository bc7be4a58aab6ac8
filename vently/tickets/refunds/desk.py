"""What whoever runs an event sees of its orders' money."""

from datetime import datetime
from uuid import UUID

import msgspec

from vently.database.pool import Transaction
from vently.database.queries import load

sql = load(__package__)


class Seat(msgspec.Struct):
    """A ticket of an order; `used`: somebody was let in with it."""

    id: UUID
    type: str
    name: str | None
    status: str
    paid: int
    used: bool


class Sum(msgspec.Struct):
    """A refund of an order; `again`: it failed, and may be tried again as it is."""

    id: UUID
    status: str
    amount: int
    currency: str
    reason: str
    cause: str
    note: str | None
    created_at: datetime
    tickets: int
    again: bool


class Waiting(msgspec.Struct):
    """A refund that waits for the organiser."""

    id: UUID
    order_id: UUID
    buyer_name: str
    status: str
    amount: int
    currency: str
    note: str | None
    created_at: datetime
    again: bool


class OfOrder(msgspec.Struct):
    """A dispute of an order."""

    id: UUID
    status: str
    amount: int
    currency: str
    created_at: datetime


class Dispute(msgspec.Struct):
    """A dispute of an event."""

    id: UUID
    order_id: UUID
    buyer_name: str
    status: str
    amount: int
    currency: str
    created_at: datetime


class _Body(msgspec.Struct):
    body: str


async def order(tx: Transaction, event: UUID, order: UUID) -> str:
    """JSON. Raises NotFound for one of another event."""
    return (await tx.one(sql.show_order, _Body, event=event, order=order)).body


async def tickets(tx: Transaction, order: UUID) -> list[Seat]:
    return await tx.many(sql.show_tickets, Seat, order=order)


async def refunds_of(tx: Transaction, order: UUID) -> list[Sum]:
    """The latest first."""
    return await tx.many(sql.show_refunds, Sum, order=order)


async def disputes_of(tx: Transaction, order: UUID) -> list[OfOrder]:
    return await tx.many(sql.show_disputes, OfOrder, order=order)


async def waiting(tx: Transaction, event: UUID) -> list[Waiting]:
    """The oldest first."""
    return await tx.many(sql.list_open_refunds, Waiting, event=event)


async def disputes(tx: Transaction, event: UUID) -> list[Dispute]:
    """Open ones first."""
    return await tx.many(sql.list_disputes, Dispute, event=event)


async def settle_by_hand(tx: Transaction, order: UUID, method: str) -> None:
    """The organiser has the money. Raises Conflict when it is paid, or over and what it held is gone."""
    await tx.value(sql.settle_by_hand, order=order, method=method)
