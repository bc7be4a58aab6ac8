"""Issued tickets: whose they are to see, whose code it is, on paper and in calendars."""

from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
from cast import Person, Site
from issuing import Box, opened, pages
from selling import Sale, on_sale

from vently.database.pool import Database


@pytest.fixture
async def box(site: Site) -> AsyncIterator[Box]:
    async with opened(site) as box:
        yield box


async def test_the_buyer_has_a_ticket_with_a_code_that_the_door_reads(sale: Sale, bob: Person, box: Box) -> None:
    [ticket] = (await box.sells(sale, bob, free=1))["tickets"]
    answer = await bob.get(f"/api/tickets/{ticket['id']}")
    assert answer.status_code == 200
    found = answer.json()
    assert found["status"] == "valid"
    seat = box.reads(found["code"])
    assert seat
    assert (str(seat.ticket), seat.serial) == (ticket["id"], 1)
    assert found["qr_svg"].startswith("<svg ")
    assert found["event"]["title"] == "A gig"
    assert found["transferable"] is True
    again = await bob.get(f"/api/tickets/{ticket['id']}", headers={"if-none-match": answer.headers["etag"]})
    assert again.status_code == 304


async def test_strangers_see_nothing_and_organisers_no_code(
    sale: Sale, alice: Person, bob: Person, carol: Person, visitor: Person, box: Box
) -> None:
    order = await box.sells(sale, bob, free=1)
    [ticket] = order["tickets"]
    for address in (ticket["id"], f"{ticket['id']}.pdf", f"{ticket['id']}/calendar.ics", f"orders/{order['id']}.pdf"):
        for who in (carol, visitor):
            assert (await who.get(f"/api/tickets/{address}")).status_code == 404, address
    seen = (await alice.get(f"/api/tickets/{ticket['id']}")).json()
    assert (seen["code"], seen["qr_svg"], seen["link"], seen["pdf_url"]) == (None, None, None, None)
    assert seen["order"] == order["id"]
    assert (await alice.get(f"/api/tickets/{ticket['id']}.pdf")).status_code == 409
    assert (await alice.get(f"/api/tickets/orders/{order['id']}.pdf")).status_code == 409


async def test_a_guest_has_the_ticket_by_the_key_of_its_link(sale: Sale, visitor: Person, box: Box) -> None:
    order = await box.sells(sale, visitor, free=2)
    ticket, other = order["tickets"]
    key = box.key(ticket)
    found = (await visitor.get(f"/api/tickets/{ticket['id']}?key={key}")).json()
    assert box.reads(found["code"])
    assert found["link"].endswith(f"key={key}")
    for address in (
        f"{other['id']}?key={key}",
        f"{ticket['id']}?key={key}x",
        f"{ticket['id']}?key=1.AAAA",
        other["id"],
    ):
        assert (await visitor.get(f"/api/tickets/{address}")).status_code == 404, address
    paper = await visitor.get(f"/api/tickets/{ticket['id']}.pdf?key={key}")
    assert paper.headers["content-type"] == "application/pdf"
    assert len(pages(paper.content)) == 1
    both = await visitor.get(f"/api/tickets/orders/{order['id']}.pdf?{order['link'].partition('?')[2]}")
    assert len(pages(both.content)) == 2
    assert (await visitor.get(f"/api/tickets/orders/{order['id']}.pdf?key={key}")).status_code == 404


async def test_what_is_not_paid_has_no_code_and_no_paper(sale: Sale, bob: Person, box: Box) -> None:
    order = await box.sells(sale, bob, paid=1)
    [ticket] = order["tickets"]
    found = (await bob.get(f"/api/tickets/{ticket['id']}")).json()
    assert (found["status"], found["code"], found["pdf_url"], found["transferable"]) == ("held", None, None, False)
    for address in (f"{ticket['id']}.pdf", f"orders/{order['id']}.pdf"):
        answer = await bob.get(f"/api/tickets/{address}")
        assert answer.status_code == 409
        assert answer.json()["type"].endswith("not-valid")
    await box.settles(order)
    assert (await bob.get(f"/api/tickets/{ticket['id']}")).json()["status"] == "valid"
    [page] = pages((await bob.get(f"/api/tickets/{ticket['id']}.pdf")).content)
    assert "€12.50" in page


