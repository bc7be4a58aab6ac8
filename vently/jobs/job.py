"""A job as its handler has it: what to do, how often it was tried, and a place to say how far it is."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from vently.database.pool import Database
from vently.jobs.queue import sql


class GiveUp(Exception):
    """Raised by a handler that another attempt would not help: the job has failed, and the sentence says why."""


class Lost(Exception):
    """Another worker has this job: this one was silent for too long."""


@dataclass(frozen=True, slots=True)
class Job:
    """`attempt` counts from 1; `last_error` is of the one before. A job may run again although it was done, when its
    worker ended before saying so: what a handler does twice must come to the same.
    """

    id: UUID
    kind: str
    payload: dict[str, Any]
    attempt: int
    started_at: datetime
    last_error: str | None
    worker: UUID = field(repr=False)
    database: Database = field(repr=False)

    async def progress(self, done: int, total: int, note: str = "") -> None:
        """For all to read while it runs, in a transaction of its own. Raises Lost when it is no longer ours to do."""
        async with self.database.acting_as_system() as tx:
            ours = await tx.execute(
                sql.report_progress,
                id=self.id,
                worker=self.worker,
                attempt=self.attempt,
                done=done,
                total=total,
                note=note,
            )
        if not ours:
            raise Lost


Handler = Callable[[Job], Awaitable[None]]
"""Does the work. Returning is done, raising is another attempt later; it may be cancelled at any await."""


@dataclass(frozen=True, slots=True)
class Every:
    """An entry of the timetable: at each full `seconds` of the clock one node, whichever, runs a job of this kind.

    A run that takes longer than that is not overtaken: the slots it missed are left out.
    """

    seconds: int
    kind: str
