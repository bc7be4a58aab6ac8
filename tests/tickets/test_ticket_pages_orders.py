"""After buying on pages: paying, the order, and the tickets one has, without JavaScript."""

import re

from browsing import Browser
from buying import action, as_alice, buys, cart, sql
from cast import Person, Site
from selling import Sale, on_sale
from shop import Shop

from vently.database.pool import Database


async def test_who_is_signed_in_needs_no_key(sale: Sale, bobs: Browser, carol: Person, site: Site) -> None:
    await bobs.opens(cart(sale, free=1))
    assert 'value="Bob"' in bobs.page
    await bobs.sends(action(sale))
    assert "key=" not in bobs.path
    assert bobs.page.count('class="qr"') == 1
    stranger = Browser(site.app, site.settings.site_url)
    stranger.http.cookies.set("vently_access", carol.token)
    assert (await stranger.opens(bobs.path)).status == 404


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
