"""On a small phone no page has to be scrolled sideways, whatever people call their events, tickets and guests."""

import json
from pathlib import Path

from cast import Person, Site
from mailed_site import drives, free_port, mailed_site
from selling import on_sale
from test_desk_browser import signed_in

from vently.database.pool import Database


async def test_long_words_widen_no_page(site: Site, db: Database, alice: Person, bob: Person, tmp_path: Path) -> None:
    types = {"W" * 120: (0, 50), "Reduced (students, apprentices, pensioners)": (2450, 50)}
    sale = await on_sale(db, alice, await alice.creates("T" * 100), types)
    items = [{"ticket_type": sale.types["W" * 120], "quantity": 1, "attendees": [{"name": "N" * 120}]}]
    order = (await bob.post("/api/tickets/orders", {"event": sale.event["id"], "items": items})).json()
    [ticket] = order["tickets"]
    event = f"/events/{sale.event['slug']}"
    cart = f"{event}/tickets?" + "&".join(f"n_{one}=2" for one in sale.types.values())
    bobs = [
        event,
        cart,
        f"/orders/{order['id']}",
        f"/tickets/{ticket['id']}",
        f"/orders/{order['id']}/refund",
        "/me/tickets",
    ]
    types_of = ["ticket-types", "ticket-types/new", f"ticket-types/{ticket['ticket_type']}", "sale"]
    desk = ["sales", "orders", f"orders/{order['id']}", "attendees", "door", "door?q=N", "refunds"]
    async with mailed_site(site, tmp_path, free_port()) as running:
        tokens = [await signed_in(running.address, who) for who in (alice, bob)]
        pages = [(tokens[0], f"{event}/{page}") for page in types_of + desk] + [(tokens[1], page) for page in bobs]
        seen = await drives(Path(__file__).with_name("narrow.mjs"), running, pages=json.dumps(pages))
    assert (seen["complaints"], seen["wide"], seen["shown"]) == ([], [], len(pages))
