"""Discount codes, questions to attendees, and how an event sells."""

import asyncio
from typing import Any

import pytest
from cast import Person
from selling import Sale
from test_ticket_types import adds, path, refused


async def gives(alice: Person, event: Any, /, **fields: Any) -> Any:
    answer = await alice.post(path(event, "discounts"), fields)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def test_a_code_is_kept_in_capitals_and_found_in_any(alice: Person, bob: Person, sale: Sale) -> None:
    body = {"code": "early-Bird", "percent": 20, "max_uses": 5, "valid_until": "2027-02-01T00:00:00Z"}
    answer = await alice.post(path(sale.event, "discounts"), body)
    assert answer.status_code == 201, answer.text
    at = f"http://vently.test{path(sale.event, 'discounts')}/EARLY-BIRD"
    assert answer.headers["location"] == at
    made = answer.json()
    assert (made["code"], made["percent"], made["amount"], made["uses"]) == ("EARLY-BIRD", 20, None, 0)
    assert (await alice.get(at)).json() == made
    assert (await alice.get(at.lower())).json() == made
    order = await bob.post("/api/tickets/orders", {**sale.cart(bob, paid=1), "discount_code": "Early-bird"})
    assert order.json()["total"]["amount"] == 1000
    assert (await alice.get(at)).json()["uses"] == 1
    refused(await alice.post(path(sale.event, "discounts"), {**body, "code": "EARLY-bird"}), 409, "/code")


async def test_codes_are_listed_page_by_page(alice: Person, sale: Sale) -> None:
    for number in range(5):
        await gives(alice, sale.event, code=f"code-{number}", amount=100)
    first = (await alice.get(path(sale.event, "discounts"), params={"limit": 3})).json()
    assert [one["code"] for one in first["items"]] == ["CODE-0", "CODE-1", "CODE-2"]
    assert first["items"][0]["currency"] == "EUR"
    second = (await alice.get(path(sale.event, "discounts"), params={"limit": 3, "cursor": first["next"]})).json()
    assert [one["code"] for one in second["items"]] == ["CODE-3", "CODE-4"]
    assert second["next"] is None


async def test_a_discount_changes_and_ends(alice: Person, bob: Person, sale: Sale) -> None:
    made = await gives(alice, sale.event, code="JAM", percent=10, max_uses=1)
    at = f"{path(sale.event, 'discounts')}/jam"
    tag = (await alice.get(at)).headers["etag"]
    changed = await alice.patch(at, {"percent": None, "amount": 250, "max_uses": None}, headers={"if-match": tag})
    assert (changed.json()["percent"], changed.json()["amount"]) == (None, 250)
    assert changed.json()["version"] > made["version"]
    assert (await alice.patch(at, {"amount": 1}, headers={"if-match": tag})).status_code == 412
    for _ in range(2):
        cart = {**sale.cart(bob, paid=1), "discount_code": "JAM"}
        assert (await bob.post("/api/tickets/orders", cart)).json()["discount"]["amount"] == 250
    refused(await alice.patch(at, {"max_uses": 1}), 422, "/max_uses", "uses so far")
    assert (await alice.delete(at)).status_code == 204
    assert (await alice.delete(at)).status_code == 404
    assert (await alice.patch(at, {"amount": 1})).status_code == 404
    assert (
        await bob.post("/api/tickets/orders", {**sale.cart(bob, paid=1), "discount_code": "JAM"})
    ).status_code == 422


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"code": "x"}, "/code"),
        ({"code": "with space"}, "/code"),
        ({"code": "Ä1"}, "/code"),
        ({"code": "x" * 41}, "/code"),
        ({"percent": 0}, "/percent"),
        ({"percent": 101}, "/percent"),
        ({"percent": 12.5}, "/percent"),
        ({"percent": None}, "/percent"),
        ({"amount": 100}, "/percent"),
        ({"percent": None, "amount": 0}, "/amount"),
        ({"percent": None, "amount": 100, "currency": "USD"}, "/currency"),
        ({"max_uses": 0}, "/max_uses"),
        ({"max_uses": 1_000_001}, "/max_uses"),
        ({"valid_from": "2027-02-01T00:00:00Z", "valid_until": "2027-01-01T00:00:00Z"}, "/valid_until"),
        ({"valid_until": "soon"}, "/valid_until"),
        ({"uses": 3}, "/uses"),
    ],
)
async def test_a_discount_is_refused_by_field(alice: Person, sale: Sale, fields: dict[str, Any], pointer: str) -> None:
    answer = await alice.post(path(sale.event, "discounts"), {"code": "JAM", "percent": 10, **fields})
    refused(answer, 422, pointer)
    assert "must match" not in answer.text
    assert (await alice.get(path(sale.event, "discounts"))).json()["items"] == []


