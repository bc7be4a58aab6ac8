"""Tickets and invoices as PDF: what stands on the page, whatever people wrote, and that a scanner reads it."""

import asyncio
import io
import re
from datetime import UTC, date, datetime
from uuid import UUID, uuid4

import msgspec
import pypdf
import pypdfium2
import pytest
import zxingcpp

from vently.tickets.issued.codes import Codes, Seat
from vently.tickets.issued.documents import (
    InvoiceLine,
    Party,
    PrintedInvoice,
    PrintedTicket,
    invoice_pdf,
    tickets_pdf,
)
from vently.tickets.issued.events import TicketedEvent

CODES = Codes(b"d" * 32)
JAZZ = TicketedEvent(
    id=UUID(int=7),
    title="Jazz by the lake",
    starts_at=datetime(2031, 7, 3, 17, tzinfo=UTC),
    ends_at=datetime(2031, 7, 3, 20, 30, tzinfo=UTC),
    timezone="Asia/Kathmandu",
    where="Boathouse, 5 Lake Road, Pokhara, Nepal",
    organizer="Pokhara Jazz",
    updated_at=datetime(2031, 1, 1, tzinfo=UTC),
)
TICKET = PrintedTicket(
    code=CODES.issue(UUID(int=1), 1),
    event=JAZZ,
    type="Early bird",
    holder="Bob Miller",
    order="4F7K-92QD",
    paid=1250,
    currency="KWD",
)
INVOICE = PrintedInvoice(
    number="2026-0012",
    issued_on=date(2026, 11, 20),
    supplied_on=date(2027, 2, 3),
    order="4F7K-92QD",
    seller=Party(name="Freiburg Jazz", address="Hauptstr. 5\n79100 Freiburg\nGermany", tax_id="DE123456789"),
    buyer=Party(name="Bob Miller", email="bob@example.com"),
    currency="EUR",
    lines=[
        InvoiceLine(text="Early bird", quantity=2, unit=1190, net=2000, tax_rate=1900, tax=380, gross=2380),
        InvoiceLine(text="Late bird", quantity=1, unit=2380, net=2000, tax_rate=1900, tax=380, gross=2380),
        InvoiceLine(text="The book", quantity=1, unit=1070, net=1000, tax_rate=700, tax=70, gross=1070),
    ],
    notes=["Paid by card on 20 November 2026."],
)


def changed(thing, **fields):
    return msgspec.structs.replace(thing, **fields)


def pages(pdf: bytes) -> list[str]:
    """What a reader copies from each page, every kind of blank as one."""
    return [" ".join(page.extract_text().split()) for page in pypdf.PdfReader(io.BytesIO(pdf)).pages]


def scanned(pdf: bytes) -> list[str]:
    drawn = [page.render(scale=2).to_pil() for page in pypdfium2.PdfDocument(pdf)]
    return [found.text for picture in drawn for found in zxingcpp.read_barcodes(picture)]


async def test_a_ticket_says_what_where_when_and_whose_in_the_events_own_time():
    [page] = pages(await tickets_pdf([TICKET]))
    for words in (
        "Jazz by the lake",
        "Thu 3 Jul 2031, 22:45 – Fri 4 Jul 2031, 02:15 GMT+5:45",
        "Boathouse, 5 Lake Road, Pokhara, Nepal",
        "Early bird",
        "Bob Miller",
        "4F7K-92QD",
        "Pokhara Jazz",
        "KWD 1.250",
        "1 of 1",
    ):
        assert words in page
    assert TICKET.code in page.replace(" ", "")


async def test_each_ticket_has_a_page_whose_code_a_scanner_reads():
    tickets = [changed(TICKET, code=CODES.issue(UUID(int=number), 2), holder=f"Guest {number}") for number in range(7)]
    pdf = await tickets_pdf(tickets)
    assert [re.search(r"Guest \d|$", page)[0] for page in pages(pdf)] == [f"Guest {number}" for number in range(7)]
    assert [CODES.read(code) for code in scanned(pdf)] == [Seat(UUID(int=number), 2) for number in range(7)]


async def test_what_is_not_known_leaves_no_label_behind():
    bare = changed(TICKET, event=changed(JAZZ, where="", organizer=""), holder="", paid=None)
    [page] = pages(await tickets_pdf([bare]))
    assert not any(label in page for label in ("Where", "Name", "Organised by", "Price"))


@pytest.mark.parametrize(
    "words",
    [
        '#panic("no") #read("/etc/passwd") $x^2$ *bold* _thin_ `raw` <label> @reference // comment /* more */',
        "= Heading - list + 1. term / Term: x \\ break ~ --- ... \"quotes\" 'single'",
        '"] #sys.inputs #import "x.typ": * {{ 7*7 }} {% raw %} ${jndi}',
        "\\u{41} \\#hash #{ 1 + 1 } #let x = 1; #x",
        "https://example.com/?a=1&b=2#c <script>alert(1)</script>",
    ],
)
async def test_what_people_write_is_never_read_as_markup(words):
    event = changed(JAZZ, title=words, where=words, organizer=words)
    ticket = changed(TICKET, event=event, type=words, holder=words)
    pdf = await tickets_pdf([ticket])
    [page] = pages(pdf)
    assert page.replace(" ", "").count(words.replace(" ", "")) == 5
    assert not any("/Annots" in sheet for sheet in pypdf.PdfReader(io.BytesIO(pdf)).pages)  # nothing became a link
    [paper] = pages(await invoice_pdf(changed(INVOICE, notes=[words], buyer=Party(name=words, address=words))))
    assert paper.replace(" ", "").count(words.replace(" ", "")) == 3


