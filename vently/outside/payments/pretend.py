"""A pretender that takes no money: buyers say on a page of ours whether they paid. For trying out, and tests."""

import hashlib
import hmac
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Literal, Protocol
from uuid import UUID, uuid4

import msgspec

from vently.outside.payments import (
    CHECKOUT_LASTS,
    AccountStanding,
    Checkout,
    Forged,
    Notice,
    PaymentsRefused,
    RefundAsked,
    RefundStanding,
    Refused,
    Standing,
    Started,
    TooOld,
)

TOLERANCE = 300
"""Seconds a signature is good for."""

Outcome = Literal["paid", "declined", "abandoned"]


class Ledger(Protocol):
    """What the pretender remembers, on every node and across restarts; app.py gives it a table."""

    async def outcome(self, attempt: UUID) -> tuple[str, int, str] | None:
        """What was decided, with amount and currency. None: nothing was yet."""

    async def keep(self, attempt: UUID, outcome: str, amount: int, currency: str) -> tuple[str, int, str]:
        """In one step: keep this unless it is `paid` or `abandoned` already, and say what stands now."""

    async def refunds(self, attempt: UUID) -> dict[UUID, int]:
        """Amounts given back, by refund."""

    async def give_back(self, attempt: UUID, refund: UUID, amount: int) -> bool:
        """In one step: keep it once, unless it is more than is left of what was paid (then False)."""


class Pretend:
    """Has no state of its own: names are made of ids, all else is in the ledger."""

    name = "pretend"
    checkout_path = "/pretend/checkout/"

    def __init__(
        self,
        key: bytes,
        deliver: Callable[[bytes, dict[str, str]], Awaitable[None]],
        ledger: Ledger,
        *,
        site_url: str = "",
    ) -> None:
        """`deliver` takes a signed webhook to our own address; `site_url` stands before `checkout_path`."""
        self._key = key
        self._deliver = deliver
        self._ledger = ledger
        self._site_url = site_url

    async def decide(self, attempt: UUID, outcome: Outcome, *, amount: int, currency: str) -> Standing:
        """What the buyer said on the page. Declined, they may try again; paid or abandoned stands, whatever comes."""
        stands, amount, currency = await self._ledger.keep(attempt, outcome, amount, currency)
        body = msgspec.json.encode(_notice(attempt, stands, amount, currency))
        await self._deliver(body, {"pretend-signature": self.signature(body, int(time.time()))})
        return await self._standing(attempt)

    async def start(self, checkout: Checkout) -> Started:
        url = f"{self._site_url}{self.checkout_path}{checkout.attempt}"
        if checkout.amount <= 0:
            raise PaymentsRefused("There is nothing to pay: what costs nothing needs no checkout.", "nothing_to_pay")
        return Started(_name("", checkout.attempt), url, checkout.opened_at + CHECKOUT_LASTS)

    async def look_up(self, reference: str) -> Standing:
        return await self._standing(_id("", reference))

    async def close(self, reference: str) -> Standing:
        attempt = _id("", reference)
        await self._ledger.keep(attempt, "abandoned", 0, "")
        return await self._standing(attempt)

    async def refund(self, asked: RefundAsked) -> RefundStanding:
        attempt = _id("payment_", asked.payment)
        if asked.amount <= 0 or not await self._ledger.give_back(attempt, asked.refund, asked.amount):
            raise PaymentsRefused("More cannot be given back than was paid.", "charge_already_refunded")
        return _refunded(asked.refund, asked.amount, asked.currency)

    async def look_up_refund(self, reference: str | None, refund: UUID, payment: str) -> RefundStanding | None:  # noqa: ARG002 - refund says the same
        attempt = _id("payment_", payment)
        amount = (await self._ledger.refunds(attempt)).get(refund)
        decided = await self._ledger.outcome(attempt)
        return None if amount is None or decided is None else _refunded(refund, amount, decided[2])

    def read(self, body: bytes, headers: Mapping[str, str]) -> Notice:
        signature = next((value for name, value in headers.items() if name.lower() == "pretend-signature"), "")
        at = signature.partition(",")[0].removeprefix("t=")
        signed_at = int(at) if at.isascii() and at.isdecimal() and len(at) <= len("253402300799") else 0
        if not hmac.compare_digest(signature.encode(), self.signature(body, signed_at).encode()):
            raise Forged("The webhook's signature is missing or wrong.")
        if signed_at < time.time() - TOLERANCE:
            raise TooOld("The webhook was signed more than five minutes ago; look at this machine's clock.")
        try:
            return msgspec.json.decode(body, type=Notice)
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
            raise Refused("The webhook is not one that can be read.") from None

    async def open_account(self, email: str, country: str) -> str:  # noqa: ARG002 - nobody is asked
        return f"pretend_account_{uuid4()}"

    async def account_link(self, account: str, refresh_url: str, return_url: str) -> str:  # noqa: ARG002 - nothing to fill in
        return return_url

    async def look_up_account(self, account: str) -> AccountStanding:
        _id("account_", account)
        return AccountStanding(charges_enabled=True, payouts_enabled=True, details_submitted=True)

    async def aclose(self) -> None:
        """There are no connections."""

    async def _standing(self, attempt: UUID) -> Standing:
        reference = _name("", attempt)
        outcome, amount, currency = await self._ledger.outcome(attempt) or ("", 0, "")
        if outcome == "abandoned":
            return Standing(reference=reference, status="expired", attempt=attempt)
        if outcome != "paid":
            return Standing(reference=reference, status="open", attempt=attempt)
        return Standing(
            reference=reference,
            status="paid",
            attempt=attempt,
            payment=_name("payment_", attempt),
            amount=amount,
            currency=currency,
            refunded=sum((await self._ledger.refunds(attempt)).values()),
        )

    def signature(self, body: bytes, at: int) -> str:
        """As Stripe's: the time is signed along, so that nobody can make it newer."""
        return f"t={at},v1={hmac.new(self._key, b'%d.%b' % (at, body), hashlib.sha256).hexdigest()}"


def _notice(attempt: UUID, outcome: str, amount: int, currency: str) -> Notice:
    kinds: dict[str, Literal["paid", "declined", "expired"]] = {"paid": "paid", "abandoned": "expired"}
    kind = kinds.get(outcome, "declined")
    return Notice(
        # Told twice it is the same notice; cards may be declined many times.
        id=f"pretend_{uuid4()}" if kind == "declined" else f"pretend_{kind}_{attempt}",
        kind=kind,
        created_at=datetime.now(UTC),
        live=False,
        reference=_name("", attempt),
        attempt=attempt,
        payment=_name("payment_", attempt) if kind == "paid" else None,
        amount=amount,
        currency=currency,
        reason="The pretend card was declined." if kind == "declined" else "",
    )


def _refunded(refund: UUID, amount: int, currency: str) -> RefundStanding:
    return RefundStanding(
        reference=_name("refund_", refund), status="succeeded", amount=amount, currency=currency, refund=refund
    )


def _name(what: str, one: UUID) -> str:
    return f"pretend_{what}{one}"


def _id(what: str, name: str) -> UUID:
    try:
        return UUID(name.removeprefix(f"pretend_{what}"))
    except ValueError:
        raise PaymentsRefused("The pretender knows nothing of that name.", "resource_missing") from None
