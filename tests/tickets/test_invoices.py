"""Invoices and credit notes: numbers without gaps, sums that are exact, and paper that never changes."""

import asyncio
import json
import random
from collections import Counter
from collections.abc import AsyncIterator
from itertools import count
from typing import Any, NamedTuple

import asyncpg
import pytest
from cast import Person, Site
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from issuing import pages
from selling import Sale, on_sale

from vently.database.pool import Database

MOST_REFUNDS = 5
"""Then all that is left goes back."""


class Office:
    """Settles orders and refunds past the payment provider, as the functions of payments do: one transaction each."""

    def __init__(self, pool: Any) -> None:
        self.pool = pool

    async def settles(self, order: str, *, fails: bool = False) -> None:
        async with self.pool.acquire() as connection:
            transaction = connection.transaction()
            await transaction.start()
            await connection.execute(
                "update ticket_orders set status = 'paid', paid = total, paid_at = now(), expires_at = null"
                " where id = $1",
                order,
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

    async def writes(self, sale: Sale, seats: list["Seat"], *, on_top: bool) -> str:
        """A paid order of such tickets, as the till would have made it."""
        fee = sum(seat.fee for seat in seats) if on_top else 0
        paid = [seat.paid(on_top=on_top) for seat in seats]
        order = await self.pool.fetchval(
            "insert into ticket_orders (id, event_id, buyer_name, buyer_email, status, currency, paid_at,"
            " method, subtotal, discount, fee, tax, total, platform_fee, paid)"
            " values (private.uuid_v7(), $1, 'Vera', 'vera@example.org', 'paid', 'EUR', now(),"
            " $2, $3, $4, $5, $6, $7, $8, $7)"
            " returning id::text",
            sale.event["id"], "card" if sum(paid) else "free", sum(seat.price for seat in seats),
            sum(seat.off for seat in seats), fee, sum(seat.tax(on_top=on_top) for seat in seats), sum(paid),
            min(sum(seat.fee for seat in seats), sum(paid)),
        )  # fmt: skip
        await self.pool.executemany(
            "insert into tickets (order_id, event_id, ticket_type_id, status, price, paid, tax, tax_rate, platform_fee)"
            " values ($1, $2, $3, 'valid', $4, $5, $6, $7, $8)",
            [
                (order, sale.event["id"], sale.types[seat.type], seat.price, seat.paid(on_top=on_top),
                 seat.tax(on_top=on_top), seat.rate, seat.fee)
                for seat in seats
            ],
        )  # fmt: skip
        await self.pool.execute("select private.issue_invoice($1)", order)
        return str(order)

    async def papers(self, order: str) -> list[dict[str, Any]]:
        rows = await self.pool.fetch("select content from invoices where order_id = $1 order by issued_at", order)
        return [json.loads(row["content"]) for row in rows]


class Seat(NamedTuple):
    """A ticket as the till reckons it. `rate` in basis points, amounts in minor units."""

    type: str
    price: int
    off: int
    rate: int
    fee: int

    def paid(self, *, on_top: bool) -> int:
        return self.price - self.off + (self.fee if on_top else 0)

    def tax(self, *, on_top: bool) -> int:
        return (2 * self.paid(on_top=on_top) * self.rate + 10000 + self.rate) // (2 * (10000 + self.rate))


@st.composite
def seats(draw: st.DrawFn) -> Seat:
    price = draw(st.sampled_from((0, 1, 7, 999, 1250, 100_000_000_000)) | st.integers(0, 100_000))
    off = draw(st.integers(0, price))
    fee = draw(st.sampled_from((0, 1)) | st.integers(0, 500))
    rate = draw(st.sampled_from((0, 550, 700, 775, 1900, 2000, 5000)) | st.integers(0, 5000))
    return Seat(draw(st.sampled_from(("free", "paid"))), price, off, rate, min(fee, price - off))


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
    assert [(line["text"], line["quantity"], line["unit"]) for line in paper["lines"]] == [
        ("free", 1, 0),
        ("paid", 2, 1250),
    ]
    assert summed(paper, "gross") == 2500
    with pytest.raises(asyncpg.PostgresError, match="append-only"):
        await office.pool.execute("update invoices set number = 9 where order_id = $1", order["id"])


async def settled_at_once(sale: Sale, bob: Person, office: Office, settled: int, failing: int) -> list[Any]:
    """Settles that many orders at once and has some fail; the numbers that were given."""
    orders = [(await bought(sale, bob, paid=1))["id"] for _ in range(settled)]
    chance = random.Random(7)
    failed = chance.sample(orders, failing)
    await asyncio.gather(*(office.settles(order, fails=order in failed) for order in orders))
    await asyncio.gather(*(office.settles(order) for order in failed[: failing // 2]))
    rows = await office.pool.fetch(
        "select i.number, i.issued_at from invoices i join ticket_orders o on o.id = i.order_id where o.event_id = $1"
        " order by i.number",
        sale.event["id"],
    )
    return [(row["number"], row["issued_at"]) for row in rows]


async def test_200_settlements_at_once_leave_no_gap(db: Database, alice: Person, bob: Person, office: Office) -> None:
    sale = await on_sale(db, alice, await alice.creates("A gig"), {"paid": (1250, 500)})
    given = await settled_at_once(sale, bob, office, 200, 60)
    assert [number for number, _ in given] == list(range(1, 171))
    assert sorted(moment for _, moment in given) == [moment for _, moment in given]


async def test_without_the_sellers_row_the_numbers_have_gaps(
    db: Database, alice: Person, bob: Person, office: Office
) -> None:
    """The negative control: numbers by a sequence, as most would do it."""
    name = "private.next_invoice_number(uuid, text)"
    kept = await office.pool.fetchval("select pg_get_functiondef($1::text::regprocedure)", name)
    await office.pool.execute("create sequence private.planted; grant usage on sequence private.planted to postgres")
    try:
        await office.pool.execute(
            "create or replace function private.next_invoice_number(seller uuid, kind text) returns int"
            " language sql volatile set search_path = '' as $$ select nextval('private.planted')::int $$"
        )
        sale = await on_sale(db, alice, await alice.creates("A gig"), {"paid": (1250, 500)})
        numbers = [number for number, _ in await settled_at_once(sale, bob, office, 20, 10)]
    finally:
        await office.pool.execute(f"{kept}; drop sequence private.planted")
    assert len(numbers) == 15
    assert numbers != list(range(1, 16))


async def test_two_orders_numbers_follow_each_other_within_a_seller_alone(
    db: Database, alice: Person, dana: Person, bob: Person, office: Office
) -> None:
    for who in (alice, dana):
        if who is dana:
            assert (await who.post("/api/me/organizer", {"terms_accepted": True})).status_code == 200
        for _ in range(2):
            sale = await on_sale(db, who, await who.creates("A gig"), {"paid": (1250, 500)})
            order = (await bought(sale, bob, paid=1))["id"]
            await office.settles(order)
        [paper] = await office.papers(order)
        assert paper["number"] == "INV-000002"


async def test_what_is_free_has_no_invoice(sale: Sale, bob: Person, office: Office) -> None:
    order = (await bought(sale, bob, free=1))["id"]
    await office.pool.execute("select private.issue_invoice($1)", order)
    assert await office.papers(order) == []
    assert (await bob.get(f"/api/tickets/orders/{order}/invoices")).json() == {"items": [], "next": None}


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(bought=st.lists(seats(), min_size=1, max_size=6), on_top=st.booleans(), data=st.data())
async def test_sums_add_up_for_every_rate_until_all_is_refunded(
    sale: Sale, office: Office, bought: list[Seat], on_top: bool, data: st.DataObject
) -> None:
    order = await office.writes(sale, bought, on_top=on_top)
    total = sum(seat.paid(on_top=on_top) for seat in bought)
    if not total:
        assert await office.papers(order) == []
        return
    [paper] = await office.papers(order)
    assert summed(paper, "gross") == total
    assert summed(paper, "tax") == sum(seat.tax(on_top=on_top) for seat in bought)
    rows = await office.pool.fetch("select id::text, paid from tickets where order_id = $1 and paid > 0", order)
    left, unrefunded = total, {row["id"]: row["paid"] for row in rows}
    for turn in count():
        if not left:
            break
        whole = [ticket for ticket, paid in unrefunded.items() if paid <= left]
        if whole and turn < MOST_REFUNDS and data.draw(st.booleans()):
            tickets = data.draw(st.lists(st.sampled_from(whole), min_size=1, max_size=1))
            amount = unrefunded.pop(tickets[0])
        else:
            tickets, amount = [], data.draw(st.integers(1, left)) if turn < MOST_REFUNDS else left
        await office.refunds(order, amount, tickets)
        left -= amount
        papers = await office.papers(order)
        assert summed(papers[-1], "gross") == -amount
        assert papers[-1]["corrects"] == [paper["number"], paper["issued_on"]]
        still = {field: Counter() for field in ("gross", "tax", "net")}
        for line in (line for each in papers for line in each["lines"]):
            assert line["gross"] == line["net"] + line["tax"] == line["unit"] * line["quantity"]
            for field, sums in still.items():
                sums[line["tax_rate"]] += line[field]
        assert all(amount >= 0 for sums in still.values() for amount in sums.values())
    assert not any(still["tax"].values())


async def test_a_credit_note_names_the_tickets_and_is_written_once(sale: Sale, bob: Person, office: Office) -> None:
    order = await bought(sale, bob, paid=2)
    await office.settles(order["id"])
    refund = await office.refunds(order["id"], 1250, [order["tickets"][0]["id"]])
    await office.pool.execute("select private.issue_credit_note($1)", refund)
    await office.refunds(order["id"], 500)
    await office.refunds(order["id"], 1000, cause="paid_twice")
    _, note, other = await office.papers(order["id"])
    assert [(line["text"], line["gross"]) for line in note["lines"]] == [("paid", -1250)]
    assert [(line["text"], line["gross"]) for line in other["lines"]] == [("Refund", -500)]
    assert (note["number"], other["number"], note["notes"]) == ("CN-000001", "CN-000002", ["Rain"])
    await office.refunds(order["id"], 2000)
    await office.refunds(order["id"], 1)
    papers = await office.papers(order["id"])
    assert sum(summed(paper, "gross") for paper in papers) == 0, "never more than the invoice said"
    assert len(papers) == 4


async def test_buyer_organiser_and_link_read_the_papers_and_nobody_else(
    sale: Sale, alice: Person, bob: Person, carol: Person, visitor: Person, office: Office
) -> None:
    order = await bought(sale, visitor, paid=1)
    await office.settles(order["id"])
    await office.refunds(order["id"], 250)
    path, key = f"/api/tickets/orders/{order['id']}/invoices", order["link"].partition("?")[2]
    for who in (bob, carol, visitor):
        assert (await who.get(path)).status_code == 404
    for who, address in ((alice, path), (visitor, f"{path}?{key}")):
        found = (await who.get(address)).json()["items"]
        assert [(one["kind"], one["total"]["amount"], one["corrects"]) for one in found] == [
            ("invoice", 1250, None),
            ("credit_note", -250, found[0]["number"]),
        ]
        for paper, word in zip(found, ("Invoice", "Credit note"), strict=True):
            answer = await who.get(paper["pdf_url"])
            assert answer.headers["content-type"] == "application/pdf"
            [page] = pages(answer.content)
            assert f"{word} {paper['number']}" in page
            assert "Vera" in page
            for stranger in (bob, carol):
                bare = paper["pdf_url"].partition("?")[0]
                assert (await stranger.get(bare)).status_code == 404
