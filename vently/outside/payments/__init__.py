"""Payments: taking money by somebody else's page, giving it back, and reading what that somebody tells us."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Literal, Protocol
from uuid import UUID

from msgspec import Struct

CHECKOUT_LASTS = timedelta(minutes=60)
"""After this a checkout closes by itself. Stripe takes 30 minutes to 24 hours, counted from when it hears of one."""


class Line(Struct, frozen=True):
    """So many of one thing; `amount` is the price of one."""

    name: str
    quantity: int
    amount: int


class Checkout(Struct, frozen=True, kw_only=True):
    """A try to pay for an order. Amounts here and everywhere are minor units as ISO 4217 has them, `EUR` or the like.

    `attempt` is the provider's idempotency key: asked again with the same words, it is the same checkout. So
    `opened_at` is when the attempt was made, the same each time; a checkout is first started within 30 minutes of it.
    Of `amount`, `account` (whom the money is for, none: ourselves) gets all but `platform_fee`.
    """

    attempt: UUID
    order: UUID
    opened_at: datetime
    amount: int
    currency: str
    title: str
    lines: list[Line]
    email: str
    success_url: str
    cancel_url: str
    account: str | None = None
    platform_fee: int = 0


class Started(Struct, frozen=True):
    """Where the buyer goes. Of a checkout started before it is what was said then, whatever became of it since."""

    reference: str
    url: str
    expires_at: datetime


class Standing(Struct, frozen=True, kw_only=True):
    """What became of a checkout.

    `open`: it may still be paid, or a bank is still at it. `failed`: a bank said no in the end; `expired`: it closed
    unpaid; neither can be paid any more. `amount` is what was paid, 0 until then, `refunded` what of it went back.
    `payment` is the provider's name for the money that came, and what refunds and disputes go by.
    """

    reference: str
    status: Literal["open", "paid", "failed", "expired"]
    attempt: UUID | None = None
    payment: str | None = None
    amount: int = 0
    currency: str = ""
    refunded: int = 0
    disputed: bool = False


class RefundAsked(Struct, frozen=True, kw_only=True):
    """Money to give back. `refund` is the idempotency key; with `account`, its share and our fee go back as well."""

    refund: UUID
    payment: str
    amount: int
    currency: str
    account: str | None = None


class RefundStanding(Struct, frozen=True, kw_only=True):
    """What became of a refund. One that succeeded may still fail days later, when the bank sends the money back to us.

    `refund` is ours, none when it was not made by Vently (but by hand at the provider). `reason` says why it failed.
    """

    reference: str
    status: Literal["pending", "succeeded", "failed"]
    amount: int
    currency: str
    refund: UUID | None = None
    reason: str = ""


class Dispute(Struct, frozen=True):
    """A buyer asks their bank for the money. `won`: we keep it, or it was never taken."""

    reference: str
    status: Literal["open", "won", "lost"]
    amount: int


class AccountStanding(Struct, frozen=True):
    """What an organiser's account at the provider may do."""

    charges_enabled: bool
    payouts_enabled: bool
    details_submitted: bool


class Notice(Struct, frozen=True, kw_only=True):
    """What a provider tells us by webhook; more than once, in any order, or never. `id` is the same each time.

    | kind | what happened | what is set besides |
    |---|---|---|
    | `paid` | the money is there | reference, attempt, payment, amount, currency |
    | `declined` | a card was refused: the checkout stays open, another may do | attempt, payment, reason |
    | `failed` | a bank said no in the end: the checkout cannot be paid any more | as `paid` |
    | `expired` | the checkout closed unpaid | reference, attempt |
    | `refund` | money went back, or did not | payment, `refund`; or `refunded`: all that ever went back of it |
    | `dispute` | a buyer disputes, or that ended | payment, `dispute`, currency |
    | `account` | an organiser's account changed | account, `standing` |
    | `other` | nothing to do, also for whatever happened in accounts of others | |

    `attempt` is none when the payment is not Vently's. Whether `amount` is what was asked is the caller's to compare.
    """

    id: str
    kind: Literal["paid", "declined", "failed", "expired", "refund", "dispute", "account", "other"]
    created_at: datetime
    live: bool
    reference: str | None = None
    attempt: UUID | None = None
    payment: str | None = None
    amount: int = 0
    currency: str = ""
    reason: str = ""
    refund: RefundStanding | None = None
    refunded: int | None = None
    dispute: Dispute | None = None
    account: str | None = None
    standing: AccountStanding | None = None


class Refused(ValueError):
    """A webhook that is not to be believed, or cannot be read; the sentence says which. Nothing came of it."""


class Forged(Refused):
    """Its signature is missing or wrong."""


class TooOld(Refused):
    """Its signature is right and older than five minutes: somebody plays it back."""


class PaymentsUnavailable(Exception):
    """No answer, or none that says what became of it: ask again, with the same id, for it may have been done.

    Also when the provider does not take our key: the sentence says so, and nothing of what is asked is lost.
    """


class PaymentsRefused(Exception):
    """The provider will not. `code` is its own word for why."""

    def __init__(self, sentence: str, code: str = "") -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.code = code


class Payments(Protocol):
    """Who takes the money. Whatever is asked, it raises PaymentsUnavailable and PaymentsRefused, and nothing else."""

    @property
    def name(self) -> str:
        """`stripe` or `pretend`: the word in addresses and in the database."""

    @property
    def checkout_path(self) -> str:
        """Where on our site a buyer is sent, before the attempt's id: our route calls `start`, or is the page."""

    async def start(self, checkout: Checkout) -> Started:
        """A place to pay; the same one when asked again. Unavailable, it may have been made: asked again, it is found.

        One whose answer never came was shown to nobody, and is over CHECKOUT_LASTS after it was opened.
        """

    async def look_up(self, reference: str) -> Standing:
        """What became of it. Refused with code `resource_missing`, and only then, there is none of that name."""

    async def close(self, reference: str) -> Standing:
        """See to it that it cannot be paid any more. If it was paid meanwhile, or a bank is at it, that is said."""

    async def refund(self, asked: RefundAsked) -> RefundStanding:
        """Asked again with the same `refund`, the money goes once."""

    async def look_up_refund(self, reference: str | None, refund: UUID, payment: str) -> RefundStanding | None:
        """What became of a refund, also of one whose answer (and so reference) was lost. None: it was never made."""

    def read(self, body: bytes, headers: Mapping[str, str]) -> Notice:
        """What a webhook says. Raises Forged, TooOld, and Refused for what cannot be read or is of another mode."""

    async def open_account(self, email: str, country: str) -> str:
        """An account for an organiser's money, in a country (ISO 3166-1, `BE`); they fill it in at `account_link`."""

    async def account_link(self, account: str, refresh_url: str, return_url: str) -> str:
        """An address of theirs, good once and for minutes, where an organiser says who they are."""

    async def look_up_account(self, account: str) -> AccountStanding: ...

    async def aclose(self) -> None:
        """Let go of connections."""
