"""An order after it was placed: who sees it, who corrects it, and who gives it back."""

from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import asyncpg
from cast import Person, Site
from selling import Sale, on_sale

from vently.database.pool import Database
from vently.database.queries import parse

sql = parse("""
-- name: pay
with paid as (
  update public.ticket_orders set status = 'paid', paid = total, paid_at = now(), expires_at = null
   where id = :order returning id)
update public.tickets t set status = 'valid' from paid where t.order_id = paid.id;
-- name: confirm_address
update auth.users set email = :email, email_confirmed_at = now() where id = :id;
-- name: let_lapse
update public.ticket_orders set expires_at = now() - interval '1 second' where id = :order;
-- name: mails
select count(*) from private.jobs where kind = 'mail tickets' and payload ->> 'order_id' = :order;
-- name: serials
select array_agg(serial order by id) from public.tickets where order_id = :order;
-- name: ask_name
insert into public.ticket_questions (event_id, label, kind, choices, required)
values (:event, 'Dish', 'choice', '{Fish,Tofu}', true)
returning id;
""")


def address(order: Any) -> str:
    return f"/api/tickets/orders/{order['id']}"


def key(order: Any) -> dict[str, str]:
    return {"key": parse_qs(urlsplit(order["link"]).query)["key"][0]}


async def owner(site: Site, statement: Any, **given: Any) -> Any:
    """As the owner of all tables: what only time, the bank or a mailbox could do."""
    connection = await asyncpg.connect(site.settings.platform_url)
    try:
        return await connection.fetchval(statement.text, *statement.arguments(given))
    finally:
        await connection.close()


async def pays(site: Site, order: Any) -> None:
    await owner(site, sql.pay, order=UUID(order["id"]))


async def bought(sale: Sale, person: Person, **items: int) -> Any:
    answer = await sale.sells(person, **items)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def test_the_buyer_and_the_organiser_see_an_order_and_carol_does_not(
    sale: Sale, bob: Person, alice: Person, carol: Person, visitor: Person
) -> None:
    order = await bought(sale, bob, paid=2)
    for person in (bob, alice):
        seen = await person.get(address(order))
        assert seen.status_code == 200
        told = {name: value for name, value in order.items() if name != "link"}
        # Whoever opens it pays as the buyer.
        assert seen.json() == (told if person is bob else {**told, "checkout_url": None})
        again = await person.get(address(order), headers={"if-none-match": seen.headers["etag"]})
        assert again.status_code == 304
    for stranger in (carol, visitor):
        for answer in (
            await stranger.get(address(order)),
            await stranger.delete(address(order)),
            await stranger.patch(address(order), {"buyer": {"email": "carol@example.org"}}),
        ):
            assert answer.status_code == 404


async def test_a_guest_opens_the_order_by_its_link_alone(sale: Sale, visitor: Person, carol: Person) -> None:
    order = await bought(sale, visitor, paid=1)
    for person in (visitor, carol):
        assert (await person.get(address(order), params=key(order))).status_code == 200
        assert (await person.get(address(order))).status_code == 404
    other = await bought(sale, visitor, paid=1)
    forged = [key(other)["key"], key(order)["key"][:-2], "2" + key(order)["key"][1:], "1", "x.y", "1." + "A" * 22]
    for wrong in forged:
        assert (await visitor.get(address(order), params={"key": wrong})).status_code == 404


async def test_the_order_of_an_unlisted_event_says_what_it_is_for(
    db: Database, alice: Person, bob: Person, visitor: Person
) -> None:
    event = await alice.creates("Secret supper", visibility="unlisted")
    sale = await on_sale(db, alice, event, {"seat": (500, 10)})
    mine, guests = await bought(sale, bob, seat=1), await bought(sale, visitor, seat=1)
    for seen in (await bob.get(address(mine)), await visitor.get(address(guests), params=key(guests))):
        assert seen.json()["event"]["title"] == "Secret supper"
        assert set(seen.json()["event"]) == set(mine["event"])
        assert seen.json()["items"][0]["ticket_type"]["name"] == "seat"


async def test_my_orders_are_listed_page_by_page(sale: Sale, bob: Person, carol: Person, visitor: Person) -> None:
    made = [(await bought(sale, bob, free=1))["id"] for _ in range(5)]
    await bought(sale, carol, free=1)
    found: list[str] = []
    cursor: dict[str, Any] = {}
    while True:
        page = (await bob.get("/api/tickets/orders", params={"limit": 2, **cursor})).json()
        found += [order["id"] for order in page["items"]]
        if page["next"] is None:
            break
        cursor = {"cursor": page["next"]}
    assert found == made[::-1]
    assert (await visitor.get("/api/tickets/orders")).status_code == 401


