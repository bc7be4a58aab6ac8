"""Buying on pages, without JavaScript: the ticket box, the cart, the order, and the tickets one has."""

import re
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote
from uuid import UUID

import pytest
from browsing import Browser
from cast import Person, Site
from selling import Sale, on_sale
from shop import Shop

from vently.database.pool import Database
from vently.database.queries import parse
from vently.web import assets

sql = parse("""
-- name: change_type
update public.ticket_types set price = coalesce(:price, price), pay_what_you_want = :chosen, locked = :locked,
       hidden = :hidden, sales_start = :begins where id = :type;
-- name: set_code
insert into public.ticket_type_codes (ticket_type_id, access_code) values (:type, :code);
-- name: add_discount
insert into public.discounts (event_id, code, percent, amount, max_uses)
values (:event, :code, :percent, :amount, :uses);
-- name: ask
insert into public.ticket_questions (event_id, label, kind, choices, required, place)
values (:event, :label, :kind, :choices, true, :place) returning id;
-- name: set_bank
update public.sellers set bank_details = 'IBAN AT00 1234', name = 'Alice Jazz' where person_id = (select auth.uid());
""")


@pytest.fixture
async def guest(site: Site) -> Browser:
    return Browser(site.app, site.settings.site_url)


@pytest.fixture
async def bobs(site: Site, bob: Person) -> Browser:
    """Bob, signed in on a browser."""
    browser = Browser(site.app, site.settings.site_url)
    browser.http.cookies.set("vently_access", bob.token)
    return browser


async def as_alice(sale: Sale, statement: Any, **given: Any) -> Any:
    async with sale.db.acting_as(sale.organizer.viewer) as tx:
        return await tx.value(statement, **given)


async def changes(sale: Sale, name: str, **given: Any) -> None:
    usual = {"price": None, "chosen": False, "locked": False, "hidden": False, "begins": None}
    await as_alice(sale, sql.change_type, type=UUID(sale.types[name]), **{**usual, **given})


def cart(sale: Sale, **items: Any) -> str:
    """The address that the ticket box's form leads to."""
    chosen = "&".join(f"n_{sale.types[name]}={count}" for name, count in items.items())
    return f"/events/{sale.event['slug']}/tickets?{chosen}"


def action(sale: Sale) -> str:
    return f"/events/{sale.event['slug']}/tickets"


async def buys(browser: Browser, sale: Sale, fields: dict[str, str] | None = None, /, **items: int) -> Browser:
    await browser.opens(cart(sale, **items))
    assert browser.status == 200, browser.text
    return await browser.sends(action(sale), name="Vera", email="vera@example.org", **(fields or {}))


async def test_the_page_of_an_event_offers_its_tickets(sale: Sale, guest: Browser) -> None:
    await guest.opens(f"/events/{sale.event['slug']}")
    assert "€12.50" in guest.text
    assert "Free" in guest.text
    assert f'action="/events/{sale.event["slug"]}/tickets"' in guest.page
    assert len(re.findall(r"<option", guest.page)) == 22
    assert "tickets left" not in guest.text


async def test_an_event_that_sells_nothing_has_no_ticket_box(alice: Person, guest: Browser) -> None:
    event = await alice.creates("Just a walk")
    await guest.opens(f"/events/{event['slug']}")
    assert 'id="tickets"' not in guest.page
    assert (await guest.opens(f"/events/{event['slug']}/tickets")).status == 404


async def test_the_box_says_why_a_ticket_cannot_be_bought(db: Database, alice: Person, guest: Browser) -> None:
    types = {name: (100, count) for name, count in (("few", 3), ("gone", 0), ("later", 9), ("secret", 9), ("coded", 9))}
    sale = await on_sale(db, alice, await alice.creates("Choosy"), types)
    await changes(sale, "later", begins=datetime(2027, 1, 2, 9, 30, tzinfo=UTC))
    await changes(sale, "secret", hidden=True, locked=True)
    await changes(sale, "coded", locked=True)
    for name in ("secret", "coded"):
        await as_alice(sale, sql.set_code, type=UUID(sale.types[name]), code=f"{name}!")
    await guest.opens(f"/events/{sale.event['slug']}")
    for words in ("3 tickets left", "Sold out", "From Sat 2 Jan 2027, 09:30", "Needs a code"):
        assert words in guest.text
    assert "secret" not in guest.text
    await guest.opens(f"{action(sale)}?code=secret!")
    assert "secret" in guest.text
    assert "Needs a code" in guest.text
    await guest.opens(f"{action(sale)}?code=coded!")
    assert "Needs a code" not in guest.text
    assert "secret" not in guest.text
    await guest.opens(f"{action(sale)}?code=wrong")
    assert "is no code of this event now" in guest.text
    await buys(guest, sale, {"code": "coded!"}, coded=1)
    assert "Pretend to pay" in guest.text


