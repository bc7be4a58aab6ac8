"""Disputes: a buyer asks their bank for the money; it is given back once, by the bank or by us."""

import itertools
from collections.abc import AsyncIterator, Sequence
from typing import Any
from uuid import UUID, uuid4

import pytest
import refunding
from cast import Person, Site
from refunding import Till, refund
from selling import Sale

from vently.jobs.job import Job
from vently.tickets.refunds import jobs


@pytest.fixture
async def till(site: Site) -> AsyncIterator[Till]:
    async with refunding.at_stripe(site) as opened:
        yield opened


async def told(till: Till, order: Any, status: str, amount: int = 2500) -> None:
    await till.owner.execute(
        "select private.note_dispute(a.id, 'du_1', $2, $3, 'EUR') from public.payment_attempts a"
        " where a.order_id = $1 and a.status = 'paid'",
        UUID(order["id"]),
        status,
        amount,
    )


async def disputes(till: Till, order: Any) -> list[tuple[str, int]]:
    rows = await till.owner.fetch("select status, amount from public.disputes where order_id = $1", UUID(order["id"]))
    return [tuple(row) for row in rows]


async def test_while_it_is_open_the_tickets_stay_and_nothing_is_refunded(
    sale: Sale, till: Till, alice: Person, bob: Person
) -> None:
    order = await till.buys(sale, bob, paid=2)
    await told(till, order, "open")
    assert await sale.tickets() == {"valid": 2}
    answer = await refund(alice, order)
    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/disputed")
    await told(till, order, "won")
    assert await sale.tickets() == {"valid": 2}
    assert (await refund(alice, order)).status_code == 201
    await till.check(sale)


async def test_lost_the_tickets_are_void_and_their_places_free(
    sale: Sale, till: Till, alice: Person, bob: Person
) -> None:
    order = await till.buys(sale, bob, paid=2)
    await told(till, order, "open")
    await told(till, order, "lost")
    assert await sale.tickets() == {"void": 2}
    assert (await sale.stock("paid")).sold == 0
    assert await till.accounts(order) == {}, "the seller has nothing, and the provider owes nothing"
    answer = await refund(alice, order)
    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/nothing-left"), "their bank paid them"
    await till.check(sale)


@pytest.mark.parametrize("order_of_notices", list(itertools.permutations(["open", "lost", "lost"])))
async def test_told_in_any_order_and_twice_it_is_the_same(
    sale: Sale, till: Till, bob: Person, order_of_notices: Sequence[str]
) -> None:
    order = await till.buys(sale, bob, paid=2)
    for status in order_of_notices:
        await told(till, order, status)
    assert await disputes(till, order) == [("lost", 2500)]
    assert await sale.tickets() == {"void": 2}
    assert await till.accounts(order) == {}


async def test_what_a_bank_gives_back_is_not_sent_as_well(sale: Sale, till: Till, alice: Person, bob: Person) -> None:
    """Refunded while the dispute came: Stripe will not do both, nor may the organiser."""
    order = (await sale.sells(bob, paid=2)).json()
    payment = await till.pays(order)
    made = (await refund(alice, order)).json()
    assert till.fake is not None
    dispute = await till.fake.dispute(payment)
    await till.sends()
    assert [one["status"] for one in await till.refunds(order)] == ["failed"]
    await told(till, order, "open")
    await till.fake.end_dispute(dispute, won=False)
    await told(till, order, "lost")
    [settled] = await till.refunds(order)
    assert (settled["status"], settled["note"]) == ("succeeded", "Taken by the buyer's bank: they won a dispute.")
    assert (await alice.put(f"/api/tickets/refunds/{made['id']}", {"status": "requested"})).json()[
        "status"
    ] == "succeeded"
    await till.sends()
    assert till.given_back(payment) == 0
    assert await till.accounts(order) == {}
    await till.check(sale)


async def test_won_what_was_refused_meanwhile_is_sent(sale: Sale, till: Till, alice: Person, bob: Person) -> None:
    order = (await sale.sells(bob, paid=2)).json()
    payment = await till.pays(order)
    await refund(alice, order)
    assert till.fake is not None
    dispute = await till.fake.dispute(payment)
    await till.sends()
    assert [one["status"] for one in await till.refunds(order)] == ["failed"]
    await till.fake.end_dispute(dispute, won=True)
    till.fake.objects.charge_of(payment)["disputed"] = False
    await told(till, order, "won")
    await till.sends()
    assert till.given_back(payment) == 2500
    assert await till.accounts(order) == {}
    await till.check(sale)


async def test_part_of_a_payment_lost_leaves_the_rest_to_refund(
    sale: Sale, till: Till, alice: Person, bob: Person
) -> None:
    order = await till.buys(sale, bob, paid=2)
    await told(till, order, "lost", 1000)
    assert await sale.tickets() == {"valid": 2}, "the organiser decides which of them"
    answer = await refund(alice, order, amount=1501)
    assert answer.status_code == 409
    assert (await refund(alice, order)).json()["amount"] == 1500
    await till.sends()
    assert await till.accounts(order) == {}


async def test_a_dispute_of_nobodys_payment_is_nothing(till: Till) -> None:
    await till.owner.execute("select private.note_dispute($1, 'du_1', 'lost', 5, 'EUR')", uuid4())


async def test_an_operator_hears_of_it(sale: Sale, till: Till, bob: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    order = await till.buys(sale, bob, paid=2)
    await told(till, order, "open")
    asked = await till.owner.fetchrow(
        "select * from private.jobs where kind = 'report dispute' order by created_at desc limit 1"
    )
    said: list[dict[str, Any]] = []
    monkeypatch.setattr(jobs.log, "warning", lambda event, **more: said.append({"event": event, **more}))
    job = Job(asked["id"], asked["kind"], jobs.msgspec.json.decode(asked["payload"]), 1, asked["created_at"], None,
              worker=uuid4(), database=sale.db)  # fmt: skip
    await jobs.report_dispute(till.site.app.parts, job)
    assert [(one["event"], one["order_id"], one["amount"]) for one in said] == [
        ("payment disputed", order["id"], "2500")
    ]
