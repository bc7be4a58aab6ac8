"""What an event's sale looks like in requests and answers."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from vently.web.words import Currency, CursorText, Moment, PageSize, label, line, text

Amount = Annotated[int, Meta(ge=0, le=100_000_000_000, description="integer minor units")]
Quantity = Annotated[int, Meta(ge=0, le=1_000_000)]
Percent = Annotated[float, Meta(ge=0, le=50, description="two digits after the point")]
Place = Annotated[int, Meta(ge=0, le=10_000, description="where it stands in the list")]
PerOrder = Annotated[int, Meta(ge=1, le=100)]
PerPerson = Annotated[int, Meta(ge=1, le=1000)]
Name = Annotated[str, line(120)]
Description = Annotated[str, text(2000)]
AccessCode = Annotated[str, line(60)]
OnSale = Literal["upcoming", "on_sale", "sold_out", "over"]


class TicketPrice(msgspec.Struct, forbid_unknown_fields=True):
    """What one ticket costs, tax included; with `pay_what_you_want` the least that is taken."""

    amount: Amount
    currency: Currency


class TicketPriceChanges(msgspec.Struct, forbid_unknown_fields=True):
    """An event sells in one currency: a price may be given without it."""

    amount: Amount
    currency: Currency | UnsetType = UNSET


class NewTicketType(msgspec.Struct, forbid_unknown_fields=True):
    """The first one opens the sale in its currency. An `access_code` locks it; `pool` is one of the event's pools."""

    name: Name
    price: TicketPrice
    quantity: Quantity
    description: Description = ""
    pay_what_you_want: bool = False
    pool: UUID | None = None
    per_order_max: PerOrder = 10
    per_person_max: PerPerson | None = None
    sales_start: Moment | None = None
    sales_end: Moment | None = None
    access_code: AccessCode | None = None
    hidden: bool = False
    members_only: bool = False
    transferable: bool = True
    tax_percent: Percent = 0.0
    place: Place = 0


class TicketTypeChanges(msgspec.Struct, forbid_unknown_fields=True):
    """JSON Merge Patch of a ticket type. `quantity` may change while it sells, not below what is sold and held."""

    name: Name | UnsetType = UNSET
    price: TicketPriceChanges | UnsetType = UNSET
    quantity: Quantity | UnsetType = UNSET
    description: Description | UnsetType = UNSET
    pay_what_you_want: bool | UnsetType = UNSET
    pool: UUID | None | UnsetType = UNSET
    per_order_max: PerOrder | UnsetType = UNSET
    per_person_max: PerPerson | None | UnsetType = UNSET
    sales_start: Moment | None | UnsetType = UNSET
    sales_end: Moment | None | UnsetType = UNSET
    access_code: AccessCode | None | UnsetType = UNSET
    hidden: bool | UnsetType = UNSET
    members_only: bool | UnsetType = UNSET
    transferable: bool | UnsetType = UNSET
    tax_percent: Percent | UnsetType = UNSET
    place: Place | UnsetType = UNSET


class TicketType(msgspec.Struct):
    """`available` is the least of what it and its pool have left. `access_code`, `quantity`, `held` and `sold` are told
    to those who run the event alone.
    """

    id: UUID
    event_id: UUID
    name: str
    description: str
    price: TicketPrice
    pay_what_you_want: bool
    pool: UUID | None
    available: int
    on_sale: OnSale
    per_order_max: int
    per_person_max: int | None
    sales_start: datetime | None
    sales_end: datetime | None
    locked: bool
    hidden: bool
    members_only: bool
    transferable: bool
    tax_percent: float
    place: int
    access_code: str | None
    quantity: int | None
    held: int | None
    sold: int | None
    created_at: datetime
    updated_at: datetime
    version: int


class TicketTypes(msgspec.Struct):
    """All ticket types of an event, in their order."""

    items: list[TicketType]
    next: str | None


class NewPool(msgspec.Struct, forbid_unknown_fields=True):
    """So many in all, for the ticket types that share it."""

    name: Name
    quantity: Quantity


class PoolChanges(msgspec.Struct, forbid_unknown_fields=True):
    """JSON Merge Patch of a pool."""

    name: Name | UnsetType = UNSET
    quantity: Quantity | UnsetType = UNSET


class Pool(msgspec.Struct):
    """What several ticket types share."""

    id: UUID
    event_id: UUID
    name: str
    quantity: int
    held: int
    sold: int
    available: int


class Pools(msgspec.Struct):
    """All pools of an event."""

    items: list[Pool]
    next: str | None


DiscountCode = Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{2,40}\Z", min_length=2, max_length=40)]
DiscountAmount = Annotated[int, Meta(ge=1, le=100_000_000_000, description="integer minor units")]
DiscountPercent = Annotated[int, Meta(ge=1, le=100)]
Uses = Annotated[int, Meta(ge=1, le=1_000_000, description="orders that may use it")]


