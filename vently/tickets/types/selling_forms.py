"""Forms of an event's sale, between what inputs send and what the API takes."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from vently.refusals import FieldError, Invalid
from vently.tickets.types.shapes import (
    Discount,
    NewDiscount,
    NewQuestion,
    NewTicketType,
    Sale,
    SaleChanges,
    TicketType,
    TicketTypeChanges,
)
from vently.web import dates, money
from vently.web.form_pages import as_shape

T = TypeVar("T")
Form = dict[str, str]

SWITCHES = ("pay_what_you_want", "hidden", "members_only", "transferable")
NUMBERS = ("quantity", "per_order_max", "per_person_max", "place")
MOMENTS = ("sales_start", "sales_end")
SELLER = ("name", "address", "tax_id", "bank_details")


def blank(currency: str | None) -> Form:
    """The inputs of a ticket type to be."""
    return {"price_currency": currency or "EUR", "per_order_max": "10", "transferable": "1", "tax_percent": "0"}


def filled(kind: TicketType, timezone: str) -> Form:
    """The inputs of one that stands."""
    shown = {name: "1" if getattr(kind, name) else "" for name in SWITCHES}
    shown |= {name: _text(getattr(kind, name)) for name in NUMBERS}
    shown |= {name: dates.input_moment(getattr(kind, name), timezone) for name in MOMENTS}
    return shown | {
        "name": kind.name,
        "description": kind.description,
        "price_amount": str(money.plain(kind.price.amount, kind.price.currency)),
        "price_currency": kind.price.currency,
        "pool": _text(kind.pool),
        "access_code": kind.access_code or "",
        "tax_percent": f"{kind.tax_percent:g}",
    }


def new_type(form: Form, currency: str | None, timezone: str) -> NewTicketType:
    """Raises Invalid with a pointer for each input that is not understood."""
    fields = _type_fields(form, currency or form.get("price_currency", ""), timezone)
    return as_shape(NewTicketType, {name: value for name, value in fields.items() if value is not None})


def type_changes(form: Form, kind: TicketType, timezone: str) -> TicketTypeChanges:
    """Inputs left as they were change nothing: an event's buyers may have changed what they do not show."""
    shown, fields = filled(kind, timezone), _type_fields(form, kind.price.currency, timezone)
    same = {name for name in fields if form.get(name, "").strip() == shown.get(name, "")}
    if form.get("price_amount", "").strip() == shown["price_amount"]:
        same.add("price")
    return as_shape(TicketTypeChanges, {name: value for name, value in fields.items() if name not in same})


def _type_fields(form: Form, currency: str, timezone: str) -> dict[str, Any]:
    wrong: list[FieldError] = []
    read = _reader(form, wrong)
    fields: dict[str, Any] = {name: bool(form.get(name)) for name in SWITCHES}
    fields |= {name: read(f"/{name}", name, _whole) for name in NUMBERS}
    fields |= {name: read(f"/{name}", name, lambda text: _moment(text, timezone)) for name in MOMENTS}
    amount = read("/price/amount", "price_amount", lambda text: money.minor(text, currency))
    if amount is None and not wrong:
        wrong.append(FieldError("/price/amount", "write what it costs, 0 when it is free"))
    fields["price"] = {"amount": amount or 0, "currency": currency}
    fields["place"] = fields["place"] or 0
    fields["tax_percent"] = read("/tax_percent", "tax_percent", _percent) or 0.0
    fields |= {name: form.get(name, "").strip() or None for name in ("pool", "access_code")}
    fields |= {name: form.get(name, "").strip() for name in ("name", "description")}
    _refuse(wrong)
    return fields


