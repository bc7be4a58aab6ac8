"""What people try with orders that are theirs and tickets that are not, and what holds all the same."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest
import refunding
from cast import Person, Site
from paying import differences, key_of, orders, pretends
from refunding import Till
from selling import Sale, on_sale

from vently.database.pool import Database
from vently.database.queries import parse
from vently.refusals import Invalid

sql = parse("""
-- name: hand_on
select private.hand_on(:ticket, :email, null);
-- name: refund
select refund from private.request_refund(:order, '{}', :amount, '');
-- name: name_stocks
update public.ticket_stocks set name = 'A pool' where event_id = :event;
-- name: pool_itself
update public.ticket_types set pool_id = stock_id where id = :type;
-- name: lock
update public.ticket_types set locked = true where id = :type;
""")

TAKER = "taker@example.org"


@pytest.fixture
async def till(site: Site) -> AsyncIterator[Till]:
    async with refunding.opened(site) as opened:
        yield opened


@pytest.fixture
async def handed_on(sale: Sale, till: Till, visitor: Person) -> Any:
    """A guest's order, whose only ticket is a taker's who has no account. Buyers may give tickets back."""
    await till.owner.execute("update public.tills set refund_hours = 1 where event_id = $1", UUID(sale.event["id"]))
    order = await till.buys(sale, visitor, paid=1)
    async with sale.db.acting_as(visitor.viewer, link=f"order:{order['id']}") as tx:
        await tx.execute(sql.hand_on, ticket=UUID(order["tickets"][0]["id"]), email=TAKER)
    return order


async def test_who_calls_themselves_the_taker_cannot_turn_the_ticket_into_money(
    handed_on: Any, till: Till, sale: Sale, visitor: Person
) -> None:
    corrected = await _corrects(visitor, handed_on, TAKER)
    answer = await visitor.post(
        f"/api/tickets/orders/{handed_on['id']}/refunds?key={key_of(corrected)}",
        {"tickets": [handed_on["tickets"][0]["id"]]},
    )
    assert (answer.status_code, answer.json()["type"].rpartition("/")[2]) == (409, "handed-on")
    await till.check(sale)


async def test_who_called_themselves_the_taker_does_not_take_the_ticket_back(
    handed_on: Any, till: Till, visitor: Person
) -> None:
    corrected = await _corrects(visitor, handed_on, TAKER)
    await _corrects(visitor, corrected, "vera@example.org")
    ticket = await till.owner.fetchrow(
        "select email, serial from public.tickets where id = $1", UUID(handed_on["tickets"][0]["id"])
    )
    assert tuple(ticket) == (TAKER, 2)


async def test_a_taker_without_an_account_is_not_renamed_by_the_buyer(
    handed_on: Any, visitor: Person, alice: Person
) -> None:
    there, ticket = f"/api/tickets/orders/{handed_on['id']}", handed_on["tickets"][0]["id"]
    name = {"attendees": [{"ticket": ticket, "name": "Mallory"}]}
    refused = await visitor.patch(f"{there}?key={key_of(handed_on)}", name)
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/attendees/0/ticket")
    assert (await alice.patch(there, name)).status_code == 200


async def test_paying_late_for_what_was_let_go_gives_nobody_more_than_the_limit(
    sale: Sale, site: Site, till: Till, bob: Person
) -> None:
    await till.owner.execute(
        "update public.ticket_types set per_person_max = 2 where id = $1", UUID(sale.types["paid"])
    )
    let_go = []
    for _ in range(3):
        order = await orders(sale, bob, paid=2)
        await site.client.get(f"/pretend/checkout/{(await order.attempt()).id}", headers={"accept": "text/html"})
        assert (await bob.delete(f"/api/tickets/orders/{order.id}")).status_code == 204
        let_go.append(order)
    for order in let_go:
        await pretends(site, order, "paid")
    assert [(await order.now()).valid for order in let_go] == [2, 0, 0]
    assert [[refund.cause for refund in await order.refunds()] for order in let_go] == [[], ["too_late"], ["too_late"]]
    assert await differences(sale) == []


async def test_corrections_and_money_by_hand_meet_without_a_deadlock(alice: Person, bob: Person, db: Database) -> None:
    event = await alice.creates("A barn dance")
    sale = await on_sale(db, alice, event, {"paid": (1000, 100)}, methods=("transfer",))
    for _ in range(10):
        order = await orders(sale, bob, paid=8)
        at = f"/api/tickets/orders/{order.id}"
        names = [{"ticket": ticket["id"], "name": "Bobby"} for ticket in reversed(order.order["tickets"])]
        *corrections, settled = await asyncio.gather(
            *(bob.patch(at, {"attendees": names}) for _ in range(3)),
            bob.patch(at, {"buyer": {"email": "other@example.org"}}),
            alice.post(f"{at}/settlement", {"method": "transfer"}),
        )
        assert [answer.status_code for answer in corrections] == [200] * 4
        assert settled.status_code == 201, settled.text
    assert await differences(sale) == []


async def test_what_an_event_takes_moves_with_it_to_its_community_until_it_has_sold(
    alice: Person, bob: Person, db: Database, till: Till
) -> None:
    community, event = await alice.founds("A club"), await alice.creates("A ball")
    sale = await on_sale(db, alice, event, {"paid": (1000, 5)})
    there = f"/api/events/{event['id']}"
    assert (await alice.patch(there, {"community": community["slug"]})).status_code == 200
    seller = await till.owner.fetchval(
        "select s.community_id from public.tills t join public.sellers s on s.id = t.seller_id where t.event_id = $1",
        UUID(event["id"]),
    )
    assert seller == UUID(community["id"])
    held = await orders(sale, bob, paid=1)
    refused = await alice.patch(there, {"community": None})
    assert (refused.status_code, refused.json()["type"].rpartition("/")[2]) == (409, "has-orders")
    assert (await bob.delete(f"/api/tickets/orders/{held.id}")).status_code == 204
    assert (await alice.patch(there, {"community": None})).status_code == 200


async def test_the_page_of_an_order_links_to_no_ticket_of_somebody_else(
    handed_on: Any, visitor: Person, alice: Person, site: Site
) -> None:
    page = {"accept": "text/html"}
    mine = await visitor.get(f"/orders/{handed_on['id']}?key={key_of(handed_on)}", headers=page)
    assert "/calendar.ics?key=" not in mine.text
    runs = await site.client.get(
        f"/orders/{handed_on['id']}?key=x", headers=page | {"cookie": f"vently_access={alice.token}"}
    )
    assert (mine.status_code, runs.status_code) == (200, 200)
    assert "?key=1." not in runs.text
    assert "?key=2." not in runs.text


async def test_whom_a_taker_hands_the_ticket_to_the_buyer_does_not_learn(
    sale: Sale, bob: Person, carol: Person, alice: Person
) -> None:
    order = (await sale.sells(bob, free=1)).json()
    there = f"/api/tickets/{order['tickets'][0]['id']}"
    assert (await bob.post(f"{there}/transfer", {"email": carol.email})).status_code == 201
    assert (await bob.get(there)).json()["attendee"]["email"] == carol.email
    given = await carol.post(f"{there}/transfer", {"email": "dora@example.org", "name": "Dora"})
    assert given.status_code == 201
    seen = (await bob.get(there)).json()
    assert (seen["attendee"], seen["holder"]) == ({"name": None, "email": None}, None)
    assert "dora" not in (await bob.get(f"/api/tickets/orders/{order['id']}")).text.lower()
    assert (await alice.get(there)).json()["attendee"] == {"name": "Dora", "email": "dora@example.org"}


async def test_an_organiser_at_the_database_itself_bends_no_sums(
    sale: Sale, till: Till, alice: Person, bob: Person, db: Database
) -> None:
    order, event, paid = await till.buys(sale, bob, paid=2), UUID(sale.event["id"]), UUID(sale.types["paid"])
    await refunding.refund(alice, order, amount=1000)
    for amount in (-600, 0):
        with pytest.raises(Invalid, match="more than nothing"):
            async with db.acting_as(alice.viewer) as tx:
                await tx.value(sql.refund, order=UUID(order["id"]), amount=amount)
    async with db.acting_as(alice.viewer) as tx:
        await tx.execute(sql.name_stocks, event=event)
    with pytest.raises(Invalid, match="is no pool"):
        async with db.acting_as(alice.viewer) as tx:
            await tx.execute(sql.pool_itself, type=paid)
    async with db.acting_as(alice.viewer) as tx:
        await tx.execute(sql.lock, type=paid)
    assert (await sale.sells(bob, paid=1)).status_code == 403, "locked, and there is no code to know"
    await till.check(sale)


async def _corrects(person: Person, order: Any, email: str) -> Any:
    answer = await person.patch(f"/api/tickets/orders/{order['id']}?key={key_of(order)}", {"buyer": {"email": email}})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_whatever_is_taken_off_a_card_can_take_the_rest(alice: Person, bob: Person, db: Database) -> None:
    sale = await on_sale(
        db, alice, await alice.creates("A souk"), {"seat": (12_340, 50), "chosen": (1000, 50)}, currency="KWD"
    )
    there = f"/api/events/{sale.event['id']}"
    for code in ({"code": "THIRD", "percent": 33}, {"code": "LESS", "amount": 777}):
        made = await alice.post(f"{there}/discounts", code)
        assert made.status_code == 201, made.text
    for code in ("THIRD", "LESS"):
        answer = await bob.post("/api/tickets/orders", sale.cart(bob, seat=3, chosen=1) | {"discount_code": code})
        assert [ticket["amount"]["amount"] % 10 for ticket in answer.json()["tickets"]] == [0] * 4, answer.text
    odd = {"price": {"amount": 1005, "currency": "KWD"}}
    new = await alice.post(f"{there}/ticket-types", {"name": "Odd", "quantity": 1} | odd)
    assert (new.status_code, new.json()["errors"][0]["pointer"]) == (422, "/price/amount")
    assert (await alice.patch(f"/api/tickets/types/{sale.types['seat']}", odd)).status_code == 422
    assert (await alice.patch(f"/api/tickets/types/{sale.types['chosen']}", {"pay_what_you_want": True})).is_success
    cart = sale.cart(bob, chosen=1)
    cart["items"][0] |= odd
    offered = await bob.post("/api/tickets/orders", cart)
    assert (offered.status_code, offered.json()["errors"][0]["pointer"]) == (422, "/items/0/price/amount")


async def test_where_no_card_is_taken_prices_have_all_their_digits(alice: Person, db: Database) -> None:
    sale = await on_sale(db, alice, await alice.creates("A souk"), {}, methods=("door",), currency="KWD")
    there = f"/api/events/{sale.event['id']}"
    odd = {"name": "Seat", "quantity": 1, "price": {"amount": 1005, "currency": "KWD"}}
    assert (await alice.post(f"{there}/ticket-types", odd)).status_code == 201
    cards = await alice.patch(f"{there}/sale", {"methods": ["card"]})
    assert (cards.status_code, cards.json()["errors"][0]["pointer"]) == (422, "/methods")