async def test_an_organiser_has_only_own_orders_in_the_list(sale: Sale, alice: Person, bob: Person) -> None:
    await bought(sale, bob, free=1)
    assert (await alice.get("/api/tickets/orders")).json()["items"] == []


async def test_who_signs_up_later_finds_what_they_bought_as_a_guest(sale: Sale, site: Site, visitor: Person) -> None:
    order = await bought(sale, visitor, free=2)
    vera = await site.signs_up("Vera")
    assert (await vera.get(address(order))).status_code == 404
    await owner(site, sql.confirm_address, email="VERA@example.org", id=vera.id)
    assert (await vera.get(address(order))).json()["id"] == order["id"]
    assert (await vera.get("/api/tickets/orders")).json()["items"][0]["id"] == order["id"]
    await owner(site, sql.confirm_address, email=vera.email, id=vera.id)
    assert (await vera.get(address(order))).status_code == 404


async def test_an_address_that_nobody_confirmed_finds_nothing(sale: Sale, site: Site, visitor: Person) -> None:
    order = await bought(sale, visitor, free=1)
    vera = await site.signs_up("Vera")
    await owner(site, sql.confirm_address, email="vera@example.org", id=vera.id)
    unconfirmed = parse("-- name: forget\nupdate auth.users set email_confirmed_at = null where id = :id;").forget
    await owner(site, unconfirmed, id=vera.id)
    assert (await vera.get(address(order))).status_code == 404
    await owner(site, sql.confirm_address, email=vera.email, id=vera.id)


async def test_a_hold_given_back_is_for_sale_again(sale: Sale, bob: Person, visitor: Person, alice: Person) -> None:
    mine, guests, other = [await bought(sale, who, paid=2) for who in (bob, visitor, bob)]
    assert (await sale.stock("paid")).held == 6
    assert (await bob.delete(address(mine))).status_code == 204
    assert (await visitor.delete(address(guests), params=key(guests))).status_code == 204
    assert (await alice.delete(address(other))).status_code == 204
    assert (await sale.stock("paid")).held == 0
    seen = (await bob.get(address(mine))).json()
    assert (seen["status"], seen["expires_at"], seen["checkout_url"]) == ("cancelled", None, None)
    assert {ticket["status"] for ticket in seen["tickets"]} == {"void"}
    again = await bob.delete(address(mine))
    assert again.status_code == 409
    assert again.json()["type"].endswith("order-over")


async def test_what_is_paid_is_not_given_back_that_way(sale: Sale, bob: Person) -> None:
    order = await bought(sale, bob, free=1)
    answer = await bob.delete(address(order))
    assert answer.status_code == 409
    assert answer.json()["type"].endswith("order-paid")
    assert (await sale.stock("free")).sold == 1


async def test_a_hold_whose_time_is_over_ends_as_expired(sale: Sale, site: Site, bob: Person) -> None:
    order = await bought(sale, bob, paid=1)
    await owner(site, sql.let_lapse, order=UUID(order["id"]))
    assert (await bob.delete(address(order))).status_code == 204
    assert (await bob.get(address(order))).json()["status"] == "expired"
    assert (await sale.stock("paid")).held == 0


async def test_if_match_guards_orders(sale: Sale, bob: Person) -> None:
    order = await bought(sale, bob, paid=1)
    old = (await bob.get(address(order))).headers["etag"]
    changed = await bob.patch(address(order), {"buyer": {"name": "Robert"}}, headers={"if-match": old})
    assert changed.json()["buyer"]["name"] == "Robert"
    for late in (
        await bob.patch(address(order), {"buyer": {"name": "Bobby"}}, headers={"if-match": old}),
        await bob.delete(address(order), headers={"if-match": old}),
    ):
        assert late.status_code == 412
    assert (await bob.delete(address(order), headers={"if-match": changed.headers["etag"]})).status_code == 204


async def test_a_corrected_address_ends_the_old_link_and_the_codes_sent_there(
    sale: Sale, site: Site, visitor: Person, alice: Person
) -> None:
    order = await bought(sale, visitor, free=2)
    old = key(order)
    answer = await alice.patch(address(order), {"buyer": {"email": "vera.right@example.org"}})
    assert answer.status_code == 200
    assert answer.json()["buyer"]["email"] == "vera.right@example.org"
    assert "link" not in answer.json()
    assert [ticket["attendee"]["email"] for ticket in answer.json()["tickets"]] == ["vera.right@example.org"] * 2
    assert (await visitor.get(address(order), params=old)).status_code == 404
    assert (await visitor.delete(address(order), params=old)).status_code == 404
    assert await owner(site, sql.mails, order=order["id"]) == 1
    assert await owner(site, sql.serials, order=UUID(order["id"])) == [2, 2]


