"""What Alice sells: ticket types as they are made, read, changed and taken away."""

import asyncio
from typing import Any
from uuid import UUID

import pytest
import scratch
from cast import Person, Site
from selling import Sale

PRICE = {"amount": 1250, "currency": "EUR"}
PLAIN = {"name": "Standard", "price": PRICE, "quantity": 50}


def path(event: Any, part: str = "ticket-types") -> str:
    return f"/api/events/{event['slug']}/{part}"


async def adds(alice: Person, event: Any, /, **fields: Any) -> Any:
    answer = await alice.post(path(event), {**PLAIN, **fields})
    assert answer.status_code == 201, answer.text
    return answer.json()


async def listed(person: Person, event: Any) -> list[Any]:
    answer = await person.get(path(event))
    assert answer.status_code == 200, answer.text
    assert answer.json()["next"] is None
    items: list[Any] = answer.json()["items"]
    return items


def refused(answer: Any, status: int, pointer: str = "", said: str = "") -> None:
    assert answer.status_code == status, answer.text
    pointers = [error["pointer"] for error in answer.json()["errors"]]
    assert not pointer or pointer in pointers, answer.text
    assert said in answer.text


async def test_the_first_type_opens_the_sale(alice: Person, visitor: Person) -> None:
    event = await alice.creates("A gig")
    assert (await visitor.get(path(event, "sale"))).status_code == 404
    answer = await alice.post(path(event), {**PLAIN, "tax_percent": 19.5, "description": "At the door", "place": 3})
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert answer.headers["location"] == f"http://vently.test/api/tickets/types/{made['id']}"
    assert made["price"] == PRICE
    assert made["event_id"] == event["id"]
    assert (made["quantity"], made["available"], made["held"], made["sold"]) == (50, 50, 0, 0)
    assert (made["on_sale"], made["tax_percent"], made["place"]) == ("on_sale", 19.5, 3)
    assert (made["per_order_max"], made["per_person_max"], made["transferable"]) == (10, None, True)
    sale = (await visitor.get(path(event, "sale"))).json()
    assert sale["currency"] == "EUR"
    assert sale["methods"] == ["card"]


async def test_every_field_comes_back_as_it_was_given(alice: Person) -> None:
    community = await alice.founds("Sellers")
    event = await alice.creates("A gig", community=community["id"])
    await adds(alice, event)
    pool = (await alice.post(path(event, "ticket-pools"), {"name": "The hall", "quantity": 60})).json()
    given = {
        "name": "Members", "price": {"amount": 500, "currency": "EUR"}, "quantity": 7, "description": "Two\nlines",
        "pay_what_you_want": True, "pool": pool["id"], "per_order_max": 4, "per_person_max": 6,
        "sales_start": "2027-01-01T10:00:00+01:00", "sales_end": "2027-02-01T00:00:00Z", "access_code": "Öffne dich",
        "hidden": True, "members_only": True, "transferable": False, "tax_percent": 7.25, "place": 9,
    }  # fmt: skip
    made = await adds(alice, event, **given)
    for name, value in given.items():
        if name != "sales_start":
            assert made[name] == value or made[name] == str(value).replace("Z", "+00:00"), name
    assert made["sales_start"].startswith("2027-01-01T09:00:00")
    assert made["locked"] is True
    assert (await alice.get(f"/api/tickets/types/{made['id']}")).json() == made


@pytest.mark.parametrize(("currency", "amount"), [("JPY", 1200), ("EUR", 1250), ("KWD", 1250), ("ISK", 0)])
async def test_prices_are_minor_units_of_any_currency(alice: Person, currency: str, amount: int) -> None:
    event = await alice.creates("A gig")
    price = {"amount": amount, "currency": currency}
    assert (await adds(alice, event, price=price))["price"] == price
    assert (await alice.get(path(event, "sale"))).json()["currency"] == currency


async def test_an_event_sells_in_one_currency(alice: Person) -> None:
    event = await alice.creates("A gig")
    made = await adds(alice, event)
    other = {"amount": 100, "currency": "USD"}
    refused(await alice.post(path(event), {**PLAIN, "price": other}), 422, "/price/currency", "EUR")
    refused(await alice.patch(f"/api/tickets/types/{made['id']}", {"price": other}), 422, "/price/currency", "EUR")
    assert len(await listed(alice, event)) == 1


