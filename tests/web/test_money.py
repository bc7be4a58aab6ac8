"""Money as people read and type it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vently.web import money
from vently.web.money import NotMoney


@pytest.mark.parametrize(
    ("amount", "currency", "told"),
    [
        (1250, "EUR", "€12.50"),
        (0, "EUR", "€0.00"),
        (5, "USD", "US$0.05"),
        (1250, "JPY", "JP¥1,250"),
        (1250, "KWD", "KWD\u00a01.250"),
        (1250, "RSD", "RSD\u00a012.50"),  # CLDR would round these three to whole ones
        (1250, "IQD", "IQD\u00a01.250"),
        (1250, "MGA", "MGA\u00a012.50"),
        (-1250, "EUR", "-€12.50"),
        (9_007_199_254_740_993, "EUR", "€90,071,992,547,409.93"),
    ],
)
def test_amounts_have_the_digits_of_their_currency(amount, currency, told):
    assert money.formatted(amount, currency) == told


@pytest.mark.parametrize(
    ("locale", "told"), [("de", "1.234,50\u00a0€"), ("en", "€1,234.50"), ("fr", "1\u202f234,50\u00a0€")]
)
def test_amounts_look_as_in_the_readers_language(locale, told):
    assert money.formatted(123450, "EUR", locale) == told


@pytest.mark.parametrize(
    ("text", "currency", "amount"),
    [
        ("12.50", "EUR", 1250),
        ("12,5", "EUR", 1250),
        (" 12 ", "EUR", 1200),
        ("0", "EUR", 0),
        ("00.10", "EUR", 10),
        ("1250", "JPY", 1250),
        ("1.234", "KWD", 1234),
        ("1,5", "BHD", 1500),
    ],
)
def test_what_people_type_is_read(text, currency, amount):
    assert money.minor(text, currency) == amount


@pytest.mark.parametrize(
    ("text", "currency", "told"),
    [
        ("12.505", "EUR", "EUR has 2 digits after the point: write an amount such as 12.50"),
        ("1,234", "EUR", "2 digits"),
        ("12.5", "JPY", "JPY has no digits after the point: write an amount such as 12"),
        ("1.2345", "KWD", "KWD has 3 digits after the point: write an amount such as 12.500"),
        ("1000000000.01", "EUR", "at most 1000000000.00"),
        ("9" * 40, "EUR", "at most"),
        *(
            (text, "EUR", "such as 12.50")
            for text in ["", " ", "-1", "+1", "1e3", "0x1", "1_000", "1 000", "1.000,00", "1,000.00", ".5", "5.", "NaN"]
        ),
        *((text, "EUR", "such as 12.50") for text in ["inf", "€5", "5 EUR", "١٢", "\uff11", "1\0", "9" * 5000, "½"]),
    ],
)
def test_what_is_no_amount_is_refused_with_how_to_write_one(text, currency, told):
    with pytest.raises(NotMoney, match=told.replace(".", r"\.")):
        money.minor(text, currency)


@given(st.integers(0, money.MOST), st.sampled_from(["EUR", "JPY", "KWD"]))
def test_an_amount_written_down_is_read_as_itself(amount, currency):
    assert money.minor(str(money.plain(amount, currency)), currency) == amount


def test_currencies_of_today_are_known_and_no_others():
    assert all(map(money.known, ["EUR", "USD", "GBP", "CHF", "JPY", "KWD", "RSD"]))
    assert not any(map(money.known, ["DEM", "XAU", "XXX", "eur", "EU", "", "EURO", "€", "BTC"]))
    assert {money.decimals(currency) for currency in money.currencies()} == {0, 2, 3}
