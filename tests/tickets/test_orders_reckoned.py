"""What the cart's page says a cart costs is what the till takes."""

import random
from typing import Any
from uuid import UUID

import msgspec
import pytest
from cast import Person
from selling import Sale, on_sale

from vently.database.pool import Database
from vently.database.queries import parse
from vently.tickets.orders import offers
from vently.tickets.till import carts
from vently.tickets.till.shapes import NewOrder
from vently.tickets.till.till import Till

sql = parse("""
-- name: set_tax
update public.ticket_types set tax_rate = :rate, pay_what_you_want = :chosen where id = :type;
-- name: set_fee
update public.tills set fee_on_top = :on_top where event_id = :event;
-- name: add_discount
insert into public.discounts (event_id, code, percent, amount) values (:event, :code, :percent, :amount);
""")


@pytest.fixture
async def varied(db: Database, alice: Person) -> Sale:
    types = {"a": (1999, 10_000), "b": (333, 10_000), "c": (0, 10_000), "chosen": (101, 10_000)}
    sale = await on_sale(db, alice, await alice.creates("Sums"), types)
    event = UUID(sale.event["id"])
    async with db.acting_as(alice.viewer) as tx:
        for name, rate in (("a", 1900), ("b", 700), ("c", 1000), ("chosen", 550)):
            await tx.execute(sql.set_tax, type=UUID(sale.types[name]), rate=rate, chosen=name == "chosen")
        for code, percent, amount in (
            ("P15", 15, None),
            ("P100", 100, None),
            ("A1000", None, 1000),
            ("A9", None, 999_999),
        ):
            await tx.execute(sql.add_discount, event=event, code=code, percent=percent, amount=amount)
    return sale


async def test_what_is_said_is_what_is_taken(db: Database, varied: Sale, alice: Person, visitor: Person) -> None:
    dice = random.Random(7)
    event = UUID(varied.event["id"])
    for turn in range(120):
        fee = dice.choice((0, 250, 333, 1000))
        async with db.acting_as(alice.viewer) as tx:
            await tx.execute(sql.set_fee, event=event, on_top=turn % 2 == 0)
        till = Till(db, provider="pretend", platform_fee=fee)
        cart = _cart(varied, dice)
        new = msgspec.convert(cart, NewOrder)
        async with db.acting_as(visitor.viewer) as tx:
            said = await offers.reckon(tx, event, new.items, code=new.discount_code, access_code=None, platform_fee=fee)
        sold = msgspec.json.decode((await till.sell(carts.filled(visitor.viewer, new))).body or "{}")
        taken = {name: sold[name]["amount"] for name in ("subtotal", "discount", "fee", "tax", "total")}
        assert msgspec.to_builtins(said) == taken, cart
        await till.close()


def _cart(sale: Sale, dice: random.Random) -> dict[str, Any]:
    items: list[dict[str, Any]] = []
    for name in dice.sample(sorted(sale.types), dice.randint(1, 4)):
        item: dict[str, Any] = {"ticket_type": sale.types[name], "quantity": dice.randint(1, 7)}
        if name == "chosen" and dice.random() < 0.8:
            item["price"] = {"amount": dice.randint(101, 5000), "currency": "EUR"}
        items.append(item)
    return {
        "event": sale.event["id"],
        "items": items,
        "buyer": {"name": "Vera", "email": f"vera-{dice.randrange(10**9)}@example.org"},
        "discount_code": dice.choice((None, "P15", "p100", "A1000", "A9")),
    }
