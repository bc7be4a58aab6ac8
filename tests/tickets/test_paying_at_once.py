"""Paying while holds end, others buy, and orders are given back: whatever comes first, the books are right."""

import asyncio
import random

import pytest
from cast import Person, Site
from paying import Books, differences, orders, pretends, runs_out
from selling import Sale, on_sale

from vently.database.pool import Database
from vently.tickets.payments import reconciling


@pytest.mark.parametrize("seed", range(3))
async def test_everything_at_once(
    site: Site, db: Database, alice: Person, bob: Person, carol: Person, seed: int
) -> None:
    chance = random.Random(seed)
    event = await alice.creates("A rush")
    types = {"seat": (1000, 30), "box": (5000, 30)}
    sale = await on_sale(db, alice, event, types, pool=("hall", 40), methods=("card", "door"))
    held = [await orders(sale, bob, seat=1, box=1) for _ in range(15)]
    for bought in held[:10]:
        await runs_out(site, bought)

    async def soon(work) -> None:
        await asyncio.sleep(chance.uniform(0, 0.15))
        await work

    work = [pretends(site, bought, "paid") for bought in held for _ in range(2)]
    work += [reconciling.lapse_holds(site.app.parts) for _ in range(5)]
    work += [reconciling.reconcile(site.app.parts) for _ in range(3)]
    work += [_buys(sale, carol) for _ in range(15)]
    work += [bob.delete(f"/api/tickets/orders/{bought.id}") for bought in held[8:]]
    work += [bob.post(f"/api/tickets/orders/{bought.id}/payment") for bought in held[5:]]
    work += [alice.post(f"/api/tickets/orders/{bought.id}/settlement", {"method": "door"}) for bought in held[:3]]
    await asyncio.gather(*map(soon, work))

    for bought in held:
        await _is_right(bought)
    hall = await sale.stock("hall")
    assert hall.held + hall.sold <= 40
    assert await differences(sale) == []


async def _is_right(bought: Books) -> None:
    """Whoever paid has tickets, or the money is on its way back, and never both for the same money."""
    now, refunds = await bought.now(), await bought.refunds()
    paid = [attempt.id for attempt in await bought.attempts() if attempt.status == "paid"]
    assert now.valid == (2 if now.status == "paid" else 0)
    kept = len(paid) - len(refunds)
    if now.status == "paid":
        assert kept == (0 if now.method == "door" else 1)
    else:
        assert kept == 0
    assert {refund.attempt for refund in refunds} <= set(paid)


async def _buys(sale: Sale, who: Person) -> None:
    answer = await sale.sells(who, seat=1, box=1)
    assert answer.status_code in (201, 409, 503), answer.text
