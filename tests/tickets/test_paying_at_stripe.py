"""Paying at Stripe: its real SDK against the fake, on a real port, and everything that goes wrong on the way."""

import pytest
from cast import Person, Site
from paying import differences, key_of, lapses, orders
from selling import on_sale
from shop import PAGE, Shop


async def test_a_buyer_pays_and_has_tickets(shop: Shop, bob: Person) -> None:
    bought = await shop.orders(bob, paid=2)
    session = await shop.session(bought)
    assert await shop.session(bought) == session  # reloaded, it is the same checkout
    await shop.fake.pay(session)
    await shop.fake.settled()
    now = await bought.now()
    assert (now.status, now.valid, now.told, now.mails) == ("paid", 2, 1, 1)
    attempt = await bought.attempt()
    assert attempt.payment == shop.fake.session(session)["payment_intent"]
    back = await shop.site.client.get(f"/checkout/{attempt.id}/done", headers=PAGE)
    assert back.headers["location"] == bought.order["link"]
    assert (await shop.goes_to_pay(bought)).headers["location"] == bought.order["link"]
    assert await bought.ledger() == [
        ("provider:stripe", "buyer", 2500, "payment"),
        ("buyer", "seller", 2250, "sale"),
        ("buyer", "platform", 250, "sale"),
    ]
    assert await differences(shop.sale) == []


async def test_coming_back_is_enough_when_the_webhook_is_lost(shop: Shop, bob: Person) -> None:
    bought = await shop.orders(bob, paid=1)
    shop.fake.losing = True
    await shop.fake.pay(await shop.session(bought))
    assert (await bought.now()).status == "pending"
    back = await shop.site.client.get(f"/checkout/{(await bought.attempt()).id}/done", headers=PAGE)
    assert back.status_code == 303
    assert (await bought.now()).status == "paid"


async def test_the_webhook_may_come_before_we_know_the_checkout(shop: Shop, bob: Person) -> None:
    bought = await shop.orders(bob, paid=1)
    session = await shop.session(bought)
    shop.fake.copies = 3
    await shop.fake.pay(session)
    await shop.fake.settled()
    now = await bought.now()
    assert (now.status, now.valid, now.mails) == ("paid", 1, 1)
    assert len(await bought.ledger()) == 3


async def test_after_a_declined_card_the_same_checkout_takes_another(shop: Shop, bob: Person) -> None:
    bought = await shop.orders(bob, paid=1)
    session = await shop.session(bought)
    await shop.fake.decline(session)
    await shop.fake.settled()
    assert (await bought.attempt()).status == "open"
    assert "declined" in ((await bought.attempt()).note or "")
    await shop.fake.pay(session)
    await shop.fake.settled()
    assert (await bought.now()).status == "paid"


async def test_a_new_try_closes_the_last_one(shop: Shop, visitor: Person) -> None:
    bought = await shop.orders(visitor, paid=1)
    first = await shop.session(bought)
    path = f"/api/tickets/orders/{bought.id}/payment?key={key_of(bought.order)}"
    again = await shop.here(visitor).post(path)
    assert again.status_code == 201, again.text
    assert shop.fake.session(first)["status"] == "expired"
    second = await shop.session(bought)
    assert second != first
    await shop.fake.pay(second)
    await shop.fake.settled()
    assert [attempt.status for attempt in await bought.attempts()] == ["expired", "paid"]
    assert await differences(shop.sale) == []


async def test_a_new_try_finds_that_the_last_one_was_paid(shop: Shop, bob: Person) -> None:
    bought = await shop.orders(bob, paid=1)
    shop.fake.losing = True
    await shop.fake.pay(await shop.session(bought))
    again = await shop.here(bob).post(f"/api/tickets/orders/{bought.id}/payment")
    assert again.status_code == 201, again.text
    assert again.json()["status"] == "paid"
    assert again.json()["checkout_url"] is None
    assert len(await bought.attempts()) == 1


async def test_while_a_bank_is_at_it_there_is_no_other_try(shop: Shop, bob: Person) -> None:
    bought = await shop.orders(bob, paid=1)
    session = await shop.session(bought)
    await shop.fake.pay_by_bank(session)
    again = await shop.here(bob).post(f"/api/tickets/orders/{bought.id}/payment")
    assert again.status_code == 409
    assert again.json()["type"].endswith("payment-under-way")
    await shop.fake.bank_says(session, paid=True)
    await shop.fake.settled()
    assert (await bought.now()).status == "paid"


