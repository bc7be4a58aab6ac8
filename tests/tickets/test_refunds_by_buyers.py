"""Buyers give tickets back by themselves, as far as the organiser's policy goes."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
import refunding
from cast import Person, Site
from refunding import Till, refund
from selling import Sale, on_sale

from vently.database.pool import Database


@pytest.fixture
async def till(site: Site) -> AsyncIterator[Till]:
    async with refunding.opened(site) as opened:
        yield opened


@pytest.fixture
async def fair(alice: Person, db: Database, till: Till) -> Sale:
    """Buyers may give tickets back until a day before it begins, which is in ten days."""
    starts = (datetime.now(UTC) + timedelta(days=10)).isoformat(timespec="seconds").replace("+00:00", "Z")
    sale = await on_sale(
        db, alice, await alice.creates("A fair", starts_at=starts), {"free": (0, 9), "paid": (1250, 9)}
    )
    await policy(till, sale, 24)
    return sale


async def policy(till: Till, sale: Sale, hours: int | None) -> None:
    await till.owner.execute(
        "update public.tills set refund_hours = $2 where event_id = $1", UUID(sale.event["id"]), hours
    )


async def begins_in(till: Till, sale: Sale, hours: float) -> None:
    await till.owner.execute(
        "update public.events set starts_at = now() + $2::interval, ends_at = now() + $2::interval + interval '9 days'"
        " where id = $1",
        UUID(sale.event["id"]),
        timedelta(hours=hours),
    )


async def admits(till: Till, sale: Sale, ticket: Any) -> None:
    await till.owner.execute(
        "insert into public.ticket_scans (event_id, scan_id, ticket_id, result, scanned_at)"
        " values ($1, gen_random_uuid()::text, $2, 'admitted', now())",
        UUID(sale.event["id"]),
        UUID(ticket["id"]),
    )


def refused(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["type"].removeprefix("/problems/")


async def test_bob_gives_a_ticket_back_in_time(fair: Sale, till: Till, bob: Person) -> None:
    order = await till.buys(fair, bob, paid=2)
    made = (await refund(bob, order, tickets=[order["tickets"][0]["id"]], reason="Ill")).json()
    assert (made["amount"], made["cause"], made["status"]) == (1250, "buyer", "requested")
    assert (await fair.stock("paid")).sold == 1
    assert (await refund(bob, order)).status_code == 201
    assert (await till.order(order))["status"] == "refunded"
    await till.sends()
    await till.check(fair)


async def test_after_the_deadline_only_the_organiser_refunds(
    fair: Sale, till: Till, alice: Person, bob: Person
) -> None:
    order = await till.buys(fair, bob, paid=1)
    await begins_in(till, fair, 23.9)
    assert refused(await refund(bob, order)) == (409, "too-late")
    assert (await refund(alice, order)).status_code == 201


async def test_a_moment_before_the_deadline_is_in_time(fair: Sale, till: Till, bob: Person) -> None:
    order = await till.buys(fair, bob, paid=1)
    await begins_in(till, fair, 24.1)
    assert (await refund(bob, order)).status_code == 201


async def test_without_a_policy_buyers_ask_the_organiser(fair: Sale, till: Till, bob: Person) -> None:
    order = await till.buys(fair, bob, paid=1)
    await policy(till, fair, None)
    assert refused(await refund(bob, order)) == (403, "refunds-by-organizer")
    free = await till.buys(fair, bob, free=1)
    assert (await refund(bob, free)).status_code == 201, "what cost nothing goes back until it begins"
    await till.check(fair)


async def test_after_the_event_has_begun_nothing_is_given_back(fair: Sale, till: Till, bob: Person) -> None:
    await policy(till, fair, 0)
    paid, free = await till.buys(fair, bob, paid=1), await till.buys(fair, bob, free=1)
    await begins_in(till, fair, -0.1)
    assert refused(await refund(bob, paid)) == (409, "too-late")
    assert refused(await refund(bob, free)) == (409, "too-late")


async def test_bob_chooses_no_amount(fair: Sale, till: Till, bob: Person) -> None:
    order = await till.buys(fair, bob, paid=1)
    assert refused(await refund(bob, order, amount=100)) == (403, "not-allowed")


async def test_a_used_ticket_is_not_given_back(fair: Sale, till: Till, alice: Person, bob: Person) -> None:
    order = await till.buys(fair, bob, paid=2)
    used, other = order["tickets"]
    await admits(till, fair, used)
    assert refused(await refund(bob, order)) == (409, "ticket-used")
    assert refused(await refund(bob, order, tickets=[used["id"]])) == (409, "ticket-used")
    assert (await refund(bob, order, tickets=[other["id"]])).json()["amount"] == 1250
    assert (await refund(alice, order, tickets=[used["id"]])).status_code == 201, "the organiser may"


async def test_what_was_handed_on_is_its_holders_and_its_money_the_buyers(
    fair: Sale, till: Till, alice: Person, bob: Person, carol: Person
) -> None:
    order = await till.buys(fair, bob, paid=1)
    await till.owner.execute(
        "update public.tickets set holder_id = $2, serial = 2 where id = $1", UUID(order["tickets"][0]["id"]), carol.id
    )
    assert refused(await refund(bob, order)) == (409, "handed-on")
    assert (await refund(carol, order)).status_code == 404
    assert (await refund(alice, order)).status_code == 201
    await till.sends()
    [sent] = await till.refunds(order)
    assert (sent["status"], sent["attempt_id"] is not None) == ("succeeded", True), "by the card that paid"


async def test_a_guest_gives_back_by_their_link(fair: Sale, till: Till, visitor: Person) -> None:
    order = await till.buys(fair, visitor, paid=2)
    key = httpx.URL(order["link"]).params["key"]
    path = f"/api/tickets/orders/{order['id']}/refunds"
    forged = key[:-3] + ("AAA" if key[-3:] != "AAA" else "BBB")
    for wrong in (forged, "1.", "2." + key[2:], "x"):
        assert (await visitor.post(f"{path}?key={wrong}", {})).status_code == 404
    body = {"tickets": [order["tickets"][0]["id"]]}
    made = await visitor.post(f"{path}?key={key}", body, headers={"idempotency-key": "by-a-guest"})
    assert made.status_code == 201, made.text
    again = await visitor.post(f"{path}?key={key}", body, headers={"idempotency-key": "by-a-guest"})
    assert again.json() == made.json()
    assert [one["id"] for one in (await visitor.get(f"{path}?key={key}")).json()["items"]] == [made.json()["id"]]
    await till.owner.execute("update public.ticket_orders set link_serial = 2 where id = $1", UUID(order["id"]))
    assert (await visitor.post(f"{path}?key={key}", {})).status_code == 404, "the link of a corrected address"
    await till.check(fair)


async def test_for_an_event_that_is_cancelled_the_policy_does_not_count(
    fair: Sale, till: Till, alice: Person, bob: Person
) -> None:
    order = await till.buys(fair, bob, paid=1)
    await policy(till, fair, None)
    assert (await alice.post(f"/api/events/{fair.event['id']}/cancellation")).status_code == 201
    assert (await refund(bob, order)).status_code == 201
    await till.check(fair)
