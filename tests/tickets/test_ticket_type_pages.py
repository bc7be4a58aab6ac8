"""Alice says on pages what an event sells, without JavaScript."""

from typing import Any

import pytest
from browsing import Browser
from cast import Person, Site
from selling import Sale
from test_ticket_types import adds, listed, path


async def browser(site: Site, person: Person) -> Browser:
    """One in which they are signed in."""
    made = Browser(site.app, site.settings.site_url)
    made.http.cookies.set("vently_access", person.token, domain="vently.test")
    return made


def page(event: Any, part: str = "ticket-types") -> str:
    return f"/events/{event['slug']}/{part}"


async def test_the_first_ticket_is_a_form_away(site: Site, alice: Person) -> None:
    event = await alice.creates("A gig", timezone="Europe/Vienna")
    shown = await (await browser(site, alice)).opens(page(event))
    assert shown.status == 200
    assert "Nothing is on sale yet" in shown.text
    assert "Discount codes" not in shown.text
    await shown.opens(page(event, "ticket-types/new"))
    await shown.sends(
        page(event), name="Standard", price_amount="12,5", price_currency="EUR", quantity="80", tax_percent="7,5",
        sales_end="2027-02-28T18:00", access_code="Sesame", description="With\r\nsoup",
    )  # fmt: skip
    assert shown.path == page(event)
    assert "€12.50" in shown.text
    assert "80 of 80 left" in shown.text
    (made,) = await listed(alice, event)
    assert made["price"] == {"amount": 1250, "currency": "EUR"}
    assert (made["tax_percent"], made["per_order_max"], made["transferable"]) == (7.5, 10, True)
    assert made["sales_end"].startswith("2027-02-28T17:00:00")
    assert (made["access_code"], made["description"]) == ("Sesame", "With\nsoup")


@pytest.mark.parametrize(
    ("currency", "typed", "amount"), [("JPY", "1200", 1200), ("KWD", "1.25", 1250), ("EUR", "0", 0)]
)
async def test_prices_are_typed_as_people_write_them(
    site: Site, alice: Person, currency: str, typed: str, amount: int
) -> None:
    event = await alice.creates("A gig")
    shown = await (await browser(site, alice)).opens(page(event, "ticket-types/new"))
    await shown.sends(page(event), name="Standard", price_amount=typed, price_currency=currency, quantity="8")
    (made,) = await listed(alice, event)
    assert made["price"] == {"amount": amount, "currency": currency}
    await shown.opens(page(event, f"ticket-types/{made['id']}"))
    await shown.sends(page(event, f"ticket-types/{made['id']}"), name="Other")
    (same,) = await listed(alice, event)
    assert (same["name"], same["price"]) == ("Other", made["price"])


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ({"name": ""}, "Name"),
        ({"price_amount": "12.505"}, "2 digits after the point"),
        ({"price_amount": "1.000,00"}, "write an amount such as"),
        ({"price_amount": "-1"}, "write an amount such as"),
        ({"price_amount": ""}, "0 when it is free"),
        ({"quantity": "many"}, "whole number"),
        ({"quantity": ""}, "Quantity"),
        ({"quantity": "1000001"}, "1000000"),
        ({"tax_percent": "lots"}, "a number such as 19"),
        ({"sales_start": "soon"}, "choose a date and a time"),
        ({"sales_start": "0001-01-01T00:00"}, "a moment of the years 1970 to 2199"),
        ({"sales_end": "9999-12-31T23:59"}, "a moment of the years 1970 to 2199"),
        ({"sales_start": "2027-02-01T10:00", "sales_end": "2027-02-01T09:00"}, "must be after sales_start"),
    ],
)
async def test_what_cannot_be_is_said_beside_its_input(
    site: Site, alice: Person, sent: dict[str, str], said: str
) -> None:
    event = await alice.creates("A gig")
    shown = await (await browser(site, alice)).opens(page(event, "ticket-types/new"))
    good = {"name": "Standard", "price_amount": "12", "price_currency": "EUR", "quantity": "8"}
    await shown.sends(page(event), **{**good, **sent})
    assert shown.status == 422
    assert said in shown.text, shown.text
    form = shown.forms[page(event)]
    assert all(form[name] == value for name, value in {**good, **sent}.items() if value and name != "price_currency")
    assert await listed(alice, event) == []


async def test_a_ticket_is_resized_and_taken_away(site: Site, alice: Person, bob: Person, sale: Sale) -> None:
    assert (await sale.sells(bob, paid=3)).status_code == 201
    at = page(sale.event, f"ticket-types/{sale.types['paid']}")
    shown = await (await browser(site, alice)).opens(page(sale.event))
    assert "3 held, 97 of 100 left" in shown.text
    assert f"{at}/deletion" not in shown.forms
    await (await shown.opens(at)).sends(at, quantity="2")
    assert shown.status == 422
    assert "must not be below the 3 that are sold and held" in shown.text
    await shown.sends(at, quantity="3", access_code="Jam", hidden="1")
    assert (await listed(alice, sale.event))[1]["quantity"] == 3
    assert "Hidden" in shown.text
    await shown.sends(f"{page(sale.event)}/{sale.types['free']}/deletion")
    assert "The ticket type is gone." in shown.text
    assert len(await listed(alice, sale.event)) == 1


