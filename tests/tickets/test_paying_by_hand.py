"""Money by bank transfer and at the door: who may say that it came, and what becomes so."""

import asyncio
from uuid import UUID

import pytest
from cast import Person, Site
from paying import Books, differences, lapses, orders, pretends
from selling import Sale, on_sale

from vently.database.pool import Database
from vently.database.queries import parse

sql = parse("""
-- name: staff
insert into public.event_hosts (event_id, person_id, role) values (:event, :who, 'door');
""")


@pytest.fixture
async def by_hand(alice: Person, db: Database) -> Sale:
    """An event that takes transfers, money at the door, and cards."""
    event = await alice.creates("A barn dance")
    return await on_sale(db, alice, event, {"paid": (1000, 5)}, methods=("transfer", "door", "card"))


async def test_a_transfer_that_came_pays_the_order(by_hand: Sale, alice: Person, bob: Person) -> None:
    bought = await orders(by_hand, bob, paid=2)
    assert bought.order["method"] == "transfer"
    assert bought.order["checkout_url"] is None
    answer = await _settles(alice, bought, "transfer")
    assert answer.status_code == 201, answer.text
    assert answer.json() == {"order": str(bought.id), "status": "paid", "method": "transfer"}
    assert (await bought.now()).valid == 2
    assert await bought.ledger() == [("buyer", "seller", 2000, "sale"), ("provider:transfer", "buyer", 2000, "payment")]
    assert (await _settles(alice, bought, "transfer")).status_code == 409
    assert (await bob.post(f"/api/tickets/orders/{bought.id}/payment")).status_code == 409
    assert await differences(by_hand) == []


async def test_said_twice_at_once_it_counts_once(by_hand: Sale, alice: Person, bob: Person) -> None:
    bought = await orders(by_hand, bob, paid=1)
    answers = await asyncio.gather(*(_settles(alice, bought, "transfer") for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409, 409]
    assert len(await bought.ledger()) == 2


async def test_door_staff_take_money_at_the_door_alone(by_hand: Sale, bob: Person, carol: Person, dana: Person) -> None:
    await _staffs(by_hand, carol)
    bought = await orders(by_hand, bob, paid=1)
    assert (await _settles(carol, bought, "transfer")).status_code == 403
    assert (await _settles(bob, bought, "door")).status_code == 403
    assert (await _settles(dana, bought, "door")).status_code == 404
    assert (await _settles(carol, bought, "door")).status_code == 201
    now = await bought.now()
    assert (now.status, now.method) == ("paid", "door")
    assert await differences(by_hand) == []


async def test_what_was_held_too_long_is_paid_by_hand_while_it_is_there(
    site: Site, by_hand: Sale, alice: Person, bob: Person, carol: Person
) -> None:
    early, late = await orders(by_hand, bob, paid=3), await orders(by_hand, bob, paid=2)
    await lapses(site, early)
    await lapses(site, late)
    assert (await _settles(alice, late, "transfer")).status_code == 201
    await orders(by_hand, carol, paid=1)
    refused = await _settles(alice, early, "transfer")
    assert refused.status_code == 409
    assert (await early.now()).status == "expired"
    assert await early.ledger() == []
    assert await differences(by_hand) == []


async def test_paid_at_the_door_and_by_card_the_card_gets_its_money_back(
    site: Site, by_hand: Sale, alice: Person, bob: Person
) -> None:
    answer = await bob.post("/api/tickets/orders", by_hand.cart(bob, paid=1) | {"method": "card"})
    bought = Books(by_hand.db, answer.json())
    assert (await _settles(alice, bought, "door")).status_code == 201
    await pretends(site, bought, "paid")
    assert (await bought.now()).status == "paid"
    assert [(refund.cause, refund.amount) for refund in await bought.refunds()] == [("paid_twice", 1000)]
    assert await differences(by_hand) == []


async def _settles(who: Person, bought: Books, method: str):
    return await who.post(f"/api/tickets/orders/{bought.id}/settlement", {"method": method})


async def _staffs(sale: Sale, who: Person) -> None:
    async with sale.db.acting_as(sale.organizer.viewer) as tx:
        await tx.execute(sql.staff, event=UUID(sale.event["id"]), who=who.id)
