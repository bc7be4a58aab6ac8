"""Letters about tickets: bought, handed on, paid for by transfer, given back."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from msgspec import Struct

from vently.outside.mail import Attachment, Mail
from vently.tickets.issued.calendars import calendar
from vently.tickets.issued.documents import PrintedTicket, tickets_pdf
from vently.tickets.issued.events import TicketedEvent
from vently.web import dates, money, visible
from vently.web.letters import Letter, compose

Way = Literal["card", "transfer", "door"]
"""How the money came, and so how it goes back."""

_BACK: dict[Way, str] = {
    "card": "It goes back to the card you paid with; banks take up to ten days to show it.",
    "transfer": "The organiser transfers it back to you. If it has not arrived in ten days, please write to them.",
    "door": "The organiser gives it back to you. If you have not had it in ten days, please write to them.",
}
_SUBJECT = 80


class Told(Struct, frozen=True, kw_only=True):
    """An order as its letters tell of it. `order` is what the buyer calls it by, `link` opens its page."""

    to: str
    event: TicketedEvent
    order: str
    link: str
    currency: str
    total: int
    items: Sequence[tuple[str, int]] = ()
    """Ticket types with how many."""


async def enclosed(event: TicketedEvent, tickets: Sequence[PrintedTicket]) -> tuple[Attachment, ...]:
    """What goes with a letter that brings tickets: the PDF of all of them, and a calendar entry."""
    types = {visible.line(ticket.type): None for ticket in tickets}
    note = f"{_counted(len(tickets))}: {', '.join(types)}"
    return (
        Attachment("tickets.pdf", "application/pdf", await tickets_pdf(tickets)),
        Attachment("event.ics", "text/calendar", calendar(event, note)),
    )


def bought(site_url: str, told: Told, attachments: tuple[Attachment, ...] = ()) -> Mail:
    """Paid, or free: here are the tickets."""
    letter = Letter(
        subject=f"Your tickets for {_title(told.event)}",
        lines=(
            "Good news: your tickets are ready. They are attached as a PDF, and on the page of your order.",
            "Show the code of each ticket at the door, on paper or on your phone.",
        ),
        facts=(*_of_event(told.event), *_of_order(told)),
        button="Look at my order",
        link=told.link,
        after=(
            "Whoever has this letter has your tickets: please do not pass it on.",
            "To give somebody a ticket, hand it on from the page of your order: they get a code of their own.",
        ),
    )
    return compose(site_url, told.to, letter, attachments)


def given(
    site_url: str,
    to: str,
    event: TicketedEvent,
    *,
    giver: str,
    ticket_type: str,
    link: str,
    attachments: tuple[Attachment, ...] = (),
) -> Mail:
    """To whom a ticket was handed on. `link` opens the ticket."""
    letter = Letter(
        subject=f"{_short(giver)} gave you a ticket for {_title(event)}",
        lines=(
            f"{visible.line(giver)} handed a ticket on to you.",
            "It is yours now: the code they had no longer opens the door.",
            "Show the code of your ticket at the door, on paper or on your phone.",
        ),
        facts=(*_of_event(event), ("Ticket", visible.line(ticket_type))),
        button="Look at my ticket",
        link=link,
        after=("If you do not know what this is about, somebody probably mistyped an address: please do nothing.",),
    )
    return compose(site_url, to, letter, attachments)


def handed_on(site_url: str, to: str, event: TicketedEvent, *, taker: str, ticket_type: str, link: str) -> Mail:
    """To who had the ticket before. `taker`: the address it went to; `link` opens the order."""
    letter = Letter(
        subject=f"You handed on a ticket for {_title(event)}",
        lines=(f"Your ticket now belongs to {visible.line(taker)}. The code you had no longer opens the door.",),
        facts=(*_of_event(event), ("Ticket", visible.line(ticket_type))),
        button="Look at my order",
        link=link,
        after=("If it was not you, please write to the organiser at once: they can take it back.",),
    )
    return compose(site_url, to, letter)


def taken_back(site_url: str, to: str, event: TicketedEvent, *, giver: str, ticket_type: str) -> Mail:
    """To whom a ticket was handed on that was refunded since: the money is whose who paid."""
    off = event.status == "cancelled"
    why = f"The ticket that {visible.line(giver)} handed on to you was given back. Its code no longer opens the door."
    letter = Letter(
        subject=f"{'Cancelled' if off else 'Your ticket was given back'}: {_title(event)}",
        lines=(f"We are sorry: {_title(event)} will not take place, and your ticket is void." if off else why,),
        facts=(*_of_event(event), ("Ticket", visible.line(ticket_type))),
        button="Look at the event",
        link=event.url or site_url,
        after=("If anything was paid for it, it goes back to who bought it.",),
    )
    return compose(site_url, to, letter)


def refunded(
    site_url: str, told: Told, *, amount: int, way: Way, tickets: int = 0, reason: str = "", credit_note: bool = False
) -> Mail:
    """Money on its way back, for so many tickets (none: without taking any back)."""
    said = (
        f"You get {_amount(amount, told)} back.",
        f"{_counted(tickets)} of your order no longer {'opens' if tickets == 1 else 'open'} the door."
        if tickets
        else "",
        _BACK[way],
        "The credit note is on the page of your order." if credit_note else "",
    )
    letter = Letter(
        subject=f"Your refund for {_title(told.event)}",
        lines=tuple(line for line in said if line),
        facts=(*_of_event(told.event), ("Order", told.order), ("Refund", _amount(amount, told)), ("Reason", reason)),
        button="Look at my order",
        link=told.link,
    )
    return compose(site_url, told.to, letter)


def cancelled(site_url: str, told: Told, *, amount: int, way: Way, message: str = "") -> Mail:
    """The event will not take place. `amount`: what goes back, 0 for what was free."""
    refund = (f"You get {_amount(amount, told)} back. {_BACK[way]}",) if amount else ()
    letter = Letter(
        subject=f"Cancelled: {_title(told.event)}",
        lines=(f"We are sorry: {_title(told.event)} will not take place, and your tickets are void.", *refund),
        facts=(
            *_of_event(told.event),
            ("Order", told.order),
            ("Refund", _amount(amount, told) if amount else ""),
            ("From the organiser", message),
        ),
        button="Look at my order",
        link=told.link,
    )
    return compose(site_url, told.to, letter)


def to_transfer(site_url: str, told: Told, *, bank_details: str, reference: str, pay_by: datetime) -> Mail:
    """How to pay by bank transfer. `bank_details` keep their lines."""
    until = _moment(pay_by, told.event)
    letter = Letter(
        subject=f"Please pay for your tickets for {_title(told.event)}",
        lines=(
            f"Your tickets are kept for you until {until}. Please transfer the amount so that it arrives before then.",
            "Name the reference: it is how the organiser knows that the money is yours.",
            "Your tickets come by mail once the organiser has the money.",
        ),
        facts=(
            ("Amount", _amount(told.total, told)),
            ("Account", bank_details),
            ("Reference", reference),
            ("To arrive by", until),
            *_of_event(told.event),
            *_of_order(told),
        ),
        button="Look at my order",
        link=told.link,
        after=("If you have changed your mind, give the tickets back on the page of your order.",),
    )
    return compose(site_url, told.to, letter)


def _of_event(event: TicketedEvent) -> tuple[tuple[str, str], ...]:
    place = (("Where", visible.line(event.where)),) if event.where else ()
    organizer = (("Organised by", visible.line(event.organizer)),) if event.organizer else ()
    return (("Event", visible.line(event.title)), ("When", dates.when(event)), *place, *organizer)


def _of_order(told: Told) -> tuple[tuple[str, str], ...]:
    items = "\n".join(f"{count} × {visible.line(name)}" for name, count in told.items)
    return (("Order", told.order), ("Tickets", items), ("Total", _amount(told.total, told) if told.total else "Free"))


def _amount(amount: int, told: Told) -> str:
    return money.formatted(amount, told.currency)


def _moment(moment: datetime, event: TicketedEvent) -> str:
    here = dates.local(moment, event)
    return f"{dates.long_day(here)}, {here:%H:%M} ({dates.zone_name(event.timezone)})"


def _counted(tickets: int) -> str:
    return "1 ticket" if tickets == 1 else f"{tickets} tickets"


def _title(event: TicketedEvent) -> str:
    return _short(event.title)


def _short(words: str) -> str:
    """Short enough for a subject."""
    kept = visible.line(words)
    return kept if len(kept) <= _SUBJECT else f"{kept[: _SUBJECT - 1].rstrip()}…"
