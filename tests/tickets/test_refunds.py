"""Refunds: whole orders, tickets, amounts; who may; what the books say."""

import asyncio
import random
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest
import refunding
from cast import Person, Site
from refunding import Till, refund
from selling import Sale, on_sale

from vently.database.pool import Database

LIMITS = ("ticket_orders_refunded_within_paid", "ticket_orders_refunds_show")


@pytest.fixture
async def till(site: Site) -> AsyncIterator[Till]:
    async with refunding.opened(site) as opened:
        yield opened


@pytest.fixture
async def taxed(alice: Person, db: Database, till: Till) -> Sale:
    """Seats with 19 % and a box with 7 %, over one hall, and a platform that takes 3 %."""
    sale = await on_sale(
        db,
        alice,
        await alice.creates("Jazz"),
        {"seat": (1999, 50), "box": (5050, 50), "child": (0, 50)},
        pool=("hall", 90),
    )
    for name, rate in (("seat", 1900), ("box", 700)):
        await till.owner.execute(
            "update public.ticket_types set tax_rate = $2 where id = $1", UUID(sale.types[name]), rate
        )
    return sale


async def test_a_list_of_no_tickets_is_no_whole_order(sale: Sale, till: Till, alice: Person, bob: Person) -> None:
    order = await till.buys(sale, bob, paid=2)
    answer = await refund(alice, order, tickets=[])
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/tickets")
    shown = (await bob.get(f"/api/tickets/orders/{order['id']}")).json()
    assert (shown["status"], shown["refunded"]["amount"]) == ("paid", 0)


async def test_the_organiser_refunds_an_order_and_its_places_are_free(
    sale: Sale, till: Till, alice: Person, bob: Person
) -> None:
    order = await till.buys(sale, bob, paid=2)
    answer = await refund(alice, order, reason="Sorry!")
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert (made["status"], made["amount"], made["currency"], made["cause"]) == ("requested", 2500, "EUR", "organizer")
    assert set(made["tickets"]) == {ticket["id"] for ticket in order["tickets"]}
    shown = (await bob.get(f"/api/tickets/orders/{order['id']}")).json()
    assert (shown["status"], shown["refunded"]["amount"]) == ("refunded", 2500)
    assert {ticket["status"] for ticket in shown["tickets"]} == {"refunded"}
    assert (await sale.stock("paid")).sold == 0
    await till.check(sale)
    assert await till.accounts(order) == {"provider:pretend": -2500, "buyer": 2500}

    await till.sends()
    await till.check(sale)
    assert await till.accounts(order) == {}
    listed = (await bob.get(f"/api/tickets/orders/{order['id']}/refunds")).json()
    assert [(one["status"], one["reason"]) for one in listed["items"]] == [("succeeded", "Sorry!")]
    again = await refund(alice, order)
    assert (again.status_code, again.json()["type"]) == (409, "/problems/nothing-left")


async def test_a_ticket_goes_back_for_what_it_cost_and_the_others_stay_valid(
    taxed: Sale, till: Till, alice: Person, bob: Person
) -> None:
    order = await till.buys(taxed, bob, seat=2, box=1, child=1)
    box = next(ticket for ticket in order["tickets"] if ticket["amount"]["amount"] == 5050)
    answer = await refund(alice, order, tickets=[box["id"]])
    assert answer.status_code == 201, answer.text
    assert answer.json()["amount"] == 5050
    tax = await till.owner.fetchval(
        "select amount from public.ledger_transfers where cause_id = $1 and debit = 'tax'", UUID(answer.json()["id"])
    )
    assert tax == round(5050 * 7 / 107), "the tax of the box, not a share of all"
    assert (await till.order(order))["status"] == "partially_refunded"
    assert await taxed.tickets() == {"valid": 3, "refunded": 1}
    assert (await taxed.stock("hall")).sold == 3
    await till.check(taxed)
    assert (await refund(alice, order, tickets=[box["id"]])).json()["type"] == "/problems/given-back-already"
    assert (await refund(alice, order)).json()["amount"] == 2 * 1999
    await till.check(taxed)
    assert (await till.order(order))["status"] == "refunded"
    assert await taxed.tickets() == {"refunded": 3, "void": 1}


