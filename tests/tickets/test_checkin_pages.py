"""The door as a page: without JavaScript, for whoever runs the event and for its helpers."""

import re
from html import unescape
from typing import Any

from browsing import Browser
from cast import Person, Site
from gates import Gate


async def signed_in(site: Site, who: Person) -> Browser:
    browser = Browser(site.app, site.settings.site_url)
    browser.http.cookies.set("vently_access", who.token, domain="vently.test")
    return browser


def door(gate: Gate) -> str:
    return f"/events/{gate.sale.event['slug']}/door"


async def test_a_code_is_checked_in_once(site: Site, gate: Gate, alice: Person, bob: Person) -> None:
    code = gate.code(await gate.ticket(bob))
    browser = await (await signed_in(site, alice)).opens(door(gate))
    assert browser.status == 200, browser.page
    first = browser.forms[door(gate)]
    await browser.sends(door(gate), code=f" {code.lower()} ")
    assert "Come in Bob · free" in browser.text
    assert "1 in, of 1" in browser.text
    again = await browser.http.post(door(gate), data={**first, "code": code})
    assert "Come in" in again.text, "the same form sent twice is one scan"
    await browser.sends(door(gate), code=code)
    assert "Already in" in browser.text
    assert re.search(r"Came in at \d\d:\d\d", browser.text)


async def test_what_is_refused_says_why(site: Site, gate: Gate, alice: Person, bob: Person) -> None:
    ticket = await gate.ticket(bob)
    browser = await (await signed_in(site, alice)).opens(door(gate))
    await browser.sends(door(gate), code="<script>alert(1)</script>")
    assert "Not admitted This is no ticket of ours." in browser.text
    await browser.sends(door(gate), code=gate.code(ticket, 2))
    assert "This ticket was handed on: its new holder has another code." in browser.text
    assert "0 in, of 1" in browser.text


async def test_somebody_without_a_code_is_found_admitted_and_undone(
    site: Site, gate: Gate, alice: Person, bob: Person
) -> None:
    await gate.ticket(bob)
    browser = await (await signed_in(site, alice)).opens(f"{door(gate)}?q={bob.email.upper()}")
    await browser.sends(f"{door(gate)}/admissions")
    assert "Come in Bob · free" in browser.text
    assert "In since" in browser.text
    await browser.sends(f"{door(gate)}/undone")
    assert "Undone: the ticket may come again." in browser.text
    assert "0 in, of 1" in browser.text
    await browser.opens(f"{door(gate)}?q=nobody-of-that-name")
    assert "Nobody found" in browser.text


async def test_who_has_not_paid_is_found_and_not_admitted(site: Site, gate: Gate, alice: Person, bob: Person) -> None:
    await gate.sale.sells(bob, paid=1)
    browser = await (await signed_in(site, alice)).opens(f"{door(gate)}?q=bob")
    assert "Bob paid Not paid" in browser.text
    assert f"{door(gate)}/admissions" not in browser.forms


async def test_a_helper_keeps_the_door_and_sees_no_helpers_or_money(
    site: Site, gate: Gate, alice: Person, bob: Person, carol: Person
) -> None:
    slug = gate.sale.event["slug"]
    helper = await (await signed_in(site, carol)).opens(door(gate))
    assert helper.status == 403
    organizer = await (await signed_in(site, alice)).opens(door(gate))
    await organizer.sends(f"{door(gate)}/helpers", handle="@no-such", remove="")
    assert "Nobody has this handle" in organizer.text
    await organizer.sends(f"{door(gate)}/helpers", handle=f"@{carol.handle.upper()}", remove="")
    assert f"@{carol.handle} helps at the door." in organizer.text
    ticket = await gate.ticket(bob)
    await helper.opens(door(gate))
    await helper.sends(door(gate), code=gate.code(ticket))
    assert "Come in Bob" in helper.text
    assert f"@{carol.handle}" in helper.text
    assert "Who helps" not in helper.text
    assert "€" not in helper.text
    for path in ("sales", "attendees", "orders"):
        assert (await helper.opens(f"/events/{slug}/{path}")).status == 403
    await organizer.opens(door(gate))
    await organizer.sends(f"{door(gate)}/helpers", handle=carol.handle, remove="1")
    assert f"@{carol.handle} no longer helps at the door." in organizer.text
    assert (await helper.opens(door(gate))).status == 403


async def test_a_helper_names_no_helper(site: Site, gate: Gate, alice: Person, bob: Person, carol: Person) -> None:
    assert (await alice.put(f"/api/events/{gate.event}/hosts/{carol.handle}", {"role": "door"})).status_code == 200
    helper = await (await signed_in(site, carol)).opens(door(gate))
    form = helper.forms[door(gate)]
    answer = await helper.http.post(f"{door(gate)}/helpers", data={"_csrf": form["_csrf"], "handle": bob.handle})
    assert answer.status_code == 403


async def test_visitors_are_sent_to_sign_in(site: Site, gate: Gate) -> None:
    browser = Browser(site.app, site.settings.site_url)
    await browser.opens(door(gate))
    assert browser.status == 401
    assert "/sign-in" in browser.page


async def test_names_are_shown_as_they_are_typed(site: Site, gate: Gate, alice: Person, bob: Person) -> None:
    body: dict[str, Any] = gate.sale.cart(bob, free=1)
    body["items"][0]["attendees"] = [{"name": "<b>Ada</b>"}]
    [ticket] = (await bob.post("/api/tickets/orders", body)).json()["tickets"]
    browser = await (await signed_in(site, alice)).opens(door(gate))
    answer = await browser.http.post(door(gate), data={**browser.forms[door(gate)], "code": gate.code(ticket["id"])})
    assert "<b>Ada</b>" not in answer.text
    assert "<b>Ada</b>" in unescape(answer.text)
