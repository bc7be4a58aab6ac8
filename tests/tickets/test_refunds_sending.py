"""Money goes back once, whatever Stripe does meanwhile: the real SDK over a hostile fake."""

import random
from collections.abc import AsyncIterator
from uuid import UUID

import pytest
import refunding
from cast import Person, Site
from fake_stripe import How
from refunding import Till, refund
from selling import Sale, on_sale

from vently.database.pool import Database
from vently.outside.payments.amounts import THREE_DECIMALS, WRITTEN_WITHOUT_CENTS
from vently.tickets.payments import hooks

TICKETS = "select status from public.tickets where order_id = $1"


@pytest.fixture
async def till(site: Site, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Till]:
    monkeypatch.setattr("vently.outside.payments.stripe.TIMEOUT", 1.0)
    async with refunding.at_stripe(site) as opened:
        yield opened


async def paid(till: Till, sale: Sale, person: Person, **items: int) -> tuple[dict[str, str], str]:
    order = (await sale.sells(person, **items)).json()
    return order, await till.pays(order)


async def settle(till: Till, order: dict[str, str]) -> None:
    for _ in range(6):
        await till.sends()
        if {one["status"] for one in await till.refunds(order)} <= {"succeeded", "failed"}:
            return


async def test_it_goes_to_the_payment_it_came_by(sale: Sale, till: Till, alice: Person, bob: Person) -> None:
    order, payment = await paid(till, sale, bob, paid=2)
    assert (await refund(alice, order, amount=700)).status_code == 201
    assert (await refund(alice, order)).status_code == 201
    await till.sends()
    assert till.given_back(payment) == 2500
    assert [one["status"] for one in await till.refunds(order)] == ["succeeded"] * 2
    assert await till.accounts(order) == {}
    await till.check(sale)


@pytest.mark.parametrize("how", ["500 before", "500 after", "lost before", "lost after", "429", "garbage"])
@pytest.mark.parametrize("times", [1, 4])
async def test_whatever_is_answered_the_money_goes_once(
    sale: Sale, till: Till, alice: Person, bob: Person, how: How, times: int
) -> None:
    order, payment = await paid(till, sale, bob, paid=1)
    assert (await refund(alice, order)).status_code == 201
    assert till.fake is not None
    till.fake.breaks(how, "/v1/refunds", times=times)
    await settle(till, order)
    assert till.given_back(payment) == 1250
    [sent] = await till.refunds(order)
    assert (sent["status"], sent["reference"] is not None) == ("succeeded", True)
    await till.check(sale)


async def test_a_slow_answer_and_several_workers(sale: Sale, till: Till, alice: Person, bob: Person) -> None:
    order, payment = await paid(till, sale, bob, paid=4)
    for amount in (100, 200, 300):
        await refund(alice, order, amount=amount)
    assert till.fake is not None
    till.fake.breaks("slow", "/v1/refunds", times=3, seconds=0.4)
    await till.sends(workers=5)
    await settle(till, order)
    assert till.given_back(payment) == 600
    await till.check(sale)


async def test_an_answer_lost_for_days_is_found_again(sale: Sale, till: Till, alice: Person, bob: Person) -> None:
    order, payment = await paid(till, sale, bob, paid=2)
    await refund(alice, order, amount=500)
    assert till.fake is not None
    till.fake.breaks("lost after", "/v1/refunds", times=3)
    await till.sends()
    assert [one["status"] for one in await till.refunds(order)] == ["requested"]
    till.fake.mends()
    till.fake._answers.clear()  # Stripe forgets idempotency keys after a day
    await till.sends()
    assert till.given_back(payment) == 500
    assert [one["status"] for one in await till.refunds(order)] == ["succeeded"]