class NewDiscount(msgspec.Struct, forbid_unknown_fields=True):
    """Either `percent` off each ticket, or an `amount` off the order. Codes are kept in capitals."""

    code: DiscountCode
    percent: DiscountPercent | None = None
    amount: DiscountAmount | None = None
    currency: Currency | None = None
    max_uses: Uses | None = None
    valid_from: Moment | None = None
    valid_until: Moment | None = None


class DiscountChanges(msgspec.Struct, forbid_unknown_fields=True):
    """JSON Merge Patch of a discount."""

    percent: DiscountPercent | None | UnsetType = UNSET
    amount: DiscountAmount | None | UnsetType = UNSET
    max_uses: Uses | None | UnsetType = UNSET
    valid_from: Moment | None | UnsetType = UNSET
    valid_until: Moment | None | UnsetType = UNSET


class Discount(msgspec.Struct):
    """A discount code, and how many orders have used it."""

    id: UUID
    code: str
    percent: int | None
    amount: int | None
    currency: str
    max_uses: int | None
    uses: int
    valid_from: datetime | None
    valid_until: datetime | None
    created_at: datetime
    updated_at: datetime
    version: int


class Discounts(msgspec.Struct):
    """A page of discounts, the oldest first."""

    items: list[Discount]
    next: str | None


class DiscountFilters(msgspec.Struct):
    """Where the page begins."""

    limit: PageSize = 20
    cursor: CursorText | None = None


QuestionKind = Literal["text", "choice", "yes"]
Choices = Annotated[list[Annotated[str, label(100)]], Meta(max_length=50, extra_json_schema={"uniqueItems": True})]
QuestionLabel = Annotated[str, line(200)]


class NewQuestion(msgspec.Struct, forbid_unknown_fields=True):
    """Asked of every attendee. Only a `choice` has `choices`, and it has at least one."""

    label: QuestionLabel
    kind: QuestionKind = "text"
    choices: Choices = []
    required: bool = False
    place: Place = 0


class QuestionChanges(msgspec.Struct, forbid_unknown_fields=True):
    """JSON Merge Patch of a question."""

    label: QuestionLabel | UnsetType = UNSET
    kind: QuestionKind | UnsetType = UNSET
    choices: Choices | UnsetType = UNSET
    required: bool | UnsetType = UNSET
    place: Place | UnsetType = UNSET


class Question(msgspec.Struct):
    """What is asked of every attendee."""

    id: UUID
    event_id: UUID
    label: str
    kind: QuestionKind
    choices: list[str]
    required: bool
    place: int


class Questions(msgspec.Struct):
    """All questions of an event, in their order."""

    items: list[Question]
    next: str | None


Method = Literal["card", "transfer", "door"]
Methods = Annotated[list[Method], Meta(min_length=1, max_length=3, extra_json_schema={"uniqueItems": True})]


class SellerChanges(msgspec.Struct, forbid_unknown_fields=True):
    """What invoices say of who sells; the community's, where it has one."""

    name: Annotated[str, line(200)] | None | UnsetType = UNSET
    address: Annotated[str, text(1000, shortest=1)] | None | UnsetType = UNSET
    tax_id: Annotated[str, line(60)] | None | UnsetType = UNSET
    bank_details: Annotated[str, text(1000, shortest=1)] | None | UnsetType = UNSET


class SaleChanges(msgspec.Struct, forbid_unknown_fields=True):
    """JSON Merge Patch of how an event sells. `currency` opens the sale, and changes only while nothing was ordered."""

    currency: Currency | UnsetType = UNSET
    methods: Methods | UnsetType = UNSET
    hold_minutes: Annotated[int, Meta(ge=5, le=60)] | UnsetType = UNSET
    transfer_hours: Annotated[int, Meta(ge=1, le=720)] | UnsetType = UNSET
    refund_hours: Annotated[int, Meta(ge=0, le=8760)] | None | UnsetType = UNSET
    fee_on_top: bool | UnsetType = UNSET
    seller: SellerChanges | UnsetType = UNSET


class Seller(msgspec.Struct):
    """Who sells."""

    name: str | None
    address: str | None
    tax_id: str | None
    bank_details: str | None


class Sale(msgspec.Struct):
    """How an event sells. `refund_hours`: buyers give tickets back by themselves until so long before it begins."""

    event_id: UUID
    currency: str
    methods: list[Method]
    hold_minutes: int
    transfer_hours: int
    refund_hours: int | None
    fee_on_top: bool
    seller: Seller | None
    created_at: datetime
    updated_at: datetime
    version: int