@pytest.mark.parametrize("seed", range(4))
async def test_tax_and_fee_go_back_to_the_last_unit(
    taxed: Sale, till: Till, alice: Person, bob: Person, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever is refunded in whatever steps: in between nobody is short, in the end everybody has nothing."""
    monkeypatch.setattr(till.site.app.parts.other["till"], "platform_fee", 337)
    if seed % 2:
        await till.owner.execute(
            "update public.tills set fee_on_top = true where event_id = $1", UUID(taxed.event["id"])
        )
    chance = random.Random(seed)
    order = await till.buys(taxed, bob, seat=3, box=2, child=1)
    stands = await till.order(order)
    assert stands["platform_fee"] > 0
    for _ in range(30):
        valid = [
            str(row["id"])
            for row in await till.owner.fetch(
                "select id from public.tickets where order_id = $1 and status = 'valid'", UUID(order["id"])
            )
        ]
        left = stands["paid"] - (await till.order(order))["refunded"]
        body: dict[str, Any] = {}
        if chance.random() < 0.5 and valid:
            body["tickets"] = chance.sample(valid, chance.randint(1, len(valid)))
        if chance.random() < 0.6:
            body["amount"] = chance.randint(1, max(1, left // 3))
        answer = await refund(alice, order, **(body or {"amount": 1}))
        assert answer.status_code in (201, 409, 422), answer.text
        await till.check(taxed)
    await refund(alice, order)
    await till.sends()
    assert (await till.order(order))["status"] == "refunded"
    assert await till.accounts(order) == {}
    await till.check(taxed)


async def test_an_amount_leaves_the_tickets_valid_and_worth_less(
    sale: Sale, till: Till, alice: Person, bob: Person
) -> None:
    order = await till.buys(sale, bob, paid=3)
    assert (await refund(alice, order, amount=1251)).json()["tickets"] == []
    assert await sale.tickets() == {"valid": 3}
    await till.check(sale)
    first = await refund(alice, order, tickets=[order["tickets"][0]["id"]])
    assert first.json()["amount"] == (3750 - 1251) // 3
    for body in ({"amount": 1667}, {"amount": 2500}):
        refused = await refund(alice, order, **body)
        assert (refused.status_code, refused.json()["type"]) == (409, "/problems/more-than-left"), refused.text
    rest = await refund(alice, order, amount=1666)
    assert rest.status_code == 201, rest.text
    assert len(rest.json()["tickets"]) == 2, "all that is left is a whole refund"
    await till.check(sale)
    assert (await till.order(order))["status"] == "refunded"


async def test_a_ticket_may_go_back_for_less_than_it_cost(sale: Sale, till: Till, alice: Person, bob: Person) -> None:
    order = await till.buys(sale, bob, paid=2)
    one, other = (ticket["id"] for ticket in order["tickets"])
    assert (await refund(alice, order, tickets=[one], amount=1000)).status_code == 201
    refused = await refund(alice, order, amount=1501)
    assert refused.status_code == 409
    assert (await refund(alice, order, tickets=[other])).json()["amount"] == 1250
    assert (await till.order(order))["status"] == "partially_refunded"
    assert (await refund(alice, order)).json()["amount"] == 250, "what the organiser kept"
    await till.check(sale)


async def test_of_a_hundred_at_once_one_is_refunded(sale: Sale, till: Till, alice: Person, bob: Person) -> None:
    order = await till.buys(sale, bob, paid=4)
    answers = await asyncio.gather(*(refund(alice, order) for _ in range(100)))
    assert sorted({answer.status_code for answer in answers}) == [201, 409]
    assert sum(answer.status_code == 201 for answer in answers) == 1
    assert all(answer.json()["detail"] for answer in answers if answer.status_code == 409)
    await till.check(sale)
    order = await till.buys(sale, bob, paid=4)
    answers = await asyncio.gather(*(refund(alice, order, amount=70) for _ in range(100)))
    assert sum(answer.status_code == 201 for answer in answers) == 5000 // 70
    assert (await till.order(order))["refunded"] == 4970
    await till.check(sale)
    await till.sends(workers=4)
    assert (await till.accounts(order)).get("buyer", 0) == 0
    await till.check(sale)


@pytest.mark.parametrize("constraint", [True, False], ids=["with the constraint", "without it"])
async def test_without_the_locks(sale: Sale, till: Till, alice: Person, bob: Person, constraint: bool) -> None:
    """The negative control: who does not wait for the others is stopped by the constraint, and by nothing else."""
    orders = [await till.buys(sale, bob, paid=1) for _ in range(5)]
    asks = await till.owner.fetchval("select pg_get_functiondef('private.request_refund'::regproc)")
    turn = await till.owner.fetchval("select pg_get_functiondef('private.at_till'::regproc)")
    limits = {
        name: await till.owner.fetchval("select pg_get_constraintdef(oid) from pg_constraint where conname = $1", name)
        for name in LIMITS
    }
    try:
        await till.owner.execute(turn.replace("for no key update", ""))
        unlocked = asks.replace("for no key update", "").replace(
            "at_hand := private.left_of(it);", "at_hand := private.left_of(it); perform pg_sleep(0.05);"
        )
        await till.owner.execute(unlocked)
        if not constraint:
            for name in limits:
                await till.owner.execute(f"alter table public.ticket_orders drop constraint {name}")
        await asyncio.gather(*(refund(alice, order, amount=1000) for order in orders for _ in range(6)))
        given = [(await till.order(order))["refunded"] for order in orders]
        written = [sum(one["amount"] for one in await till.refunds(order)) for order in orders]
        assert given == written
        if constraint:
            assert given == [1000] * 5
        else:
            assert max(given) > 1250
    finally:
        await till.owner.execute(turn)
        await till.owner.execute(asks)
        if not constraint:
            await till.owner.execute(
                "update public.ticket_orders set refunded = paid - 1, status = 'partially_refunded', ended_at = null"
                " where id = any ($1)",
                [UUID(order["id"]) for order in orders],
            )
            for name, limit in limits.items():
                await till.owner.execute(f"alter table public.ticket_orders add constraint {name} {limit}")


async def test_the_same_key_refunds_once(sale: Sale, till: Till, alice: Person, bob: Person) -> None:
    order = await till.buys(sale, bob, paid=4)
    path, key = f"/api/tickets/orders/{order['id']}/refunds", {"idempotency-key": "one-refund"}
    first = await alice.post(path, {"amount": 100}, headers=key)
    again = await alice.post(path, {"amount": 100}, headers=key)
    assert (again.status_code, again.json()) == (201, first.json())
    assert (await till.order(order))["refunded"] == 100


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"amount": 0}, 422),
        ({"amount": -5}, 422),
        ({"amount": 1.5}, 422),
        ({"amount": "100"}, 422),
        ({"amount": 10**18}, 422),
        ({"amount": 10**11}, 409),
        ({"tickets": ["nothing"]}, 422),
        ({"tickets": ["018f0000-0000-7000-8000-000000000000"]}, 422),
        ({"reason": "x" * 501}, 422),
        ({"money": 5}, 422),
    ],
)
async def test_what_cannot_be_refunded_is_refused(
    sale: Sale, till: Till, alice: Person, bob: Person, body: dict[str, Any], status: int
) -> None:
    order = await till.buys(sale, bob, paid=1)
    answer = await refund(alice, order, **body)
    assert answer.status_code == status, answer.text
    assert (await till.order(order))["refunded"] == 0


async def test_an_order_that_is_not_paid_is_not_refunded(sale: Sale, alice: Person, bob: Person) -> None:
    order = (await sale.sells(bob, paid=1)).json()
    assert (await refund(alice, order)).json()["type"] == "/problems/not-paid"
    assert (await bob.delete(f"/api/tickets/orders/{order['id']}")).status_code == 204
    assert (await refund(alice, order)).json()["type"] == "/problems/nothing-left"


async def test_free_tickets_are_given_back_until_the_order_is_empty(sale: Sale, till: Till, bob: Person) -> None:
    order = await till.buys(sale, bob, free=2)
    one, other = (ticket["id"] for ticket in order["tickets"])
    answer = await refund(bob, order, tickets=[one])
    assert answer.status_code == 201, answer.text
    assert (answer.json()["id"], answer.json()["amount"], answer.json()["tickets"]) == (None, 0, [one])
    assert (await till.order(order))["status"] == "paid"
    assert (await sale.stock("free")).sold == 1
    assert (await refund(bob, order, tickets=[other])).status_code == 201
    assert (await till.order(order))["status"] == "cancelled"
    assert await sale.tickets() == {"void": 2}
    await till.check(sale)


async def test_carol_refunds_nothing_and_sees_nothing(
    sale: Sale, till: Till, carol: Person, visitor: Person, bob: Person
) -> None:
    order = await till.buys(sale, bob, paid=1)
    path = f"/api/tickets/orders/{order['id']}/refunds"
    for who in (carol, visitor):
        assert (await refund(who, order)).status_code == 404
        assert (await who.get(path)).status_code == 404
    assert (await carol.get(f"/api/events/{sale.event['id']}/refunds")).status_code == 403
    assert (await visitor.get(f"/api/events/{sale.event['id']}/refunds")).status_code == 401
    assert (await till.order(order))["refunded"] == 0


@pytest.mark.parametrize(("currency", "price"), [("JPY", 1000), ("KWD", 12340)])
async def test_currencies_without_and_with_three_decimals(
    alice: Person, bob: Person, db: Database, till: Till, currency: str, price: int
) -> None:
    sale = await on_sale(db, alice, await alice.creates(currency), {"paid": (price, 9)}, currency=currency)
    order = await till.buys(sale, bob, paid=3)
    assert (await refund(alice, order, amount=2 * price + (1 if currency == "JPY" else 10))).status_code == 201
    first = (await refund(alice, order, tickets=[order["tickets"][0]["id"]])).json()
    assert (first["amount"], first["currency"]) == ({"JPY": 333, "KWD": 4110}[currency], currency)
    await till.check(sale)
    if currency == "KWD":
        refused = await refund(alice, order, amount=5)
        assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/amount")
    assert (await refund(alice, order)).status_code == 201
    await till.sends()
    await till.check(sale)
    assert await till.accounts(order) == {}


async def test_what_was_paid_by_transfer_the_organiser_sends(
    alice: Person, bob: Person, carol: Person, db: Database, till: Till
) -> None:
    sale = await on_sale(db, alice, await alice.creates("By bank"), {"paid": (700, 9)}, methods=("transfer",))
    order = (await sale.sells(bob, paid=2)).json()
    async with db.acting_as(alice.viewer) as tx:
        await tx._connection.execute("select private.settle_by_hand($1, 'transfer')", UUID(order["id"]))
    made = (await refund(alice, order)).json()
    assert made["status"] == "by_hand"
    await till.sends()
    assert (await till.refunds(order))[0]["status"] == "by_hand"
    path = f"/api/tickets/refunds/{made['id']}"
    assert (await carol.put(path, {"status": "succeeded"})).status_code == 404
    assert (await bob.put(path, {"status": "succeeded"})).status_code == 404
    assert (await alice.put(path, {"status": "requested"})).status_code == 409
    for _ in range(2):
        settled = await alice.put(path, {"status": "succeeded"})
        assert (settled.status_code, settled.json()["status"]) == (200, "succeeded"), settled.text
    assert await till.accounts(order) == {}
    await till.check(sale)
