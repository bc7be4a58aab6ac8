"""Every route of the API and every page, tried on Alice's hidden things by a visitor and by Carol."""

import base64
import json
import re
from typing import Any

import httpx
import pytest
from cast import Person, Site
from hidden import WORDS, Hidden, hide

from vently import app
from vently.web import shell

MOMENT = "2027-05-01T18:00:00Z"
CARRIES: dict[str, Any] = {
    "answer_event": {"status": "going"},
    "become_organizer": {"terms_accepted": True},
    "change_member": {"role": "owner"},
    "check_in": {"code": "VT1", "scan_id": "one"},
    "connect_my_payouts": {"country": "BE"},
    "connect_payouts": {"country": "BE"},
    "create_comment": {"body": "Mine"},
    "correct_order": {"buyer": {"email": "carol@example.org"}},
    "create_community": {"name": "Carol's own"},
    "create_event": {"title": "Carol's own", "starts_at": MOMENT},
    "create_order": {
        "event": "nothing-of-the-kind",
        "items": [{"ticket_type": "01900000-0000-7000-8000-000000000000", "quantity": 1}],
        "buyer": {"name": "Carol", "email": "carol@example.org"},
    },
    "create_discount": {"code": "JAM", "percent": 100},
    "create_refund": {"reason": "Mine"},
    "create_ticket_pool": {"name": "Hers", "quantity": 1},
    "create_ticket_question": {"label": "Hers?"},
    "create_ticket_type": {"name": "Hers", "price": {"amount": 0, "currency": "EUR"}, "quantity": 1},
    "decide": {"organizer": "approved"},
    "edit_comment": {"body": "Mine"},
    "edit_community": {"name": "Carol's now"},
    "edit_event": {"title": "Carol's now"},
    "edit_discount": {"percent": 100},
    "edit_me": {"bio": "Likes jam"},
    "edit_sale": {"methods": ["door"]},
    "edit_ticket_pool": {"name": "Hers"},
    "edit_ticket_question": {"label": "Hers?"},
    "edit_ticket_type": {"name": "Hers"},
    "hand_on_ticket": {"email": "carol@example.org"},
    "name_host": {"role": "door"},
    "import_file": b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nEND:VCALENDAR\r\n",
    "settle_order": {"method": "transfer"},
    "settle_refund": {"status": "succeeded"},
}
"""What each operation that takes a body is sent."""

CAROL_GETS = {
    "become_organizer": 200,
    "change_member": 404,
    "check_in": 200,
    "close_community": 403,
    "communities_follow": 200,
    "communities_unfollow": 204,
    "connect_my_payouts": 200,
    "connect_payouts": 403,
    "correct_order": 404,
    "create_community": 201,
    "create_event": 201,
    "create_order": 404,
    "create_refund": 404,
    "decide": 403,
    "delete_ticket_pool": 404,
    "delete_ticket_question": 404,
    "delete_ticket_type": 404,
    "edit_community": 403,
    "edit_me": 200,
    "edit_ticket_pool": 404,
    "edit_ticket_question": 404,
    "edit_ticket_type": 404,
    "end_session": 404,
    "give_back_order": 404,
    "hand_on_ticket": 404,
    "import_file": 403,
    "join": 403,
    "leave": 204,
    "list_calendar": 200,
    "list_communities": 200,
    "list_events": 200,
    "list_invoices": 404,
    "list_members": 200,
    "list_orders": 200,
    "list_people": 403,
    "list_refunds": 404,
    "list_sessions": 200,
    "list_tickets": 200,
    "pay_order": 404,
    "people_follow": 200,
    "people_unfollow": 204,
    "print_invoice": 404,
    "print_order": 404,
    "print_ticket": 404,
    "read_community": 200,
    "read_health": 200,
    "read_order": 404,
    "read_me": 200,
    "read_my_payouts": 200,
    "read_payouts": 403,
    "read_person": 200,
    "read_readiness": 200,
    "read_sales": 422,
    "read_ticket": 404,
    "read_ticket_calendar": 404,
    "read_ticket_type": 404,
    "remove_member": 404,
    "settle_order": 404,
    "settle_refund": 404,
    "undo_checkin": 422,
}
"""What a stranger is answered where no event or comment stands in the address: there it is 404."""


