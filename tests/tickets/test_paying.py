"""Paying at the pretend provider: paid, declined and tried again, too late, for an event that is cancelled."""

import asyncio

from cast import Person, Site
from paying import Books, differences, key_of, lapses, orders, pretends, runs_out
from selling import Sale

PAGE = {"accept": "text/html"}


async def test_a_paid_order_has_valid_tickets_and_right_books(site: Site, sale: Sale, bob: Person) -> None:
    bought = await orders(sale, bob, paid=2)
    assert bought.order["checkout_url"] == f"http://vently.test/pretend/checkout/{(await bought.attempt()).id}"
    page = await site.client.get(bought.order["checkout_url"], headers=PAGE)
    assert page.status_code == 200
    assert "€25.00" in page.text

    answer = await pretends(site, bought, "paid")
    assert answer.status_code == 303
    assert answer.headers["location"] == bought.order["link"]

    now = await bought.now()
    assert (now.status, now.paid, now.valid, now.told, now.mails, now.invoices) == ("paid", 2500, 2, 1, 1, 1)
    assert (await bought.attempt()).status == "paid"
    assert await bought.ledger() == [
        ("provider:pretend", "buyer", 2500, "payment"),
        ("buyer", "seller", 2500, "sale"),
    ]
    stock = await sale.stock("paid")
    assert (stock.held, stock.sold) == (0, 2)
    assert await differences(sale) == []


async def test_paid_twice_at_the_same_page_it_counts_once(site: Site, sale: Sale, bob: Person) -> None:
    bought = await orders(sale, bob, paid=1)
    answers = await asyncio.gather(*(pretends(site, bought, "paid") for _ in range(5)))
    assert {answer.status_code for answer in answers} == {303}
    now = await bought.now()
    assert (now.valid, now.told, now.mails) == (1, 1, 1)
    assert len(await bought.ledger()) == 2
    page = await site.client.get(bought.order["checkout_url"], headers=PAGE)
    assert page.status_code in (303, 409)


async def test_after_a_declined_card_another_may_do(site: Site, sale: Sale, bob: Person) -> None:
    bought = await orders(sale, bob, paid=1)
    assert (await pretends(site, bought, "declined")).status_code == 303
    assert (await bought.now()).status == "pending"
    assert (await bought.attempt()).note == "declined: The pretend card was declined."
    again = await bob.post(f"/api/tickets/orders/{bought.id}/payment")
    assert again.status_code == 201, again.text
    assert again.json()["checkout_url"] != bought.order["checkout_url"]
    assert [attempt.status for attempt in await bought.attempts()] == ["expired", "open"]
    old = await site.client.post(bought.order["checkout_url"], data={"outcome": "paid"})
    assert old.status_code == 303
    assert (await bought.now()).status == "pending"  # the provider has closed that one
    assert (await pretends(site, bought, "paid")).status_code == 303
    assert (await bought.now()).status == "paid"
    assert await differences(sale) == []


async def test_the_same_page_takes_another_card(site: Site, sale: Sale, bob: Person) -> None:
    bought = await orders(sale, bob, paid=1)
    for outcome in ("declined", "declined", "paid"):
        assert (await pretends(site, bought, outcome)).status_code == 303
    assert (await bought.now()).status == "paid"


async def test_who_left_without_paying_tries_again_on_the_page(site: Site, sale: Sale, visitor: Person) -> None:
    bought = await orders(sale, visitor, paid=1)
    await pretends(site, bought, "abandoned")
    assert (await bought.attempt()).status == "expired"
    page = await site.client.get(f"/checkout/{(await bought.attempt()).id}", headers=PAGE)
    assert page.status_code == 409
    assert "Try again" in page.text
    again = await visitor.post(f"/api/tickets/orders/{bought.id}/payment?key={key_of(bought.order)}")
    assert again.status_code == 201, again.text
    assert again.json()["link"] == bought.order["link"]
    assert (await pretends(site, bought, "paid")).status_code == 303
    assert (await bought.now()).status == "paid"


async def test_trying_again_is_for_who_bought(alice: Person, carol: Person, sale: Sale, visitor: Person) -> None:
    bought = await orders(sale, visitor, paid=1)
    path = f"/api/tickets/orders/{bought.id}/payment"
    assert (await carol.post(path)).status_code == 404
    assert (await visitor.post(path)).status_code == 404
    assert (await visitor.post(f"{path}?key=1.{'A' * 22}")).status_code == 404
    assert (await alice.post(path)).status_code == 403
    assert (await visitor.post(f"{path}?key={key_of(bought.order)}")).status_code == 201
    assert [attempt.status for attempt in await bought.attempts()] == ["open"]  # nothing was begun: it will do


async def test_two_tabs_lead_to_the_same_place(site: Site, sale: Sale, bob: Person) -> None:
    bought = await orders(sale, bob, paid=1)
    await site.client.get(bought.order["checkout_url"], headers=PAGE)
    path = f"/api/tickets/orders/{bought.id}/payment"
    answers = await asyncio.gather(*(bob.post(path) for _ in range(4)))
    assert {answer.status_code for answer in answers} == {201}
    assert [attempt.status for attempt in await bought.attempts()].count("open") == 1
    first = await site.client.get(bought.order["checkout_url"], headers=PAGE)
    assert first.status_code == 303
    assert first.headers["location"] == f"/pretend/checkout/{(await bought.attempt()).id}"


