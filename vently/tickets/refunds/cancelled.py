"""A cancelled event: everybody gets their money back, one order after the other, each in a transaction of its own."""

from datetime import datetime
from uuid import UUID

import msgspec

from vently.database.queries import load
from vently.jobs import queue
from vently.jobs.job import Job
from vently.web.facts import Parts

sql = load(__package__)

BATCH = 100
"""Orders found at a time; after each lot the job says how far it is."""


class Found(msgspec.Struct):
    """A cancelled event with valid tickets."""

    id: UUID


class Waiting(msgspec.Struct):
    """An order with valid tickets."""

    id: UUID
    created_at: datetime


async def refund_event(parts: Parts, job: Job) -> None:
    """Whatever ends it, the next run goes on where it was: orders that were refunded have no valid tickets any more."""
    event = UUID(job.payload["event_id"])
    async with parts.database.acting_as_system() as tx:
        total: int = await tx.value(sql.count_orders_to_refund, event=event)
    done = 0
    last: Waiting | None = None
    while batch := await _next(parts, event, last):
        for order in batch:
            async with parts.database.acting_as_system() as tx:
                if not await tx.value(sql.refund_cancelled, order=order.id):
                    return
            done += 1
        last = batch[-1]
        await job.progress(done, max(total, done), "orders refunded")


async def look_for_events(parts: Parts) -> int:
    """Asks again for those whose job gave up (the database was away for long, say); how many."""
    async with parts.database.acting_as_system() as tx:
        events = await tx.many(sql.list_events_to_refund, Found, most=BATCH)
        return await queue.enqueue_many(
            tx, "refund event", [{"event_id": one.id} for one in events], keys=[str(one.id) for one in events]
        )


async def _next(parts: Parts, event: UUID, after: Waiting | None) -> list[Waiting]:
    async with parts.database.acting_as_system() as tx:
        return await tx.many(
            sql.list_orders_to_refund,
            Waiting,
            event=event,
            after_at=after.created_at if after else None,
            after_id=after.id if after else None,
            most=BATCH,
        )
