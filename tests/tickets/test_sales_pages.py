"""The organiser's desk as pages: sales, attendees, orders."""

from browsing import Browser
from cast import Person, Site
from counter import Counter


async def at(site: Site, who: Person, counter: Counter, page: str = "") -> Browser:
    browser = Browser(site.app, site.settings.site_url)
    browser.http.cookies.set("vently_access", who.token, domain="vently.test")
    return await browser.opens(f"/events/{counter.sale.event['slug']}{page}")


async def test_the_event_leads_its_organiser_to_the_desk(
    site: Site, counter: Counter, alice: Person, bob: Person
) -> None:
    browser = await at(site, alice, counter)
    slug = counter.sale.event["slug"]
    for page in ("ticket-types", "sales", "orders", "attendees", "door"):
        assert f'href="/events/{slug}/{page}"' in browser.page
    assert f"/events/{slug}/sales" not in (await at(site, bob, counter)).page


async def test_sales_are_shown_with_their_sums(site: Site, counter: Counter, alice: Person, bob: Person) -> None:
    await counter.owner.execute(
        "insert into public.discounts (event_id, code, percent) values ($1, 'EARLY', 20)", counter.sale.event["id"]
    )
    order = await counter.sells(bob, {"discount_code": "EARLY"}, paid=4)
    await counter.settles(order, fee=100)
    await counter.refunds(order, order["tickets"][0])
    await counter.sells(bob, paid=1)
    browser = await at(site, alice, counter, "/sales")
    assert browser.status == 200
    for words in (
        "3 tickets that count", "€40.00 paid by buyers", "1 held, worth €12.50",
        "Discounts −€10.00", "Refunds −€10.00", "Fees of the platform −€0.75",  # noqa: RUF001
        "For you €29.25", "EARLY 1 4 €10.00 €40.00", "Card 1 €40.00 €10.00",
    ):  # fmt: skip
        assert words in browser.text, words
    assert "<svg" in browser.page
    assert "style=" not in browser.page


async def test_an_event_that_sells_nothing_says_so(site: Site, alice: Person) -> None:
    event = await alice.creates("Nothing on sale")
    browser = Browser(site.app, site.settings.site_url)
    browser.http.cookies.set("vently_access", alice.token, domain="vently.test")
    assert "Nothing is on sale" in (await browser.opens(f"/events/{event['slug']}/sales")).text
    assert "Nobody yet" in (await browser.opens(f"/events/{event['slug']}/attendees")).text
    assert "No orders yet" in (await browser.opens(f"/events/{event['slug']}/orders")).text


async def test_attendees_are_searched_and_exported(
    site: Site, counter: Counter, alice: Person, bob: Person, carol: Person
) -> None:
    await counter.sells(bob, free=1)
    await counter.sells(carol, free=1)
    browser = await at(site, alice, counter, "/attendees?q=bob&utm_source=mail")
    assert bob.email in browser.text
    assert carol.email not in browser.text
    export = f"/api/events/{counter.sale.event['slug']}/attendees.csv?q=bob"
    assert export in browser.page
    sheet = await browser.http.get(export)
    assert sheet.status_code == 200, sheet.text
    assert sheet.text.count("\r\n") == 2
    assert "Nobody found" in (await at(site, alice, counter, "/attendees?q=zzz")).text
    assert "Nobody found" in (await at(site, alice, counter, "/attendees?status=held")).text


async def test_orders_link_to_each(site: Site, counter: Counter, alice: Person, bob: Person) -> None:
    order = await counter.sells(bob, paid=2)
    browser = await at(site, alice, counter, "/orders?status=pending")
    assert f"/events/{counter.sale.event['slug']}/orders/{order['id']}" in browser.page
    assert "Waits for payment 2 tickets €25.00" in browser.text
    assert "No order found" in (await at(site, alice, counter, "/orders?status=paid")).text


async def test_long_lists_go_on(site: Site, counter: Counter, alice: Person, bob: Person) -> None:
    for _ in range(6):
        await counter.sells(bob, free=10)
    browser = await at(site, alice, counter, "/attendees")
    assert browser.page.count('<li class="row apart">') == 50
    more = browser.page.split('class="pager"')[1].split('href="')[1].split('"')[0]
    await browser.opens(f"/events/{counter.sale.event['slug']}/attendees{more}")
    assert browser.page.count('<li class="row apart">') == 10


async def test_the_desk_is_not_for_others(site: Site, counter: Counter, bob: Person, carol: Person) -> None:
    await counter.sells(bob, free=1)
    for who in (bob, carol):
        for page in ("/sales", "/attendees", "/orders"):
            assert (await at(site, who, counter, page)).status == 403
