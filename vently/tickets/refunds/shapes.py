"""What is asked and answered about refunds."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from vently.web.words import line, text

RefundStatus = Literal["requested", "pending", "succeeded", "failed", "by_hand"]


class Key(msgspec.Struct):
    """The key of a signed link, for who has no account."""

    key: Annotated[str, line(100, shortest=0)] | None = None


class NewRefund(msgspec.Struct, forbid_unknown_fields=True):
    """Tickets to take back for what they cost, an amount, or (with neither) all that is left of the order."""

    tickets: Annotated[list[UUID], Meta(min_length=1, max_length=2000, description="left out, all that are left")] = []
    amount: Annotated[int, Meta(ge=1, le=100_000_000_000, description="integer minor units")] | None = None
    reason: Annotated[str, text(500)] = ""


class Refund(msgspec.Struct):
    """Money on its way back. `id` is null where tickets were given back that had cost nothing.

    `requested` and `pending` go by themselves, `by_hand` the organiser sends. A `failed` one is still owed.
    """

    id: UUID | None
    order: UUID
    status: RefundStatus
    amount: int
    currency: str
    tickets: list[UUID]
    reason: str
    cause: Literal["organizer", "buyer", "event_cancelled", "too_late", "paid_twice", "wrong_amount"] | None
    created_at: datetime | None = None
    settled_at: datetime | None = None


class Refunds(msgspec.Struct):
    """All refunds of an order, the latest first."""

    items: list[Refund]
    next: None


class RefundOutcome(msgspec.Struct, forbid_unknown_fields=True):
    """`succeeded`: the organiser has sent the money by hand. `requested`: try again what the provider would not do."""

    status: Literal["succeeded", "requested"]


class Progress(msgspec.Struct):
    """How far the refunds of a cancelled event are. `amount`: what goes back so far, in minor units of `currency`.

    `running`: something is still on its way by itself. `failed` and `by_hand` wait for the organiser.
    """

    total: int
    done: int
    failed: int
    by_hand: int
    amount: int
    currency: str | None
    running: bool