@pytest.fixture
async def hidden(alice: Person, bob: Person) -> Hidden:
    hidden = await hide(alice, bob)
    path = f"/api/events/{hidden.members['id']}/ticket-types"
    kind = await alice.post(path, {"name": "Seat", "price": {"amount": 0, "currency": "EUR"}, "quantity": 5})
    assert kind.status_code == 201, kind.text
    for part, body in (("ticket-pools", CARRIES["create_ticket_pool"]), ("ticket-questions", {"label": "Jam?"})):
        made = await alice.post(f"/api/events/{hidden.members['id']}/{part}", body)
        hidden.sold[part] = made.json()["id"]
    hidden.sold["ticket-types"] = kind.json()["id"]
    await alice.post(f"/api/events/{hidden.members['id']}/discounts", {"code": "JAM", "percent": 10})
    cart = {"event": hidden.members["id"], "items": [{"ticket_type": kind.json()["id"], "quantity": 1}]}
    hidden.order = (await bob.post("/api/tickets/orders", cart)).json()
    return hidden


async def test_the_reference_for_people_names_every_operation(visitor: Person) -> None:
    page, document = await visitor.get("/docs"), (await visitor.get("/openapi.json")).json()
    assert page.status_code == 200
    assert [path for path in document["paths"] if path not in page.text] == []


async def test_no_route_shows_or_changes_what_is_hidden(
    alice: Person, bob: Person, carol: Person, visitor: Person, hidden: Hidden
) -> None:
    before = await _told(alice, hidden)
    assert (await carol.post("/api/me/organizer", {"terms_accepted": True})).status_code == 200
    document = (await visitor.get("/openapi.json")).json()
    for who in (visitor, carol):
        for path, methods in document["paths"].items():
            for method, operation in methods.items():
                for address in _addresses(path, hidden, alice, bob):
                    answer = await _sent(who, method.upper(), address, operation)
                    expected = _expected(who, path, operation)
                    assert answer.status_code == expected, f"{who.name}: {method} {address}: {answer.text}"
                    assert not any(word in answer.text for word in WORDS), f"{who.name}: {method} {address}"
    assert await _told(alice, hidden) == before
    assert set(CAROL_GETS) | set(CARRIES) <= {o["operationId"] for p in document["paths"].values() for o in p.values()}


async def test_no_list_shows_what_is_hidden(
    alice: Person, bob: Person, carol: Person, visitor: Person, hidden: Hidden
) -> None:
    asked: list[dict[str, Any]] = [{"q": word} for word in WORDS]
    asked += [{"city": f"{word} am See"} for word in WORDS]
    asked += [{"organizer": alice.handle, "sort": sort} for sort in ("soonest", "popular", "relevance")]
    asked += [{"community": hidden.community["slug"], "from": "1970-01-01"}]
    titles = [hidden.draft["title"], hidden.members["title"], hidden.unlisted["title"]]
    for filters in asked:
        for path in ("/api/events", "/api/events.ics", "/") if len(filters) == 1 else ("/api/events",):
            for who in (visitor, carol):
                answer = await who.get(path, params=filters)
                assert answer.status_code == 200, answer.text
                assert not any(title in answer.text for title in titles), f"{who.name}: {path} {filters}"
    found = (await bob.get("/api/events", params={"q": WORDS[1]})).json()["items"]
    assert [event["title"] for event in found] == [hidden.members["title"]]


async def test_a_stranger_with_the_link_reads_an_unlisted_event_and_no_more(carol: Person, hidden: Hidden) -> None:
    path = f"/api/events/{hidden.unlisted['slug']}"
    assert (await carol.get(path)).status_code == 200
    assert (await carol.patch(path, {"title": "Hers"})).status_code == 403
    assert (await carol.delete(path)).status_code == 403
    assert (await carol.post(f"{path}/publication")).status_code in (403, 409)
    assert (await carol.post(f"{path}/cancellation")).status_code == 403
    assert (await carol.get(f"{path}/rsvps")).json()["items"] == []
    comment = hidden.comments["unlisted"]["id"]
    assert (await carol.patch(f"/api/comments/{comment}", {"body": "Hers"})).status_code in (403, 404)
    assert (await carol.delete(f"/api/comments/{comment}")).status_code in (403, 404)


