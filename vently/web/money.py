"""Money: whole numbers of a currency's smallest unit (ISO 4217), as people read and type them."""

import copy
import re
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache

from babel import Locale
from babel.core import get_global
from babel.numbers import get_territory_currencies

from vently.web import dates

MOST = 100_000_000_000
"""No amount is larger: what a person types beyond it is a slip of the finger."""

# ISO 4217's exponents. CLDR, and so Babel, rounds some currencies (RSD, IQD, MGA …) for display; amounts must not be.
_NONE = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF"
_THREE = "BHD IQD JOD KWD LYD OMR TND"
_DECIMALS = {**dict.fromkeys(_NONE.split(), 0), **dict.fromkeys(_THREE.split(), 3)}
_TYPED = re.compile(r"(\d+)(?:[.,](\d+))?", re.ASCII)
_MOST_TYPED = 40
_LETTER_BEFORE_DIGIT = re.compile(r"(?<=[^\W\d_])(?=\d)")


class NotMoney(ValueError):
    """What was typed is no amount; the sentence says how to write one."""


def formatted(amount: int, currency: str, locale: Locale | str = dates.LOCALE) -> str:
    """Minor units as people of the locale write them: 1250, "EUR" -> "€12.50"."""
    known = Locale.parse(locale)
    pattern = copy.copy(known.currency_formats["standard"])
    pattern.frac_prec = (decimals(currency),) * 2
    text = pattern.apply(plain(amount, currency), known, currency=currency, currency_digits=False)
    return _LETTER_BEFORE_DIGIT.sub("\u00a0", text)  # CLDR's spacing: KWD 1.250, but €12.50


def plain(amount: int, currency: str) -> Decimal:
    """For programs and forms: 1250, "EUR" -> 12.50."""
    return Decimal(amount).scaleb(-decimals(currency))


def minor(text: str, currency: str) -> int:
    """What a person types, "12.50" or "12,5", as minor units; never negative. Raises NotMoney."""
    most, example = decimals(currency), _example(currency)
    typed = _TYPED.fullmatch(text.strip()) if len(text) <= _MOST_TYPED else None
    if typed is None:
        raise NotMoney(f"write an amount such as {example}, with digits and nothing between thousands")
    whole, part = typed[1], typed[2] or ""
    if len(part) > most:
        raise NotMoney(f"{currency} has {_counted(most)}: write an amount such as {example}")
    amount = int(whole + part.ljust(most, "0"))
    if amount > MOST:
        raise NotMoney(f"write an amount of at most {plain(MOST, currency)}")
    return amount


def decimals(currency: str) -> int:
    """Digits after the point: 0, 2 or 3."""
    return _DECIMALS.get(currency, 2)


def known(currency: str) -> bool:
    """Whether it is legal tender somewhere today (upper case, as ISO 4217 writes it)."""
    return currency in currencies()


@cache
def currencies() -> frozenset[str]:
    today = datetime.now(UTC).date()
    lands = get_global("territory_currencies")
    return frozenset(one for land in lands for one in get_territory_currencies(land, today, today, tender=True))


def _example(currency: str) -> str:
    return str(plain(125 * 10 ** (decimals(currency) - 1), currency)) if decimals(currency) else "12"


def _counted(digits: int) -> str:
    return f"{digits} digits after the point" if digits else "no digits after the point"
