"""Webhooks of payments: forged, stale, of others, twice, in any order; the same comes of them as in order."""

import asyncio
import random
from collections import Counter
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest
from cast import Person
from paying import Books, differences, lapses
from selling import Sale, on_sale
from shop import Shop
from told import Event, Payment

from vently.database.queries import parse
from vently.jobs.worker import Jobs
from vently.tickets.payments import jobs

HOOK = "/hooks/payments/stripe"


@pytest.fixture
async def bought(shop: Shop, bob: Person) -> Books:
    return await shop.orders(bob, paid=1)


@pytest.fixture
async def payment(shop: Shop, bought: Books) -> Payment:
    """Of that order, for all that Stripe may tell of it."""
    return Payment(shop.fake, (await bought.attempt()).id)


async def test_a_signed_notice_counts_once(shop: Shop, bought: Books, payment: Payment) -> None:
    paid = payment.paid()
    answers = await asyncio.gather(*(shop.tells(paid) for _ in range(8)))
    assert {answer.status_code for answer in answers} == {204}
    now = await bought.now()
    assert (now.status, now.valid, now.mails) == ("paid", 1, 1)
    assert (await shop.tells(payment.paid())).status_code == 204  # the same thing, told in other words
    assert (await shop.tells(payment.bank_paid())).status_code == 204
    assert len(await bought.ledger()) == 3
    assert await bought.refunds() == []


async def test_what_is_not_signed_by_the_provider_is_refused(shop: Shop, bought: Books, payment: Payment) -> None:
    paid = payment.paid()
    body, headers = shop.fake.signed(paid)
    without = {"content-type": "application/json"}
    changed = body.replace(b'"amount_total": 1250', b'"amount_total": 9999')
    assert changed != body
    for sent, named in ((body, without), (changed, headers), (body, without | {"stripe-signature": "t=1,v1=é"})):
        named = {name: value.encode() for name, value in named.items()}  # type: ignore[misc]  # noqa: PLW2901
        assert (await shop.site.client.post(HOOK, content=sent, headers=named)).status_code == 400
    assert (await shop.tells(paid, secret="whsec_another")).status_code == 400
    assert (await shop.tells(paid, at=shop.fake.now() - 301)).status_code == 400
    assert (await bought.now()).status == "pending"
    assert (await shop.tells(paid, at=shop.fake.now() - 200)).status_code == 204
    assert (await bought.now()).status == "paid"


async def test_what_is_about_others_is_refused(shop: Shop, bought: Books, payment: Payment) -> None:
    live = payment.paid() | {"livemode": True}
    assert (await shop.tells(live)).status_code == 400
    elsewhere = shop.fake.event("checkout.session.completed", payment.session(), account="acct_others")
    assert (await shop.tells(elsewhere)).status_code == 404
    unknown = Payment(shop.fake, UUID("01890a5d-ac96-774b-bcce-b302099a8057"))
    for event in (unknown.paid(), unknown.expired(), unknown.declined()):
        assert (await shop.tells(event)).status_code == 404
        assert (await shop.tells(event)).status_code == 404  # not kept: told again, it is looked at again
    account = shop.fake.event("account.updated", {"id": "acct_others", "object": "account"}, account="acct_others")
    assert (await shop.tells(account)).status_code == 404
    not_vently = shop.fake.event("checkout.session.completed", payment.session(metadata={}))
    assert (await shop.tells(not_vently)).status_code == 204
    assert (await shop.tells(shop.fake.event("customer.created", {"id": "cus_1"}))).status_code == 204
    assert (await bought.now()).status == "pending"


async def test_each_provider_has_its_own_address(shop: Shop, payment: Payment) -> None:
    body, headers = shop.fake.signed(payment.paid())
    for path in ("/hooks/payments/pretend", "/hooks/payments/paypal", "/hooks/payments/..%2Fstripe"):
        assert (await shop.site.client.post(path, content=body, headers=headers)).status_code == 404
    assert (await shop.site.client.get(HOOK)).status_code == 405
    nowhere = await shop.site.client.get(f"/pretend/checkout/{payment.attempt}", headers={"accept": "text/html"})
    assert nowhere.status_code == 404
    assert (
        await shop.site.client.post(f"/pretend/checkout/{payment.attempt}", data={"outcome": "paid"})
    ).status_code == 404


async def test_bodies_that_are_none_are_refused(shop: Shop) -> None:
    for body in (b"", b"[]", b"{}", b"\xff\xfe", b"[" * 100_000, b'{"id": 1}'):
        signed, headers = shop.fake.signed(body) if body != b"\xff\xfe" else (body, {})
        assert (await shop.site.client.post(HOOK, content=signed, headers=headers)).status_code == 400
    large, headers = shop.fake.signed(b'{"x": "' + b"x" * 1_000_001 + b'"}')
    assert (await shop.site.client.post(HOOK, content=large, headers=headers)).status_code == 413


