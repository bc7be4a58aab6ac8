"""Invoices and credit notes: numbers without gaps, sums that are exact, and paper that never changes."""

import asyncio
import json
import random
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest
from cast import Person, Site
from selling import Sale, on_sale

from vently.database.pool import Database


class Office:
    """Settles orders and refunds past the payment provider, as the functions of payments do: one transaction each."""

    def __init__(self, pool: Any) -> None:
        self.pool = pool

    async def settles(self, order: str, *, fails: bool = False) -> None:
        async with self.pool.acquire() as connection:
            transaction = connection.transaction()
            await transaction.start()
            await connection.execute(
                "update ticket_orders set status = 'paid', paid = total, paid_at = now(), expires_at = null where id = $1", order
            )
            await connection.execute("select private.issue_invoice($1)", order)
            await (transaction.rollback() if fails else transaction.commit())

    async def refunds(self, order: str, amount: int, tickets: list[str] | None = None, cause: str = "organizer") -> str:
        made = await self.pool.fetchval(
            "insert into refunds (id, order_id, amount, currency, tickets, cause, reason)"
            " select private.uuid_v7(), id, $2, currency, $3, $4, 'Rain' from ticket_orders where id = $1 returning id",
            order, amount, tickets or [], cause,
        )  # fmt: skip
        await self.pool.execute("select private.issue_credit_note($1)", made)
        return str(made)

    async def papers(self, order: str) -> list[dict[str, Any]]:
        rows = await self.pool.fetch("select content from invoices where order_id = $1 order by issued_at", order)
        return [json.loads(row["content"]) for row in rows]


@pytest.fixture
async def office(site: Site) -> AsyncIterator[Office]:
    async with asyncpg.create_pool(site.settings.platform_url, min_size=1, max_size=16) as pool:
        yield Office(pool)


async def bought(sale: Sale, person: Person, **items: int) -> dict[str, Any]:
    answer = await sale.sells(person, **items)
    assert answer.status_code == 201, answer.text
    order: dict[str, Any] = answer.json()
    return order


def summed(paper: dict[str, Any], field: str) -> int:
    return sum(line[field] for line in paper["lines"])


async def test_an_invoice_says_what_was_sold_and_stays_as_it_was(sale: Sale, bob: Person, office: Office) -> None:
    order = await bought(sale, bob, paid=2, free=1)
    await office.settles(order["id"])
    await office.settles(order["id"])
    [paper] = await office.papers(order["id"])
    assert paper["buyer"]["email"] == bob.email
    assert paper["seller"]["name"] == "Alice"
    assert [(line["text"], line["quantity"], line["unit"]) for line in paper["lines"]] == [("free", 1, 0), ("paid", 2, 1250)]
    assert summed(paper, "gross") == 2500
    with pytest.raises(asyncpg.PostgresError, match="append-only"):
        await office.pool.execute("update invoices set number = 9 where order_id = $1", order["id"])


async def test_200_settlements_at_once_leave_no_gap(db: Database, alice: Person, bob: Person, office: Office) -> None:
    sale = await on_sale(db, alice, await alice.creates("A gig"), {"paid": (1250, 500)})
    orders = [(await bought(sale, bob, paid=1))["id"] for _ in range(200)]
    chance = random.Random(7)
    failing = set(chance.sample(orders, 60))
    await asyncio.gather(*(office.settles(order, fails=order in failing) for order in orders))
    await asyncio.gather(*(office.settles(order) for order in chance.sample(sorted(failing), 30)))
    rows = await office.pool.fetch(
        "select i.number, i.issued_at from invoices i join ticket_orders o on o.id = i.order_id where o.event_id = $1"
        " order by i.number",
        sale.event["id"],
    )
    assert [row["number"] for row in rows] == list(range(1, 171))
    assert sorted(row["issued_at"] for row in rows) == [row["issued_at"] for row in rows]
