"""Letters about tickets as jobs: written from the database, and sent before the job counts as done."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest
from cast import Person, Site
from issuing import Box, opened, pages
from selling import Sale, on_sale

from vently.database.pool import Database
from vently.jobs.job import GiveUp
from vently.outside.mail import Mail, MailDelayed, MailRefused


@pytest.fixture
async def box(site: Site) -> AsyncIterator[Box]:
    async with opened(site) as box:
        yield box


def attached(mail: Mail) -> dict[str, bytes]:
    return {one.name: one.content for one in mail.attachments}


def link(mail: Mail, site: Site) -> str:
    """The path that its button opens."""
    [found] = {line.strip() for line in mail.text.splitlines() if "key=" in line}
    return found.removeprefix(site.settings.site_url)


async def test_the_buyer_gets_all_tickets_with_pdf_and_calendar(site: Site, sale: Sale, bob: Person, box: Box) -> None:
    order = await box.sells(sale, bob, free=2)
    await box.does("mail tickets", {"order_id": order["id"]})
    [mail] = box.mailer.letters
    assert mail.to == bob.email
    assert mail.subject == "Your tickets for A gig"
    assert "2 × free" in mail.text
    files = attached(mail)
    assert len(pages(files["tickets.pdf"])) == 2
    assert b"BEGIN:VEVENT" in files["event.ics"]
    answer = await site.client.get(link(mail, site).replace("/orders/", "/api/tickets/orders/"))
    assert answer.json()["id"] == order["id"]


async def test_what_was_handed_on_or_is_not_paid_is_not_mailed(
    sale: Sale, bob: Person, carol: Person, box: Box
) -> None:
    held = await box.sells(sale, bob, paid=1)
    await box.does("mail tickets", {"order_id": held["id"]})
    assert box.mailer.letters == []
    order = await box.sells(sale, bob, free=2)
    path = f"/api/tickets/{order['tickets'][0]['id']}/transfer"
    assert (await bob.post(path, {"email": carol.email})).status_code == 201
    await box.does("mail tickets", {"order_id": order["id"]})
    [mail] = box.mailer.letters
    assert len(pages(attached(mail)["tickets.pdf"])) == 1


async def test_a_letter_that_waits_is_tried_again_and_a_refused_one_given_up(sale: Sale, bob: Person, box: Box) -> None:
    order = await box.sells(sale, bob, free=1)
    box.mailer.trouble = MailDelayed("the mail server cannot be used")
    with pytest.raises(MailDelayed):
        await box.does("mail tickets", {"order_id": order["id"]})
    box.mailer.trouble = MailRefused("the mail server answered 550 to the recipient")
    with pytest.raises(GiveUp):
        await box.does("mail tickets", {"order_id": order["id"]})
    with pytest.raises(GiveUp):
        await box.does("mail tickets", {"order_id": sale.event["id"]})


async def test_both_are_told_of_a_ticket_handed_on(
    site: Site, sale: Sale, bob: Person, visitor: Person, box: Box
) -> None:
    [ticket] = (await box.sells(sale, bob, free=1))["tickets"]
    path = f"/api/tickets/{ticket['id']}/transfer"
    assert (await bob.post(path, {"email": "dora@example.org", "name": "Dora"})).status_code == 201
    transfer = str(await box.owner.fetchval("select id from ticket_transfers where ticket_id = $1", ticket["id"]))
    taker, giver = await box.mails("mail transfer", transfer_id=transfer)
    assert (taker.to, giver.to) == ("dora@example.org", bob.email)
    assert taker.subject == "Bob gave you a ticket for A gig"
    [page] = pages(attached(taker)["tickets.pdf"])
    assert "Dora" in page
    assert bob.email not in taker.text
    found = await visitor.get(link(taker, site).replace("/tickets/", "/api/tickets/"))
    assert found.json()["code"]
    assert "dora@example.org" in giver.text
    assert giver.attachments == ()


async def test_a_ticket_handed_on_again_is_not_mailed_to_the_one_between(
    sale: Sale, bob: Person, carol: Person, box: Box
) -> None:
    [ticket] = (await box.sells(sale, bob, free=1))["tickets"]
    path = f"/api/tickets/{ticket['id']}/transfer"
    assert (await bob.post(path, {"email": carol.email})).status_code == 201
    first = str(await box.owner.fetchval("select id from ticket_transfers where ticket_id = $1", ticket["id"]))
    assert (await carol.post(path, {"email": "dora@example.org"})).status_code == 201
    assert [mail.to for mail in await box.mails("mail transfer", transfer_id=first)] == [bob.email]
    second = str(
        await box.owner.fetchval("select id from ticket_transfers where ticket_id = $1 and serial = 3", ticket["id"])
    )
    [giver] = [mail for mail in await box.mails("mail transfer", transfer_id=second) if mail.to == carol.email]
    [address] = [line.strip() for line in giver.text.splitlines() if line.strip().endswith("/tickets")]
    assert (await carol.get(address.removeprefix(box.site.settings.site_url))).status_code == 200


async def test_money_back_is_told_with_its_credit_note(sale: Sale, bob: Person, box: Box) -> None:
    order = await box.sells(sale, bob, paid=2)
    await box.settles(order)
    refund = await box.refunds(order, 1250, [order["tickets"][0]["id"]])
    await box.does("mail refund", {"refund_id": str(refund)})
    [mail] = box.mailer.letters
    assert mail.to == bob.email
    assert "You get €12.50 back." in mail.text
    assert "credit note" in mail.text
    assert "Rain" in mail.text


async def test_the_letters_of_an_event_that_will_not_take_place(sale: Sale, bob: Person, box: Box) -> None:
    paid, free = await box.sells(sale, bob, paid=1), await box.sells(sale, bob, free=1)
    await box.settles(paid)
    refund = await box.refunds(paid, 1250, cause="event_cancelled")
    await box.does("mail cancellation", {"order_id": paid["id"], "refund_id": str(refund)})
    await box.does("mail cancellation", {"order_id": free["id"], "refund_id": None})
    with_money, without = box.mailer.letters
    assert "You get €12.50 back." in with_money.text
    assert "back" not in without.text
    assert without.subject == "Cancelled: A gig"


async def test_who_was_given_a_ticket_is_told_when_it_is_taken_back(sale: Sale, bob: Person, box: Box) -> None:
    order = await box.sells(sale, bob, paid=3)
    await box.settles(order)
    for ticket, taker in zip(order["tickets"], ("dora@example.org", "emil@example.org", None), strict=True):
        if taker:
            path = f"/api/tickets/{ticket['id']}/transfer"
            assert (await bob.post(path, {"email": taker})).status_code == 201
    refund = await box.refunds(order, 1250, [order["tickets"][0]["id"]])
    await box.owner.execute("update tickets set status = 'refunded' where id = $1", UUID(order["tickets"][0]["id"]))
    for _ in range(2):  # told once, however often the buyer's letter is tried
        await box.does("mail refund", {"refund_id": str(refund)})
    transfers = "select id from ticket_transfers where ticket_id = $1"
    transfer = str(await box.owner.fetchval(transfers, order["tickets"][0]["id"]))
    [mail] = await box.mails("mail transfer", letter="over", transfer_id=transfer)
    assert mail.to == "dora@example.org"
    assert mail.subject == "Your ticket was given back: A gig"
    assert "no longer opens the door" in mail.text
    assert "€" not in mail.text
    assert bob.email not in mail.text


async def test_how_to_pay_by_transfer(db: Database, alice: Person, bob: Person, box: Box) -> None:
    event: Any = await alice.creates("A gig")
    sale = await on_sale(db, alice, event, {"paid": (1250, 10)}, methods=("transfer",))
    await box.owner.execute("update sellers set bank_details = 'IBAN DE00 1234' where person_id = $1", alice.id)
    order = await box.sells(sale, bob, paid=1)
    [mail] = await box.mails("mail transfer instructions", order_id=order["id"])
    number = await box.owner.fetchval("select private.order_number($1)", order["id"])
    assert "IBAN DE00 1234" in mail.text
    assert number in mail.text
    await box.settles(order)
    await box.does("mail transfer instructions", {"order_id": order["id"]})
    assert len(box.mailer.letters) == 1