async def test_closed_after_it_was_paid_it_stays_paid(shop: Shop, bought: Books, payment: Payment) -> None:
    for event in (payment.expired(), payment.paid(), payment.expired(), payment.declined(), payment.bank_refused()):
        assert (await shop.tells(event)).status_code == 204
    assert (await bought.now()).status == "paid"
    assert (await bought.attempt()).status == "paid"
    assert await differences(shop.sale) == []


async def test_a_notice_that_could_not_be_done_is_not_taken(shop: Shop, bought: Books, payment: Payment) -> None:
    paid = payment.paid()
    connection = await asyncpg.connect(shop.site.settings.platform_url)
    transaction = connection.transaction()
    await transaction.start()
    await connection.execute("select private.at_till($1)", UUID(shop.sale.event["id"]))  # and stays there
    busy = await shop.tells(paid)
    await transaction.rollback()
    await connection.close()
    assert busy.status_code == 503
    assert (await bought.now()).status == "pending"
    assert (await shop.tells(paid)).status_code == 204
    assert (await bought.now()).status == "paid"


async def test_one_checkout_paid_by_two_payments_is_noted(shop: Shop, bought: Books, payment: Payment) -> None:
    other = Payment(shop.fake, payment.attempt, name=payment.name)
    assert (await shop.tells(payment.paid())).status_code == 204
    assert (await shop.tells(other.paid())).status_code == 204
    assert (await bought.attempt()).note == f"also paid as {other.intent}: look at the provider"
    assert len(await bought.ledger()) == 3


async def test_both_of_two_tries_paid_the_second_goes_back(
    shop: Shop, bought: Books, payment: Payment, bob: Person
) -> None:
    await shop.session(bought)
    assert (await shop.here(bob).post(f"/api/tickets/orders/{bought.id}/payment")).status_code == 201
    second = Payment(shop.fake, (await bought.attempt()).id)
    assert second.attempt != payment.attempt
    assert (await shop.tells(second.paid())).status_code == 204
    late = await asyncio.gather(*(shop.tells(payment.paid()) for _ in range(3)))
    assert {answer.status_code for answer in late} == {204}
    assert (await bought.now()).valid == 1
    assert [(refund.cause, refund.amount) for refund in await bought.refunds()] == [("paid_twice", 1250)]
    assert await differences(shop.sale) == []


async def test_a_dispute_told_before_its_payment_is_kept(shop: Shop, bought: Books, payment: Payment) -> None:
    assert (await shop.tells(payment.disputed("dp_1", "needs_response"))).status_code == 204
    assert (await shop.tells(payment.paid())).status_code == 204
    assert await _disputes(bought) == []
    await _works(shop)
    assert await _disputes(bought) == ["open"]
    assert (await shop.tells(payment.disputed("dp_1", "won"))).status_code == 204
    assert await _disputes(bought) == ["won"]


async def test_money_that_came_too_late_is_told_of_by_letter(shop: Shop, bought: Books, payment: Payment) -> None:
    await lapses(shop.site, bought)
    late = Payment(shop.fake, payment.attempt, amount=1200)
    assert (await shop.tells(late.paid())).status_code == 204
    assert [refund.cause for refund in await bought.refunds()] == ["wrong_amount"]
    await _works(shop)
    letters = [path.read_text() for path in (shop.site.settings.data / "mail").glob("*.eml")]
    assert any("Your money goes back" in letter and "wrong" not in letter for letter in letters)


# Two thousand events in order, and the same stories three times each, shuffled, with forged and stale ones among them

STORIES = ("paid", "left", "by bank", "refused by bank", "wrong amount", "late", "lost a dispute")
ORDERS = 500


sql = parse("""
-- name: ends
select o.id, o.status,
       (select count(*)::int from public.tickets t where t.order_id = o.id and t.status = 'valid') as valid,
       array(select a.status from public.payment_attempts a where a.order_id = o.id) as attempts,
       array(select r.cause || ' ' || r.amount from public.refunds r where r.order_id = o.id) as refunds,
       array(select d.status from public.disputes d where d.order_id = o.id) as disputes,
       array(select l.debit || ' ' || l.credit || ' ' || l.amount || ' ' || l.cause from public.ledger_transfers l
              where l.order_id = o.id order by 1) as ledger
  from public.ticket_orders o where o.event_id = :event;
-- name: jobs_wait
select exists (select from private.jobs j where j.kind = any (:kinds) and j.status in ('waiting', 'running')
                and j.attempt < 2 and j.every_seconds is null);
-- name: disputes_of
select d.status as text from public.disputes d where d.order_id = :order;
""")


