"""Buying: free tickets at once, others held; all of a cart or nothing; what is refused, and a till that is busy."""

import asyncio
from collections import Counter
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from cast import Person, Site
from selling import Sale, on_sale

from vently.database.pool import Database
from vently.tickets.till import till as tills

PATH = "/api/tickets/orders"


@pytest.fixture
async def owner(site: Site) -> Any:
    """Who may hold a row for as long as they like."""
    connection = await asyncpg.connect(site.settings.platform_url)
    yield connection
    await connection.close()


async def changed(sale: Sale, name: str, **fields: Any) -> None:
    answer = await sale.organizer.patch(f"/api/tickets/types/{sale.types[name]}", fields)
    assert answer.status_code == 200, answer.text


async def refused(sale: Sale, person: Person, status: int, kind: str, body: dict[str, Any] | None = None) -> Any:
    """And nothing is taken."""
    before = await sale.tickets()
    answer = await person.post(PATH, body or sale.cart(person, free=1))
    problem = answer.json()
    assert (answer.status_code, problem.get("type")) == (status, f"/problems/{kind}"), answer.text
    assert await sale.tickets() == before
    return problem


async def test_a_free_ticket_is_valid_at_once(sale: Sale, bob: Person) -> None:
    answer = await sale.sells(bob, free=2)
    assert answer.status_code == 201
    order = answer.json()
    assert (order["status"], order["method"], order["checkout_url"]) == ("paid", "free", None)
    assert [ticket["status"] for ticket in order["tickets"]] == ["valid", "valid"]
    assert answer.headers["location"].endswith(f"{PATH}/{order['id']}")
    stock = await sale.stock("free")
    assert (stock.held, stock.sold) == (0, 2)


async def test_what_costs_is_held_until_it_is_paid(sale: Sale, bob: Person) -> None:
    order = (await sale.sells(bob, free=1, paid=2)).json()
    assert (order["status"], order["total"]) == ("pending", {"amount": 2500, "currency": "EUR"})
    assert {ticket["status"] for ticket in order["tickets"]} == {"held"}
    assert order["checkout_url"].startswith("http://vently.test/pretend/checkout/")
    assert order["expires_at"] > order["created_at"]
    assert order["buyer"]["email"] == bob.email
    stock = await sale.stock("paid")
    assert (stock.held, stock.sold) == (2, 0)


async def test_a_cart_gets_all_or_nothing(db: Database, alice: Person, bob: Person) -> None:
    sale = await on_sale(db, alice, await alice.creates("A gig"), {"many": (0, 10), "few": (0, 1)})
    problem = await refused(sale, bob, 409, "sold-out", sale.cart(bob, many=1, few=2))
    assert problem["errors"] == [{"pointer": "/items/1/ticket_type", "detail": "Only 1 of “few” left."}]
    assert (await sale.sells(bob, many=9, few=1)).status_code == 201
    problem = await refused(sale, bob, 409, "sold-out", sale.cart(bob, few=1))
    assert problem["detail"] == "“few” is sold out."


async def test_guests_say_who_they_are(sale: Sale, visitor: Person) -> None:
    body = {**sale.cart(None, free=1), "buyer": {"name": "Vera"}}
    problem = await refused(sale, visitor, 422, "invalid", body)
    assert [error["pointer"] for error in problem["errors"]] == ["/buyer/email"]
    problem = await refused(sale, visitor, 422, "invalid", {**body, "buyer": {"email": "vera@example.org"}})
    assert [error["pointer"] for error in problem["errors"]] == ["/buyer/name"]
    assert (await sale.sells(visitor, free=1)).json()["link"].startswith("http://vently.test/orders/")


@pytest.mark.parametrize("quantity", [0, -1, 101, 1.5, 10**30, "2", None])
async def test_quantities_are_small_whole_numbers(sale: Sale, bob: Person, quantity: Any) -> None:
    body = {"event": sale.event["slug"], "items": [{"ticket_type": sale.types["free"], "quantity": quantity}]}
    problem = await refused(sale, bob, 422, "invalid", body)
    assert [error["pointer"] for error in problem["errors"]] == ["/items/0/quantity"]


