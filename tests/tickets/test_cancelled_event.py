"""A cancelled event: holds come back at once, everybody is refunded, and a job that is killed goes on where it was."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
import refunding
from cast import Person, Site
from refunding import Till, refund
from selling import Sale, on_sale

from vently.database.pool import Database
from vently.jobs.job import Job
from vently.tickets.refunds import cancelled


@pytest.fixture
async def till(site: Site) -> AsyncIterator[Till]:
    async with refunding.at_stripe(site) as opened:
        yield opened


class Told(Job):
    """A job nobody queued; what it said of its progress is in `said`."""

    said: list[tuple[int, int]]

    async def progress(self, done: int, total: int, note: str = "") -> None:  # noqa: ARG002 - as the queue has it
        self.said.append((done, total))


def job(sale: Sale) -> Told:
    told = Told(
        uuid4(),
        "refund event",
        {"event_id": sale.event["id"]},
        1,
        datetime.now(UTC),
        None,
        worker=uuid4(),
        database=sale.db,
    )
    object.__setattr__(told, "said", [])
    return told


async def cancels(sale: Sale) -> None:
    answer = await sale.organizer.post(f"/api/events/{sale.event['id']}/cancellation")
    assert answer.status_code == 201, answer.text


async def progress(sale: Sale) -> Any:
    answer = await sale.organizer.get(f"/api/events/{sale.event['id']}/refunds")
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_everybody_gets_their_money_back(
    sale: Sale, till: Till, alice: Person, bob: Person, carol: Person
) -> None:
    mixed = await till.buys(sale, bob, paid=2, free=1)
    free = await till.buys(sale, carol, free=2)
    part = await till.buys(sale, carol, paid=2)
    await refund(alice, part, tickets=[part["tickets"][0]["id"]], amount=1000)
    held = (await sale.sells(bob, paid=3)).json()
    assert await progress(sale) == {
        "total": 0, "done": 0, "failed": 0, "by_hand": 0, "amount": 0, "currency": "EUR", "running": True
    }  # fmt: skip
    await cancels(sale)
    assert (await bob.get(f"/api/tickets/orders/{held['id']}")).json()["status"] == "cancelled"
    assert (await sale.stock("paid")).held == 0
    assert (await sale.sells(bob, paid=1)).status_code == 409
    asked = await till.owner.fetchval(
        "select count(*) from private.jobs where kind = 'refund event' and payload ->> 'event_id' = $1",
        sale.event["id"],
    )
    assert asked == 1
    told = await progress(sale)
    assert (told["total"], told["done"], told["running"]) == (2, 0, True)

    work = job(sale)
    await cancelled.refund_event(till.site.app.parts, work)
    assert work.said == [(3, 3)]
    assert await sale.tickets() == {"refunded": 4, "void": 3 + 3}
    assert [(await till.order(order))["status"] for order in (mixed, free, part)] == [
        "refunded", "cancelled", "partially_refunded"
    ]  # fmt: skip
    assert (await till.order(part))["refunded"] == 2250, "what was settled before stays so"
    await till.sends()
    told = await progress(sale)
    assert (told["total"], told["done"], told["amount"], told["running"]) == (2, 2, 3750, False)
    await till.check(sale)


async def test_a_job_that_is_killed_goes_on_where_it_was(
    alice: Person, bob: Person, db: Database, till: Till, monkeypatch: pytest.MonkeyPatch
) -> None:
    sale = await on_sale(db, alice, await alice.creates("Off"), {"paid": (500, 99)})
    orders = [await till.buys(sale, bob, paid=1) for _ in range(12)]
    await cancels(sale)
    monkeypatch.setattr(cancelled, "BATCH", 5)
    for after in (0.01, 0.03, 0.06):
        running = asyncio.create_task(cancelled.refund_event(till.site.app.parts, job(sale)))
        await asyncio.sleep(after)
        running.cancel()
        await asyncio.wait([running])
        await till.check(sale)
    await asyncio.gather(*(cancelled.refund_event(till.site.app.parts, job(sale)) for _ in range(3)))
    await till.check(sale)
    assert await sale.tickets() == {"refunded": 12}
    assert [len(await till.refunds(order)) for order in orders] == [1] * 12
    await till.sends(workers=3)
    assert till.fake is not None
    assert sum(one["amount"] for one in till.fake.refunds()) == 12 * 500
    assert (await progress(sale))["done"] == 12
    await till.check(sale)


async def test_workers_that_are_killed_send_the_money_back_once(
    alice: Person, bob: Person, db: Database, till: Till
) -> None:
    sale = await on_sale(db, alice, await alice.creates("Killed"), {"paid": (500, 99)})
    orders = [await till.buys(sale, bob, paid=1) for _ in range(40)]
    assert till.fake is not None
    till.fake.trouble = 0.3
    await cancels(sale)
    for stands in (3, 15, 39):
        with _worker(till) as process:
            await _until(till, sale, stands, process)
            process.kill()
        await till.check(sale)
    till.fake.mends()
    with _worker(till) as process:
        for _ in range(600):
            told = await progress(sale)
            if told["done"] == 40:
                break
            assert process.poll() is None
            await till.owner.execute("update public.refunds set checked_at = checked_at - interval '10 seconds'")
            await asyncio.sleep(0.1)
        process.kill()
    assert (told["done"], told["failed"], told["running"]) == (40, 0, False)
    assert sorted(one["amount"] for one in till.fake.refunds()) == [500] * 40
    assert len({one["payment_intent"] for one in till.fake.refunds()}) == 40
    assert [len(await till.refunds(order)) for order in orders] == [1] * 40
    await till.check(sale)


@contextmanager
def _worker(till: Till) -> Iterator["subprocess.Popen[bytes]"]:
    assert till.fake is not None
    script = Path(__file__).with_name("killed_refunds.py")
    arguments = (till.site.settings.database_url, till.fake.key, till.fake.secret, till.fake.address)
    with subprocess.Popen([sys.executable, str(script), *arguments], cwd=Path(__file__).parents[2]) as process:
        try:
            yield process
        finally:
            process.kill()


async def _until(till: Till, sale: Sale, stands: int, process: "subprocess.Popen[bytes]") -> None:
    """So many refunds are written."""
    count = (
        "select count(*) from public.refunds r join public.ticket_orders o on o.id = r.order_id where o.event_id = $1"
    )
    for _ in range(6000):
        if await till.owner.fetchval(count, UUID(sale.event["id"])) >= stands:
            return
        assert process.poll() is None, "the worker ended by itself"
        await asyncio.sleep(0.005)
    raise AssertionError("the worker does nothing")


async def test_a_job_that_gave_up_is_asked_for_again(sale: Sale, till: Till, bob: Person) -> None:
    await till.buys(sale, bob, free=1)
    await cancels(sale)
    waiting = (
        "select count(*) from private.jobs"
        " where kind = 'refund event' and status = 'waiting' and payload ->> 'event_id' = $1"
    )
    await till.owner.execute(
        "delete from private.jobs where kind = 'refund event' and payload ->> 'event_id' = $1", sale.event["id"]
    )
    for _ in range(2):
        await cancelled.look_for_events(till.site.app.parts)
        assert await till.owner.fetchval(waiting, sale.event["id"]) == 1
    await cancelled.refund_event(till.site.app.parts, job(sale))
    await till.owner.execute("delete from private.jobs where kind = 'refund event'")
    await cancelled.look_for_events(till.site.app.parts)
    assert await till.owner.fetchval(waiting, sale.event["id"]) == 0


async def test_an_event_that_takes_place_after_all_is_not_refunded(
    sale: Sale, till: Till, alice: Person, bob: Person
) -> None:
    await till.buys(sale, bob, paid=1)
    await cancels(sale)
    assert (await alice.patch(f"/api/events/{sale.event['id']}", {"status": "published"})).status_code == 200
    work = job(sale)
    await cancelled.refund_event(till.site.app.parts, work)
    assert await sale.tickets() == {"valid": 1}
    assert work.said == []


async def test_money_on_its_way_when_it_is_cancelled_comes_back(sale: Sale, till: Till, bob: Person) -> None:
    order = (await sale.sells(bob, paid=2)).json()
    await till.owner.execute(
        "update public.payment_attempts set reference = id::text, begun_at = now() where order_id = $1",
        UUID(order["id"]),
    )  # its buyer is at Stripe
    await cancels(sale)
    payment = await till.pays(order)
    await till.sends()
    assert till.given_back(payment) == 2500
    assert await sale.tickets() == {"void": 2}
    assert (await till.order(order))["status"] == "cancelled"
    await till.check(sale)


async def test_buying_paying_refunding_and_cancelling_at_once(
    alice: Person, bob: Person, carol: Person, db: Database, till: Till
) -> None:
    sale = await on_sale(
        db, alice, await alice.creates("All at once"), {"paid": (500, 30), "free": (0, 30)}, pool=("hall", 40)
    )
    await till.owner.execute("update public.tills set refund_hours = 0 where event_id = $1", UUID(sale.event["id"]))
    orders = [await till.buys(sale, who, paid=1, free=1) for who in (bob, carol) for _ in range(4)]
    buying = [sale.sells(bob, paid=1, free=1) for _ in range(10)]
    refunding_ = [refund(who, order) for order in orders for who in (alice, bob, carol)]
    answers = await asyncio.gather(*buying, *refunding_, cancels(sale), *buying[:0])
    assert {answer.status_code for answer in answers if answer is not None} <= {201, 404, 409}
    await cancelled.refund_event(till.site.app.parts, job(sale))
    await till.check(sale)
    assert "valid" not in await sale.tickets()
    assert "held" not in await sale.tickets()
    assert (await sale.stock("hall")).sold == (await sale.stock("hall")).held == 0
    await till.sends()
    assert {row["status"] for order in orders for row in await till.refunds(order)} == {"succeeded"}
    assert till.fake is not None
    assert sum(one["amount"] for one in till.fake.refunds()) == 8 * 500


async def test_a_disputed_order_waits_for_the_bank(sale: Sale, till: Till, bob: Person) -> None:
    order = await till.buys(sale, bob, paid=1)
    notes = (
        "select private.note_dispute(a.id, 'du_9', $2, 1250, 'EUR') from public.payment_attempts a"
        " where a.order_id = $1"
    )
    await till.owner.execute(notes, UUID(order["id"]), "open")
    await cancels(sale)
    await cancelled.refund_event(till.site.app.parts, job(sale))
    assert await till.refunds(order) == []
    await till.owner.execute(notes, UUID(order["id"]), "won")
    await cancelled.refund_event(till.site.app.parts, job(sale))
    assert [one["amount"] for one in await till.refunds(order)] == [1250]
    await till.check(sale)