async def test_a_guest_gets_free_tickets(sale: Sale, guest: Browser) -> None:
    await buys(guest, sale, free=2)
    assert guest.path.startswith("/orders/")
    assert "key=" in guest.path
    assert "You have your tickets" in guest.text
    assert guest.page.count('class="qr"') == 2
    assert (await sale.stock("free")).sold == 2


async def test_who_is_signed_in_needs_no_key(sale: Sale, bobs: Browser, carol: Person, site: Site) -> None:
    await bobs.opens(cart(sale, free=1))
    assert 'value="Bob"' in bobs.page
    await bobs.sends(action(sale))
    assert "key=" not in bobs.path
    assert bobs.page.count('class="qr"') == 1
    stranger = Browser(site.app, site.settings.site_url)
    stranger.http.cookies.set("vently_access", carol.token)
    assert (await stranger.opens(bobs.path)).status == 404


async def test_a_form_sent_twice_buys_once(sale: Sale, guest: Browser) -> None:
    await guest.opens(cart(sale, free=1))
    form = {**guest.forms[action(sale)], "name": "Vera", "email": "vera@example.org"}
    answers = [await guest.http.post(action(sale), data=form) for _ in range(3)]
    assert {answer.status_code for answer in answers} == {303}
    assert len({answer.headers["location"] for answer in answers}) == 1
    assert (await sale.stock("free")).sold == 1
    other = await guest.http.post(action(sale), data={**form, "name": "Vera Two"})
    assert other.headers["location"] != answers[0].headers["location"]
    fresh = Browser(guest.http._transport.app, str(guest.http.base_url))  # type: ignore[attr-defined]
    await buys(fresh, sale, free=1)
    assert (await sale.stock("free")).sold == 3


async def test_a_card_leads_to_the_checkout_and_back_to_the_tickets(sale: Sale, guest: Browser) -> None:
    await buys(guest, sale, paid=2)
    assert guest.path.startswith("/pretend/checkout/")
    pay = guest.path
    order = (await guest.http.post(pay, data={"outcome": "declined"})).headers["location"]
    await guest.opens(order)
    assert "Held for you until" in guest.text
    assert "Pay now" in guest.text
    await guest.http.post(pay, data={"outcome": "abandoned"})
    await guest.opens(order)
    assert "The last payment did not go through" in guest.text
    again = next(form for form in guest.forms if form.startswith("/checkout/"))
    await guest.sends(again)
    assert "Pay now" in guest.text
    pay = re.search(r'href="(/pretend/checkout/[^"]+)"', guest.page)
    assert pay
    await guest.opens(pay[1])
    await guest.http.post(pay[1], data={"outcome": "paid"})
    await guest.opens(order)
    assert "You have your tickets" in guest.text
    assert guest.page.count('class="qr"') == 2
    assert (await sale.stock("paid")).sold == 2


async def test_no_form_leads_to_the_provider_itself(shop: Shop) -> None:
    """Browsers follow a form no further than our Content-Security-Policy lets it; a page that goes on by itself may."""
    browser = Browser(shop.site.app, shop.sale.organizer.site.settings.site_url)
    await buys(browser, shop.sale, paid=1)
    assert re.fullmatch(r"/orders/[^/]+\?key=[^&]+&pay=now", browser.path)
    onwards = re.search(r'<meta http-equiv="refresh" content="0; url=(/checkout/[^"]+)">', browser.page)
    assert onwards
    assert (await browser.http.get(onwards[1])).headers["location"].startswith(shop.fake.address)


