"""The letter to whoever paid, and whose money goes back at once."""

from uuid import UUID

import msgspec

from vently.outside.mail import Mail
from vently.tickets.till import links
from vently.web import letters, money
from vently.web.facts import Parts

_WHY = {
    "too_late": "Your payment came after the time to pay was over, and the tickets could not be had any more.",
    "paid_twice": "Your order was paid already, so this payment was one too many.",
    "wrong_amount": "Your payment was not of the amount that was asked for.",
}


class Payer(msgspec.Struct):
    """Who paid, and for what; `cause` as refunds have it."""

    email: str
    name: str
    title: str
    order_id: UUID
    link_serial: int
    amount: int
    currency: str
    cause: str


def money_back(parts: Parts, payer: Payer) -> Mail:
    letter = letters.Letter(
        subject=f"Your money goes back: {payer.title}",
        lines=(
            f"Hello {payer.name},",
            _WHY.get(payer.cause, "Your payment could not be used."),
            "All of it goes back by the way it came. That takes a few days, as your bank does it.",
        ),
        facts=(("Event", payer.title), ("Amount", money.formatted(payer.amount, payer.currency))),
        button="See your order",
        link=links.of_order(parts, payer.order_id, payer.link_serial),
    )
    return letters.compose(parts.settings.site_url, payer.email, letter)