async def test_a_bank_that_says_no_leaves_the_order_to_be_paid(shop: Shop, bob: Person) -> None:
    bought = await shop.orders(bob, paid=1)
    session = await shop.session(bought)
    await shop.fake.pay_by_bank(session)
    await shop.fake.bank_says(session, paid=False)
    await shop.fake.settled()
    assert (await bought.attempt()).status == "failed"
    page = await shop.goes_to_pay(bought)
    assert page.status_code == 409
    assert "Try again" in page.text
    assert (await shop.here(bob).post(f"/api/tickets/orders/{bought.id}/payment")).status_code == 201
    await shop.fake.pay(await shop.session(bought))
    await shop.fake.settled()
    assert (await bought.now()).status == "paid"


@pytest.mark.usefixtures("short_pauses")
@pytest.mark.parametrize("how", ["500 before", "500 after", "lost before", "lost after", "429", "garbage"])
async def test_a_checkout_that_could_not_be_started_is_tried_again(shop: Shop, bob: Person, how: str) -> None:
    bought = await shop.orders(bob, paid=1)
    shop.fake.breaks(how, "/v1/checkout/sessions", times=3)  # type: ignore[arg-type]
    page = await shop.goes_to_pay(bought)
    if page.status_code != 303:
        assert page.status_code == 503
        assert "Try again" in page.text
        assert page.headers["retry-after"] == "10"
        assert (await bought.now()).status == "pending"
        shop.fake.mends()
    if how == "500 after":  # Stripe keeps that answer under its key: after a while there is another try
        await bought.ages(60)
        page = await shop.goes_to_pay(bought)
        assert page.headers["location"] == f"/checkout/{(await bought.attempt()).id}"
    await shop.fake.pay(await shop.session(bought))
    await shop.fake.settled()
    assert (await bought.now()).status == "paid"
    assert [session["status"] for session in shop.fake.objects.all("checkout.session")].count("complete") == 1


async def test_an_amount_that_was_not_asked_for_goes_back(shop: Shop, bob: Person) -> None:
    bought = await shop.orders(bob, paid=2)
    session = await shop.session(bought)
    shop.fake.session(session)["amount_total"] = 2400
    await shop.fake.pay(session)
    await shop.fake.settled()
    now = await bought.now()
    assert (now.status, now.valid) == ("pending", 0)
    refund = (await bought.refunds())[0]
    assert (refund.cause, refund.amount, refund.currency) == ("wrong_amount", 2400, "EUR")
    assert (await bought.attempt()).note == "asked for 2500 EUR and got 2400 EUR"
    assert await differences(shop.sale) == []
    again = await shop.here(bob).post(f"/api/tickets/orders/{bought.id}/payment")
    assert again.status_code == 201
    await shop.fake.pay(await shop.session(bought))
    await shop.fake.settled()
    assert (await bought.now()).status == "paid"
    assert await differences(shop.sale) == []


@pytest.mark.parametrize(
    ("currency", "price", "asked"),
    [("JPY", 1250, 1250), ("KWD", 1250, 1250), ("ISK", 1250, 125_000), ("MGA", 125_000, 1250), ("USD", 1250, 1250)],
)
async def test_amounts_come_back_as_they_were_asked_for(
    shop: Shop, alice: Person, bob: Person, currency: str, price: int, asked: int
) -> None:
    event = await alice.creates("A gig abroad")
    sale = await on_sale(shop.sale.db, alice, event, {"paid": (price, 10)}, currency=currency)
    bought = await orders(sale, shop.here(bob), paid=2)
    session = await shop.session(bought)
    assert shop.fake.session(session)["amount_total"] == 2 * asked
    await shop.fake.pay(session)
    await shop.fake.settled()
    now = await bought.now()
    assert (now.status, now.paid) == ("paid", 2 * price)


async def test_a_checkout_for_an_order_that_is_over_is_closed(shop: Shop, bob: Person) -> None:
    bought = await shop.orders(bob, paid=1)
    session = await shop.session(bought)
    await lapses(shop.site, bought)
    page = await shop.goes_to_pay(bought)
    assert page.status_code == 409
    assert "The time to pay is over" in page.text
    assert (await shop.reconciles()).get("closed") == 1
    assert shop.fake.session(session)["status"] == "expired"
    assert (await bought.attempt()).status == "expired"


