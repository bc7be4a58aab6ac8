"""The reconciler: what was lost on the way is found, what is over is closed, and differences are told."""

import asyncio
import time
from uuid import UUID

import asyncpg
import pytest
from cast import Person, Site
from paying import differences, lapses, orders, runs_out
from selling import Sale
from shop import Shop

from vently.tickets.payments import reconciling


async def test_a_lost_webhook_is_made_up_for(shop: Shop, bob: Person) -> None:
    bought = await shop.orders(bob, paid=2)
    shop.fake.losing = True
    await shop.fake.pay(await shop.session(bought))
    await shop.reconciles()
    assert (await bought.now()).status == "pending"  # its buyer went to pay a moment ago
    assert (await shop.reconciles(bought))["paid"] == 1
    now = await bought.now()
    assert (now.status, now.valid, now.mails) == ("paid", 2, 1)
    assert await differences(shop.sale) == []


async def test_what_is_still_open_is_asked_about_less_and_less_often(shop: Shop, bob: Person) -> None:
    bought = await shop.orders(bob, paid=1)
    session = await shop.session(bought)
    asked = len(_looks(shop, session))
    await shop.reconciles(bought)
    await shop.reconciles()
    assert len(_looks(shop, session)) == asked + 1
    await bought.ages(31)  # two and a half minutes old: due after some forty seconds
    await shop.reconciles()
    assert len(_looks(shop, session)) == asked + 1
    await bought.ages(31)
    await shop.reconciles()
    assert len(_looks(shop, session)) == asked + 2


async def test_several_reconcilers_share_the_work(shop: Shop, bob: Person) -> None:
    waiting = [await shop.orders(bob, paid=1) for _ in range(6)]
    sessions = [await shop.session(bought) for bought in waiting]
    shop.fake.losing = True
    for session in sessions[:3]:
        await shop.fake.pay(session)
    for bought in waiting:
        await bought.ages(120)
    await asyncio.gather(*(reconciling.reconcile(shop.site.app.parts) for _ in range(3)))
    assert {len(_looks(shop, session)) for session in sessions} == {1}
    assert [(await bought.now()).status for bought in waiting] == ["paid"] * 3 + ["pending"] * 3
    assert await differences(shop.sale) == []


async def test_paid_in_the_last_moment_the_order_gets_its_tickets_after_all(shop: Shop, bob: Person) -> None:
    bought = await shop.orders(bob, paid=2)
    session = await shop.session(bought)
    shop.fake.losing = True
    await shop.fake.pay(session)
    await lapses(shop.site, bought)
    assert (await shop.reconciles())["paid"] == 1
    assert (await bought.now()).status == "paid"
    assert await differences(shop.sale) == []


@pytest.mark.usefixtures("short_pauses")
async def test_a_provider_that_is_away_is_asked_again_later(shop: Shop, bob: Person) -> None:
    bought = await shop.orders(bob, paid=1)
    shop.fake.losing = True
    await shop.fake.pay(await shop.session(bought))
    shop.fake.breaks("500 before", "/v1/checkout/sessions", times=20)
    assert (await shop.reconciles(bought))["unanswered"] == 1
    assert (await bought.now()).status == "pending"
    shop.fake.mends()
    assert (await shop.reconciles(bought))["paid"] == 1


async def test_nothing_in_the_database_waits_while_the_provider_is_asked(shop: Shop, bob: Person) -> None:
    bought = await shop.orders(bob, paid=1)
    await shop.session(bought)
    await bought.ages(120)
    shop.fake.breaks("slow", "/v1/checkout/sessions", seconds=0.6)
    asking = asyncio.create_task(reconciling.reconcile(shop.site.app.parts))
    await asyncio.sleep(0.3)
    connection = await asyncpg.connect(shop.site.settings.platform_url)
    waiting = await connection.fetchval(
        "select count(*) from pg_stat_activity where datname = current_database() and state like 'idle in transaction%'"
    )
    await connection.close()
    assert not asking.done()
    assert waiting == 0
    assert (await asking)["open"] == 1


