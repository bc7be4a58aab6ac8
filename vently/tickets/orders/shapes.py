"""What is asked about orders, and what is changed of them."""

from typing import Annotated
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from vently.tickets.till.shapes import Order
from vently.web.words import CursorText, Email, PageSize, line, text


class Key(msgspec.Struct):
    """The key of a signed link, for who has no account."""

    key: Annotated[str, line(100, shortest=0)] | None = None


class Mine(msgspec.Struct):
    """How much of the list, and from where."""

    limit: PageSize = 20
    cursor: CursorText | None = None


class Orders(msgspec.Struct):
    """A page of orders."""

    items: list[Order]
    next: str | None


class BuyerChanges(msgspec.Struct, forbid_unknown_fields=True):
    """A new `email` ends the old link, and the codes that were sent to the old address."""

    name: Annotated[str, line(120)] | UnsetType = UNSET
    email: Email | UnsetType = UNSET
    address: Annotated[str, text(1000, shortest=1)] | None | UnsetType = UNSET
    tax_id: Annotated[str, line(60)] | None | UnsetType = UNSET


class AttendeeChanges(msgspec.Struct, forbid_unknown_fields=True):
    """Whom a ticket of the order is for; `answers` by the id of each question, all of them."""

    ticket: UUID
    name: Annotated[str, line(120)] | None | UnsetType = UNSET
    answers: dict[Annotated[str, line(40)], Annotated[str, text(2000)]] | UnsetType = UNSET


class OrderChanges(msgspec.Struct, forbid_unknown_fields=True):
    """What may still be corrected of an order that is not over."""

    buyer: BuyerChanges | UnsetType = UNSET
    attendees: Annotated[list[AttendeeChanges], Meta(max_length=200)] | UnsetType = UNSET