async def test_money_goes_to_the_organisers_account_less_our_fee(shop: Shop, alice: Person, bob: Person) -> None:
    organizer = shop.here(alice)
    nothing = (await organizer.get("/api/me/payouts")).json()
    assert nothing == {
        "connected": False, "charges_enabled": False, "payouts_enabled": False, "details_submitted": False
    }  # fmt: skip
    assert (await organizer.post("/api/me/payouts", {})).status_code == 422
    answer = await organizer.post("/api/me/payouts", {"country": "BE"})
    assert answer.status_code == 200, answer.text
    assert answer.json()["url"].startswith(shop.fake.address)
    account = shop.fake.objects.all("account")[0]["id"]
    assert (await organizer.post("/api/me/payouts", {})).status_code == 200
    assert len(shop.fake.objects.all("account")) == 1
    before = await shop.orders(bob, paid=1)
    await shop.session(before)
    assert (await before.attempt()).account is None  # not until it may take money

    await shop.fake.fill_in(account)
    await shop.fake.settled()
    assert (await organizer.get("/api/me/payouts")).json()["charges_enabled"] is True
    bought = await shop.orders(bob, paid=2)
    session = await shop.session(bought)
    assert (await bought.attempt()).account == account
    asked = shop.fake.session(session)["_asked"]["payment_intent_data"]
    assert asked["transfer_data"]["destination"] == account
    assert int(asked["application_fee_amount"]) == 250
    await shop.fake.pay(session)
    await shop.fake.settled()
    assert (await bought.now()).status == "paid"


async def test_an_account_that_lost_its_rights_does_not_stop_the_sale(shop: Shop, alice: Person, bob: Person) -> None:
    assert (await shop.here(alice).post("/api/me/payouts", {"country": "BE"})).status_code == 200
    account = shop.fake.objects.all("account")[0]
    await shop.fake.fill_in(account["id"])
    assert (await shop.here(alice).get("/api/me/payouts")).json()["charges_enabled"] is True
    account["charges_enabled"] = False  # and its notice is lost
    bought = await shop.orders(bob, paid=1)
    page = await shop.goes_to_pay(bought)
    assert page.status_code == 409
    assert "Try again" in page.text
    assert (await shop.here(bob).post(f"/api/tickets/orders/{bought.id}/payment")).status_code == 201
    await shop.fake.pay(await shop.session(bought))
    await shop.fake.settled()
    assert (await bought.now()).status == "paid"
    assert (await bought.attempt()).account is None


async def test_what_was_begun_at_the_pretender_is_paid_at_stripe_once_that_takes_over(
    site: Site, shop: Shop, bob: Person
) -> None:
    bought, left = await orders(shop.sale, bob, paid=1), await orders(shop.sale, bob, paid=1)
    for pretended in (bought, left):
        await site.client.get(pretended.order["checkout_url"], headers=PAGE)
    moved = await shop.goes_to_pay(bought)
    assert moved.headers["location"] == f"/checkout/{(await bought.attempt()).id}"
    await shop.fake.pay(await shop.session(bought))
    await shop.fake.settled()
    assert (await bought.now()).status == "paid"
    await lapses(shop.site, left)
    await shop.reconciles()
    assert (await left.attempt()).status == "expired"


async def test_an_event_that_may_still_be_paid_for_is_not_deleted(shop: Shop, alice: Person, bob: Person) -> None:
    bought = await shop.orders(bob, paid=1)
    await shop.session(bought)
    await lapses(shop.site, bought)
    assert (await alice.delete(f"/api/events/{shop.sale.event['id']}")).status_code == 409
    await shop.reconciles()
    assert (await alice.delete(f"/api/events/{shop.sale.event['id']}")).status_code == 204


async def test_a_communitys_payouts_are_for_who_administers_it(shop: Shop, dana: Person, carol: Person) -> None:
    path = f"/api/communities/{dana.community}/payouts"
    assert (await shop.here(carol).get(path)).status_code == 403
    assert (await shop.here(carol).post(path, {"country": "BE"})).status_code == 403
    assert (await shop.here(dana).post(path, {"country": "BE"})).status_code == 200
    assert (await shop.here(dana).get(path)).json()["connected"] is True
    assert (await shop.here(dana).get("/api/communities/nowhere-at-all/payouts")).status_code == 404
