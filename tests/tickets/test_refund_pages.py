"""Pages of refunds, without JavaScript: the buyer gives back, the organiser refunds and settles."""

from collections.abc import AsyncIterator
from uuid import UUID

import pytest
import refunding
from browsing import Browser, Forms
from cast import Person, Site
from refunding import Till, refund
from selling import Sale, on_sale

from vently.database.pool import Database
from vently.jobs.job import Job
from vently.tickets.refunds import cancelled


@pytest.fixture
async def till(site: Site) -> AsyncIterator[Till]:
    async with refunding.opened(site) as opened:
        yield opened


def browser(who: Person) -> Browser:
    made = Browser(who.site.app, who.site.settings.site_url)
    if who.token:
        made.http.cookies.set("vently_access", who.token)
    return made


async def lets_go(till: Till, sale: Sale) -> None:
    await till.owner.execute("update public.tills set refund_hours = 1 where event_id = $1", UUID(sale.event["id"]))


async def test_bob_gives_one_ticket_back(sale: Sale, till: Till, bob: Person) -> None:
    await lets_go(till, sale)
    order = await till.buys(sale, bob, paid=2)
    path = f"/orders/{order['id']}/refund"
    page = await browser(bob).opens(path)
    assert page.status == 200, page.page
    assert page.page.count("€12.50") == 2
    await page.sends(path)
    assert page.status == 422
    assert "choose the tickets" in page.page
    await page.sends(path, tickets=order["tickets"][0]["id"])
    assert page.path == f"/orders/{order['id']}"
    assert "€12.50 on the way back" in page.page
    assert "On its way" in (await page.opens(path)).page
    await till.sends()
    assert ">Sent<" in (await page.opens(path)).page
    await till.check(sale)


async def test_a_guest_gives_back_with_their_link(sale: Sale, till: Till, visitor: Person) -> None:
    await lets_go(till, sale)
    order = await till.buys(sale, visitor, free=1)
    path = order["link"].replace("http://vently.test", "").replace("?", "/refund?")
    page = await browser(visitor).opens(path)
    assert page.status == 200, page.page
    await page.sends(path)
    assert "Given back" in page.page
    assert await sale.tickets() == {"void": 1}
    assert (await browser(visitor).opens(path.partition("?")[0])).status == 404


async def test_without_a_policy_the_page_says_whom_to_ask(sale: Sale, till: Till, bob: Person, carol: Person) -> None:
    order = await till.buys(sale, bob, paid=1)
    page = await browser(bob).opens(f"/orders/{order['id']}/refund")
    assert "organiser gives refunds" in page.page
    assert (await browser(carol).opens(f"/orders/{order['id']}/refund")).status == 404


async def test_alice_refunds_from_the_page_of_an_order(
    sale: Sale, till: Till, alice: Person, bob: Person, carol: Person
) -> None:
    order = await till.buys(sale, bob, paid=2)
    place = f"/events/{sale.event['slug']}/orders/{order['id']}"
    page = await browser(alice).opens(place)
    assert page.status == 200, page.page
    await page.sends(f"{place}/refunds", amount="a lot")
    assert (page.status, "write an amount such as" in page.page) == (422, True)
    await page.sends(f"{place}/refunds", amount="30")
    assert (page.status, "more than what is left" in page.page) == (409, True)
    await page.sends(f"{place}/refunds", amount="5,50", reason="Rain")
    assert page.path == place
    assert "€5.50 on the way back" in page.page
    assert "Rain" in page.page
    await page.sends(f"{place}/refunds", tickets=order["tickets"][0]["id"])
    assert (await till.order(order))["refunded"] == 550 + (2500 - 550) // 2
    await till.check(sale)
    for action in ("", "/refunds"):
        assert (await browser(carol).opens(f"/events/{sale.event['slug']}/orders/{order['id']}")).status == 403, action
    assert (await browser(alice).opens(f"/events/{sale.event['slug']}/orders/{sale.event['id']}")).status == 404


