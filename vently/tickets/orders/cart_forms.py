"""The cart as forms hold it: `n_<type>` so many, `price_<type>` what is offered, and whom each ticket is for."""

import hashlib
import re
import secrets
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from vently.refusals import Refusal
from vently.tickets.orders.offers import OnSale, Sale
from vently.tickets.till.shapes import NewAttendee, NewItem, NewOrder, Price
from vently.web import money
from vently.web.form_pages import as_shape, wrong

MOST_TICKETS = 20
"""In one order from the page: each has its fields, and a form has its limit."""
MOST_FIELDS = 150
_ONCE = re.compile(r"[A-Za-z0-9_-]{16,64}")
_UNSIGNED = ("_csrf", "once")

Typed = Mapping[str, str]


class Line(msgspec.Struct):
    """So many of one type. `seen`: the price on the page; `typed`: what was offered where people pay what they want."""

    kind: OnSale
    quantity: int
    price: int
    typed: str


def most(sale: Sale) -> int:
    """How many tickets one form can ask about."""
    return max(1, min(MOST_TICKETS, MOST_FIELDS // (1 + len(sale.questions))))


def lines(sale: Sale, types: Sequence[OnSale], sent: Typed, errors: dict[str, str]) -> list[Line]:
    """What was chosen, as far as it can be read; what cannot is told in `errors`, by the field."""
    found: list[Line] = []
    for kind in types:
        number = sent.get(f"n_{kind.id}", "").strip() or "0"
        if not number.isascii() or not number.isdigit() or int(number[:4]) > MOST_TICKETS:
            errors[f"/n_{kind.id}"] = f"choose 0 to {min(kind.per_order_max, MOST_TICKETS)}"
        elif int(number):
            offered = sent.get(f"price_{kind.id}", "").strip()
            found.append(Line(kind, int(number), _price(sale, kind, offered, errors), offered))
    if sum(line.quantity for line in found) > most(sale):
        errors[""] = f"This page takes up to {most(sale)} tickets at once. For more of them, order twice."
    return found


def _price(sale: Sale, kind: OnSale, offered: str, errors: dict[str, str]) -> int:
    if not kind.pay_what_you_want or not offered:
        return kind.price
    try:
        amount = money.minor(offered, sale.currency)
    except money.NotMoney as error:
        errors[f"/price_{kind.id}"] = str(error)
        return kind.price
    if amount < kind.price:
        errors[f"/price_{kind.id}"] = f"the least is {money.formatted(kind.price, sale.currency)}"
    return amount


def chosen(sent: Typed) -> dict[str, str]:
    """What may stand in an address: types, prices and a code, and nothing about people."""
    return {name: said for name, said in sent.items() if said and (name.startswith(("n_", "price_")) or name == "code")}


def items(sale: Sale, picked: Sequence[Line], sent: Typed) -> list[NewItem]:
    """For the till, with the prices that the page showed: nobody pays another one unasked."""
    return [
        NewItem(
            line.kind.id,
            line.quantity,
            Price(_seen(line, sent), sale.currency),
            [_attendee(sale, line, place, sent) for place in range(line.quantity)],
        )
        for line in picked
    ]


def _seen(line: Line, sent: Typed) -> int:
    seen = sent.get(f"seen_{line.kind.id}", "")
    fixed = not line.kind.pay_what_you_want and seen.isascii() and seen.isdigit() and len(seen) < 16  # noqa: PLR2004
    return int(seen) if fixed else line.price


def _attendee(sale: Sale, line: Line, place: int, sent: Typed) -> NewAttendee:
    one = f"{line.kind.id}_{place}"
    answers = {str(asked.id): sent.get(f"answer_{one}_{asked.id}", "").strip() for asked in sale.questions}
    name = sent.get(f"attendee_{one}", "").strip() or None
    return NewAttendee(name=name, answers={question: said for question, said in answers.items() if said})


def order(sale: Sale, asked: Sequence[NewItem], sent: Typed, code: str | None, access_code: str | None) -> NewOrder:
    """Through the same types that the API reads. Raises Invalid."""
    buyer = {name: said for name in ("name", "email", "address", "tax_id") if (said := sent.get(name, "").strip())}
    given: dict[str, Any] = {
        "event": str(sale.event_id),
        "items": [msgspec.to_builtins(item) for item in asked],
        "buyer": buyer,
        "discount_code": code,
        "access_code": access_code,
        "method": sent.get("method") or None,
    }
    return as_shape(NewOrder, given)


def once(sent: Typed) -> str:
    """The key of this form: whatever is sent with it again is the same purchase."""
    given = sent.get("once", "")
    return given if _ONCE.fullmatch(given) else secrets.token_urlsafe(16)


def fingerprint(sent: Typed) -> str:
    """Of all that was filled in: a form that somebody goes back to and changes is another purchase."""
    told = sorted((name, value) for name, value in sent.items() if name not in _UNSIGNED)
    return hashlib.sha256(msgspec.json.encode(told)).hexdigest()


_ITEM = re.compile(r"/items/(\d+)/(ticket_type|quantity|price/\w+|attendees/(\d+)(?:/.*)?)")


def by_field(refused: Refusal, picked: Sequence[Line]) -> dict[str, str]:
    """What the till refused, beside the field it concerns."""
    found: dict[str, str] = {}
    for pointer, sentence in wrong(refused).items():
        where = _ITEM.fullmatch(pointer)
        if where and int(where[1]) < len(picked):
            kind = picked[int(where[1])].kind
            name = "price" if where[2].startswith("price") and kind.pay_what_you_want else "n"
            pointer = f"/{name}_{kind.id}" if where[3] is None else f"/attendee_{kind.id}_{where[3]}"  # noqa: PLW2901
        elif pointer in ("/discount_code", "/access_code"):
            pointer = "/code"  # noqa: PLW2901
        elif pointer.startswith("/buyer/"):
            pointer = pointer.removeprefix("/buyer")  # noqa: PLW2901
        found[pointer if pointer != "/event" else ""] = sentence
    return found