async def test_what_is_no_ticket_of_this_event(sale: Sale, bob: Person, db: Database, alice: Person) -> None:
    other = await on_sale(db, alice, await alice.creates("Another"), {"free": (0, 5)})
    for kind in (other.types["free"], str(uuid4())):
        body = {"event": sale.event["slug"], "items": [{"ticket_type": kind, "quantity": 1}]}
        problem = await refused(sale, bob, 422, "invalid", body)
        assert problem["errors"][0]["pointer"] == "/items/0/ticket_type"


@pytest.mark.parametrize(
    "event", ["no-such-event", "a_b", "deadbeef-dead-beef-dead-beefdeadbee", "01a20515-9403-7731-9e04-7bd1bd8cf63a"]
)
async def test_what_is_no_event(sale: Sale, bob: Person, event: str) -> None:
    await refused(sale, bob, 404, "not-found", {**sale.cart(bob, free=1), "event": event})


async def test_drafts_and_events_for_members_are_not_there_for_others(
    db: Database, dana: Person, bob: Person, visitor: Person
) -> None:
    club = await dana.creates("A club night", community=dana.community, visibility="members")
    draft = await dana.creates("A draft", community=dana.community, status="draft")
    for event in (club, draft):
        sale = await on_sale(db, dana, event, {"free": (0, 5)})
        for person in (bob, visitor):
            await refused(sale, person, 404, "not-found")
    sale = Sale(db, dana, club, {})
    await bob.put(f"/api/communities/{dana.community}/membership")
    types = (await bob.get(f"/api/events/{club['id']}/ticket-types")).json()["items"]
    sale.types = {kind["name"]: kind["id"] for kind in types}
    assert (await sale.sells(bob, free=1)).status_code == 201


async def test_a_cancelled_event_and_one_that_is_over_sell_nothing(sale: Sale, bob: Person, owner: Any) -> None:
    await owner.execute(
        "update public.events set starts_at = '2020-01-01Z', ends_at = '2020-01-02Z' where id = $1",
        UUID(sale.event["id"]),
    )
    await refused(sale, bob, 409, "not-on-sale")
    await sale.organizer.post(f"/api/events/{sale.event['id']}/cancellation")
    await refused(sale, bob, 409, "event-cancelled")


async def test_windows_codes_and_limits(sale: Sale, bob: Person, carol: Person) -> None:
    await changed(sale, "free", sales_start="2027-01-01T00:00:00Z")
    assert "has not begun" in (await refused(sale, bob, 409, "not-on-sale"))["detail"]
    await changed(sale, "free", sales_start=None, sales_end="2026-01-01T00:00:00Z")
    assert "is over" in (await refused(sale, bob, 409, "not-on-sale"))["detail"]
    await changed(sale, "free", sales_end=None, access_code="sesame")
    await refused(sale, bob, 403, "access-code")
    await refused(sale, bob, 403, "access-code", {**sale.cart(bob, free=1), "access_code": "sesam"})
    # However it is typed, as discount codes: keyboards of phones begin words with capitals.
    assert (await bob.post(PATH, {**sale.cart(bob, free=1), "access_code": "SESAME"})).status_code == 201
    await changed(sale, "free", access_code=None, per_order_max=3, per_person_max=4)
    problem = await refused(sale, bob, 422, "invalid", sale.cart(bob, free=4))
    assert problem["errors"][0]["pointer"] == "/items/0/quantity"
    twice = sale.cart(bob, free=2)
    twice["items"] *= 2
    await refused(sale, bob, 422, "invalid", twice)
    assert (await sale.sells(bob, free=3)).status_code == 201
    await refused(sale, bob, 409, "limit-per-person")
    as_guest = {**sale.cart(bob, free=1), "buyer": {"name": "Bob", "email": bob.email.upper()}}
    await refused(sale, carol, 409, "limit-per-person", as_guest)
    assert (await sale.sells(carol, free=1)).status_code == 201


async def test_one_person_at_the_same_instant_gets_no_more(sale: Sale, bob: Person) -> None:
    """Judged within one batch and across batches."""
    await changed(sale, "free", per_person_max=2)
    answers = await asyncio.gather(*(sale.sells(bob, free=1) for _ in range(20)))
    assert Counter(answer.status_code for answer in answers) == {201: 2, 409: 18}


