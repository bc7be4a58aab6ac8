"""Buying on pages, without JavaScript: the ticket box and the cart."""

import re
from datetime import UTC, datetime
from urllib.parse import unquote
from uuid import UUID

import pytest
from browsing import Browser
from buying import action, as_alice, buys, cart, changes, sql
from cast import Person, Site
from selling import Sale, on_sale

from vently.database.pool import Database
from vently.web import assets


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
    await guest.opens(f"{action(sale)}?code=Coded!")
    assert "Needs a code" not in guest.text
    assert "secret" not in guest.text
    await guest.opens(f"{action(sale)}?code=wrong")
    assert "is no code of this event now" in guest.text
    await buys(guest, sale, {"code": "CODED!"}, coded=1)
    assert "Pretend to pay" in guest.text


async def test_a_guest_gets_free_tickets(sale: Sale, guest: Browser) -> None:
    await buys(guest, sale, free=2)
    assert guest.path.startswith("/orders/")
    assert "key=" in guest.path
    assert "You have your tickets" in guest.text
    assert guest.page.count('class="qr"') == 2
    assert (await sale.stock("free")).sold == 2


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


async def test_signing_in_at_the_cart_keeps_what_was_chosen(sale: Sale, guest: Browser) -> None:
    await guest.opens(f"{cart(sale, paid=2)}&code=&name=Vera")
    found = re.search(r'href="/sign-in\?next=([^"]+)"', guest.page[guest.page.index("Have an account") :])
    assert found
    assert unquote(found[1]) == cart(sale, paid=2)


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


async def test_members_buy_what_is_for_members(db: Database, dana: Person, carol: Person, site: Site) -> None:
    event = await dana.creates("Members’ night", community=dana.community)
    sale = await on_sale(db, dana, event, {"seat": (0, 5)})
    async with db.acting_as(dana.viewer) as tx:
        await tx.execute(sql.for_members, type=UUID(sale.types["seat"]))
    carols, visitors = Browser(site.app, site.settings.site_url), Browser(site.app, site.settings.site_url)
    carols.http.cookies.set("vently_access", carol.token)
    for browser in (carols, visitors):
        await browser.opens(f"/events/{event['slug']}")
        assert "For members" in browser.text
        assert "<select" not in browser.page
        await buys(browser, sale, seat=1)
        assert browser.status == 403
        assert "is for members of the community" in browser.text
    assert (await carol.put(f"/api/communities/{dana.community}/membership")).status_code == 200
    await buys(carols, sale, seat=1)
    assert "You have your tickets" in carols.text


async def test_one_person_gets_so_many(sale: Sale, guest: Browser) -> None:
    await as_alice(sale, sql.limit_persons, type=UUID(sale.types["free"]))
    await buys(guest, sale, free=1)
    await buys(guest, sale, free=2)
    assert guest.status == 409
    assert "At most 2 of “free” for one person." in guest.text


@pytest.mark.parametrize(("currency", "price", "shown"), [("JPY", 1200, "JP¥2,400"), ("KWD", 1250, "KWD 2.500")])
async def test_amounts_have_the_digits_of_their_currency(
    db: Database, alice: Person, guest: Browser, currency: str, price: int, shown: str
) -> None:
    sale = await on_sale(db, alice, await alice.creates("Abroad"), {"seat": (price, 5)}, currency=currency)
    await guest.opens(cart(sale, seat=2))
    assert shown in guest.text.replace("\u00a0", " ")


async def test_an_event_that_was_cancelled_sells_no_more(sale: Sale, guest: Browser, alice: Person) -> None:
    await guest.opens(cart(sale, free=1))
    assert (await alice.post(f"/api/events/{sale.event['id']}/cancellation")).status_code == 201
    await guest.sends(action(sale), name="Vera", email="vera@example.org")
    assert guest.status == 409
    assert "This event is cancelled." in guest.text
    assert "No tickets are sold for this event any more." in guest.text
    await guest.opens(f"/events/{sale.event['slug']}")
    assert "no tickets are sold" in guest.text
    assert "Get tickets" not in guest.text


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


def test_the_style_sheet_of_tickets_stays_small() -> None:
    css = (assets.STATIC / "tickets.css").read_text()
    assert len(css.encode()) <= 8 * 1024
    assert "url(" not in css
