"""What an event says of its tickets, and who keeps seeing an event because they hold some."""

from typing import Any
from uuid import UUID

import pytest
from cast import Person
from selling import Sale
from test_ticket_types import adds, path

from vently.database.pool import VISITOR
from vently.database.queries import Query

SEES = Query("sees", "select exists (select 1 from public.events e where e.id = $1)", ("id",))


async def offer(person: Person, event: Any) -> Any:
    return (await person.get(f"/api/events/{event['id']}")).json()["tickets"]


async def test_an_event_tells_the_least_price_and_what_is_left(alice: Person, bob: Person, visitor: Person) -> None:
    event = await alice.creates("A gig")
    assert await offer(visitor, event) is None
    await adds(alice, event, name="Crew", price={"amount": 0, "currency": "EUR"}, hidden=True)
    assert await offer(visitor, event) is None
    dear = await adds(alice, event, name="Front", price={"amount": 4000, "currency": "EUR"}, quantity=10)
    pool = (await alice.post(path(event, "ticket-pools"), {"name": "Hall", "quantity": 15})).json()["id"]
    for name, amount in (("Back", 1500), ("Reduced", 900)):
        await adds(alice, event, name=name, price={"amount": amount, "currency": "EUR"}, quantity=12, pool=pool)
    expected = {"from_amount": 900, "currency": "EUR", "available": 25, "sold_out": False}
    for who in (visitor, bob, alice):
        assert await offer(who, event) == expected
        listed = (await who.get("/api/events", params={"organizer": alice.handle})).json()["items"]
        assert [one["tickets"] for one in listed] == [expected]
    await alice.patch(f"/api/tickets/types/{dear['id']}", {"quantity": 0})
    await alice.patch(f"/api/tickets/pools/{pool}", {"quantity": 0})
    assert await offer(visitor, event) == {**expected, "available": 0, "sold_out": True}


async def test_what_is_over_is_not_left(alice: Person, visitor: Person) -> None:
    event = await alice.creates("A gig")
    early = {"price": {"amount": 500, "currency": "EUR"}, "sales_end": "2026-01-01T00:00:00Z"}
    await adds(alice, event, name="Early", **early)
    assert await offer(visitor, event) == {"from_amount": 500, "currency": "EUR", "available": 0, "sold_out": True}
    await adds(alice, event, name="Late", quantity=7)
    assert await offer(visitor, event) == {"from_amount": 1250, "currency": "EUR", "available": 7, "sold_out": False}


@pytest.mark.parametrize("visibility", ["unlisted", "members"])
async def test_events_not_for_everybody_tell_it_to_those_who_see_them(
    alice: Person, bob: Person, visitor: Person, visibility: str
) -> None:
    community = await alice.founds("Sellers")
    assert (await bob.put(f"/api/communities/{community['id']}/membership")).status_code == 200
    event = await alice.creates("A gig", visibility=visibility, community=community["id"])
    await adds(alice, event)
    for who in (alice, bob):
        assert (await offer(who, event))["available"] == 50
    assert (await visitor.get(f"/api/events/{event['id']}")).status_code == (200 if visibility == "unlisted" else 404)


@pytest.mark.parametrize("visibility", ["unlisted", "members"])
async def test_who_holds_a_ticket_keeps_seeing_the_event(
    alice: Person, bob: Person, carol: Person, visitor: Person, sale: Sale, visibility: str
) -> None:
    order = (await sale.sells(bob, free=1)).json()
    guest = (await sale.sells(visitor, free=1)).json()
    handed = await sale.sells(alice, free=1)
    assert handed.status_code == 201
    community = await alice.founds("Sellers")
    changes = {"visibility": visibility, "community": community["id"]}
    assert (await alice.patch(f"/api/events/{sale.event['id']}", changes)).status_code == 200
    at = f"/api/events/{sale.event['id']}"
    assert (await bob.get(at)).json()["tickets"]["available"] == 197
    event = UUID(sale.event["id"])
    ticket = guest["tickets"][0]["id"]
    opens = {f"order:{guest['id']}": True, f"order:{order['id']}": True, f"ticket:{ticket}:1": True,
             f"ticket:{ticket}:2": False, f"order:{ticket}": False, "": False}  # fmt: skip
    for link, expected in opens.items():
        for viewer in (VISITOR, carol.viewer):
            async with sale.db.acting_as(viewer, link=link) as tx:
                assert await tx.value(SEES, id=event) is expected, link
    if visibility == "members":
        assert (await carol.get(at)).status_code == (await visitor.get(at)).status_code == 404


async def test_a_ticket_for_somebodys_address_shows_them_the_event(
    alice: Person, carol: Person, visitor: Person, sale: Sale
) -> None:
    cart = sale.cart(visitor, free=1)
    cart["items"][0]["attendees"] = [{"name": "Carol", "email": carol.email.upper()}]
    assert (await visitor.post("/api/tickets/orders", cart)).status_code == 201
    community = await alice.founds("Sellers")
    changes = {"visibility": "members", "community": community["id"]}
    assert (await alice.patch(f"/api/events/{sale.event['id']}", changes)).status_code == 200
    assert (await carol.get(f"/api/events/{sale.event['id']}")).status_code == 200