async def test_two_thousand_events_come_to_the_same_in_any_order(shop: Shop, alice: Person, bob: Person) -> None:
    ends = []
    for shuffled in (False, True):
        event = await alice.creates("A rush")
        sale = await on_sale(shop.sale.db, alice, event, {"paid": (1250, 1000)})
        told = await _stories(shop, sale, bob)
        assert len(told) >= 2000
        forged = 0
        if shuffled:
            told, forged = _hostile(shop, told)
        answers = await _sent(shop, told)
        assert answers == {204: len(told) - forged} | ({400: forged} if forged else {})
        await _works(shop)
        ends.append(await _ends(sale))
        assert await differences(sale) == []
    assert ends[0] == ends[1]
    assert {status for _, status in ends[0]} == {"paid", "pending"}


async def _stories(shop: Shop, sale: Sale, bob: Person) -> list[tuple[bytes, dict[str, str]]]:
    """Webhooks in order: four and more of each order."""
    here = shop.here(bob)
    told: list[tuple[bytes, dict[str, str]]] = []
    for number in range(ORDERS):
        story = STORIES[number % len(STORIES)]
        bought = Books(sale.db, (await sale.sells(here, paid=1)).json())
        attempt = UUID(bought.order["checkout_url"].rsplit("/", 1)[1])
        one = Payment(shop.fake, attempt, amount=1200 if story == "wrong amount" else 1250)
        told += [shop.fake.signed(event) for event in _events(one, story)]
        if story == "late":
            await lapses(shop.site, bought)
    return told


def _events(one: Payment, story: str) -> list[Event]:
    dispute = f"dp_{one.attempt}"
    declined = [one.declined(), one.declined(), one.declined()]
    match story:
        case "left":
            return [*declined, one.expired()]
        case "by bank":
            return [one.declined(), one.declined(), one.at_the_bank(), one.bank_paid()]
        case "refused by bank":
            return [one.declined(), one.declined(), one.at_the_bank(), one.bank_refused()]
        case "lost a dispute":
            told = [one.disputed(dispute, "needs_response"), one.disputed(dispute, "lost")]
            return [one.declined(), one.paid(), *told]
    return [*declined, one.paid()]


def _hostile(shop: Shop, told: list[Any]) -> tuple[list[Any], int]:
    """Three copies of each, shuffled; and one in twenty forged, and one in twenty stale, beside."""
    chance = random.Random(4)
    some = len(told) * 3 // 20
    forged = [shop.fake.signed(body, secret="whsec_another") for body, _ in chance.choices(told, k=some)]
    stale = [shop.fake.signed(body, at=shop.fake.now() - 400) for body, _ in chance.choices(told, k=some)]
    sent = [*told * 3, *forged, *stale]
    chance.shuffle(sent)
    return sent, len(forged) + len(stale)


async def _sent(shop: Shop, told: list[tuple[bytes, dict[str, str]]]) -> Counter[int]:
    """All of them, sixteen at a time; how often each status was the answer."""
    queue = iter(told)
    statuses: Counter[int] = Counter()

    async def sends(client: httpx.AsyncClient) -> None:
        for body, headers in queue:
            statuses[(await client.post(HOOK, content=body, headers=headers)).status_code] += 1

    async with httpx.AsyncClient(base_url=shop.site.client.base_url, timeout=60) as client:
        await asyncio.gather(*(sends(client) for _ in range(16)))
    return statuses


async def _ends(sale: Sale) -> Counter[Any]:
    """How many orders ended in which way."""
    async with sale.db.acting_as_system() as tx:
        rows = await tx.many(sql.ends, dict, event=UUID(sale.event["id"]))
    return Counter((str({k: v for k, v in row.items() if k != "id"}), row["status"]) for row in rows)


async def _disputes(bought: Books) -> list[str]:
    async with bought.db.acting_as_system() as tx:
        return [row["text"] for row in await tx.many(sql.disputes_of, dict, order=bought.id)]


async def _works(shop: Shop) -> None:
    """Every job of payments that waits is done."""
    parts = shop.site.app.parts

    def handling(handler: Any) -> Any:
        return lambda job: handler(parts, job)

    work = Jobs(parts.database, {kind: handling(handler) for kind, handler in jobs.HANDLERS.items()})
    async with work.working():
        for _ in range(600):
            async with parts.database.acting_as_system() as tx:
                if not await tx.value(sql.jobs_wait, kinds=list(jobs.HANDLERS)):
                    return
            await asyncio.sleep(0.1)