async def test_pools_discounts_and_questions(site: Site, alice: Person, sale: Sale) -> None:
    shown = await (await browser(site, alice)).opens(page(sale.event))
    await shown.sends(page(sale.event, "ticket-pools"), name="The hall", quantity="x")
    assert (shown.status, "takes a whole number" in shown.text) == (422, True)
    await shown.sends(page(sale.event, "ticket-pools"), name="The hall", quantity="20")
    pool = (await alice.get(path(sale.event, "ticket-pools"))).json()["items"][0]
    await shown.sends(page(sale.event, f"ticket-pools/{pool['id']}"), quantity="15")
    await shown.opens(page(sale.event, f"ticket-types/{sale.types['free']}"))
    await shown.sends(page(sale.event, f"ticket-types/{sale.types['free']}"), pool=pool["id"])
    assert (await listed(alice, sale.event))[0]["available"] == 15
    await shown.sends(page(sale.event, f"ticket-pools/{pool['id']}"), remove="1")
    assert "still share this pool" in shown.text
    discounts = page(sale.event, "discounts")
    await shown.sends(discounts, code="jam", percent="10", amount="2,50")
    assert (shown.status, "either percent or amount" in shown.text) == (422, True)
    await shown.sends(discounts, code="jam", percent="", amount="2,50")
    assert "€2.50 off" in shown.text
    await shown.sends(f"{discounts}/JAM/deletion")
    assert "JAM works no more." in shown.text
    await shown.sends(page(sale.event, "ticket-questions"), label="Meat?", kind="choice", choices="")
    assert shown.status == 422
    await shown.sends(
        page(sale.event, "ticket-questions"), label="Meat?", kind="choice", choices="Yes\r\nNo", required="1"
    )
    assert "Meat? Yes, No · must be answered" in shown.text
    asked = (await alice.get(path(sale.event, "ticket-questions"))).json()["items"]
    await shown.sends(page(sale.event, f"ticket-questions/{asked[0]['id']}/deletion"))
    assert (await alice.get(path(sale.event, "ticket-questions"))).json()["items"] == []


async def test_how_it_is_paid(site: Site, alice: Person, bob: Person, sale: Sale) -> None:
    shown = await (await browser(site, alice)).opens(page(sale.event, "sale"))
    await shown.sends(page(sale.event, "sale"), hold_minutes="4", methods_transfer="1")
    assert (shown.status, "at least 5" in shown.text) == (422, True)
    await shown.sends(page(sale.event, "sale"), hold_minutes="20", methods_transfer="1", refund_hours="48")
    assert "your bank details are missing" in shown.text
    await shown.opens(page(sale.event, "sale"))
    await shown.sends(page(sale.event, "sale"), seller_bank_details="AT00 1234", seller_name="Alice's stage")
    told = (await alice.get(path(sale.event, "sale"))).json()
    assert (told["methods"], told["hold_minutes"], told["refund_hours"]) == (["card", "transfer"], 20, 48)
    assert (told["seller"]["bank_details"], told["seller"]["name"]) == ("AT00 1234", "Alice's stage")
    assert (await sale.sells(bob, free=1)).status_code == 201
    await shown.opens(page(sale.event, "sale"))
    await shown.sends(page(sale.event, "sale"), currency="CHF")
    assert (shown.status, "the currency stays" in shown.text) == (409, True)


async def test_an_organiser_of_a_community_is_told_who_says_who_sells(site: Site, bob: Person, dana: Person) -> None:
    event = await dana.creates("A gig", community=dana.community)
    community = f"/api/communities/{dana.community}"
    assert (await bob.put(f"{community}/membership")).status_code == 200
    assert (await dana.patch(f"{community}/members/{bob.handle}", {"role": "organizer"})).status_code == 200
    await adds(bob, event)
    shown = await (await browser(site, bob)).opens(page(event, "sale"))
    await shown.sends(page(event, "sale"), seller_name="Bob's own")
    assert (shown.status, "Only admins of the community" in shown.text) == (403, True)


async def test_nobody_else_sees_these_pages(site: Site, carol: Person, visitor: Person, sale: Sale) -> None:
    parts = ("ticket-types", "ticket-types/new", f"ticket-types/{sale.types['paid']}", "sale")
    for who, status in ((carol, 403), (visitor, 401)):
        shown = await browser(site, who) if who is carol else Browser(site.app, site.settings.site_url)
        for part in parts:
            await shown.opens(page(sale.event, part))
            assert shown.status == status


async def test_the_event_leads_its_organiser_there(site: Site, alice: Person, bob: Person, sale: Sale) -> None:
    link = f'href="{page(sale.event)}"'
    assert link in (await (await browser(site, alice)).opens(f"/events/{sale.event['slug']}")).page
    assert link not in (await (await browser(site, bob)).opens(f"/events/{sale.event['slug']}")).page
