"""The town's box office: hosts put tickets on sale, and neighbours reserve some to be paid at the door."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec

from vently.database.pool import Transaction, Viewer
from vently.demo.chance import chance
from vently.demo.dates import Occasion
from vently.tickets.till.carts import uuid7
from vently.tickets.types import pools, settings, ticket_types
from vently.tickets.types.shapes import NewPool, NewTicketType, SaleChanges, TicketPrice

CURRENCY = "EUR"
GROUP = 4
"""Nobody reserves for more."""


class Buyer(msgspec.Struct, frozen=True):
    """Who reserves."""

    name: str
    email: str


class _Made(msgspec.Struct):
    id: UUID


async def open_sale(tx: Transaction, host: Viewer, event: UUID, occasion: Occasion) -> UUID:
    """As the host, who acts already. The first ticket type."""
    at = str(event)
    opening = SaleChanges(currency=CURRENCY, methods=["card", "door"], refund_hours=24)
    await settings.edit(tx, host, at, opening, version=None)
    pool = None
    if occasion.pool is not None:
        pool = _id(await pools.add(tx, host, at, NewPool(name="All places", quantity=occasion.pool)))
    made = [
        await ticket_types.add(
            tx,
            host,
            at,
            NewTicketType(
                name=seats.name,
                price=TicketPrice(seats.price, CURRENCY),
                quantity=seats.quantity,
                description=seats.text,
                pay_what_you_want=seats.at_least,
                pool=pool if seats.shared else None,
                tax_percent=seats.tax,
                place=place,
            ),
        )
        for place, seats in enumerate(occasion.tickets)
    ]
    return _id(made[0].body)


def reservations(event: UUID, kind: UUID, count: int, buyers: Sequence[Buyer]) -> list[dict[str, Any]]:
    """Carts for the till: so many tickets, in groups as people come."""
    carts: list[dict[str, Any]] = []
    for place, buyer in enumerate(buyers):
        if count <= 0:
            break
        group = min(count, 1 + int(chance("group", event, buyer.email) * GROUP))
        count -= group
        carts.append(
            {
                "event": str(event),
                "id": uuid7(),
                "attempt": uuid7(),
                "place": place,
                "items": [{"ticket_type": kind, "quantity": group}],
                "name": buyer.name,
                "email": buyer.email,
                "method": "door",
            }
        )
    return carts


def _id(body: str) -> UUID:
    return msgspec.json.decode(body, type=_Made).id
