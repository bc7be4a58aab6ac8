"""Handing tickets on: the code before dies at once, one taker wins, and who may not is refused."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from browsing import Browser
from cast import Person, Site
from gates import Gate
from issuing import Box, opened
from selling import Sale

OVER = """update events e set starts_at = now() - interval '9 h', ends_at = now()
from tickets t where e.id = t.event_id and t.id = $1"""


@pytest.fixture
async def box(site: Site) -> AsyncIterator[Box]:
    async with opened(site) as box:
        yield box


async def hands_on(person: Person, ticket: Any, to: str, **more: Any) -> Any:
    key = f"?key={more.pop('key')}" if "key" in more else ""
    return await person.post(f"/api/tickets/{ticket['id']}/transfer{key}", {"email": to}, **more)


async def test_a_ticket_handed_on_is_the_takers_and_the_old_code_is_dead(
    sale: Sale, alice: Person, bob: Person, carol: Person, box: Box
) -> None:
    order = await box.sells(sale, bob, free=1)
    [ticket] = order["tickets"]
    old = (await bob.get(f"/api/tickets/{ticket['id']}")).json()
    answer = await hands_on(bob, ticket, carol.email.upper())
    assert answer.status_code == 201, answer.text
    assert answer.json()["to"]["email"] == carol.email.upper()
    taken = (await carol.get(f"/api/tickets/{ticket['id']}")).json()
    assert (taken["serial"], taken["order"], taken["amount"], taken["holder"]["handle"]) == (
        2,
        None,
        None,
        carol.handle,
    )
    assert box.reads(taken["code"]) != box.reads(old["code"])
    assert [one["id"] for one in (await carol.get("/api/tickets")).json()["items"]] == [ticket["id"]]
    given = (await bob.get(f"/api/tickets/{ticket['id']}")).json()
    assert (given["status"], given["code"], given["transferable"]) == ("valid", None, False)
    assert (await bob.get("/api/tickets")).json()["items"] == []
    assert (await bob.get(f"/api/tickets/orders/{order['id']}.pdf")).status_code == 409
    assert (await bob.get(f"/api/tickets/{ticket['id']}/calendar.ics")).status_code == 409
    back = await hands_on(bob, ticket, "dora@example.org")
    assert (back.status_code, back.json()["type"].rpartition("/")[2]) == (409, "handed-on")
    assert (await alice.get(f"/api/tickets/{ticket['id']}")).json()["attendee"]["email"] == carol.email.upper()
    topics = await box.owner.fetch(
        "select topic from private.outbox where kind = 'ticket.transferred' and payload ->> 'id' = $1", ticket["id"]
    )
    assert {row["topic"] for row in topics} == {f"person:{bob.id}", f"person:{carol.id}"}


async def test_whoever_confirms_the_address_has_the_ticket(sale: Sale, bob: Person, site: Site, box: Box) -> None:
    [ticket] = (await box.sells(sale, bob, free=1))["tickets"]
    email = f"erin-{ticket['id'][-8:]}@example.org"
    assert (await hands_on(bob, ticket, email)).status_code == 201
    body = {"email": email, "password": "correct horse battery", "data": {"name": "Erin"}}
    session = (await site.client.post("/auth/v1/signup", json=body)).json()
    erin = Person(site, "Erin", email, session["access_token"])
    assert (await erin.get(f"/api/tickets/{ticket['id']}")).json()["code"]
    assert len((await erin.get("/api/tickets")).json()["items"]) == 1
    await box.owner.execute("update auth.users set email_confirmed_at = null where email = $1", email)
    assert (await erin.get("/api/tickets")).json()["items"] == []


async def test_of_many_takers_at_once_one_wins(sale: Sale, bob: Person, box: Box) -> None:
    [ticket] = (await box.sells(sale, bob, free=1))["tickets"]
    answers = await asyncio.gather(*(hands_on(bob, ticket, f"taker{n}@example.org") for n in range(8)))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 7
    rows = await box.owner.fetch("select serial, to_email from ticket_transfers where ticket_id = $1", ticket["id"])
    assert [row["serial"] for row in rows] == [2]
    [winner] = [answer.json() for answer in answers if answer.status_code == 201]
    assert winner["to"]["email"] == rows[0]["to_email"]


async def test_a_guest_hands_on_by_link_and_the_link_dies(sale: Sale, visitor: Person, carol: Person, box: Box) -> None:
    [ticket] = (await box.sells(sale, visitor, free=1))["tickets"]
    key = box.key(ticket)
    headers = {"idempotency-key": f"once-{ticket['id']}"}
    assert (await hands_on(visitor, ticket, carol.email, key=key, headers=headers)).status_code == 201
    again = await hands_on(visitor, ticket, carol.email, key=key, headers=headers)
    assert (again.status_code, again.headers["idempotent-replayed"]) == (201, "true")
    assert (await visitor.get(f"/api/tickets/{ticket['id']}?key={key}")).status_code == 404
    assert (await hands_on(visitor, ticket, "other@example.org", key=key)).status_code == 404
    assert (await carol.get(f"/api/tickets/{ticket['id']}")).json()["code"]
    row = await box.owner.fetchrow("select * from ticket_transfers where ticket_id = $1", ticket["id"])
    assert (row["from_id"], row["from_email"], row["from_name"]) == (None, "vera@example.org", "Vera")


async def test_the_taker_may_hand_it_on_and_it_may_come_back(sale: Sale, bob: Person, carol: Person, box: Box) -> None:
    [ticket] = (await box.sells(sale, bob, free=1))["tickets"]
    assert (await hands_on(bob, ticket, carol.email)).status_code == 201
    assert (await hands_on(carol, ticket, bob.email)).status_code == 201
    found = (await bob.get(f"/api/tickets/{ticket['id']}")).json()
    assert found["serial"] == 3
    assert found["code"]
    assert (await carol.get(f"/api/tickets/{ticket['id']}")).status_code == 404


async def test_nobody_hands_on_what_is_not_theirs(
    sale: Sale, alice: Person, bob: Person, carol: Person, visitor: Person, box: Box
) -> None:
    [ticket] = (await box.sells(sale, bob, free=1))["tickets"]
    for who in (alice, carol, visitor):
        assert (await hands_on(who, ticket, "taker@example.org")).status_code == 404
    assert (await bob.get(f"/api/tickets/{ticket['id']}")).json()["serial"] == 1


async def test_a_ticket_is_not_handed_to_who_has_it(sale: Sale, bob: Person, carol: Person, box: Box) -> None:
    [ticket] = (await box.sells(sale, bob, free=1))["tickets"]
    answer = await hands_on(bob, ticket, bob.email.upper())
    assert answer.status_code == 422
    assert answer.json()["errors"] == [{"pointer": "/email", "detail": "has this ticket already"}]
    assert (await hands_on(bob, ticket, "not an address")).status_code == 422
    assert (await hands_on(bob, ticket, carol.email)).status_code == 201
    assert (await hands_on(carol, ticket, carol.email)).status_code == 422


@pytest.mark.parametrize(
    ("why", "statement"),
    [
        ("not-valid", "update tickets set status = 'void' where id = $1"),
        (
            "not-transferable",
            "update ticket_types y set transferable = false from tickets t where y.id = t.ticket_type_id and t.id = $1",
        ),
        (
            "event-over",
            OVER,
        ),
        (
            "event-cancelled",
            "update events set status = 'cancelled' where id = (select event_id from tickets where id = $1)",
        ),
    ],
)
async def test_what_opens_no_door_is_not_handed_on(sale: Sale, bob: Person, box: Box, why: str, statement: str) -> None:
    [ticket] = (await box.sells(sale, bob, free=1))["tickets"]
    await box.owner.execute(statement, ticket["id"])
    answer = await hands_on(bob, ticket, "taker@example.org")
    assert (answer.status_code, answer.json()["type"].rpartition("/")[2]) == (409, why)
    assert (await bob.get(f"/api/tickets/{ticket['id']}")).json()["transferable"] is False


async def test_a_used_ticket_is_not_handed_on(sale: Sale, bob: Person, box: Box) -> None:
    [ticket] = (await box.sells(sale, bob, free=1))["tickets"]
    await box.admits(ticket)
    answer = await hands_on(bob, ticket, "taker@example.org")
    assert (answer.status_code, answer.json()["type"].rpartition("/")[2]) == (409, "used")


async def test_the_form_hands_on_without_javascript(site: Site, sale: Sale, visitor: Person, box: Box) -> None:
    [ticket] = (await box.sells(sale, visitor, free=1))["tickets"]
    page = f"/tickets/{ticket['id']}?key={box.key(ticket)}"
    action = page.replace("?", "/transfer?")
    browser = await Browser(site.app, site.settings.site_url).opens(page)
    assert browser.answer
    assert browser.answer.headers["cache-control"] == "private, no-store"
    await browser.sends(action, email="nobody")
    assert browser.path == page
    assert "The e-mail address" in browser.text
    await browser.sends(action, email="dora@example.org", name="Dora")
    assert browser.path == f"/events/{sale.event['slug']}"
    assert "Handed on to dora@example.org" in browser.text
    assert (await browser.opens(page)).status == 404
    row = await box.owner.fetchrow("select name, serial from tickets where id = $1", ticket["id"])
    assert tuple(row) == ("Dora", 2)
    assert (await browser.http.post(action, data={"email": "x@example.org"})).status_code in (403, 404)


async def test_what_a_key_opens_is_kept_by_no_cache(sale: Sale, visitor: Person, box: Box) -> None:
    order = await box.sells(sale, visitor, free=1)
    [ticket] = order["tickets"]
    key = box.key(ticket)
    of_order = order["link"].partition("?")[2]
    for address in (f"{ticket['id']}?key={key}", f"{ticket['id']}.pdf?key={key}", f"orders/{order['id']}?{of_order}"):
        answer = await visitor.get(f"/api/tickets/{address}")
        assert (answer.status_code, answer.headers["cache-control"]) == (200, "private, no-store"), address


async def test_door_and_giver_at_once_never_both_use_the_old_code(
    sale: Sale, gate: Gate, alice: Person, bob: Person, box: Box
) -> None:
    for _ in range(12):
        [ticket] = (await box.sells(sale, bob, free=1))["tickets"]
        given, scanned = await asyncio.gather(
            hands_on(bob, ticket, "taker@example.org"), gate.scans(alice, ticket["id"])
        )
        outcome = (given.status_code, scanned["result"], scanned["reason"])
        assert outcome in {(201, "refused", "replaced"), (409, "admitted", None)}, outcome