async def test_a_page_that_waits_for_a_payment_is_loaded_anew_once_it_came(sale: Sale, guest: Browser) -> None:
    await buys(guest, sale, paid=1)
    pay = guest.path
    order = (await guest.http.post(pay, data={"outcome": "declined"})).headers["location"]
    asked = {"hx-request": "true"}
    assert "hx-refresh" not in (await guest.http.get(order, headers=asked)).headers
    await guest.http.post(pay, data={"outcome": "paid"})
    assert (await guest.http.get(order, headers=asked)).headers["hx-refresh"] == "true"
    assert "hx-refresh" not in (await guest.http.get(order)).headers


async def test_a_paid_order_has_its_invoice(sale: Sale, guest: Browser) -> None:
    await buys(guest, sale, paid=1)
    order = (await guest.http.post(guest.path, data={"outcome": "paid"})).headers["location"]
    await guest.opens(order)
    paper = re.search(r'href="(/api/tickets/invoices/[^"]+)"', guest.page)
    assert paper
    assert (await guest.http.get(paper[1])).content.startswith(b"%PDF")
    for link in (r'href="(/api/tickets/orders/[^"]+\.pdf[^"]*)"', r'href="(/api/tickets/[^"]+/calendar\.ics[^"]*)"'):
        found = re.search(link, guest.page)
        assert found
        assert (await guest.http.get(found[1])).status_code == 200


async def test_signing_in_at_the_cart_keeps_what_was_chosen(sale: Sale, guest: Browser) -> None:
    await guest.opens(f"{cart(sale, paid=2)}&code=&name=Vera")
    found = re.search(r'href="/sign-in\?next=([^"]+)"', guest.page[guest.page.index("Have an account") :])
    assert found
    assert unquote(found[1]) == cart(sale, paid=2)


async def test_a_double_click_on_a_card_purchase_still_leads_to_the_checkout(sale: Sale, guest: Browser) -> None:
    await guest.opens(cart(sale, paid=1))
    form = {**guest.forms[action(sale)], "name": "Vera", "email": "vera@example.org"}
    first, second = [(await guest.http.post(action(sale), data=form)).headers["location"] for _ in range(2)]
    assert first == second
    assert first.startswith("/pretend/checkout/")


async def test_bank_transfer_says_where_to_and_what_for(db: Database, alice: Person, guest: Browser) -> None:
    sale = await on_sale(db, alice, await alice.creates("By bank"), {"seat": (1000, 5)}, methods=("transfer", "door"))
    await as_alice(sale, sql.set_bank)
    await buys(guest, sale, {"method": "transfer"}, seat=1)
    for words in ("Transfer €10.00", "Alice Jazz", "IBAN AT00 1234", "Held until it is paid"):
        assert words in guest.text
    number = re.search(r"<code>([0-9A-Z]{5}-[0-9A-Z]{5})</code>", guest.page)
    assert number
    assert 'class="qr"' not in guest.page
    await buys(guest, sale, {"method": "door"}, seat=1)
    assert "Pay €10.00 at the door" in guest.text


async def test_what_is_sold_out_meanwhile_is_said_beside_it(db: Database, alice: Person, guest: Browser) -> None:
    sale = await on_sale(db, alice, await alice.creates("Rare"), {"seat": (0, 3)})
    await guest.opens(cart(sale, seat=3))
    assert (await sale.sells(Person(alice.site, "visitor"), seat=2)).status_code == 201
    await guest.sends(action(sale), name="Vera", email="vera@example.org")
    assert guest.status == 409
    assert f'id="n_{sale.types["seat"]}-error">Only 1 of “seat” left.<' in guest.page
    assert 'value="Vera"' in guest.page
    assert len(re.findall(r"<option", guest.page)) == 2
    assert (await sale.stock("seat")).sold == 2


async def test_a_price_that_rose_is_not_paid_unasked(sale: Sale, guest: Browser) -> None:
    await guest.opens(cart(sale, paid=1))
    await changes(sale, "paid", price=2000)
    await guest.sends(action(sale), name="Vera", email="vera@example.org")
    assert guest.status == 409
    assert "has changed: look again" in guest.text
    await guest.sends(action(sale))
    assert guest.path.startswith("/pretend/checkout/")
    assert "€20.00" in guest.text