async def test_what_the_buyer_saw_is_what_it_costs(sale: Sale, bob: Person) -> None:
    body = sale.cart(bob, paid=1)

    def at(amount: int, currency: str = "EUR") -> Any:
        item = {**body["items"][0], "price": {"amount": amount, "currency": currency}}
        return {**body, "items": [item]}

    assert (await bob.post(PATH, at(1250))).status_code == 201
    await refused(sale, bob, 409, "price-changed", at(1249))
    problem = await refused(sale, bob, 422, "invalid", at(1250, "USD"))
    assert problem["errors"] == [{"pointer": "/items/0/price/currency", "detail": "this event sells in EUR"}]
    await changed(sale, "paid", pay_what_you_want=True)
    problem = await refused(sale, bob, 422, "invalid", at(1249))
    assert problem["errors"][0]["pointer"] == "/items/0/price/amount"
    assert (await bob.post(PATH, at(5000))).json()["total"]["amount"] == 5000


async def test_a_code_used_by_hundreds_at_the_same_instant(sale: Sale, visitor: Person) -> None:
    path = f"/api/events/{sale.event['id']}/discounts"
    assert (await sale.organizer.post(path, {"code": "TEN", "amount": 1000, "max_uses": 10})).status_code == 201
    bodies = [
        {**sale.cart(None, paid=1), "discount_code": "ten", "buyer": {"name": "Vera", "email": f"v{n}@example.org"}}
        for n in range(500)
    ]
    answers = await asyncio.gather(*(visitor.post(PATH, body) for body in bodies))
    assert Counter(answer.status_code for answer in answers) == {201: 10, 409: 490}
    assert {answer.json()["total"]["amount"] for answer in answers if answer.status_code == 201} == {250}
    assert (await sale.organizer.get(f"{path}/TEN")).json()["uses"] == 10
    await refused(sale, visitor, 422, "invalid", {**sale.cart(None, paid=1), "discount_code": "eleven"})


async def test_an_amount_off_is_spread_over_the_tickets(sale: Sale, bob: Person) -> None:
    path = f"/api/events/{sale.event['id']}/discounts"
    await sale.organizer.post(path, {"code": "TWENTY", "amount": 2000})
    order = (await bob.post(PATH, {**sale.cart(bob, paid=3), "discount_code": "TWENTY"})).json()
    assert [ticket["amount"]["amount"] for ticket in order["tickets"]] == [0, 500, 1250]
    assert (order["subtotal"]["amount"], order["discount"]["amount"], order["total"]["amount"]) == (3750, 2000, 1750)
    await sale.organizer.post(path, {"code": "ALL", "percent": 100})
    order = (await bob.post(PATH, {**sale.cart(bob, paid=1), "discount_code": "ALL"})).json()
    assert (order["status"], order["total"]["amount"]) == ("paid", 0)


async def test_questions_are_answered(sale: Sale, bob: Person) -> None:
    path = f"/api/events/{sale.event['id']}/ticket-questions"
    asked = await sale.organizer.post(
        path, {"label": "Soup", "kind": "choice", "choices": ["leek", "pumpkin"], "required": True}
    )
    question = asked.json()["id"]
    body = sale.cart(bob, free=1)

    def saying(answers: dict[str, str]) -> Any:
        return {**body, "items": [{**body["items"][0], "attendees": [{"name": "Bob", "answers": answers}]}]}

    problem = await refused(sale, bob, 422, "invalid", body)
    assert problem["errors"] == [{"pointer": "/items/0/attendees/0/answers", "detail": "Soup: needs an answer"}]
    await refused(sale, bob, 422, "invalid", saying({question: "carrot"}))
    await refused(sale, bob, 422, "invalid", saying({question: "leek", "shoe size": "43"}))
    assert (await bob.post(PATH, saying({question: "leek"}))).status_code == 201


async def test_ways_to_pay(db: Database, alice: Person, bob: Person) -> None:
    methods = ("transfer", "door")
    sale = await on_sale(db, alice, await alice.creates("A gig"), {"paid": (1000, 9)}, methods=methods)
    assert (await sale.sells(bob, paid=1)).json()["method"] == "transfer"
    at_the_door = (await bob.post(PATH, {**sale.cart(bob, paid=1), "method": "door"})).json()
    assert (at_the_door["checkout_url"], at_the_door["expires_at"]) == (None, "2027-03-01T20:00:00+00:00")
    problem = await refused(sale, bob, 422, "invalid", {**sale.cart(bob, paid=1), "method": "card"})
    assert problem["errors"] == [{"pointer": "/method", "detail": "this event takes transfer, door"}]