async def test_alice_settles_a_transfer_and_sends_its_refund(
    alice: Person, bob: Person, db: Database, till: Till
) -> None:
    sale = await on_sale(db, alice, await alice.creates("By bank"), {"paid": (700, 9)}, methods=("transfer",))
    order = (await sale.sells(bob, paid=1)).json()
    place = f"/events/{sale.event['slug']}/orders/{order['id']}"
    page = await browser(alice).opens(place)
    await page.sends(f"{place}/settlement", method="transfer")
    assert (await till.order(order))["status"] == "paid"
    made = (await refund(alice, order)).json()
    page = await browser(alice).opens(f"/events/{sale.event['slug']}/refunds")
    assert "To be sent by you" in page.page
    await page.sends(f"{place}/refunds/{made['id']}", status="succeeded")
    assert page.path == place
    assert await till.accounts(order) == {}
    await till.check(sale)


async def test_the_page_of_a_cancelled_event_says_how_far_it_is(
    sale: Sale, till: Till, alice: Person, bob: Person, carol: Person
) -> None:
    for _ in range(3):
        order = await till.buys(sale, bob, paid=1)
    path = f"/events/{sale.event['slug']}/refunds"
    assert "Nothing" in (await browser(alice).opens(path)).page
    await alice.post(f"/api/events/{sale.event['id']}/cancellation")
    assert "0 of 3 sent" in (await browser(alice).opens(path)).page
    row = await till.owner.fetchrow(
        "update private.jobs set status = 'running', worker = gen_random_uuid(), attempt = 1, started_at = now()"
        " where kind = 'refund event' and payload ->> 'event_id' = $1 returning *",
        sale.event["id"],
    )
    payload = {"event_id": sale.event["id"]}
    job = Job(row["id"], row["kind"], payload, 1, row["started_at"], None, worker=row["worker"], database=sale.db)
    await cancelled.refund_event(till.site.app.parts, job)
    told = await till.owner.fetchrow("select done, total, note from private.jobs where id = $1", row["id"])
    assert tuple(told) == (3, 3, "orders refunded")
    await till.sends()
    page = await browser(alice).opens(path)
    assert "3 of 3 sent" in page.page
    assert "€37.50 in all" in page.page
    assert (await browser(carol).opens(path)).status == 403
    bobs = await browser(bob).opens(f"/orders/{order['id']}")
    assert "This event is cancelled" in bobs.text
    assert "Order again" not in bobs.text


async def test_no_page_of_refunds_shows_what_is_hidden(
    alice: Person, bob: Person, carol: Person, visitor: Person, db: Database, till: Till
) -> None:
    community = await alice.founds("Ringers")
    assert (await bob.put(f"/api/communities/{community['id']}/membership")).status_code == 200
    event = await alice.creates("Bells", visibility="members", community=community["id"])
    sale = await on_sale(db, alice, event, {"paid": (700, 9)})
    order = await till.buys(sale, bob, paid=1)
    made = (await refund(alice, order, amount=1)).json()
    place = f"/events/{event['slug']}/orders/{order['id']}"
    token = await browser(carol).opens("/me")
    csrf = Forms(token.page).found["/sign-out"]["_csrf"]
    for path in (place, f"/events/{event['slug']}/refunds"):
        assert (await token.http.get(path)).status_code == 404
        assert (await browser(visitor).http.get(path)).status_code in (303, 401)
    for path in (
        f"{place}/refunds",
        f"{place}/refunds/{made['id']}",
        f"{place}/settlement",
        f"/orders/{order['id']}/refund",
    ):
        assert (await token.http.post(path, data={"_csrf": csrf, "status": "going"})).status_code in (404, 422), path
        if path.startswith(place):
            assert (await token.http.post(path, data={"_csrf": csrf, "status": "going"})).status_code == 404, path
    assert (await till.order(order))["refunded"] == 1