async def test_two_first_types_at_once_agree_on_a_currency(alice: Person) -> None:
    event = await alice.creates("A gig")
    prices = [{"amount": 100, "currency": currency} for currency in ("EUR", "USD", "CHF", "JPY")]
    answers = await asyncio.gather(*[alice.post(path(event), {**PLAIN, "price": price}) for price in prices])
    assert sorted(answer.status_code for answer in answers) == [201, 422, 422, 422]


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"name": ""}, "/name"),
        ({"name": "two\nlines"}, "/name"),
        ({"name": "x" * 121}, "/name"),
        ({"description": "x" * 2001}, "/description"),
        ({"price": None}, "/price"),
        ({"price": 1250}, "/price"),
        ({"price": {"amount": -1, "currency": "EUR"}}, "/price/amount"),
        ({"price": {"amount": 12.5, "currency": "EUR"}}, "/price/amount"),
        ({"price": {"amount": "1250", "currency": "EUR"}}, "/price/amount"),
        ({"price": {"amount": 100_000_000_001, "currency": "EUR"}}, "/price/amount"),
        ({"price": {"amount": 1, "currency": "eur"}}, "/price/currency"),
        ({"price": {"amount": 1, "currency": "EURO"}}, "/price/currency"),
        ({"price": {"amount": 1, "currency": "XYZ"}}, "/price/currency"),
        ({"price": {"amount": 1, "currency": "DEM"}}, "/price/currency"),
        ({"quantity": -1}, "/quantity"),
        ({"quantity": 1.5}, "/quantity"),
        ({"quantity": 1_000_001}, "/quantity"),
        ({"quantity": None}, "/quantity"),
        ({"pool": "01890a5d-ac96-774b-bcce-b302099a8057"}, "/pool"),
        ({"pool": "the-hall"}, "/pool"),
        ({"per_order_max": 0}, "/per_order_max"),
        ({"per_order_max": 101}, "/per_order_max"),
        ({"per_person_max": 0}, "/per_person_max"),
        ({"per_person_max": 1001}, "/per_person_max"),
        ({"sales_start": "tomorrow"}, "/sales_start"),
        ({"sales_start": "2027-02-01T00:00:00Z", "sales_end": "2027-02-01T00:00:00Z"}, "/sales_end"),
        ({"tax_percent": -0.01}, "/tax_percent"),
        ({"tax_percent": 50.01}, "/tax_percent"),
        ({"tax_percent": 7.125}, "/tax_percent"),
        ({"tax_percent": "19"}, "/tax_percent"),
        ({"access_code": " x"}, "/access_code"),
        ({"access_code": ""}, "/access_code"),
        ({"place": -1}, "/place"),
        ({"sold": 3}, "/sold"),
        ({"held": 3}, "/held"),
    ],
)
async def test_what_cannot_be_is_refused_by_field(alice: Person, fields: dict[str, Any], pointer: str) -> None:
    event = await alice.creates("A gig")
    refused(await alice.post(path(event), {**PLAIN, **fields}), 422, pointer)
    assert await listed(alice, event) == []
    assert (await alice.get(path(event, "sale"))).status_code == 404
    made = await adds(alice, event)
    refused(await alice.patch(f"/api/tickets/types/{made['id']}", fields), 422, pointer)


async def test_strangers_read_what_is_for_sale_and_change_nothing(
    alice: Person, bob: Person, carol: Person, visitor: Person
) -> None:
    event = await alice.creates("A gig")
    shown = await adds(alice, event, access_code="Sesame")
    hidden = await adds(alice, event, name="Crew", hidden=True)
    for who in (bob, carol, visitor):
        (seen,) = await listed(who, event)
        assert seen["id"] == shown["id"]
        assert seen["locked"] is True
        assert (seen["access_code"], seen["quantity"], seen["held"], seen["sold"]) == (None, None, None, None)
        assert seen["available"] == 50
        assert (await who.get(f"/api/tickets/types/{shown['id']}")).json() == seen
        assert (await who.get(f"/api/tickets/types/{hidden['id']}")).status_code == 404
    for made, status in ((shown, 403), (hidden, 404)):
        assert (await carol.patch(f"/api/tickets/types/{made['id']}", {"quantity": 1})).status_code == status
        assert (await carol.delete(f"/api/tickets/types/{made['id']}")).status_code == status
        assert (await visitor.delete(f"/api/tickets/types/{made['id']}")).status_code == 401
    assert (await carol.post(path(event), PLAIN)).status_code == 403
    assert (await visitor.post(path(event), PLAIN)).status_code == 401
    assert [one["access_code"] for one in await listed(alice, event)] == ["Sesame", None]


async def test_helpers_of_a_community_sell_and_its_members_do_not(alice: Person, bob: Person, dana: Person) -> None:
    event = await dana.creates("A gig", community=dana.community)
    community = f"/api/communities/{dana.community}"
    assert (await bob.put(f"{community}/membership")).status_code == 200
    assert (await bob.post(path(event), PLAIN)).status_code == 403
    assert (await dana.patch(f"{community}/members/{bob.handle}", {"role": "organizer"})).status_code == 200
    await adds(bob, event)
    assert (await alice.post(path(event), PLAIN)).status_code == 403