@pytest.mark.parametrize(
    "words",
    [
        "W" * 200,
        "Wundervoll " * 18,
        "\u0634" * 200,
        "שלום עולם " * 20,
        "日本語のイベント" * 25,
        "🎉👩‍👩‍👧‍👦🏳️‍🌈" * 25,
        "Z\u0351\u036b\u0343\u036a\u0302" * 33,
        "a\0b\x07c\x1bd\ud800e\ufffef\U000e0041\u202egpj.exe\u2066h",
        "one\ntwo\r\nthree\u2028four",
        " ",
    ],
)
async def test_whatever_is_written_a_ticket_keeps_to_its_page_and_its_code(words):
    event = changed(JAZZ, title=words, where=words * 3, organizer=words)
    long = changed(TICKET, event=event, type=words, holder=words, order=words)
    pdf = await tickets_pdf([long, TICKET])
    assert len(pages(pdf)) == 2
    assert scanned(pdf) == [TICKET.code, TICKET.code]
    assert await invoice_pdf(changed(INVOICE, seller=Party(name=words, address=words), notes=[words]))


async def test_letters_that_turn_the_line_around_are_taken_out():
    [page] = pages(await tickets_pdf([changed(TICKET, holder="Bob \u202egpj.exe\u2066\0!")]))
    assert "Bob gpj.exe!" in page


async def test_an_invoice_says_all_a_bookkeeper_asks_for():
    [page] = pages(await invoice_pdf(INVOICE))
    for words in (
        "Invoice 2026-0012",
        "Freiburg Jazz Hauptstr. 5 79100 Freiburg Germany Tax ID DE123456789",
        "Bob Miller bob@example.com",
        "Issued 20 November 2026",
        "Date of the event 3 February 2027",
        "Order 4F7K-92QD",
        "Early bird 2 €11.90 €20.00 19 % €3.80 €23.80",
        "Net at 7 % €10.00 Tax at 7 % €0.70 Net at 19 % €40.00 Tax at 19 % €7.60 Total €58.30",
        "Paid by card on 20 November 2026.",
    ):
        assert words in page


async def test_a_credit_note_names_the_invoice_it_corrects():
    back = [changed(line, net=-line.net, tax=-line.tax, gross=-line.gross) for line in INVOICE.lines]
    note = changed(INVOICE, kind="credit_note", number="C-7", corrects=("2026-0012", date(2026, 11, 20)), lines=back)
    [page] = pages(await invoice_pdf(note))
    assert "Credit note C-7" in page
    assert "Corrects Invoice 2026-0012 of 20 November 2026" in page
    assert "Total -€58.30" in page


async def test_a_long_invoice_goes_on_over_pages_with_its_header():
    many = [changed(INVOICE.lines[0], text=f"Seat {number}") for number in range(200)]
    sheets = pages(await invoice_pdf(changed(INVOICE, lines=many)))
    assert len(sheets) > 3
    assert all("Quantity" in sheet for sheet in sheets[:-1])
    assert "Total €4,760.00" in sheets[-1]
    assert f"Invoice 2026-0012 {len(sheets)} / {len(sheets)}" in sheets[-1]


@pytest.mark.parametrize("basis_points", [0, 550, 1900, 2000, 5])
async def test_tax_rates_show_their_hundredths_where_they_have_some(basis_points):
    line = InvoiceLine(text="Seat", quantity=1, unit=100, net=100, tax_rate=basis_points, tax=0, gross=100)
    [page] = pages(await invoice_pdf(changed(INVOICE, lines=[line])))
    told = {0: "0 %", 550: "5.5 %", 1900: "19 %", 2000: "20 %", 5: "0.05 %"}[basis_points]
    assert f"Tax at {told}" in page


async def test_the_same_invoice_is_always_the_same_file():
    assert await invoice_pdf(INVOICE) == await invoice_pdf(INVOICE)


async def test_many_at_once_do_not_mix():
    async def one() -> bool:
        seat = Seat(uuid4(), 3)
        pdf = await tickets_pdf([changed(TICKET, code=CODES.issue(seat.ticket, 3))])
        return [CODES.read(code) for code in scanned(pdf)] == [seat]

    assert all(await asyncio.gather(*(one() for _ in range(12))))


async def test_no_tickets_are_no_document():
    with pytest.raises(ValueError, match="at least one"):
        await tickets_pdf([])


async def test_a_file_of_tickets_is_small_enough_to_mail():
    assert len(await tickets_pdf([TICKET])) < 60_000
    assert len(await tickets_pdf([TICKET] * 20)) < 300_000


async def test_an_invoice_kept_as_json_prints_as_before():
    note = changed(INVOICE, kind="credit_note", corrects=("2026-0011", date(2026, 11, 19)))
    kept = msgspec.json.decode(msgspec.json.encode(note))
    assert await invoice_pdf(msgspec.convert(kept, PrintedInvoice)) == await invoice_pdf(note)