def new_discount(form: Form, currency: str, timezone: str) -> NewDiscount:
    """Raises Invalid with a pointer for each input that is not understood."""
    wrong: list[FieldError] = []
    read = _reader(form, wrong)
    fields = {
        "code": form.get("code", "").strip(),
        "percent": read("/percent", "percent", _whole),
        "amount": read("/amount", "amount", lambda text: money.minor(text, currency)),
        "max_uses": read("/max_uses", "max_uses", _whole),
        "valid_until": read("/valid_until", "valid_until", lambda text: _moment(text, timezone)),
    }
    _refuse(wrong)
    return as_shape(NewDiscount, fields)


def worth(discount: Discount) -> str:
    """What it takes off, as people say it."""
    return f"{discount.percent} %" if discount.percent else money.formatted(discount.amount or 0, discount.currency)


def new_question(form: Form) -> NewQuestion:
    """Choices stand one on a line, or between commas."""
    choices = form.get("choices", "").replace(",", "\n").splitlines()
    fields = {
        "label": form.get("label", "").strip(),
        "kind": form.get("kind") or "text",
        "choices": list(dict.fromkeys(choice.strip() for choice in choices if choice.strip())),
        "required": bool(form.get("required")),
    }
    return as_shape(NewQuestion, fields)


def filled_sale(sale: Sale) -> Form:
    """The inputs of how an event sells."""
    shown = {f"seller_{name}": (sale.seller and getattr(sale.seller, name)) or "" for name in SELLER}
    shown |= {f"methods_{method}": "1" for method in sale.methods}
    return shown | {
        "currency": sale.currency,
        "hold_minutes": str(sale.hold_minutes),
        "transfer_hours": str(sale.transfer_hours),
        "refund_hours": _text(sale.refund_hours),
        "fee_on_top": "1" if sale.fee_on_top else "",
    }


def sale_changes(form: Form, sale: Sale) -> SaleChanges:
    """What differs from what stands."""
    wrong: list[FieldError] = []
    read = _reader(form, wrong)
    shown = filled_sale(sale)
    fields: dict[str, Any] = {
        "currency": form.get("currency", sale.currency).strip().upper(),
        "methods": [method for method in ("card", "transfer", "door") if form.get(f"methods_{method}")],
        "hold_minutes": read("/hold_minutes", "hold_minutes", _whole),
        "transfer_hours": read("/transfer_hours", "transfer_hours", _whole),
        "refund_hours": read("/refund_hours", "refund_hours", _whole),
        "fee_on_top": bool(form.get("fee_on_top")),
    }
    _refuse(wrong)
    fields = {name: value for name, value in fields.items() if value != getattr(sale, name)}
    told = {name: form.get(f"seller_{name}", "").strip() for name in SELLER}
    seller = {name: text or None for name, text in told.items() if text != shown[f"seller_{name}"]}
    return as_shape(SaleChanges, {**fields, **({"seller": seller} if seller else {})})


def _reader(form: Form, wrong: list[FieldError]) -> Callable[[str, str, Callable[[str], T]], T | None]:
    """Reads an input; an empty one is None, and what is not understood is noted under its pointer."""

    def read(pointer: str, name: str, understand: Callable[[str], T]) -> T | None:
        text = form.get(name, "").strip()
        try:
            return understand(text) if text else None
        except money.NotMoney as error:
            wrong.append(FieldError(pointer, str(error)))
        except (ValueError, OverflowError):
            wrong.append(FieldError(pointer, _ASKED.get(understand, "choose a date and a time")))
        return None

    return read


def _refuse(wrong: list[FieldError]) -> None:
    if wrong:
        raise Invalid(errors=wrong)


def _whole(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 12:  # noqa: PLR2004 - no input takes more
        raise ValueError(text)
    return int(text)


def _percent(text: str) -> float:
    return float(text.replace(",", ".").removesuffix("%").strip())


def _moment(text: str, timezone: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(timezone))


def _text(value: object) -> str:
    return "" if value is None else str(value)


_ASKED: dict[Any, str] = {_whole: "takes a whole number", _percent: "takes a number such as 19 or 7.5"}
