"""Stripe's way of writing amounts, where it is not ISO 4217's (https://docs.stripe.com/currencies)."""

from vently.outside.payments import PaymentsRefused

THREE_DECIMALS = frozenset({"BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"})
"""The last of the three is always 0: the banks behind take two."""

WRITTEN_WITH_CENTS = frozenset({"ISK", "UGX"})
"""Have no smaller unit any more; Stripe still wants two decimals, and both are 0."""

WRITTEN_WITHOUT_CENTS = frozenset({"MGA"})
"""Has two decimals by ISO 4217, and none at Stripe."""

_CENTS = 100
_LAST_DIGIT = 10


def to_stripe(amount: int, currency: str) -> int:
    """Raises PaymentsRefused for an amount Stripe has no way to take."""
    step = smallest_step(currency)
    if amount % step:
        raise PaymentsRefused(
            f"Stripe takes amounts in {currency} only in steps of {step} of its smallest unit, so not {amount}: "
            "round it.",
            "amount_not_payable",
        )
    return _rewrite(amount, currency)


def to_stripe_rounded_down(amount: int, currency: str) -> int:
    """For what we keep of a payment: rather less than more."""
    return _rewrite(amount - amount % smallest_step(currency), currency)


def from_stripe(amount: int, currency: str) -> int:
    if currency in WRITTEN_WITH_CENTS:
        return amount // _CENTS
    return amount * _CENTS if currency in WRITTEN_WITHOUT_CENTS else amount


def smallest_step(currency: str) -> int:
    """What every amount Stripe takes in this currency is a multiple of, in our minor units."""
    if currency in THREE_DECIMALS:
        return _LAST_DIGIT
    return _CENTS if currency in WRITTEN_WITHOUT_CENTS else 1


def _rewrite(amount: int, currency: str) -> int:
    if currency in WRITTEN_WITH_CENTS:
        return amount * _CENTS
    return amount // _CENTS if currency in WRITTEN_WITHOUT_CENTS else amount
