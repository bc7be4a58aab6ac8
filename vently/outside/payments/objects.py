"""What we read of Stripe's objects (https://docs.stripe.com/api), and what they mean here."""

from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta, Struct

from vently.outside.payments import AccountStanding, Dispute, RefundStanding, Standing
from vently.outside.payments.amounts import from_stripe

Amount = Annotated[int, Meta(ge=0)]
Seconds = Annotated[int, Meta(ge=0, le=253_402_300_799)]
"""Since 1970, to the end of the year 9999."""


class ChargeObject(Struct, frozen=True):
    id: str
    currency: str
    amount_refunded: Amount = 0
    disputed: bool = False
    payment_intent: str | None = None


class ErrorObject(Struct, frozen=True):
    message: str | None = None


class IntentObject(Struct, frozen=True):
    id: str
    status: str
    currency: str
    amount: Amount
    metadata: dict[str, str] | None = None
    latest_charge: str | ChargeObject | None = None
    last_payment_error: ErrorObject | None = None


class SessionObject(Struct, frozen=True):
    id: str
    payment_status: str
    expires_at: Seconds
    status: str | None = None
    url: str | None = None
    amount_total: Amount | None = None
    currency: str | None = None
    client_reference_id: str | None = None
    metadata: dict[str, str] | None = None
    payment_intent: str | IntentObject | None = None


class RefundObject(Struct, frozen=True):
    id: str
    amount: Amount
    currency: str
    status: str | None = None
    metadata: dict[str, str] | None = None
    payment_intent: str | None = None
    charge: str | None = None
    failure_reason: str | None = None


class DisputeObject(Struct, frozen=True):
    id: str
    status: str
    amount: Amount
    currency: str
    payment_intent: str | None = None
    charge: str | None = None


class AccountObject(Struct, frozen=True):
    id: str
    charges_enabled: bool = False
    payouts_enabled: bool = False
    details_submitted: bool = False


def named(metadata: dict[str, str] | None, name: str) -> UUID | None:
    """The id of ours that we gave it along; none for what somebody else made."""
    try:
        return UUID((metadata or {})[name])
    except (KeyError, ValueError):
        return None


def standing_of(session: SessionObject) -> Standing:
    intent = session.payment_intent
    charge = intent.latest_charge if isinstance(intent, IntentObject) else None
    currency = (session.currency or "").upper()
    paid = session.payment_status == "paid"
    return Standing(
        reference=session.id,
        status=_status(session),
        attempt=named(session.metadata, "attempt"),
        payment=intent.id if isinstance(intent, IntentObject) else intent,
        amount=from_stripe(session.amount_total or 0, currency) if paid else 0,
        currency=currency,
        refunded=from_stripe(charge.amount_refunded, currency) if isinstance(charge, ChargeObject) else 0,
        disputed=isinstance(charge, ChargeObject) and charge.disputed,
    )


def _status(session: SessionObject) -> Literal["open", "paid", "failed", "expired"]:
    if session.payment_status == "paid":
        return "paid"
    if session.status == "expired":
        return "expired"
    # Banks that take days: the session is complete before the money is there, and may end without it.
    over = {"requires_payment_method", "canceled"}
    intent = session.payment_intent
    failed = session.status == "complete" and isinstance(intent, IntentObject) and intent.status in over
    return "failed" if failed else "open"


def refund_of(refund: RefundObject) -> RefundStanding:
    currency = refund.currency.upper()
    return RefundStanding(
        reference=refund.id,
        status=_REFUNDS.get(refund.status or "", "pending"),
        amount=from_stripe(refund.amount, currency),
        currency=currency,
        refund=named(refund.metadata, "refund"),
        reason=(refund.failure_reason or "").replace("_", " "),
    )


_REFUNDS: dict[str, Literal["pending", "succeeded", "failed"]] = {
    "succeeded": "succeeded",
    "failed": "failed",
    "canceled": "failed",
}
"""`requires_action` waits for the buyer, so it is pending, as is whatever Stripe may think of later."""


def dispute_of(dispute: DisputeObject) -> Dispute:
    return Dispute(
        dispute.id, _DISPUTES.get(dispute.status, "open"), from_stripe(dispute.amount, dispute.currency.upper())
    )


_DISPUTES: dict[str, Literal["open", "won", "lost"]] = {
    "won": "won",
    "warning_closed": "won",
    "prevented": "won",
    "lost": "lost",
}


def account_of(account: AccountObject) -> AccountStanding:
    return AccountStanding(account.charges_enabled, account.payouts_enabled, account.details_submitted)
