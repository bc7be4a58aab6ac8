"""What an event sells, as buyers see it: types with what is left, what a code is worth, what a cart costs."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec

from vently.database.pool import Transaction
from vently.database.queries import load
from vently.tickets.till.shapes import NewItem
from vently.web.references import split

sql = load(__package__)

FEW = 20
"""From here on people are told how many are left."""


class Question(msgspec.Struct):
    """What is asked of every attendee. `kind` is text, choice or yes."""

    id: UUID
    label: str
    kind: str
    choices: list[str]
    required: bool


class Sale(msgspec.Struct):
    """How an event sells, to this viewer."""

    event_id: UUID
    slug: str
    title: str
    timezone: str
    currency: str
    methods: list[str]
    fee_on_top: bool
    hold_minutes: int
    closed: bool
    member: bool
    questions: list[Question]

    def __post_init__(self) -> None:
        self.questions = msgspec.convert(self.questions, list[Question])


class OnSale(msgspec.Struct):
    """One ticket type. `opened`: by the code that was given; `left`: of it, and of its pool."""

    id: UUID
    name: str
    description: str
    price: int
    pay_what_you_want: bool
    per_order_max: int
    members_only: bool
    sales_start: datetime | None
    sales_end: datetime | None
    locked: bool
    opened: bool
    phase: Literal["soon", "open", "over"]
    left: int

    def buyable(self, sale: Sale) -> bool:
        """Now, by this viewer, with the code that was given."""
        open_to_me = (sale.member or not self.members_only) and (self.opened or not self.locked)
        return open_to_me and self.phase == "open" and self.left > 0 and not sale.closed


class Discount(msgspec.Struct):
    """What a code takes off: a percentage, or an amount in minor units."""

    percent: int | None
    amount: int | None
    used_up: bool


class Reckoned(msgspec.Struct):
    """What a cart costs, in minor units; `tax` is contained in `total`."""

    subtotal: int
    discount: int
    fee: int
    tax: int
    total: int


async def of(tx: Transaction, event: str) -> Sale | None:
    """None for an event that sells nothing, or is out of sight."""
    return await tx.maybe_one(sql.get_sale, Sale, **split(event))


async def on_sale(tx: Transaction, event: UUID, code: str | None = None) -> list[OnSale]:
    """All but the hidden types; the right code shows its own."""
    return await tx.many(sql.list_on_sale, OnSale, event=event, code=code)


async def discount(tx: Transaction, event: UUID, code: str) -> Discount | None:
    return await tx.maybe_one(sql.find_discount, Discount, event=event, code=code)


async def reckon(
    tx: Transaction, event: UUID, items: list[NewItem], *, code: str | None, access_code: str | None, platform_fee: int
) -> Reckoned:
    """What the till would take for these items, if it takes them. `platform_fee` is in basis points."""
    asked: list[dict[str, Any]] = [
        {"ticket_type": item.ticket_type, "quantity": item.quantity, "price": item.price.amount if item.price else None}
        for item in items
    ]
    return await tx.one(
        sql.reckon,
        Reckoned,
        event=event,
        items=asked,
        code=code,
        access_code=access_code,
        platform_fee=platform_fee,
    )
