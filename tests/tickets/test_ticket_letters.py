"""Letters about tickets: what they tell, what goes with them, and that nobody's words change what they are."""

import email
import email.policy
import io
from datetime import UTC, datetime
from html.parser import HTMLParser
from uuid import UUID

import icalendar
import msgspec
import pypdf
import pytest

from vently.outside.mail import Mail
from vently.outside.mail.composing import Sender
from vently.tickets.issued import letters
from vently.tickets.issued.codes import Codes
from vently.tickets.issued.documents import PrintedTicket
from vently.tickets.issued.events import TicketedEvent
from vently.tickets.issued.letters import Told

SITE = "https://vently.example"
JAZZ = TicketedEvent(
    id=UUID(int=7),
    title="Jazz by the lake",
    starts_at=datetime(2031, 7, 3, 17, tzinfo=UTC),
    ends_at=datetime(2031, 7, 3, 20, tzinfo=UTC),
    timezone="Europe/Berlin",
    where="Boathouse, Freiburg",
    organizer="Freiburg Jazz",
    url=f"{SITE}/events/jazz",
    updated_at=datetime(2031, 1, 1, tzinfo=UTC),
)
LINK = f"{SITE}/orders/1?key=1.abc&lang=en"
TOLD = Told(
    to="bob@example.com",
    event=JAZZ,
    order="4F7K-92QD",
    link=LINK,
    currency="EUR",
    total=2500,
    items=[("Early bird", 2), ("Late bird", 1)],
)
DUE = datetime(2031, 6, 1, 22, tzinfo=UTC)
ATTACKS = [
    "<script>alert(1)</script>",
    "</mj-text><mj-raw><img src=x onerror=alert(1)></mj-raw>",
    '"><a href="https://evil.example">click</a>',
    "{{ 7 * 7 }} {% raw %} &lt;b&gt; &#60;b&#62; ]]> <![CDATA[<b>]]> <!-- -->",
    "a\0b\x1b\ud800\u202egpj.exe\ufffe\r\nBcc: all@example.com",
    "W" * 200,
    "🎉 שלום " * 20,
]


def every(told: Told) -> list[Mail]:
    event = told.event
    return [
        letters.bought(SITE, told),
        letters.given(SITE, told.to, event, giver=event.organizer, ticket_type=event.title, link=LINK),
        letters.handed_on(SITE, told.to, event, taker="carol@example.com", ticket_type=event.title, link=LINK),
        letters.refunded(SITE, told, amount=2500, way="card", tickets=1, reason=event.title),
        letters.cancelled(SITE, told, amount=2500, way="transfer", message=event.title),
        letters.to_transfer(SITE, told, bank_details=event.title, reference=told.order, pay_by=DUE),
    ]


class Page(HTMLParser):
    def __init__(self, html: str):
        super().__init__()
        self.tags, self.links, self.words, self.attributes = set(), [], "", set()
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attributes}
        self.links += [value for name, value in attributes if name in {"href", "src"}]

    def handle_data(self, data):
        self.words += data


def test_who_bought_reads_what_they_have_and_where_to_find_it():
    mail = letters.bought(SITE, TOLD)
    assert (mail.to, mail.subject) == ("bob@example.com", "Your tickets for Jazz by the lake")
    for words in (
        "Event: Jazz by the lake\n",
        "When: Thursday 3 July 2031, 19:00\u00a0–\u00a022:00 CEST\n",
        "Where: Boathouse, Freiburg\n",
        "Order: 4F7K-92QD\n",
        "Tickets: 2 × Early bird\n         1 × Late bird\n",
        "Total: €25.00\n",
        f"Look at my order:\n{LINK}\n",
    ):
        assert words in mail.text
    assert LINK in Page(mail.html).links


def test_html_and_text_say_the_same():
    for mail in every(TOLD):
        shown = "".join(Page(mail.html).words.split())
        for line in mail.text.splitlines():
            label, colon, value = line.partition(": ")
            if line.startswith(("http", "--", "Vently,", "Look at")):
                continue
            parts = [label, value] if colon and len(label) < 20 else [line]
            assert all("".join(part.split()) in shown for part in parts), line