async def test_people_pay_what_they_want_from_the_least(sale: Sale, guest: Browser) -> None:
    await changes(sale, "paid", price=500, chosen=True)
    offer = f"price_{sale.types['paid']}"
    for typed, said in (("4", "the least is €5.00"), ("12,345", "EUR has 2 digits"), ("lots", "write an amount")):
        await guest.opens(f"{cart(sale, paid=1)}&{offer}={typed}")
        assert said in guest.text
        await guest.sends(action(sale), name="Vera", email="vera@example.org")
        assert guest.status == 422
    await guest.opens(f"{cart(sale, paid=2)}&{offer}=7,50")
    assert "€15.00" in guest.text
    await guest.sends(action(sale), name="Vera", email="vera@example.org")
    assert "€15.00" in guest.text


async def test_a_discount_shows_before_anything_is_bought(sale: Sale, guest: Browser) -> None:
    event = UUID(sale.event["id"])
    await as_alice(sale, sql.add_discount, event=event, code="TEN", percent=10, amount=None, uses=1)
    await guest.opens(f"{cart(sale, paid=2)}&code=ten")
    assert "\u2212€2.50" in guest.text
    assert "€22.50" in guest.text
    await guest.sends(action(sale), name="Vera", email="vera@example.org")
    assert "€22.50" in guest.text
    await guest.opens(f"{cart(sale, paid=2)}&code=ten")
    assert "is used up" in guest.text


async def test_questions_are_asked_of_each_attendee(sale: Sale, guest: Browser) -> None:
    event = UUID(sale.event["id"])
    dish = await as_alice(sale, sql.ask, event=event, label="Dish", kind="choice", choices=["Fish", "Tofu"], place=1)
    rules = await as_alice(sale, sql.ask, event=event, label="House rules", kind="yes", choices=[], place=2)
    seats = [f"{sale.types['free']}_{place}" for place in range(2)]
    await buys(guest, sale, {f"answer_{seats[0]}_{dish}": "Fish", f"answer_{seats[0]}_{rules}": "yes"}, free=2)
    assert guest.status == 422
    assert f'id="who-{seats[1]}-error">Dish: needs an answer<' in guest.page
    assert '<option value="Fish" selected>' in guest.page
    answered = {
        f"answer_{seat}_{question}": said for seat in seats for question, said in ((dish, "Tofu"), (rules, "yes"))
    }
    await guest.sends(action(sale), **answered, **{f"attendee_{seats[0]}": "Ann"})
    assert "You have your tickets" in guest.text
    assert "Ann" in guest.text
    order = guest.path.partition("?")
    fields = next(fields for form, fields in guest.forms.items() if form == order[0] + order[1] + order[2])
    ticket, other = [name for name in fields if name.startswith("attendee_")]
    chosen = {f"{name.replace('attendee', 'answer')}_{dish}": "Fish" for name in (ticket, other)}
    await guest.sends(guest.path, **{ticket: "Anna"}, **chosen)
    assert "Corrected." in guest.text
    assert "Anna" in guest.text
    await guest.sends(guest.path, **dict.fromkeys(chosen, ""))
    assert guest.status == 422
    assert "Dish: needs an answer" in guest.text


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"email": "nobody"}, "must be an e-mail address"),
        ({"email": ""}, "is where the tickets go"),
        ({"name": ""}, "is needed from whoever is not signed in"),
        ({"name": "x" * 121}, "120"),
        ({"method": "coins"}, "needs another look"),
    ],
)
async def test_what_is_mistyped_is_said_and_kept(sale: Sale, guest: Browser, fields: dict[str, str], said: str) -> None:
    await guest.opens(cart(sale, paid=1))
    await guest.sends(action(sale), **{"name": "Vera", "email": "vera@example.org", **fields})
    assert guest.status == 422
    assert said in guest.text
    assert (await sale.stock("paid")).held == 0


@pytest.mark.parametrize("number", ["-1", "1.5", "many", "99999999999999999999", "٣", "101"])
async def test_strange_quantities_are_refused(sale: Sale, guest: Browser, number: str) -> None:
    await guest.opens(cart(sale, paid=1))
    await guest.sends(action(sale), **{f"n_{sale.types['paid']}": number})
    assert guest.status == 422
    assert "choose 0 to 10" in guest.text
    assert (await sale.stock("paid")).held == 0


