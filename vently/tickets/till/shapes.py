"""What buyers ask of the till, and an order as it is answered."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from vently.web.words import Currency, Email, Reference, line, text

MOST_ITEMS = 20
Method = Literal["card", "transfer", "door"]
OrderStatus = Literal["pending", "paid", "expired", "cancelled", "refunded", "partially_refunded"]
TicketStatus = Literal["held", "valid", "void", "refunded"]
Amount = Annotated[int, Meta(ge=0, le=100_000_000_000, description="integer minor units")]


class Price(msgspec.Struct, forbid_unknown_fields=True):
    """What the buyer saw, or chose where they pay what they want."""

    amount: Amount
    currency: Currency


class NewAttendee(msgspec.Struct, forbid_unknown_fields=True):
    """Whom a ticket is for; `answers` by the id of each question."""

    name: Annotated[str, line(120)] | None = None
    email: Email | None = None
    answers: dict[Annotated[str, line(40)], Annotated[str, text(2000)]] = {}


class NewItem(msgspec.Struct, forbid_unknown_fields=True):
    """So many of one ticket type. Without `price` it costs what it costs."""

    ticket_type: UUID
    quantity: Annotated[int, Meta(ge=1, le=100)]
    price: Price | None = None
    attendees: Annotated[list[NewAttendee], Meta(max_length=100)] = []


class NewBuyer(msgspec.Struct, forbid_unknown_fields=True):
    """Who buys; whoever is signed in may leave out what their account says. The invoice has `address` and `tax_id`."""

    name: Annotated[str, line(120)] | None = None
    email: Email | None = None
    address: Annotated[str, text(1000, shortest=1)] | None = None
    tax_id: Annotated[str, line(60)] | None = None


class NewOrder(msgspec.Struct, forbid_unknown_fields=True):
    """A cart: all of it or nothing."""

    event: Reference
    items: Annotated[list[NewItem], Meta(min_length=1, max_length=MOST_ITEMS)]
    buyer: NewBuyer | None = None
    discount_code: Annotated[str, line(40)] | None = None
    access_code: Annotated[str, line(60)] | None = None
    method: Method | None = None


class Money(msgspec.Struct):
    """Integer minor units of a currency."""

    amount: int
    currency: str


class OrderEvent(msgspec.Struct):
    """What the order is for."""

    id: UUID
    slug: str
    title: str
    starts_at: datetime
    ends_at: datetime
    all_day: bool
    timezone: str
    status: str


class Buyer(msgspec.Struct):
    """Who bought."""

    name: str
    email: str
    address: str | None
    tax_id: str | None


class TypeName(msgspec.Struct):
    """Which ticket type."""

    id: UUID
    name: str


class Item(msgspec.Struct):
    """So many of a type at a price; `amount` is what they cost in all, discount and fee reckoned in."""

    ticket_type: TypeName
    quantity: int
    price: Money
    amount: Money


class AttendeeName(msgspec.Struct):
    """Whom a ticket is for, as far as it was said."""

    name: str | None
    email: str | None


class OrderTicket(msgspec.Struct):
    """A ticket of the order. Its code is at `/api/tickets/{id}`."""

    id: UUID
    ticket_type: UUID
    status: TicketStatus
    attendee: AttendeeName
    amount: Money


class Order(msgspec.Struct):
    """`tax` is contained in `total`. `link` opens the order to whoever holds it, and is told to who placed it alone."""

    id: UUID
    event: OrderEvent
    status: OrderStatus
    method: Literal["free", "card", "transfer", "door"]
    buyer: Buyer
    subtotal: Money
    discount: Money
    fee: Money
    tax: Money
    total: Money
    refunded: Money
    items: list[Item]
    tickets: list[OrderTicket]
    expires_at: datetime | None
    paid_at: datetime | None
    checkout_url: str | None
    url: str
    created_at: datetime
    updated_at: datetime
    version: int
    link: str | msgspec.UnsetType = msgspec.UNSET