async def test_what_nobody_was_shown_is_closed_without_asking(shop: Shop, bob: Person) -> None:
    bought = await shop.orders(bob, paid=1)
    await lapses(shop.site, bought)
    assert (await bought.attempt()).status == "expired"
    assert shop.fake.requests == []


@pytest.mark.usefixtures("short_pauses")
async def test_a_checkout_whose_answer_was_lost_ends_with_its_order(shop: Shop, bob: Person) -> None:
    bought = await shop.orders(bob, paid=1)
    shop.fake.breaks("lost after", "/v1/checkout/sessions", times=3)
    assert (await shop.goes_to_pay(bought)).status_code == 503
    assert (await bought.attempt()).reference is None
    await lapses(shop.site, bought)
    assert (await bought.attempt()).status == "expired"
    await shop.fake.pay(str((await bought.attempt()).id))  # nobody could; if they did, it would count all the same
    await shop.fake.settled()
    assert (await bought.now()).status == "paid"
    assert await differences(shop.sale) == []


async def test_a_pretender_whose_node_was_killed_is_asked(site: Site, sale: Sale, bob: Person) -> None:
    bought = await orders(sale, bob, paid=1)
    await site.client.get(bought.order["checkout_url"], headers={"accept": "text/html"})
    attempt = await bought.attempt()
    pretender = site.app.parts.other["payments"]
    await pretender._ledger.keep(attempt.id, "paid", 1250, "EUR")  # and then nobody was told
    await bought.ages(120)
    await reconciling.reconcile(site.app.parts)
    assert (await bought.now()).status == "paid"


async def test_holds_end_by_themselves_and_availability_is_told(site: Site, sale: Sale, bob: Person) -> None:
    bought, other = await orders(sale, bob, paid=2), await orders(sale, bob, paid=3)
    await runs_out(site, bought)
    assert await reconciling.lapse_holds(site.app.parts) == 1
    assert ((await bought.now()).status, (await other.now()).status) == ("expired", "pending")
    assert (await sale.stock("paid")).held == 3
    assert await reconciling.lapse_holds(site.app.parts) == 0


@pytest.mark.parametrize(
    ("harm", "told"),
    [
        ("update public.ticket_stocks set sold = sold + 1 where event_id = $1", "stock: "),
        ("update public.tickets set status = 'void' where event_id = $1", "order: "),
        ("update public.tickets set paid = paid + 1 where event_id = $1", "order: "),
        (
            """insert into public.ledger_transfers (order_id, debit, credit, amount, currency, cause, cause_id)
               select o.id, 'seller', 'buyer', 5, 'EUR', 'refund', o.id from public.ticket_orders o
                where o.event_id = $1 and o.status = 'paid'""",
            "ledger: ",
        ),
        (
            """update public.payment_attempts a set status = 'failed' from public.ticket_orders o
                where o.id = a.order_id and o.event_id = $1 and a.status = 'paid'""",
            "payment: ",
        ),
        (
            """update public.ticket_orders set expires_at = now() - interval '1 hour'
                where event_id = $1 and status = 'pending'""",
            "stuck: ",
        ),
    ],
)
async def test_a_difference_is_told(site: Site, sale: Sale, bob: Person, harm: str, told: str) -> None:
    await orders(sale, bob, paid=1)
    paid = await orders(sale, bob, paid=2)
    await site.client.post(paid.order["checkout_url"], data={"outcome": "paid"})
    assert await differences(sale) == []
    connection = await asyncpg.connect(site.settings.platform_url)
    transaction = connection.transaction()
    await transaction.start()
    try:
        await connection.execute(harm, UUID(sale.event["id"]))
        found = await connection.fetch(
            "select kind || ': ' || detail from private.till_differences() where event_id = $1", UUID(sale.event["id"])
        )
    finally:
        await transaction.rollback()
        await connection.close()
    assert any(row[0].startswith(told) for row in found), found


def _looks(shop: Shop, session: str) -> list[float]:
    """When Stripe was asked what became of it."""
    return [
        time.monotonic()
        for request in shop.fake.requests
        if request.method == "GET" and request.path == f"/v1/checkout/sessions/{session}"
    ]