async def test_an_unlisted_event_shows_its_types_to_who_holds_the_link(alice: Person, visitor: Person) -> None:
    event = await alice.creates("A gig", visibility="unlisted")
    made = await adds(alice, event)
    assert [one["id"] for one in await listed(visitor, event)] == [made["id"]]
    assert (await visitor.get(f"/api/tickets/types/{made['id']}")).status_code == 404


async def test_changes_keep_what_they_do_not_name(alice: Person) -> None:
    event = await alice.creates("A gig")
    made = await adds(alice, event, access_code="Sesame", tax_percent=19, per_person_max=2)
    at = f"/api/tickets/types/{made['id']}"
    changed = (await alice.patch(at, {"price": {"amount": 900}, "per_person_max": None})).json()
    assert changed["price"] == {"amount": 900, "currency": "EUR"}
    same = ("name", "quantity", "access_code", "tax_percent", "locked")
    assert {name: changed[name] for name in same} == {name: made[name] for name in same}
    assert changed["per_person_max"] is None
    opened = (await alice.patch(at, {"access_code": None})).json()
    assert (opened["locked"], opened["access_code"]) == (False, None)


@pytest.mark.parametrize("change", [{"name": "Other"}, {"quantity": 60}, {"access_code": "Sesame"}])
async def test_a_stale_copy_changes_nothing(alice: Person, change: dict[str, Any]) -> None:
    event = await alice.creates("A gig")
    made = await adds(alice, event)
    at = f"/api/tickets/types/{made['id']}"
    tag = (await alice.get(at)).headers["etag"]
    assert (await alice.get(at, headers={"if-none-match": tag})).status_code == 304
    first = await alice.patch(at, change, headers={"if-match": tag})
    assert first.status_code == 200
    assert first.json()["version"] > made["version"]
    assert (await alice.patch(at, {"name": "Late"}, headers={"if-match": tag})).status_code == 412
    assert (await alice.delete(at, headers={"if-match": tag})).status_code == 412
    assert (await alice.delete(at, headers={"if-match": first.headers["etag"]})).status_code == 204
    assert (await alice.get(at)).status_code == 404


async def test_a_repeated_request_makes_one_type(alice: Person) -> None:
    event = await alice.creates("A gig")
    headers = {"idempotency-key": f"type-{event['id']}"}
    first, second = [await alice.post(path(event), PLAIN, headers=headers) for _ in range(2)]
    assert first.json() == second.json()
    assert second.headers["idempotent-replayed"] == "true"
    assert len(await listed(alice, event)) == 1


async def test_the_state_follows_the_clock_and_the_stock(alice: Person, bob: Person, sale: Sale) -> None:
    event = sale.event
    states = {
        "upcoming": {"sales_start": "2027-01-01T00:00:00Z"},
        "over": {"sales_end": "2026-01-01T00:00:00Z"},
        "sold_out": {"quantity": 0},
        "on_sale": {"sales_start": "2026-01-01T00:00:00Z", "sales_end": "2027-02-01T00:00:00Z"},
    }
    for state, fields in states.items():
        assert (await adds(alice, event, name=state, **fields))["on_sale"] == state
    assert (await sale.sells(bob, free=3)).status_code == 201
    counts = {one["name"]: (one["sold"], one["held"], one["available"]) for one in await listed(alice, event)}
    assert counts["free"] == (3, 0, 97)
    assert (await alice.post(f"/api/events/{event['id']}/cancellation")).status_code == 201
    assert {one["on_sale"] for one in await listed(alice, event)} == {"over"}


async def test_what_was_ordered_is_not_taken_away(alice: Person, bob: Person, sale: Sale) -> None:
    assert (await sale.sells(bob, paid=1)).status_code == 201
    refused(await alice.delete(f"/api/tickets/types/{sale.types['paid']}"), 409, said="hide it")
    assert (await alice.delete(f"/api/tickets/types/{sale.types['free']}")).status_code == 204


async def test_an_event_whose_orders_all_lapsed_can_be_deleted(
    site: Site, alice: Person, bob: Person, sale: Sale
) -> None:
    order = (await sale.sells(bob, paid=1)).json()
    assert (await alice.delete(f"/api/events/{sale.event['id']}")).status_code == 409
    await scratch.run(
        site.settings.platform_url,
        "update public.ticket_orders set expires_at = '2026-01-01' where id = $1",
        UUID(order["id"]),
    )
    assert (await sale.sells(bob, free=11)).status_code == 422  # whoever comes next ends it
    assert (await bob.get(f"/api/tickets/types/{sale.types['paid']}")).json()["available"] == 100
    assert (await alice.delete(f"/api/events/{sale.event['id']}")).status_code == 204


async def test_at_most_a_hundred_types(alice: Person, sale: Sale) -> None:
    for number in range(98):
        await adds(alice, sale.event, name=f"Type {number}")
    refused(await alice.post(path(sale.event), PLAIN), 409, said="100")
