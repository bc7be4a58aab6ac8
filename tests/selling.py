"""An event that sells, and what its stock says: tables written as its organiser."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx
from cast import Person

from vently.database.pool import Database
from vently.database.queries import parse

sql = parse("""
-- name: open_till
insert into public.tills (event_id, currency, methods) values (:event, :currency, :methods);
-- name: add_stock
insert into public.ticket_stocks (event_id, name, quantity) values (:event, :name, :quantity) returning id;
-- name: add_type
insert into public.ticket_types (event_id, currency, stock_id, pool_id, name, price)
values (:event, :currency, :stock, :pool, :name, :price) returning id;
-- name: stocks
select s.name, y.name as type, s.quantity, s.held, s.sold
  from public.ticket_stocks s left join public.ticket_types y on y.stock_id = s.id where s.event_id = :event;
-- name: tickets
select t.status, count(*)::int as count from public.tickets t where t.event_id = :event group by t.status;
""")


@dataclass(frozen=True)
class Stock:
    """One row of `ticket_stocks`."""

    name: str | None
    type: str | None
    quantity: int
    held: int
    sold: int


@dataclass(frozen=True)
class Counted:
    """How many tickets have a status."""

    status: str
    count: int


@dataclass
class Sale:
    """An event of Alice's that sells; `types` are ids by name."""

    db: Database
    organizer: Person
    event: Any
    types: dict[str, str]
    currency: str = "EUR"

    def cart(self, person: Person | None = None, /, **items: int) -> dict[str, Any]:
        """A body for `POST /api/tickets/orders`: so many of each type."""
        body: dict[str, Any] = {
            "event": self.event["slug"],
            "items": [{"ticket_type": self.types[name], "quantity": count} for name, count in items.items()],
        }
        if person is None or person.id is None:
            body["buyer"] = {"name": "Vera", "email": "vera@example.org"}
        return body

    async def sells(self, person: Person, key: str = "", /, **items: int) -> httpx.Response:
        headers = {"idempotency-key": key} if key else {}
        return await person.post("/api/tickets/orders", self.cart(person, **items), headers=headers)

    async def stock(self, name: str) -> Stock:
        """Of a type or a pool by its name."""
        async with self.db.acting_as_system() as tx:
            found = await tx.many(sql.stocks, Stock, event=UUID(self.event["id"]))
        return next(one for one in found if name in (one.name, one.type))

    async def tickets(self) -> dict[str, int]:
        """How many there are by status."""
        async with self.db.acting_as_system() as tx:
            return {row.status: row.count for row in await tx.many(sql.tickets, Counted, event=UUID(self.event["id"]))}


async def on_sale(
    db: Database,
    organizer: Person,
    event: Any,
    types: dict[str, tuple[int, int]],
    *,
    pool: tuple[str, int] | None = None,
    methods: tuple[str, ...] = ("card",),
    currency: str = "EUR",
) -> Sale:
    """`types`: (price in minor units, quantity) by name; with a pool (name, quantity) all of them share it."""
    made: dict[str, str] = {}
    event_id = UUID(event["id"])
    async with db.acting_as(organizer.viewer) as tx:
        await tx.execute(sql.open_till, event=event_id, currency=currency, methods=list(methods))
        shared = await tx.value(sql.add_stock, event=event_id, name=pool[0], quantity=pool[1]) if pool else None
        for name, (price, quantity) in types.items():
            stock = await tx.value(sql.add_stock, event=event_id, name=None, quantity=quantity)
            made[name] = str(
                await tx.value(
                    sql.add_type, event=event_id, currency=currency, stock=stock, pool=shared, name=name, price=price
                )
            )
    return Sale(db, organizer, event, made, currency)
