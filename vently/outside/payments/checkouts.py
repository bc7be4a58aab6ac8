"""A checkout in Stripe's words (https://docs.stripe.com/api/checkout/sessions/create)."""

from typing import TYPE_CHECKING

from vently.outside.payments import CHECKOUT_LASTS, Checkout, PaymentsRefused
from vently.outside.payments.amounts import smallest_step, to_stripe, to_stripe_rounded_down

if TYPE_CHECKING:
    from stripe.params.checkout import (
        SessionCreateParams,
        SessionCreateParamsLineItem,
        SessionCreateParamsPaymentIntentData,
    )

MOST_LINES = 100
LONGEST_NAME = 250


def parameters(checkout: Checkout) -> "SessionCreateParams":
    """The same for the same checkout, whenever it is asked: Stripe compares. Raises PaymentsRefused."""
    ours = {"attempt": str(checkout.attempt), "order": str(checkout.order)}
    return {
        "mode": "payment",
        "client_reference_id": str(checkout.attempt),
        "metadata": ours,
        "line_items": _line_items(checkout),
        "customer_email": checkout.email,
        "success_url": checkout.success_url,
        "cancel_url": checkout.cancel_url,
        "expires_at": int((checkout.opened_at + CHECKOUT_LASTS).timestamp()),
        # Buyers pay what the order says, in its currency, and are refunded in it.
        "adaptive_pricing": {"enabled": False},
        "payment_intent_data": _intent(checkout, ours),
    }


def _intent(checkout: Checkout, ours: dict[str, str]) -> "SessionCreateParamsPaymentIntentData":
    # An intent of its own metadata: refused cards are told of by the intent, which does not know its session.
    intent: SessionCreateParamsPaymentIntentData = {
        "metadata": ours,
        "description": _name(checkout.title),
    }
    if checkout.account is not None:
        intent["transfer_data"] = {"destination": checkout.account}
        fee = to_stripe_rounded_down(checkout.platform_fee, checkout.currency)
        if fee:
            intent["application_fee_amount"] = fee
    return intent


def _line_items(checkout: Checkout) -> "list[SessionCreateParamsLineItem]":
    """One line for all when the lines do not add up (a discount), or are not such as Stripe takes."""
    if checkout.amount <= 0:
        raise PaymentsRefused("There is nothing to pay: what costs nothing needs no checkout.", "nothing_to_pay")
    to_stripe(checkout.amount, checkout.currency)  # refuses
    lines = checkout.lines
    step = smallest_step(checkout.currency)
    sound = all(line.quantity > 0 and line.amount >= 0 and line.amount % step == 0 for line in lines)
    if sound and len(lines) <= MOST_LINES and sum(line.quantity * line.amount for line in lines) == checkout.amount:
        return [_line_item(checkout.currency, line.name, line.quantity, line.amount) for line in lines]
    return [_line_item(checkout.currency, checkout.title, 1, checkout.amount)]


def _line_item(currency: str, name: str, quantity: int, amount: int) -> "SessionCreateParamsLineItem":
    return {
        "quantity": quantity,
        "price_data": {
            "currency": currency.lower(),
            "unit_amount": to_stripe(amount, currency),
            "product_data": {"name": _name(name)},
        },
    }


def _name(text: str) -> str:
    """Stripe takes no empty one."""
    return " ".join(text.split())[:LONGEST_NAME] or "Tickets"