async def test_holds_whose_time_is_over_are_for_sale_again(sale: Sale, bob: Person, carol: Person, owner: Any) -> None:
    """Whoever buys next ends them, before any sweep."""
    for _ in range(10):
        assert (await sale.sells(bob, paid=10)).status_code == 201
    await refused(sale, carol, 409, "sold-out", sale.cart(carol, paid=1))
    await owner.execute(
        "update public.ticket_orders set expires_at = now() where event_id = $1", UUID(sale.event["id"])
    )
    assert (await sale.sells(carol, paid=10)).status_code == 201
    assert await sale.tickets() == {"void": 100, "held": 10}


async def test_one_cart_that_the_tables_refuse_costs_the_others_nothing(
    sale: Sale, bob: Person, visitor: Person, owner: Any
) -> None:
    await owner.execute("alter table public.ticket_orders add constraint planted check (buyer_name <> 'Planted')")
    try:
        bad = {**sale.cart(None, free=1), "buyer": {"name": "Planted", "email": "planted@example.org"}}
        good = [sale.sells(bob, free=1) for _ in range(10)]
        answers = await asyncio.gather(*good[:5], visitor.post(PATH, bad), *good[5:])
    finally:
        await owner.execute("alter table public.ticket_orders drop constraint planted")
    assert [answer.status_code for answer in answers] == [201] * 5 + [500] + [201] * 5


async def test_beyond_what_may_wait_buyers_are_told_to_come_again(
    sale: Sale, bob: Person, owner: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tills, "MOST_WAITING", 5)
    async with owner.transaction():
        await owner.execute("select from public.tills where event_id = $1 for update", UUID(sale.event["id"]))
        waiting = [asyncio.create_task(sale.sells(bob, free=1)) for _ in range(10)]
        busy, _ = await asyncio.wait(waiting, timeout=1)
    answers = await asyncio.gather(*waiting)
    assert Counter(answer.status_code for answer in answers) == {201: 7, 503: 3}
    told = busy.pop().result()
    assert (told.json()["type"], told.headers["retry-after"]) == ("/problems/busy", "1")


async def test_whoever_hangs_up_while_waiting_buys_nothing(sale: Sale, bob: Person, owner: Any) -> None:
    async with owner.transaction():
        await owner.execute("select from public.tills where event_id = $1 for update", UUID(sale.event["id"]))
        first = [asyncio.create_task(sale.sells(bob, free=1)) for _ in range(tills.BATCHES_OF_AN_EVENT)]
        await asyncio.sleep(0.2)
        gone = asyncio.create_task(sale.sells(bob, free=1))
        await asyncio.sleep(0.2)
        gone.cancel()
        await asyncio.wait([gone])
    assert {answer.status_code for answer in await asyncio.gather(*first)} == {201}
    assert (await sale.sells(bob, free=1)).status_code == 201
    assert (await sale.stock("free")).sold == 3


async def test_an_event_that_somebody_holds_keeps_no_other_waiting(
    sale: Sale, bob: Person, db: Database, alice: Person, owner: Any
) -> None:
    other = await on_sale(db, alice, await alice.creates("Another"), {"free": (0, 5)})
    async with owner.transaction():
        await owner.execute("select from public.tills where event_id = $1 for update", UUID(sale.event["id"]))
        held = asyncio.create_task(sale.sells(bob, free=1))
        await asyncio.sleep(0.1)
        answer = await asyncio.wait_for(other.sells(bob, free=1), 2)
        assert answer.status_code == 201
    assert (await held).status_code == 201


async def test_a_key_is_of_one_request(sale: Sale, bob: Person) -> None:
    first = await sale.sells(bob, "my-key", free=1)
    again = await sale.sells(bob, "my-key", free=1)
    assert (first.status_code, again.status_code, again.text) == (201, 201, first.text)
    assert (again.headers["idempotent-replayed"], again.headers["location"]) == ("true", first.headers["location"])
    other = await sale.sells(bob, "my-key", free=2)
    assert (other.status_code, other.json()["errors"][0]["pointer"]) == (422, "/header/Idempotency-Key")
    assert (await sale.stock("free")).sold == 1


async def test_a_refusal_keeps_no_key(sale: Sale, bob: Person) -> None:
    await changed(sale, "free", access_code="sesame")
    assert (await sale.sells(bob, "again", free=1)).status_code == 403
    await changed(sale, "free", access_code=None)
    assert (await sale.sells(bob, "again", free=1)).status_code == 201