async def test_codes_are_secret(alice: Person, bob: Person, carol: Person, visitor: Person, sale: Sale) -> None:
    await gives(alice, sale.event, code="JAM", percent=100)
    for who, status in ((bob, 403), (carol, 403), (visitor, 401)):
        for at in (path(sale.event, "discounts"), f"{path(sale.event, 'discounts')}/JAM"):
            assert (await who.get(at)).status_code == status
        assert (await who.post(path(sale.event, "discounts"), {"code": "MINE", "percent": 100})).status_code == status
        assert (await who.patch(f"{path(sale.event, 'discounts')}/JAM", {"percent": 1})).status_code == status
        assert (await who.delete(f"{path(sale.event, 'discounts')}/JAM")).status_code == status


async def test_questions_are_asked_changed_and_taken_back(alice: Person, visitor: Person, sale: Sale) -> None:
    body = {"label": "What do you eat?", "kind": "choice", "choices": ["All", "No meat"], "required": True, "place": 2}
    answer = await alice.post(path(sale.event, "ticket-questions"), body)
    assert answer.status_code == 201, answer.text
    made = answer.json()
    assert {name: made[name] for name in body} == body
    assert answer.headers["location"] == f"http://vently.test/api/tickets/questions/{made['id']}"
    await alice.post(path(sale.event, "ticket-questions"), {"label": "First?", "place": 1})
    asked = (await visitor.get(path(sale.event, "ticket-questions"))).json()["items"]
    assert [one["label"] for one in asked] == ["First?", "What do you eat?"]
    at = f"/api/tickets/questions/{made['id']}"
    assert (await alice.patch(at, {"kind": "text", "choices": []})).json()["choices"] == []
    assert (await alice.delete(at)).status_code == 204
    assert (await alice.delete(at)).status_code == 404
    assert len((await visitor.get(path(sale.event, "ticket-questions"))).json()["items"]) == 1


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"label": ""}, "/label"),
        ({"label": "x" * 201}, "/label"),
        ({"kind": "date"}, "/kind"),
        ({"kind": "choice"}, "/choices"),
        ({"choices": ["A"]}, "/choices"),
        ({"kind": "choice", "choices": ["A", "A"]}, "/choices"),
        ({"kind": "choice", "choices": ["a,b"]}, "/choices/0"),
        ({"kind": "choice", "choices": [str(number) for number in range(51)]}, "/choices"),
        ({"required": "yes"}, "/required"),
    ],
)
async def test_a_question_is_refused_by_field(alice: Person, sale: Sale, fields: dict[str, Any], pointer: str) -> None:
    refused(await alice.post(path(sale.event, "ticket-questions"), {"label": "What?", **fields}), 422, pointer)


async def test_carol_asks_nothing(alice: Person, carol: Person, visitor: Person, sale: Sale) -> None:
    made = (await alice.post(path(sale.event, "ticket-questions"), {"label": "What?"})).json()
    at = f"/api/tickets/questions/{made['id']}"
    for who, status in ((carol, 403), (visitor, 401)):
        assert (await who.post(path(sale.event, "ticket-questions"), {"label": "Hers?"})).status_code == status
        assert (await who.patch(at, {"label": "Hers?"})).status_code == status
        assert (await who.delete(at)).status_code == status
    for _ in range(19):
        assert (await alice.post(path(sale.event, "ticket-questions"), {"label": "Why?"})).status_code == 201
    refused(await alice.post(path(sale.event, "ticket-questions"), {"label": "Why?"}), 409, said="20")