async def test_a_refund_that_takes_days_and_then_comes_back(sale: Sale, till: Till, alice: Person, bob: Person) -> None:
    order, _ = await paid(till, sale, bob, paid=1)
    assert till.fake is not None
    till.fake.objects.slow_refunds = True
    await refund(alice, order)
    await till.sends()
    [waiting] = await till.refunds(order)
    assert waiting["status"] == "pending"
    [made] = till.fake.refunds()
    for said in ("succeeded", "failed"):
        await till.fake.refund_says(made["id"], said)
        if said == "succeeded":
            await till.sends()
            await till.check(sale)
    # Told by webhook, twice and in the wrong order.
    for status in ("failed", "succeeded", "failed", "pending"):
        await till.owner.execute(
            "select private.note_refund($1, $2, $3, 'expired_or_canceled_card')", waiting["id"], made["id"], status
        )
    await till.check(sale)
    [failed] = await till.refunds(order)
    assert (failed["status"], failed["note"]) == ("failed", "expired_or_canceled_card")
    stands = await till.order(order)
    assert (stands["status"], stands["refunded"]) == ("refunded", 1250), "the buyer is still owed"
    assert await till.accounts(order) == {"provider:stripe": -1250, "buyer": 1250}
    path = f"/api/tickets/refunds/{failed['id']}"
    assert (await alice.put(path, {"status": "requested"})).status_code == 409, "a bank that refused does so again"
    assert (await alice.put(path, {"status": "succeeded"})).status_code == 200
    assert (await till.accounts(order)).get("buyer", 0) == 0
    await till.check(sale)


@pytest.mark.parametrize("first", ["failed", "succeeded"])
async def test_notices_in_any_order_come_to_the_same(
    sale: Sale, till: Till, alice: Person, bob: Person, first: str
) -> None:
    order, _ = await paid(till, sale, bob, paid=1)
    made = (await refund(alice, order)).json()
    orders = {"failed": ("failed", "succeeded"), "succeeded": ("succeeded", "failed")}
    for status in orders[first]:
        await till.owner.execute("select private.note_refund($1, 're_1', $2, '')", UUID(made["id"]), status)
    assert [one["status"] for one in await till.refunds(order)] == ["failed"]
    assert await till.accounts(order) == {"provider:stripe": -1250, "buyer": 1250}
    await till.check(sale)


async def test_what_stripe_refuses_waits_for_the_organiser(
    sale: Sale, till: Till, alice: Person, bob: Person, carol: Person
) -> None:
    order, payment = await paid(till, sale, bob, paid=1)
    assert till.fake is not None
    by_hand = await till.fake.refund_by_hand(payment, 1000)
    made = (await refund(alice, order)).json()
    await till.sends()
    [failed] = await till.refunds(order)
    assert failed["status"] == "failed"
    assert "greater than unrefunded amount" in failed["note"]
    assert (await till.order(order))["status"] == "refunded"
    await till.fake.refund_says(by_hand, "failed")
    path = f"/api/tickets/refunds/{made['id']}"
    assert (await carol.put(path, {"status": "requested"})).status_code == 404
    for _ in range(2):
        assert (await alice.put(path, {"status": "requested"})).json()["status"] == "requested"
    assert (await alice.put(path, {"status": "succeeded"})).status_code == 409, "it is on its way"
    await till.sends()
    assert [one["status"] for one in await till.refunds(order)] == ["succeeded"]
    assert sum(one["amount"] for one in till.fake.refunds() if one["status"] == "succeeded") == 1250
    await till.check(sale)


