"""Pages of paying: another try after one that failed, and whom card payments go to, without JavaScript."""

from browsing import Browser
from cast import Person, Site
from paying import lapses, orders
from selling import Sale


async def test_a_guest_pays_by_forms_alone(site: Site, sale: Sale, visitor: Person) -> None:
    bought = await orders(sale, visitor, paid=1)
    first = (await bought.attempt()).id
    browser = await Browser(site.app, site.settings.site_url).opens(bought.order["checkout_url"])
    assert "€12.50" in browser.page
    await browser.sends(f"/pretend/checkout/{first}", outcome="abandoned")
    assert browser.path.startswith(f"/orders/{bought.id}?key=")

    await browser.opens(f"/checkout/{first}")
    assert browser.status == 409
    assert "Your tickets are still held for you." in browser.page
    await browser.sends(f"/checkout/{first}")
    assert browser.path.startswith(f"/orders/{bought.id}?key=")
    second = (await bought.attempt()).id
    assert second != first
    await browser.opens(f"/checkout/{first}")
    assert browser.path == f"/pretend/checkout/{second}"
    await browser.sends(f"/pretend/checkout/{second}", outcome="paid")
    assert (await bought.now()).status == "paid"


async def test_a_form_from_elsewhere_opens_no_try(site: Site, sale: Sale, visitor: Person) -> None:
    bought = await orders(sale, visitor, paid=1)
    attempt = (await bought.attempt()).id
    answer = await site.client.post(f"/checkout/{attempt}", headers={"sec-fetch-site": "cross-site"})
    assert answer.status_code == 403
    assert len(await bought.attempts()) == 1


async def test_what_is_over_says_so_and_where_to_go(site: Site, sale: Sale, visitor: Person) -> None:
    bought = await orders(sale, visitor, paid=1)
    await lapses(site, bought)
    browser = await Browser(site.app, site.settings.site_url).opens(bought.order["checkout_url"])
    assert browser.status == 409
    assert "went back on sale" in browser.page
    assert f"/events/{sale.event['slug']}" in browser.page


async def test_an_organiser_opens_an_account(site: Site, alice: Person, carol: Person, dana: Person) -> None:
    browser = _signed_in(site, alice)
    await browser.opens("/payouts/me")
    assert browser.status == 200
    assert "There is no account yet" in browser.page
    await browser.sends("/payouts/me", country="Belgium")
    assert browser.status == 422
    await browser.sends("/payouts/me", country="be")
    assert "Fill in your account" in browser.page
    await browser.opens("/payouts/me")
    assert "Card payments go to your own account." in browser.page

    assert (await _signed_in(site, carol).opens(f"/payouts/{dana.community}")).status == 403
    assert (await _signed_in(site, dana).opens(f"/payouts/{dana.community}")).status == 200
    assert (await Browser(site.app, site.settings.site_url).opens("/payouts/me")).status == 401


def _signed_in(site: Site, who: Person) -> Browser:
    browser = Browser(site.app, site.settings.site_url)
    browser.http.cookies.set("vently_access", who.token)
    return browser