async def test_no_page_shows_or_changes_what_is_hidden(
    site: Site, alice: Person, bob: Person, carol: Person, visitor: Person, hidden: Hidden
) -> None:
    before = await _told(alice, hidden)
    pages = sorted(shell.operations(app.PAGES), key=lambda page: page.path == "/sign-out")  # last: it is what it says
    for who in (visitor, carol):
        cookies, token = await _browser(who)
        for page in pages:
            for address in _addresses(page.path, hidden, alice, bob):
                form = {"_csrf": token, **_form(page.path)} if page.method == "POST" else None
                answer = await site.client.request(
                    page.method, address, data=form, headers={"cookie": cookies, "accept": "text/html"}
                )
                assert answer.status_code < 500, f"{who.name}: {page.method} {address}"
                assert not any(word in answer.text for word in WORDS), f"{who.name}: {page.method} {address}"
                if re.search(r"\{(event|comment|order|ticket)\}", page.path):
                    expected = {303, 401} if who is visitor and page.signed_in else {404}
                    assert answer.status_code in expected, f"{who.name}: {page.method} {address}: {answer.status_code}"
    assert await _told(alice, hidden) == before


def _expected(who: Person, path: str, operation: dict[str, Any]) -> int:
    name = operation["operationId"]
    if not who.token and operation["security"] and {} not in operation["security"]:
        return 401
    return 404 if "{event}" in path or "{comment}" in path else CAROL_GETS[name]


async def _sent(who: Person, method: str, address: str, operation: dict[str, Any]) -> httpx.Response:
    content = operation.get("requestBody", {}).get("content", {})
    if not content:
        return await who.asks(method, address)
    body = CARRIES[operation["operationId"]]
    if upload := content.get("multipart/form-data"):
        return await who.asks(method, address, files={upload["schema"]["required"][0]: ("x.ics", body)})
    return await who.asks(method, address, body)


def _addresses(path: str, hidden: Hidden, alice: Person, bob: Person) -> list[str]:
    """The path filled in, once for each name of each hidden thing."""
    stand_for = {
        "{event}": [e[key] for e in (hidden.draft, hidden.members) for key in ("id", "slug")],
        "{comment}": [hidden.comments["members"]["id"]],
        "{community}": [hidden.community["slug"]],
        "{attempt}": [alice.id],
        "{way}": ["done", "back"],
        "{person}": [bob.handle],
        "{handle}": [alice.handle],
        "{session}": [session_of(alice)],
        "{scan_id}": ["one"],
        "{order}": [hidden.order["id"]],
        "{ticket_type}": [hidden.sold["ticket-types"]],
        "{pool}": [hidden.sold["ticket-pools"]],
        "{question}": [hidden.sold["ticket-questions"]],
        "{code}": ["JAM"],
        "{ticket}": [ticket["id"] for ticket in hidden.order["tickets"]],
        "{invoice}": [hidden.order["id"]],
        **{part: [alice.id] for part in ("{passkey}", "{identity}", "{factor}", "{refund}")},
    }
    filled = [path]
    for part in re.findall(r"\{\w+\}", path):
        filled = [address.replace(part, str(value)) for address in filled for value in stand_for[part]]
    return filled


def session_of(who: Person) -> str:
    """The session of their token."""
    claims = who.token.split(".")[1]
    return str(json.loads(base64.urlsafe_b64decode(claims + "=="))["session_id"])


async def _told(alice: Person, hidden: Hidden) -> list[Any]:
    """Everything there is to know of Alice's things; followers come and go."""
    told: list[Any] = [(await alice.get(f"/api/communities/{hidden.community['id']}/members")).json()]
    community = (await alice.get(f"/api/communities/{hidden.community['id']}")).json()
    told.append({name: value for name, value in community.items() if name != "counts"})
    for event in hidden.events.values():
        for part in ("", "/rsvps", "/comments", "/ticket-types", "/ticket-questions"):
            answer = await alice.get(f"/api/events/{event['id']}{part}")
            assert answer.status_code == 200
            told.append(answer.json())
    order = await alice.get(f"/api/tickets/orders/{hidden.order['id']}")
    assert order.status_code == 200
    return [*told, order.json()]


async def _browser(who: Person) -> tuple[str, str]:
    """Cookies of a browser in which they are signed in, and the token of its forms."""
    session = f"vently_access={who.token}; " if who.token else ""
    page = await who.site.client.get(
        "/events/new" if who.token else "/sign-in", headers={"cookie": session, "accept": "text/html"}
    )
    token = re.search(r'name="_csrf" value="([^"]+)"', page.text)
    assert token, page.text
    return f"{session}vently_csrf={page.cookies['vently_csrf']}", token[1]


def _form(path: str) -> dict[str, str]:
    """Something in every field that any form has."""
    if path == "/sign-out":
        return {}
    fields = {"title": "Carol's now", "name": "Carol's now", "body": "Mine", "status": "going", "starts_at": MOMENT}
    return {**fields, "date": "2027-05-01", "starts": "2027-05-01T18:00", "timezone": "UTC", "terms_accepted": "true"}
