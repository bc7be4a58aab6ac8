"""The worker: takes jobs that are due, a few at a time, holds their leases while they run, and tells how they ended."""

import asyncio
import random
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import structlog

from vently.database.pool import Database
from vently.database.queries import Query
from vently.jobs.job import Every, GiveUp, Handler, Job
from vently.jobs.pace import USUAL, Pace
from vently.jobs.queue import sql
from vently.refusals import Refusal

log = structlog.get_logger(__name__)

LONGEST_REASON = 2000


@dataclass(frozen=True, slots=True)
class _Taken:
    id: UUID
    kind: str
    payload: dict[str, Any]
    attempt: int
    started_at: datetime
    last_error: str | None
    hopeless: bool
    """Its workers ended at every attempt, as if it were the job that ends them."""


class Jobs:
    """Jobs of one node: `async with jobs.working()` does them, `nudge()` says that there is one."""

    def __init__(
        self,
        database: Database,
        handlers: Mapping[str, Handler],
        timetable: Sequence[Every] = (),
        *,
        pace: Pace = USUAL,
    ) -> None:
        if missing := {entry.kind for entry in timetable} - set(handlers):
            raise ValueError(f"The timetable has kinds without a handler: {', '.join(sorted(missing))}.")
        self.id = uuid4()
        self._database = database
        self._handlers = dict(handlers)
        self._timetable = list(timetable)
        self._pace = pace
        self._running: dict[asyncio.Task[None], Job] = {}
        self._woken = asyncio.Event()
        self._ending = False

    def nudge(self) -> None:
        """There is work, and it has been committed: look at once instead of within a second."""
        self._woken.set()

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """Jobs are done meanwhile. Leaving waits for what runs, as long as the grace lasts, and releases the rest."""
        self._ending = False
        looking = asyncio.create_task(self._look())
        beating = asyncio.create_task(self._beat())
        try:
            yield
        finally:
            try:
                await self._end(looking)
            finally:
                looking.cancel()
                beating.cancel()
                await asyncio.gather(looking, beating, return_exceptions=True)

    async def _look(self) -> None:
        settled = away = False
        while not self._ending:
            self._woken.clear()
            try:
                settled = settled or await self._settle()
                busy = await self._take()
            except Exception as error:  # noqa: BLE001 - whatever it met, the work goes on
                busy = False
                if not away:
                    log.warning("jobs cannot be taken", reason=_reason(error))
                away = True
            else:
                if away:
                    log.info("jobs are taken again")
                away = False
            if not busy:
                await self._rest()

    async def _rest(self) -> None:
        # Not all nodes at the same instant.
        try:
            async with asyncio.timeout(self._pace.poll * random.uniform(0.8, 1)):
                await self._woken.wait()
        except TimeoutError:
            pass

    async def _settle(self) -> bool:
        async with self._database.acting_as_system() as tx:
            await tx.execute(
                sql.settle_timetable,
                kinds=[entry.kind for entry in self._timetable],
                seconds=[entry.seconds for entry in self._timetable],
            )
        return True

    async def _take(self) -> bool:
        """Whether there may be more to take at once."""
        free = self._pace.slots - len(self._running)
        most, kinds = free - self._pace.spare, set(self._handlers)
        if most <= 0:
            most, kinds = free, kinds - {job.kind for job in self._running.values()}
        if most <= 0 or not kinds or self._ending:
            return False
        async with self._database.acting_as_system() as tx:
            taken = await tx.many(
                sql.take_jobs,
                _Taken,
                kinds=list(kinds),
                timetable=[entry.kind for entry in self._timetable if entry.kind in kinds],
                worker=self.id,
                lease=self._pace.lease,
                most=most,
            )
        for each in taken:
            self._begin(each)
        return len(taken) == most

    def _begin(self, taken: _Taken) -> None:
        job = Job(
            taken.id,
            taken.kind,
            taken.payload,
            taken.attempt,
            taken.started_at,
            taken.last_error,
            worker=self.id,
            database=self._database,
        )
        doing = self._fail(job, str(job.last_error), final=True) if taken.hopeless else self._do(job)
        task = asyncio.create_task(doing)
        self._running[task] = job
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        job = self._running.pop(task)
        self.nudge()
        if not task.cancelled() and (error := task.exception()):
            log.error("job cannot be ended", kind=job.kind, job=str(job.id), reason=_reason(error))

    async def _do(self, job: Job) -> None:
        limit = asyncio.timeout(self._pace.longest_run)
        try:
            async with limit:
                await self._handlers[job.kind](job)
        except asyncio.CancelledError:
            if (task := asyncio.current_task()) and task.cancelling():
                raise
            await self._fail(job, "was cancelled by something it waited for", final=False)
        except GiveUp as error:
            await self._fail(job, _reason(error), final=True)
        except Exception as error:
            if not isinstance(error, Refusal | OSError):  # of a fault of ours, the whole traceback
                log.exception("fault", kind=job.kind, job=str(job.id))
            await self._fail(job, "took too long" if limit.expired() else _reason(error), final=False)
        else:
            await self._tell(job, sql.finish_job)

    async def _fail(self, job: Job, reason: str, *, final: bool) -> None:
        pace = self._pace
        status = await self._tell(
            job, sql.fail_job, reason=reason, final=final, shortest=pace.first_retry, longest=pace.longest_retry
        )
        say = log.error if status == "failed" else log.warning
        say("job failed", kind=job.kind, job=str(job.id), attempt=job.attempt, now=status, reason=reason)

    async def _tell(self, job: Job, query: Query, **parameters: Any) -> Any:
        """Tries for as long as the lease lasts; after that others do the job again."""
        until = time.monotonic() + self._pace.lease
        while True:
            try:
                async with self._database.acting_as_system() as tx:
                    return await tx.value(query, id=job.id, worker=self.id, attempt=job.attempt, **parameters)
            except Exception:  # the database is away for a moment, or another of its key came to wait meanwhile
                if time.monotonic() > until:
                    raise
            await asyncio.sleep(self._pace.poll / 4)

    async def _beat(self) -> None:
        """Keeps the leases of what runs; what is no longer ours, or may not be, is given up."""
        kept = time.monotonic()
        while True:
            await asyncio.sleep(self._pace.lease / 4)
            running = dict(self._running)
            lost = []
            try:
                ours = await self._keep(list(running.values())) if running else set()
                lost = [task for task, job in running.items() if (job.id, job.attempt) not in ours]
                kept = time.monotonic()
            except Exception as error:  # noqa: BLE001 - the next beat comes
                log.warning("leases cannot be kept", reason=_reason(error))
                if time.monotonic() - kept > self._pace.lease:
                    lost = list(running)
            for task in lost:
                if not task.done():
                    log.warning("job lost", kind=running[task].kind, job=str(running[task].id))
                    task.cancel()

    async def _keep(self, running: Sequence[Job]) -> set[tuple[UUID, int]]:
        async with self._database.acting_as_system() as tx:
            kept = await tx.many(
                sql.keep_leases,
                dict,
                ids=[job.id for job in running],
                attempts=[job.attempt for job in running],
                worker=self.id,
                lease=self._pace.lease,
            )
        return {(row["id"], row["attempt"]) for row in kept}

    async def _end(self, looking: asyncio.Task[None]) -> None:
        """Nothing more is taken; what runs may end by itself, and what does not is left to others."""
        until = time.monotonic() + self._pace.grace
        self._ending = True
        self.nudge()
        await asyncio.wait([looking], timeout=self._pace.grace)
        if self._running:
            await asyncio.wait(self._running, timeout=max(0, until - time.monotonic()))
        left = dict(self._running)
        for task in left:
            task.cancel()
        if left:
            await asyncio.wait(left, timeout=1)
        await asyncio.gather(*map(self._release, left.values()))

    async def _release(self, job: Job) -> None:
        try:
            async with self._database.acting_as_system() as tx:
                await tx.value(sql.release_job, id=job.id, worker=self.id, attempt=job.attempt)
        except Exception as error:  # noqa: BLE001 - then it is taken when its lease has ended
            log.warning("job cannot be released", kind=job.kind, job=str(job.id), reason=_reason(error))


def _reason(error: BaseException) -> str:
    said = error.detail if isinstance(error, Refusal) else str(error)
    if not said or not isinstance(error, GiveUp | Refusal):
        said = f"{type(error).__name__}: {said}".removesuffix(": ")
    return said[:LONGEST_REASON]
