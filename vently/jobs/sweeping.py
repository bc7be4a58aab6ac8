"""Sweeping: about once an hour each node throws out what is past its life, and one of them finds something to do."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence

import structlog

from vently.database.pool import Database
from vently.jobs import queue
from vently.web import idempotency

log = structlog.get_logger(__name__)

Sweep = Callable[[], Awaitable[dict[str, int]]]
"""How many rows of each table went."""

SECONDS = 3600.0
"""From one sweep to the next, and up to a tenth more or less: nodes that started together do not meet every hour."""


async def hourly(sweeps: Sequence[Sweep]) -> None:
    """For as long as the node lives; the first time at any moment of its first hour."""
    await asyncio.sleep(random.uniform(0, SECONDS))
    while True:
        for sweep in sweeps:
            await _sweep(sweep)
        await asyncio.sleep(SECONDS * random.uniform(0.9, 1.1))


async def answers(database: Database) -> dict[str, int]:
    """Answers of requests that were sent exactly once, when nobody may ask for them again."""
    gone, last = 0, idempotency.BATCH
    while last == idempotency.BATCH:
        async with database.acting_as_system() as tx:
            last = await idempotency.sweep(tx)
        gone += last
    return {"idempotency_keys": gone} if gone else {}


async def finished_jobs(database: Database) -> dict[str, int]:
    """Jobs that ended a week ago, and those that failed when nobody asked for 90 days why."""
    gone, last = 0, queue.MANY
    while last == queue.MANY:
        async with database.acting_as_system() as tx:
            last = await queue.forget(tx)
        gone += last
    return {"jobs": gone} if gone else {}


async def _sweep(sweep: Sweep) -> None:
    try:
        swept = await sweep()
    except Exception as error:  # noqa: BLE001 - whatever it met, the next hour comes
        log.warning("sweep failed", reason=str(error) or type(error).__name__)
    else:
        if swept:
            log.info("swept", **swept)