async def test_an_admitted_ticket_is_used_until_that_is_undone(sale: Sale, bob: Person, box: Box) -> None:
    [ticket] = (await box.sells(sale, bob, free=1))["tickets"]
    await box.admits(ticket)
    found = (await bob.get(f"/api/tickets/{ticket['id']}")).json()
    assert (found["status"], found["transferable"]) == ("used", False)
    assert found["used_at"]
    await box.owner.execute("update ticket_scans set undone_at = now() where ticket_id = $1", ticket["id"])
    assert (await bob.get(f"/api/tickets/{ticket['id']}")).json()["status"] == "valid"


async def test_my_tickets_begin_with_what_is_to_come(
    db: Database, alice: Person, bob: Person, carol: Person, box: Box
) -> None:
    bought = {}
    for title, day in (("Late", "2027-05-01"), ("Soon", "2027-04-01"), ("Over", "2027-03-01"), ("Back", "2027-02-01")):
        event = await alice.creates(title, starts_at=f"{day}T18:00:00Z")
        sale = await on_sale(db, alice, event, {"free": (0, 10)})
        bought[title] = await box.sells(sale, bob, free=1)
    await box.owner.execute(
        "update events set starts_at = now() - interval '2 days', ends_at = now() - interval '1 day' where id = $1",
        bought["Over"]["event"]["id"],
    )
    await box.owner.execute("update tickets set status = 'void' where order_id = $1", bought["Back"]["id"])
    titles, cursor = [], ""
    for _ in range(4):
        page = (await bob.get(f"/api/tickets?limit=1{cursor}")).json()
        titles += [ticket["event"]["title"] for ticket in page["items"]]
        cursor = f"&cursor={page['next']}"
    assert titles == ["Soon", "Late", "Back", "Over"]
    assert page["next"] is None
    assert (await carol.get("/api/tickets")).json()["items"] == []
    assert (await alice.get("/api/tickets")).json()["items"] == []


async def test_a_calendar_entry_names_the_event_as_the_site_does(sale: Sale, bob: Person, box: Box) -> None:
    [ticket] = (await box.sells(sale, bob, free=1))["tickets"]
    answer = await bob.get(f"/api/tickets/{ticket['id']}/calendar.ics")
    assert answer.headers["content-type"] == "text/calendar; charset=utf-8"
    assert f"UID:{sale.event['id']}@vently" in answer.text
    assert "Ticket: free" in answer.text


async def test_whoever_has_a_ticket_keeps_seeing_what_it_is_for(
    db: Database, alice: Person, visitor: Person, box: Box
) -> None:
    circle = await alice.founds("Alice's circle")
    event = await alice.creates("Supper", community=circle["id"], venue={"name": "Boathouse", "city": "Graz"})
    sale = await on_sale(db, alice, event, {"free": (0, 10)})
    [ticket] = (await box.sells(sale, visitor, free=1))["tickets"]
    assert (await alice.patch(f"/api/events/{event['id']}", {"visibility": "members"})).status_code == 200
    await box.owner.execute("update ticket_types set hidden = true where event_id = $1", event["id"])
    key = box.key(ticket)
    found = (await visitor.get(f"/api/tickets/{ticket['id']}?key={key}")).json()
    assert (found["event"]["title"], found["event"]["venue"]["name"]) == ("Supper", "Boathouse")
    assert found["ticket_type"]["name"] == "free"
    [page] = pages((await visitor.get(f"/api/tickets/{ticket['id']}.pdf?key={key}")).content)
    assert "Boathouse" in page
    assert (await visitor.get(f"/api/events/{event['slug']}")).status_code == 404


@pytest.mark.parametrize(
    "address", ["/api/tickets/{}.pdfx", "/api/tickets/x.pdf", "/api/tickets/{}.txt", "/api/tickets/.pdf"]
)
async def test_addresses_that_are_none_are_not_found(bob: Person, address: str) -> None:
    assert (await bob.get(address.format(uuid4()))).status_code == 404