async def test_a_try_sent_twice_with_a_key_is_answered_again(site: Site, sale: Sale, bob: Person) -> None:
    bought = await orders(sale, bob, paid=1)
    await pretends(site, bought, "declined")
    path, headers = f"/api/tickets/orders/{bought.id}/payment", {"idempotency-key": "again"}
    first = await bob.post(path, headers=headers)
    assert first.status_code == 201
    await site.client.get(first.json()["checkout_url"], headers=PAGE)
    second = await bob.post(path, headers=headers)
    assert second.headers["idempotent-replayed"] == "true"
    assert second.json() == first.json()
    assert len(await bought.attempts()) == 2


async def test_a_paid_order_is_not_paid_again(site: Site, sale: Sale, bob: Person) -> None:
    bought = await orders(sale, bob, paid=1)
    await pretends(site, bought, "paid")
    again = await bob.post(f"/api/tickets/orders/{bought.id}/payment")
    assert again.status_code == 409
    assert again.json()["detail"] == "This order is paid already."


async def test_money_that_comes_too_late_gets_its_tickets_while_there_are_some(
    site: Site, sale: Sale, bob: Person
) -> None:
    bought = await orders(sale, bob, paid=3)
    await lapses(site, bought)
    assert (await bob.post(f"/api/tickets/orders/{bought.id}/payment")).status_code == 409
    assert (await pretends(site, bought, "paid")).status_code == 303
    now = await bought.now()
    assert (now.status, now.valid, now.mails) == ("paid", 3, 1)
    stock = await sale.stock("paid")
    assert (stock.held, stock.sold) == (0, 3)
    assert await differences(sale) == []


async def test_money_that_comes_too_late_goes_back_when_they_are_gone(
    site: Site, sale: Sale, bob: Person, carol: Person
) -> None:
    bought = await orders(sale, bob, paid=3)
    await lapses(site, bought)
    for _ in range(10):
        await orders(sale, carol, paid=10)
    await pretends(site, bought, "paid")
    assert (await bought.now()).status == "expired"
    assert await bought.ledger() == [("provider:pretend", "buyer", 3750, "payment")]
    assert [(refund.cause, refund.amount) for refund in await bought.refunds()] == [("too_late", 3750)]
    assert (await sale.stock("paid")).held == 100
    assert await differences(sale) == []


async def test_money_for_an_order_that_was_given_back_brings_it_back(site: Site, sale: Sale, bob: Person) -> None:
    bought = await orders(sale, bob, paid=1)
    assert (await bob.delete(f"/api/tickets/orders/{bought.id}")).status_code == 204
    await pretends(site, bought, "paid")
    assert (await bought.now()).status == "paid"
    assert await differences(sale) == []


async def test_a_hold_that_ran_out_is_good_until_somebody_notices(site: Site, sale: Sale, bob: Person) -> None:
    bought = await orders(sale, bob, paid=1)
    await runs_out(site, bought)
    await pretends(site, bought, "paid")
    assert (await bought.now()).status == "paid"
    assert await differences(sale) == []


async def test_money_for_an_event_cancelled_meanwhile_goes_back(
    site: Site, sale: Sale, alice: Person, bob: Person
) -> None:
    bought = await orders(sale, bob, paid=1)
    assert (await alice.post(f"/api/events/{sale.event['id']}/cancellation")).status_code < 300
    page = await site.client.get(bought.order["checkout_url"], headers=PAGE)
    assert page.status_code == 409
    assert "cancelled" in page.text
    await pretends(site, bought, "paid")
    assert (await bought.now()).status == "cancelled"
    assert [refund.cause for refund in await bought.refunds()] == ["too_late"]
    assert (await sale.stock("paid")).held == 0
    assert await differences(sale) == []


async def test_what_is_no_outcome_is_refused(site: Site, sale: Sale, bob: Person) -> None:
    bought = await orders(sale, bob, paid=1)
    assert (await pretends(site, bought, "stolen")).status_code == 422
    nowhere = "/pretend/checkout/01890a5d-ac96-774b-bcce-b302099a8057"
    assert (await site.client.post(nowhere, data={"outcome": "paid"})).status_code == 404
    assert (await site.client.get(nowhere, headers=PAGE)).status_code == 404
    assert (await site.client.get("/checkout/nonsense", headers=PAGE)).status_code == 404
    assert (await bought.now()).status == "pending"


async def test_a_discount_used_up_meanwhile_is_not_given_twice(site: Site, sale: Sale, bob: Person) -> None:
    made = await sale.organizer.post(
        f"/api/events/{sale.event['id']}/discounts", {"code": "ONCE", "percent": 50, "max_uses": 1}
    )
    assert made.status_code == 201, made.text
    cart = sale.cart(bob, paid=1) | {"discount_code": "ONCE"}
    late = Books(sale.db, (await bob.post("/api/tickets/orders", cart)).json())
    await lapses(site, late)
    other = Books(sale.db, (await bob.post("/api/tickets/orders", cart)).json())
    assert (await other.now()).status == "pending"
    await pretends(site, late, "paid")
    assert (await late.now()).status == "expired"
    assert [(refund.cause, refund.amount) for refund in await late.refunds()] == [("too_late", 625)]
    assert await differences(sale) == []
