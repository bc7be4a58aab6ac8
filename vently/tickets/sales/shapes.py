"""Sales, attendees and orders of an event, as who runs it reads them."""

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec

from vently.tickets.till.shapes import Money, OrderStatus, TicketStatus, TypeName
from vently.web.words import CursorText, PageSize, Reference, line

Method = Literal["free", "card", "transfer", "door"]


class OfEvent(msgspec.Struct):
    """Of which event."""

    event: Reference


class SalesEvent(msgspec.Struct):
    """Days are those of its time zone."""

    id: UUID
    slug: str
    title: str
    timezone: str


class Totals(msgspec.Struct):
    """`total` = `gross` - `discounts` + `fees` (what buyers paid on top); `tax` is contained in it. `net` is what is
    left after `refunds` and `platform_fees`. `tickets` are those that count today.
    """

    orders: int
    tickets: int
    gross: int
    discounts: int
    fees: int
    total: int
    tax: int
    refunds: int
    platform_fees: int
    net: int


class Held(msgspec.Struct):
    """What is taken by orders that are not paid yet."""

    orders: int
    tickets: int
    amount: int


class TypeSales(msgspec.Struct):
    """Of one ticket type; `amount` is what was paid for them, refunded ones too."""

    ticket_type: TypeName
    quantity: int
    sold: int
    held: int
    refunded: int
    amount: int


class DaySales(msgspec.Struct):
    """Of the orders paid on a day; `refunded` is what went back of theirs."""

    day: date
    orders: int
    tickets: int
    amount: int
    refunded: int


class DiscountSales(msgspec.Struct):
    """With one discount code; `discounts` is what it cost."""

    code: str
    orders: int
    tickets: int
    discounts: int
    amount: int


class MethodSales(msgspec.Struct):
    """By one way to pay."""

    method: Method
    orders: int
    amount: int
    refunded: int


class Sales(msgspec.Struct):
    """Amounts are integer minor units of `currency`, which is null where nothing was ever on sale."""

    event: SalesEvent
    currency: str | None
    totals: Totals
    held: Held
    by_type: list[TypeSales]
    by_day: list[DaySales]
    by_discount: list[DiscountSales]
    by_method: list[MethodSales]


class Contact(msgspec.Struct):
    """Who bought."""

    name: str
    email: str


class AttendeeOrder(msgspec.Struct):
    """The order that a ticket came with."""

    id: UUID
    status: OrderStatus
    method: Method
    buyer: Contact
    created_at: datetime


class Attendee(msgspec.Struct):
    """A ticket and who comes with it: as it says, else who bought it. `answers` by the id of each question."""

    id: UUID
    status: TicketStatus
    ticket_type: TypeName
    name: str
    email: str
    answers: dict[str, str]
    paid: Money
    order: AttendeeOrder
    admitted_at: datetime | None


class Attendees(msgspec.Struct):
    """A page of attendees, those of the newest orders first."""

    items: list[Attendee]
    next: str | None


class AttendeeChoice(msgspec.Struct):
    """Tickets that count, unless `status` asks for others; `q`: part of a name or address, or an order's id."""

    q: Annotated[str, line(200)] | None = None
    ticket_type: UUID | None = None
    status: TicketStatus = "valid"


class AttendeeFilters(AttendeeChoice):
    """Which attendees, and which page of them."""

    limit: PageSize = 20
    cursor: CursorText | None = None


class OrderRow(msgspec.Struct):
    """An order in the organiser's list; all of it is at `/api/tickets/orders/{id}`."""

    id: UUID
    status: OrderStatus
    method: Method
    buyer: Contact
    total: Money
    refunded: Money
    tickets: int
    expires_at: datetime | None
    paid_at: datetime | None
    created_at: datetime


class OrderRows(msgspec.Struct):
    """A page of orders, the newest first."""

    items: list[OrderRow]
    next: str | None


class OrderFilters(msgspec.Struct):
    """`q`: part of the buyer's name or address, or how the order's id begins."""

    q: Annotated[str, line(200)] | None = None
    status: OrderStatus | None = None
    method: Method | None = None
    limit: PageSize = 20
    cursor: CursorText | None = None