async def test_how_an_event_sells(alice: Person, visitor: Person) -> None:
    event = await alice.creates("A gig")
    at = path(event, "sale")
    refused(await alice.patch(at, {"methods": ["door"]}), 409, said="in which currency")
    opened = await alice.patch(at, {"currency": "CHF", "methods": ["card", "transfer"]})
    assert opened.status_code == 200, opened.text
    given = {
        "hold_minutes": 30, "transfer_hours": 48, "refund_hours": 24, "fee_on_top": True,
        "seller": {"name": "Alice's", "address": "Ring 1\n8010 Graz", "tax_id": "ATU1", "bank_details": "AT00 1234"},
    }  # fmt: skip
    changed = await alice.patch(at, given, headers={"if-match": opened.headers["etag"]})
    assert changed.status_code == 200, changed.text
    assert {name: changed.json()[name] for name in given} == given
    assert (changed.json()["currency"], changed.json()["methods"]) == ("CHF", ["card", "transfer"])
    assert (await alice.patch(at, {"hold_minutes": 5}, headers={"if-match": opened.headers["etag"]})).status_code == 412
    assert (await alice.patch(at, {"refund_hours": None, "seller": {"tax_id": None}})).json()["refund_hours"] is None
    assert "AT00" not in (await visitor.get(at)).text
    assert (await alice.get(at)).json()["seller"]["address"] == "Ring 1\n8010 Graz"


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"currency": "XYZ"}, "/currency"),
        ({"currency": "euro"}, "/currency"),
        ({"methods": []}, "/methods"),
        ({"methods": ["cash"]}, "/methods/0"),
        ({"methods": ["card", "card"]}, "/methods"),
        ({"hold_minutes": 4}, "/hold_minutes"),
        ({"hold_minutes": 61}, "/hold_minutes"),
        ({"transfer_hours": 0}, "/transfer_hours"),
        ({"refund_hours": -1}, "/refund_hours"),
        ({"fee_on_top": None}, "/fee_on_top"),
        ({"seller": {"name": ""}}, "/seller/name"),
        ({"seller": {"bank_details": "x" * 1001}}, "/seller/bank_details"),
        ({"seller": {"stripe_account": "acct_1"}}, "/seller/stripe_account"),
    ],
)
async def test_settings_are_refused_by_field(alice: Person, sale: Sale, fields: dict[str, Any], pointer: str) -> None:
    before = (await alice.get(path(sale.event, "sale"))).json()
    refused(await alice.patch(path(sale.event, "sale"), fields), 422, pointer)
    assert (await alice.get(path(sale.event, "sale"))).json() == before


async def test_the_currency_stays_once_something_was_ordered(alice: Person, bob: Person, sale: Sale) -> None:
    at = path(sale.event, "sale")
    refused(await alice.patch(at, {"currency": "JPY"}), 422, "/currency", "other units")
    assert (await alice.patch(at, {"currency": "USD"})).json()["currency"] == "USD"
    type_ = (await alice.get(f"/api/tickets/types/{sale.types['paid']}")).json()
    assert type_["price"] == {"amount": 1250, "currency": "USD"}
    assert (await sale.sells(bob, free=1)).status_code == 201
    refused(await alice.patch(at, {"currency": "EUR"}), 409, "/currency", "stays")
    assert (await alice.patch(at, {"currency": "USD", "hold_minutes": 20})).status_code == 200


async def test_carol_settles_nothing(carol: Person, visitor: Person, sale: Sale) -> None:
    for who, status in ((carol, 403), (visitor, 401)):
        assert (await who.patch(path(sale.event, "sale"), {"methods": ["door"]})).status_code == status


async def test_organisers_of_a_community_do_not_say_who_sells(bob: Person, dana: Person) -> None:
    event = await dana.creates("A gig", community=dana.community)
    community = f"/api/communities/{dana.community}"
    assert (await bob.put(f"{community}/membership")).status_code == 200
    assert (await dana.patch(f"{community}/members/{bob.handle}", {"role": "organizer"})).status_code == 200
    await adds(bob, event)
    refused(await bob.patch(path(event, "sale"), {"seller": {"bank_details": "Bob's own"}}), 403, said="admins")
    assert (await bob.patch(path(event, "sale"), {"methods": ["transfer"]})).status_code == 200
    answer = await dana.patch(path(event, "sale"), {"seller": {"bank_details": "AT00"}})
    assert answer.json()["seller"]["bank_details"] == "AT00"


async def test_a_cancellation_and_the_buyers_take_turns(alice: Person, bob: Person, sale: Sale) -> None:
    at = f"/api/events/{sale.event['id']}/cancellation"
    answers = await asyncio.gather(*[sale.sells(bob, free=1) for _ in range(20)], alice.post(at),
                                   *[sale.sells(bob, free=1) for _ in range(20)])  # fmt: skip
    assert {answer.status_code for answer in answers} <= {201, 409}
    sold = (await sale.stock("free")).sold
    assert sold == sum(answer.status_code == 201 for answer in answers) - 1
    refused(await sale.sells(bob, free=1), 409, said="cancelled")
    assert (await sale.stock("free")).sold == sold
