"""Amounts as Stripe writes them (https://docs.stripe.com/currencies)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vently.outside.payments import PaymentsRefused
from vently.outside.payments.amounts import from_stripe, smallest_step, to_stripe, to_stripe_rounded_down

CURRENCIES = ["EUR", "USD", "HUF", "TWD", "JPY", "KRW", "XAF", "ISK", "UGX", "MGA", "KWD", "BHD", "JOD", "OMR", "TND"]


@pytest.mark.parametrize(
    ("ours", "currency", "theirs"),
    [
        (1_999, "EUR", 1_999),
        (500, "JPY", 500),
        (500, "XAF", 500),
        (5, "ISK", 500),
        (5, "UGX", 500),
        (5_120, "KWD", 5_120),
        (1_045, "HUF", 1_045),
        (80_000, "TWD", 80_000),
        (500_000, "MGA", 5_000),
    ],
)
def test_stripes_amounts(ours, currency, theirs):
    assert to_stripe(ours, currency) == theirs
    assert from_stripe(theirs, currency) == ours


@pytest.mark.parametrize(("amount", "currency"), [(5_124, "KWD"), (1, "BHD"), (105, "MGA")])
def test_what_stripe_has_no_way_to_take_is_refused_clearly(amount, currency):
    with pytest.raises(PaymentsRefused, match=f"{currency} only in steps of .* so not {amount}: round it"):
        to_stripe(amount, currency)


def test_our_fee_is_rounded_down_rather_than_refused():
    assert to_stripe_rounded_down(129, "KWD") == 120
    assert to_stripe_rounded_down(9, "KWD") == 0
    assert to_stripe_rounded_down(129, "EUR") == 129
    assert to_stripe_rounded_down(129, "ISK") == 12_900


@given(st.integers(0, 10**12), st.sampled_from(CURRENCIES))
def test_what_goes_there_comes_back_the_same(amount, currency):
    payable = amount - amount % smallest_step(currency)
    assert from_stripe(to_stripe(payable, currency), currency) == payable
