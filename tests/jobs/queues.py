"""The queue of one test, and the pace of its workers."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from vently.database.pool import Database
from vently.jobs import queue
from vently.jobs.pace import Pace
from vently.jobs.queue import Standing

PACE = Pace(poll=0.05, lease=1.0, first_retry=0.05, longest_retry=0.2, grace=1.0)
"""As in life, twenty times as fast."""


@dataclass(frozen=True)
class Queue:
    """The queue of one test: the database as nodes have it, and as its superuser."""

    database: Database
    owner: Any
    url: str

    async def asks(self, kind: str, payload: dict[str, Any] | None = None, **how: Any) -> UUID:
        async with self.database.acting_as_system() as tx:
            return await queue.enqueue(tx, kind, payload or {}, **how)

    async def standing(self, job: UUID) -> Standing:
        async with self.database.acting_as_system() as tx:
            return await queue.read(tx, job)

    async def ends(self, job: UUID, status: str = "done", within: float = 20) -> Standing:
        """What became of it, once it has come to this."""
        async with asyncio.timeout(within):
            while (found := await self.standing(job)).status != status:
                await asyncio.sleep(0.02)
        return found

    async def counts(self) -> dict[str, int]:
        rows = await self.owner.fetch(
            "select status, count(*) from private.jobs where every_seconds is null group by status"
        )
        return dict(map(tuple, rows))


async def until(reached: Callable[[], Any], within: float = 20) -> None:
    async with asyncio.timeout(within):
        while not reached():
            await asyncio.sleep(0.01)
