"""What issued tickets look like in requests and answers."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec

from vently.tickets.till.shapes import AttendeeName, Money, TypeName
from vently.web.words import CursorText, Email, PageSize, line


class TicketKey(msgspec.Struct):
    """The key of a signed link, for who has no account."""

    key: Annotated[str, line(100, shortest=0)] | None = None


class MyTickets(msgspec.Struct):
    """How much of the list, and from where."""

    limit: PageSize = 20
    cursor: CursorText | None = None


class Place(msgspec.Struct):
    """Where it is."""

    name: str | None
    address: str | None
    city: str | None
    country: str | None
    lat: float | None
    lng: float | None


class TicketEvent(msgspec.Struct):
    """What the ticket is for; `venue` and `online_url` are told to whoever has a ticket."""

    id: UUID
    slug: str
    title: str
    starts_at: datetime
    ends_at: datetime
    all_day: bool
    timezone: str
    status: str
    online: bool = False
    online_url: str | None = None
    venue: Place | None = None


class Holder(msgspec.Struct):
    """Whose account has it."""

    handle: str
    name: str


class TicketCard(msgspec.Struct):
    """A ticket. `order` and `amount` are told to whoever bought it and to who runs the event."""

    id: UUID
    status: Literal["held", "valid", "used", "void", "refunded"]
    used_at: datetime | None
    event: TicketEvent
    ticket_type: TypeName
    attendee: AttendeeName
    holder: Holder | None
    order: UUID | None
    amount: Money | None
    transferable: bool
    serial: int
    url: str
    calendar_url: str
    pdf_url: str | None
    created_at: datetime


class Ticket(TicketCard):
    """With what the door reads: only for whoever has the ticket, and only while it opens the door.

    `link` opens the ticket to whoever holds it, until it is handed on.
    """

    code: str | None = None
    qr_svg: str | None = None
    link: str | None = None


class Tickets(msgspec.Struct):
    """A page of tickets."""

    items: list[TicketCard]
    next: str | None


class NewTransfer(msgspec.Struct, forbid_unknown_fields=True):
    """To whom: they get a code of their own by mail, and the code before it opens no door any more."""

    email: Email
    name: Annotated[str, line(120)] | None = None


class Transfer(msgspec.Struct):
    """A ticket that was handed on: what it is for, and who has it now."""

    ticket: UUID
    event: TicketEvent
    ticket_type: TypeName
    to: AttendeeName