async def test_a_guest_who_corrects_their_address_gets_the_new_link(sale: Sale, visitor: Person) -> None:
    order = await bought(sale, visitor, paid=1)
    answer = await visitor.patch(address(order), {"buyer": {"email": "v@example.org"}}, params=key(order))
    assert answer.status_code == 200
    assert (await visitor.get(address(order), params=key(order))).status_code == 404
    assert (await visitor.get(address(order), params=key(answer.json()))).status_code == 200


async def test_a_link_corrects_the_address_so_often_and_no_oftener(sale: Sale, visitor: Person, alice: Person) -> None:
    order = await bought(sale, visitor, free=1)
    path, answer = address(order), order
    for turn in range(9):
        change = {"buyer": {"email": f"v{turn}@example.org"}}
        answer = (await visitor.patch(path, change, params=key(answer))).json()
    change = {"buyer": {"email": "once.more@example.org"}}
    refused = await visitor.patch(path, change, params=key(answer))
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/corrected-often")
    assert (await visitor.get(path, params=key(answer))).json()["buyer"]["email"] == "v8@example.org"
    assert (await alice.patch(path, change)).status_code == 200


async def test_other_corrections_leave_link_and_codes_alone(sale: Sale, site: Site, visitor: Person) -> None:
    order = await bought(sale, visitor, free=1)
    change = {"buyer": {"name": "Vera V.", "address": "1 Lane\nGraz", "tax_id": "ATU1", "email": "VERA@example.org"}}
    changed = (await visitor.patch(address(order), change, params=key(order))).json()
    assert changed["buyer"] == change["buyer"]
    assert (await visitor.get(address(order), params=key(order))).status_code == 200
    cleared = await visitor.patch(address(order), {"buyer": {"address": None}}, params=key(order))
    assert cleared.json()["buyer"]["address"] is None
    assert await owner(site, sql.mails, order=order["id"]) == 0
    assert await owner(site, sql.serials, order=UUID(order["id"])) == [1]


async def test_what_is_over_is_not_corrected(sale: Sale, bob: Person) -> None:
    order = await bought(sale, bob, paid=1)
    await bob.delete(address(order))
    answer = await bob.patch(address(order), {"buyer": {"name": "Robert"}})
    assert (answer.status_code, answer.json()["type"]) == (409, "/problems/order-over")


async def test_attendees_are_named_later(sale: Sale, site: Site, bob: Person) -> None:
    order = await bought(sale, bob, free=2)
    question = await owner(site, sql.ask_name, event=UUID(sale.event["id"]))
    first, second = (ticket["id"] for ticket in order["tickets"])
    answer = await bob.patch(
        address(order),
        {"attendees": [{"ticket": first, "name": "Ann"}, {"ticket": second, "answers": {str(question): "Tofu"}}]},
    )
    assert [ticket["attendee"]["name"] for ticket in answer.json()["tickets"]] == ["Ann", None]
    for answers, said in (({}, "needs an answer"), ({str(question): "Beef"}, "takes one of Fish, Tofu")):
        wrong = await bob.patch(address(order), {"attendees": [{"ticket": first, "answers": answers}]})
        assert wrong.status_code == 422
        assert wrong.json()["errors"] == [{"pointer": "/attendees/0/answers", "detail": f"Dish: {said}"}]


async def test_tickets_of_other_orders_are_not_named(sale: Sale, bob: Person, carol: Person) -> None:
    order, other = await bought(sale, bob, free=1), await bought(sale, carol, free=1)
    change = {"attendees": [{"ticket": other["tickets"][0]["id"], "name": "Mine"}]}
    answer = await bob.patch(address(order), change)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/attendees/0/ticket")


async def test_corrections_are_checked(sale: Sale, bob: Person) -> None:
    order = await bought(sale, bob, free=1)
    for change, pointer in (
        ({"buyer": {"email": "nobody"}}, "/buyer/email"),
        ({"buyer": {"name": None}}, "/buyer/name"),
        ({"buyer": {"name": ""}}, "/buyer/name"),
        ({"buyer": None}, "/buyer"),
        ({"status": "paid"}, "/status"),
        ({"attendees": [{"name": "Ann"}]}, "/attendees/0/ticket"),
    ):
        answer = await bob.patch(address(order), change)
        assert answer.status_code == 422, change
        assert answer.json()["errors"][0]["pointer"] == pointer
