"""Orders given back, paid, corrected and bought again at the same instant: whoever comes first, the stock adds up."""

import asyncio
from typing import Any

from browsing import Browser
from cast import Person, Site
from selling import Sale, on_sale

from vently.database.pool import Database


def checkout(order: Any) -> str:
    return str(order["checkout_url"]).removeprefix("http://vently.test")


async def adds_up(sale: Sale, name: str) -> None:
    stock, tickets = await sale.stock(name), await sale.tickets()
    assert (stock.held, stock.sold) == (tickets.get("held", 0), tickets.get("valid", 0))


async def test_giving_back_twice_at_once_gives_back_once(sale: Sale, bob: Person) -> None:
    order = (await sale.sells(bob, paid=4)).json()
    others = (await sale.sells(bob, paid=3)).json()
    path = f"/api/tickets/orders/{order['id']}"
    answers = await asyncio.gather(*(bob.delete(path) for _ in range(6)))
    assert sorted(answer.status_code for answer in answers) == [204] + [409] * 5
    assert (await sale.stock("paid")).held == len(others["tickets"])
    await adds_up(sale, "paid")


async def test_paying_while_giving_back_leaves_nothing_half_done(sale: Sale, bob: Person) -> None:
    for _ in range(12):
        order = (await sale.sells(bob, paid=2)).json()
        path = f"/api/tickets/orders/{order['id']}"
        given, paid = await asyncio.gather(
            bob.delete(path), bob.site.client.post(checkout(order), data={"outcome": "paid"})
        )
        assert given.status_code in (204, 409)
        assert paid.status_code == 303
        found = (await bob.get(path)).json()
        # The money came, and there are tickets left: whoever was first, they are the buyer's.
        assert found["status"] == "paid"
        assert {ticket["status"] for ticket in found["tickets"]} == {"valid"}
    assert (await sale.stock("paid")).sold == 24
    await adds_up(sale, "paid")


async def test_what_is_given_back_goes_to_whoever_waits_for_it(
    db: Database, alice: Person, bob: Person, site: Site
) -> None:
    sale = await on_sale(db, alice, await alice.creates("Last seats"), {"seat": (500, 4)})
    first = (await sale.sells(bob, seat=4)).json()
    await site.client.post(checkout(first), data={"outcome": "declined"})
    buyers = [Person(site, f"buyer {number}") for number in range(12)]

    async def tries(buyer: Person) -> int:
        for _ in range(40):
            answer = await sale.sells(buyer, seat=1)
            if answer.status_code != 409:
                return answer.status_code
            await asyncio.sleep(0.005)
        return 409

    statuses, given = await asyncio.gather(
        asyncio.gather(*(tries(buyer) for buyer in buyers)), bob.delete(f"/api/tickets/orders/{first['id']}")
    )
    assert given.status_code == 204
    assert sorted(statuses) == [201] * 4 + [409] * 8
    await adds_up(sale, "seat")


async def test_two_tabs_correct_one_order_after_the_other(sale: Sale, bob: Person) -> None:
    order = (await sale.sells(bob, free=1)).json()
    path = f"/api/tickets/orders/{order['id']}"
    tag = (await bob.get(path)).headers["etag"]
    answers = await asyncio.gather(
        *(bob.patch(path, {"buyer": {"name": f"Bob {n}"}}, headers={"if-match": tag}) for n in range(5))
    )
    assert sorted(answer.status_code for answer in answers) == [200] + [412] * 4


async def test_a_form_sent_many_times_at_once_buys_once(sale: Sale, site: Site) -> None:
    guest = Browser(site.app, site.settings.site_url)
    action = f"/events/{sale.event['slug']}/tickets"
    await guest.opens(f"{action}?n_{sale.types['paid']}=2")
    form = {**guest.forms[action], "name": "Vera", "email": "vera@example.org"}
    answers = await asyncio.gather(*(guest.http.post(action, data=form) for _ in range(8)))
    assert {answer.status_code for answer in answers} == {303}
    assert len({answer.headers["location"] for answer in answers}) == 1
    assert (await sale.stock("paid")).held == 2