async def test_nothing_chosen_buys_nothing(sale: Sale, guest: Browser) -> None:
    await guest.opens(cart(sale, paid=1))
    await guest.sends(action(sale), **{f"n_{sale.types['paid']}": "0"})
    assert "Choose at least one ticket." in guest.text


async def test_a_hold_is_given_back_from_its_page(sale: Sale, guest: Browser) -> None:
    await buys(guest, sale, paid=1)
    order = (await guest.http.post(guest.path, data={"outcome": "declined"})).headers["location"]
    await guest.opens(order)
    give_back = next(form for form in guest.forms if "/cancellation" in form)
    await guest.sends(give_back)
    assert "Given back. Nothing was charged." in guest.text
    assert "Order again" in guest.text
    assert (await sale.stock("paid")).held == 0
    again = re.search(r'href="(/events/[^"]+/tickets\?n_[^"]+)"', guest.page)
    assert again
    assert "€12.50" in (await guest.opens(again[1])).text


async def test_a_corrected_address_moves_the_page_to_its_new_link(sale: Sale, guest: Browser) -> None:
    await buys(guest, sale, free=1)
    old = guest.path
    picture = re.search(r'class="qr".*?</svg>', guest.page)
    await guest.sends(old, email="vera.right@example.org")
    assert "The new address gets the tickets" in guest.text
    assert guest.path != old
    new = re.search(r'class="qr".*?</svg>', guest.page)
    assert picture
    assert new
    assert picture[0] != new[0]
    assert (await guest.opens(old)).status == 404


async def test_tickets_stand_on_a_page_of_their_own(sale: Sale, guest: Browser, site: Site, carol: Person) -> None:
    await buys(guest, sale, free=1)
    link = re.search(r'href="(/tickets/[^"]+)"', guest.page)
    assert link
    await guest.opens(link[1])
    assert guest.status == 200
    assert guest.page.count('class="qr"') == 1
    assert sale.event["title"] in guest.text
    bare = link[1].partition("?")[0]
    for stranger in (Browser(site.app, site.settings.site_url), Browser(site.app, site.settings.site_url)):
        assert (await stranger.opens(bare)).status == 404
        assert (await stranger.opens(link[1][:-3])).status == 404
        stranger.http.cookies.set("vently_access", carol.token)


async def test_the_organiser_sees_a_ticket_but_not_its_code(sale: Sale, guest: Browser, site: Site) -> None:
    await buys(guest, sale, free=1)
    alices = Browser(site.app, site.settings.site_url)
    alices.http.cookies.set("vently_access", sale.organizer.token)
    link = re.search(r'href="(/tickets/[^"?]+)', guest.page)
    assert link
    for path in (guest.path.partition("?")[0], link[1]):
        await alices.opens(path)
        assert alices.status == 200
        assert 'class="qr"' not in alices.page


async def test_my_tickets_are_listed_with_their_orders(sale: Sale, bobs: Browser) -> None:
    await bobs.opens("/me/tickets")
    assert "No tickets yet" in bobs.text
    await bobs.opens(cart(sale, free=2))
    await bobs.sends(action(sale))
    await bobs.opens(cart(sale, paid=1))
    await bobs.sends(action(sale))
    await bobs.opens("/me/tickets")
    assert len(re.findall(r'href="/tickets/', bobs.page)) == 2
    assert len(re.findall(r'href="/orders/', bobs.page)) == 2
    assert "Not paid yet" in bobs.text
    await bobs.opens("/me")
    assert 'href="/me/tickets"' in bobs.page


async def test_tickets_of_an_unlisted_event_are_mine_all_the_same(db: Database, alice: Person, bobs: Browser) -> None:
    event = await alice.creates("Secret supper", visibility="unlisted", venue={"name": "Cellar", "city": "Graz"})
    sale = await on_sale(db, alice, event, {"seat": (0, 5)})
    await bobs.opens(cart(sale, seat=1))
    await bobs.sends(action(sale))
    for path in (bobs.path, "/me/tickets", re.findall(r'href="(/tickets/[^"]+)"', bobs.page)[0]):
        await bobs.opens(path)
        assert "Secret supper" in bobs.text
        assert "Cellar" in bobs.text


def test_the_style_sheet_of_tickets_stays_small() -> None:
    css = (assets.STATIC / "tickets.css").read_text()
    assert len(css.encode()) <= 8 * 1024
    assert "url(" not in css