def test_a_free_order_costs_nothing_and_what_is_unknown_leaves_no_label():
    bare = msgspec.structs.replace(TOLD, total=0, event=msgspec.structs.replace(JAZZ, where="", organizer=""))
    text = letters.bought(SITE, bare).text
    assert "Total: Free" in text
    assert "Where" not in text
    assert "Organised" not in text


async def test_pdf_and_calendar_go_with_the_tickets_through_the_mail():
    codes = Codes(b"l" * 32)
    tickets = [
        PrintedTicket(code=codes.issue(UUID(int=number), 1), event=JAZZ, type="Early bird", order="4F7K-92QD")
        for number in range(3)
    ]
    mail = letters.bought(SITE, TOLD, await letters.enclosed(JAZZ, tickets))
    letter = email.message_from_bytes(Sender("hello@vently.example").compose(mail), policy=email.policy.default)
    pdf, entry = letter.iter_attachments()
    assert (pdf.get_filename(), entry.get_filename()) == ("tickets.pdf", "event.ics")
    assert len(pypdf.PdfReader(io.BytesIO(pdf.get_payload(decode=True))).pages) == 3
    [event] = icalendar.Calendar.from_ical(entry.get_payload(decode=True)).events
    assert str(event["description"]) == "3 tickets: Early bird"


def test_who_is_given_a_ticket_reads_by_whom():
    mail = letters.given(SITE, "carol@example.com", JAZZ, giver="Bob Miller", ticket_type="Early bird", link=LINK)
    assert (mail.to, mail.subject) == ("carol@example.com", "Bob Miller gave you a ticket for Jazz by the lake")
    assert "Ticket: Early bird" in mail.text


def test_who_handed_a_ticket_on_reads_to_whom():
    mail = letters.handed_on(SITE, "bob@example.com", JAZZ, taker="carol@example.com", ticket_type="VIP", link=LINK)
    assert "now belongs to carol@example.com" in mail.text


@pytest.mark.parametrize(
    ("tickets", "told"),
    [(0, None), (1, "1 ticket of your order no longer opens"), (3, "3 tickets of your order no longer open")],
)
def test_a_refund_says_how_much_what_for_and_how_it_comes(tickets, told):
    mail = letters.refunded(
        SITE, TOLD, amount=1250, way="transfer", tickets=tickets, reason="Fell ill", credit_note=True
    )
    assert "You get €12.50 back." in mail.text
    assert "The organiser transfers it back to you." in mail.text
    assert "Reason: Fell ill" in mail.text
    assert "credit note" in mail.text
    assert ("no longer" in mail.text) == bool(told)
    assert told is None or told in mail.text


def test_a_cancelled_event_says_what_comes_back_if_anything_does():
    paid = letters.cancelled(SITE, TOLD, amount=2500, way="card", message="The band is ill.\nSee you in May!")
    assert paid.subject == "Cancelled: Jazz by the lake"
    assert "You get €25.00 back." in paid.text
    assert "From the organiser: The band is ill.\n                    See you in May!" in paid.text
    assert "back" not in letters.cancelled(SITE, TOLD, amount=0, way="card").text


def test_who_pays_by_transfer_reads_where_to_and_until_when_in_the_events_time():
    mail = letters.to_transfer(SITE, TOLD, bank_details="Freiburg Jazz\nDE02 1203", reference="4F7K92QD", pay_by=DUE)
    assert "Account: Freiburg Jazz\n         DE02 1203\n" in mail.text
    assert "To arrive by: Monday 2 June 2031, 00:00 (Berlin time)" in mail.text
    assert "Amount: €25.00\n" in mail.text
    assert "Reference: 4F7K92QD\n" in mail.text


@pytest.mark.parametrize("words", ATTACKS)
def test_whatever_people_write_letters_stay_letters(words):
    event = msgspec.structs.replace(JAZZ, title=words, where=words, organizer=words)
    attacked = msgspec.structs.replace(TOLD, event=event, items=[(words, 1)])
    for mail, plain in zip(every(attacked), every(TOLD), strict=True):
        page, usual = Page(mail.html), Page(plain.html)
        assert page.tags | {"br"} == usual.tags | {"br"}
        assert set(page.links) == set(usual.links)
        assert page.attributes == usual.attributes
        composed = email.message_from_bytes(Sender("hello@vently.example").compose(mail), policy=email.policy.default)
        assert composed["Bcc"] is None
        assert len(composed["Subject"]) < 220
        assert "\u202e" not in mail.text + mail.html
