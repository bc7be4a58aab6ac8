"""Stripe's webhooks as notices (https://docs.stripe.com/webhooks, https://docs.stripe.com/api/events/types)."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Literal

import msgspec
from msgspec import Raw, Struct
from msgspec.structs import replace
from stripe import SignatureVerificationError, WebhookSignature

from vently.outside.payments import Forged, Notice, Refused, TooOld
from vently.outside.payments.amounts import from_stripe
from vently.outside.payments.objects import (
    AccountObject,
    ChargeObject,
    DisputeObject,
    IntentObject,
    RefundObject,
    Seconds,
    SessionObject,
    account_of,
    dispute_of,
    named,
    refund_of,
)

TOLERANCE = 300
"""Seconds, as Stripe advises."""


class _Data(Struct, frozen=True):
    object: Raw


class _Event(Struct, frozen=True):
    id: str
    type: str
    created: Seconds
    livemode: bool
    data: _Data
    object: Literal["event"]
    account: str | None = None


def verify(body: bytes, headers: Mapping[str, str], secret: str) -> None:
    """Raises Forged and TooOld."""
    header = next((value for name, value in headers.items() if name.lower() == "stripe-signature"), "")
    try:
        WebhookSignature.verify_header(body, header, secret)
    except (SignatureVerificationError, ValueError, TypeError):  # text that is none, and signatures that are not ASCII
        raise Forged(
            "The webhook's signature is missing or wrong; if it does come from Stripe, STRIPE_WEBHOOK_SECRET is of "
            "another endpoint."
        ) from None
    try:
        WebhookSignature.verify_header(body, header, secret, TOLERANCE)
    except SignatureVerificationError:
        raise TooOld("The webhook was signed more than five minutes ago; look at this machine's clock.") from None


def read(body: bytes, *, live: bool) -> Notice:
    """What a verified webhook says. Raises Refused."""
    try:
        event = msgspec.json.decode(body, type=_Event)
        notice = _notice(event)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        raise Refused(
            "The webhook is not one that can be read: at Stripe, give this endpoint snapshot events."
        ) from None
    if event.livemode != live:
        modes = ("live", "test") if event.livemode else ("test", "live")
        raise Refused(f"The webhook is of {modes[0]} mode and STRIPE_SECRET_KEY of {modes[1]} mode: give both of one.")
    return notice


def _notice(event: _Event) -> Notice:
    plain = Notice(
        id=event.id,
        kind="other",
        created_at=datetime.fromtimestamp(event.created, UTC),
        live=event.livemode,
        account=event.account,
    )
    reader = _READERS.get(event.type)
    if reader is None or (event.account is not None and reader is not _account):
        # Money in an organiser's own account, by whatever else they sell with, is no business of ours.
        return plain
    return reader(plain, event.data.object)


def _completed(plain: Notice, about: Raw) -> Notice:
    session = msgspec.json.decode(about, type=SessionObject)
    # With banks that take days the buyer is through before the money is; that it came is an event of its own.
    return _with_session(replace(plain, kind="paid" if session.payment_status == "paid" else "other"), session)


def _failed(plain: Notice, about: Raw) -> Notice:
    return _with_session(replace(plain, kind="failed"), msgspec.json.decode(about, type=SessionObject))


def _expired(plain: Notice, about: Raw) -> Notice:
    return _with_session(replace(plain, kind="expired"), msgspec.json.decode(about, type=SessionObject))


def _with_session(plain: Notice, session: SessionObject) -> Notice:
    currency = (session.currency or "").upper()
    intent = session.payment_intent
    return replace(
        plain,
        reference=session.id,
        attempt=named(session.metadata, "attempt"),
        payment=intent.id if isinstance(intent, IntentObject) else intent,
        amount=from_stripe(session.amount_total or 0, currency),
        currency=currency,
    )


def _declined(plain: Notice, about: Raw) -> Notice:
    intent = msgspec.json.decode(about, type=IntentObject)
    currency = intent.currency.upper()
    return replace(
        plain,
        kind="declined",
        attempt=named(intent.metadata, "attempt"),
        payment=intent.id,
        amount=from_stripe(intent.amount, currency),
        currency=currency,
        reason=(intent.last_payment_error and intent.last_payment_error.message) or "",
    )


def _charge_refunded(plain: Notice, about: Raw) -> Notice:
    charge = msgspec.json.decode(about, type=ChargeObject)
    currency = charge.currency.upper()
    return replace(
        plain,
        kind="refund",
        payment=charge.payment_intent or charge.id,
        currency=currency,
        refunded=from_stripe(charge.amount_refunded, currency),
    )


def _refund(plain: Notice, about: Raw) -> Notice:
    refund = msgspec.json.decode(about, type=RefundObject)
    standing = refund_of(refund)
    return replace(
        plain,
        kind="refund",
        payment=refund.payment_intent or refund.charge,
        amount=standing.amount,
        currency=standing.currency,
        refund=standing,
    )


def _dispute(plain: Notice, about: Raw) -> Notice:
    dispute = msgspec.json.decode(about, type=DisputeObject)
    standing = dispute_of(dispute)
    return replace(
        plain,
        kind="dispute",
        payment=dispute.payment_intent or dispute.charge,
        amount=standing.amount,
        currency=dispute.currency.upper(),
        dispute=standing,
    )


def _account(plain: Notice, about: Raw) -> Notice:
    account = msgspec.json.decode(about, type=AccountObject)
    return replace(plain, kind="account", account=account.id, standing=account_of(account))


_READERS: dict[str, Callable[[Notice, Raw], Notice]] = {
    "checkout.session.completed": _completed,
    "checkout.session.async_payment_succeeded": _completed,
    "checkout.session.async_payment_failed": _failed,
    "checkout.session.expired": _expired,
    "payment_intent.payment_failed": _declined,
    "charge.refunded": _charge_refunded,
    "refund.created": _refund,
    "refund.updated": _refund,
    "refund.failed": _refund,
    "charge.refund.updated": _refund,
    "charge.dispute.created": _dispute,
    "charge.dispute.updated": _dispute,
    "charge.dispute.closed": _dispute,
    "charge.dispute.funds_withdrawn": _dispute,
    "charge.dispute.funds_reinstated": _dispute,
    "account.updated": _account,
}

KINDS = frozenset(_READERS)
"""The events an endpoint of ours is to be sent."""