async def test_a_wrong_key_fails_no_refund(
    sale: Sale, till: Till, alice: Person, bob: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    order, payment = await paid(till, sale, bob, paid=1)
    await refund(alice, order)
    assert till.fake is not None
    with monkeypatch.context() as broken:
        broken.setattr(till.fake, "key", "sk_test_another")
        await till.sends()
    assert [one["status"] for one in await till.refunds(order)] == ["requested"]
    await till.sends()
    assert till.given_back(payment) == 1250


async def test_money_that_bought_nothing_goes_back_and_the_order_knows_nothing_of_it(
    sale: Sale, till: Till, bob: Person
) -> None:
    order, _ = await paid(till, sale, bob, paid=1)
    # Paid once more, in another tab.
    attempt = await till.owner.fetchval(
        "insert into public.payment_attempts (id, order_id, provider, amount, currency)"
        " values (private.uuid_v7(), $1, 'stripe', 1250, 'EUR') returning id",
        UUID(order["id"]),
    )
    twice = await till.pays(order)
    await till.sends()
    assert till.given_back(twice) == 1250
    [sent] = await till.refunds(order)
    assert (sent["cause"], sent["status"], sent["attempt_id"]) == ("paid_twice", "succeeded", attempt)
    stands = await till.order(order)
    assert (stands["status"], stands["refunded"]) == ("paid", 0)
    await till.check(sale)


@pytest.mark.parametrize(("currency", "price"), [("JPY", 1500), ("KWD", 12340)])
async def test_stripe_is_asked_in_its_own_units(
    alice: Person, bob: Person, db: Database, till: Till, currency: str, price: int
) -> None:
    sale = await on_sale(db, alice, await alice.creates(currency), {"paid": (price, 9)}, currency=currency)
    order, payment = await paid(till, sale, bob, paid=2)
    assert (await refund(alice, order, amount=10)).status_code == 201
    assert (await refund(alice, order, tickets=[order["tickets"][0]["id"]])).status_code == 201
    assert (await refund(alice, order)).status_code == 201
    await till.sends()
    assert till.given_back(payment) == 2 * price
    assert await till.accounts(order) == {}
    await till.check(sale)


async def test_an_organisers_share_and_our_fee_go_back_as_well(
    sale: Sale, till: Till, alice: Person, bob: Person
) -> None:
    assert till.fake is not None
    account = await till.site.app.parts.other["payments"].open_account("alice@example.org", "BE")
    await till.fake.fill_in(account)
    order = (await sale.sells(bob, paid=2)).json()
    payment = await till.pays(order, account)
    await refund(alice, order, amount=500)
    await till.sends()
    assert till.given_back(payment) == 500
    [made] = [one for one in till.fake.refunds() if one["payment_intent"] == payment]
    assert (made["_asked"]["reverse_transfer"], made["_asked"]["refund_application_fee"]) == ("true", "true")


@pytest.mark.parametrize("seed", range(3))
async def test_webhooks_in_any_order_three_times_each(
    sale: Sale, till: Till, alice: Person, bob: Person, seed: int
) -> None:
    """Refunds that take days, one of which a bank sends back; a dispute that is lost."""
    assert till.fake is not None
    till.fake.objects.slow_refunds = True
    refunded, payment = await paid(till, sale, bob, paid=2)
    disputed, other = await paid(till, sale, bob, paid=1)
    for amount in (100, 200):
        await refund(alice, refunded, amount=amount)
    await till.sends()
    sent = {one["amount"]: one for one in till.fake.refunds() if one["payment_intent"] == payment}
    await till.fake.refund_says(sent[100]["id"], "succeeded")
    await till.fake.refund_says(sent[200]["id"], "succeeded")
    await till.fake.refund_says(sent[200]["id"], "failed")
    await till.fake.end_dispute(await till.fake.dispute(other), won=False)
    notices = [till.fake.signed(event) for event in till.fake.events for _ in range(3)]
    random.Random(seed).shuffle(notices)
    for body, headers in notices:
        await hooks.receive(till.site.app.parts, "stripe", body, headers)
    await till.sends()
    assert {one["amount"]: one["status"] for one in await till.refunds(refunded)} == {100: "succeeded", 200: "failed"}
    assert await till.accounts(refunded) == {"provider:stripe": -2400, "buyer": 200, "seller": 2200}
    assert await till.accounts(disputed) == {}
    assert {row["status"] for row in await till.owner.fetch(TICKETS, UUID(disputed["id"]))} == {"void"}
    await till.check(sale)


async def test_steps_are_those_of_stripe(till: Till) -> None:
    steps = {}
    for currency in ("EUR", "JPY", "ISK", *THREE_DECIMALS, *WRITTEN_WITHOUT_CENTS):
        steps[currency] = await till.owner.fetchval(
            "select private.step_of(jsonb_populate_record(null::public.ticket_orders,"
            " jsonb_build_object('method', 'card', 'currency', $1::text)))",
            currency,
        )
    assert steps == {
        "EUR": 1, "JPY": 1, "ISK": 1, **dict.fromkeys(THREE_DECIMALS, 10), **dict.fromkeys(WRITTEN_WITHOUT_CENTS, 100)
    }  # fmt: skip
