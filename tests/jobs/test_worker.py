"""Workers: each job once, again when it failed, by another when its worker was killed, and none held up by the next."""

import asyncio
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

import pytest
from queues import PACE, Queue, until

from vently.database.pool import Database
from vently.jobs import queue
from vently.jobs.job import GiveUp, Handler, Job, Lost
from vently.jobs.queue import sql
from vently.jobs.worker import Jobs

HERE = Path(__file__).parent


async def test_four_workers_do_five_hundred_jobs_once_each(queued: Queue) -> None:
    ran: Counter[int] = Counter()

    async def mail(job: Job) -> None:
        await asyncio.sleep(0)
        ran[job.payload["order"]] += 1

    await four_do_five_hundred(queued, mail, lambda: len(ran) == 500)
    assert set(ran.values()) == {1}
    assert await queued.counts() == {"done": 500}


async def test_without_the_lock_some_would_be_done_twice(queued: Queue, monkeypatch: pytest.MonkeyPatch) -> None:
    """The negative control of the test above."""
    ran: Counter[int] = Counter()

    async def mail(job: Job) -> None:
        await asyncio.sleep(0)
        ran[job.payload["order"]] += 1

    unguarded = sql.take_jobs.text.replace("for update skip locked", "")
    assert unguarded != sql.take_jobs.text
    monkeypatch.setattr(sql, "take_jobs", replace(sql.take_jobs, text=unguarded))
    await four_do_five_hundred(queued, mail, lambda: len(ran) == 500)
    assert set(ran.values()) != {1}


async def four_do_five_hundred(queued: Queue, mail: Handler, done: Callable[[], bool]) -> None:
    async with queued.database.acting_as_system() as tx:
        await queue.enqueue_many(tx, "mail", [{"order": n} for n in range(500)])
    async with AsyncExitStack() as workers:
        for _ in range(4):
            await workers.enter_async_context(Jobs(queued.database, {"mail": mail}, pace=PACE).working())
        await until(done)


async def test_a_nudge_is_quicker_than_the_poll(queued: Queue) -> None:
    done = asyncio.Event()

    async def mail(_: Job) -> None:
        done.set()

    jobs = Jobs(queued.database, {"mail": mail}, pace=replace(PACE, poll=60))
    async with jobs.working():
        await asyncio.sleep(0.3)
        await queued.asks("mail")
        jobs.nudge()
        async with asyncio.timeout(5):
            await done.wait()


async def test_within_a_second_without_one(queued: Queue) -> None:
    done = asyncio.Event()

    async def mail(_: Job) -> None:
        done.set()

    async with Jobs(queued.database, {"mail": mail}).working():
        await asyncio.sleep(0.3)
        started = time.monotonic()
        await queued.asks("mail")
        await done.wait()
    assert time.monotonic() - started < 2


async def test_what_failed_is_tried_again_after_longer_and_longer(queued: Queue) -> None:
    attempts: list[tuple[int, str | None]] = []

    async def mail(job: Job) -> None:
        attempts.append((job.attempt, job.last_error))
        if job.attempt < 3:
            raise OSError(f"no answer, {job.attempt}")

    async with Jobs(queued.database, {"mail": mail}, pace=PACE).working():
        job = await queued.asks("mail")
        found = await queued.ends(job)
    assert attempts == [(1, None), (2, "OSError: no answer, 1"), (3, "OSError: no answer, 2")]
    assert found.last_error is None
    assert found.finished_at


async def test_the_wait_doubles_up_to_an_hour_and_no_two_are_the_same(queued: Queue) -> None:
    async def fails(_: Job) -> None:
        raise OSError

    async with Jobs(queued.database, {"mail": fails}, pace=replace(PACE, first_retry=2, longest_retry=3600)).working():
        for attempt, expected in ((1, 2), (2, 4), (5, 32), (11, 2048), (12, 3600), (19, 3600)):
            jobs = [await queued.asks("mail") for _ in range(4)]
            await queued.owner.execute("update private.jobs set attempt = $1 where id = any($2)", attempt - 1, jobs)
            await until_attempt(queued, jobs, attempt)
            rows = await queued.owner.fetch(
                "select extract(epoch from due_at - started_at)::float from private.jobs where id = any($1)", jobs
            )
            waits = [row[0] for row in rows]
            assert all(expected * 0.75 <= wait <= expected * 1.25 + 2 for wait in waits), waits
            assert len(set(waits)) == len(waits)


async def until_attempt(queued: Queue, jobs: list[object], attempt: int) -> None:
    query = "select count(*) from private.jobs where id = any($1) and attempt = $2 and status = 'waiting'"
    async with asyncio.timeout(20):
        while await queued.owner.fetchval(query, jobs, attempt) < len(jobs):
            await asyncio.sleep(0.02)


async def test_after_the_last_attempt_it_has_failed_and_is_kept(queued: Queue) -> None:
    async def fails(_: Job) -> None:
        raise OSError("no answer")

    async with Jobs(queued.database, {"mail": fails}, pace=PACE).working():
        job = await queued.asks("mail")
        await queued.owner.execute("update private.jobs set most_attempts = 3")
        found = await queued.ends(job, "failed")
    assert (found.attempt, found.last_error) == (3, "OSError: no answer")
    assert found.finished_at


async def test_a_handler_may_give_up_at_once(queued: Queue) -> None:
    async def gives_up(_: Job) -> None:
        raise GiveUp("This order is gone.")

    async with Jobs(queued.database, {"mail": gives_up}, pace=PACE).working():
        found = await queued.ends(await queued.asks("mail"), "failed")
    assert (found.attempt, found.last_error) == (1, "This order is gone.")


async def test_neither_failing_nor_slow_jobs_hold_up_the_others(queued: Queue) -> None:
    """Twenty that never end fill the slots their kind may have; two are left for other kinds."""
    running, most = 0, 0

    async def hangs(_: Job) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        try:
            await asyncio.sleep(3600)
        finally:
            running -= 1

    async def fails(_: Job) -> None:
        raise OSError

    async def mail(job: Job) -> None:
        pass

    handlers = {"hang": hangs, "fail": fails, "mail": mail}
    async with queued.database.acting_as_system() as tx:
        await queue.enqueue_many(tx, "hang", [{}] * 20)
        await queue.enqueue_many(tx, "fail", [{}] * 20)
        await queue.enqueue_many(tx, "mail", [{}] * 20)
    async with Jobs(queued.database, handlers, pace=replace(PACE, grace=0)).working():
        query = "select count(*) from private.jobs where kind = 'mail' and status = 'done'"
        async with asyncio.timeout(20):
            while await queued.owner.fetchval(query) < 20:
                await asyncio.sleep(0.02)
    assert most <= PACE.slots - PACE.spare == 6


async def test_a_run_that_takes_too_long_is_an_attempt_that_failed(queued: Queue) -> None:
    async def hangs_once(job: Job) -> None:
        if job.attempt == 1:
            await asyncio.sleep(3600)

    async with Jobs(queued.database, {"mail": hangs_once}, pace=replace(PACE, longest_run=0.1)).working():
        job = await queued.asks("mail")
        assert (await queued.ends(job)).attempt == 2


async def test_kinds_nobody_here_knows_are_left_to_others(queued: Queue) -> None:
    """While nodes are replaced one by one, the old ones meet jobs of the new."""

    async def mail(job: Job) -> None:
        pass

    strange = await queued.asks("something newer")
    async with Jobs(queued.database, {"mail": mail}, pace=PACE).working():
        await queued.ends(await queued.asks("mail"))
    assert (await queued.standing(strange)).status == "waiting"


async def test_how_far_it_is_can_be_read_meanwhile(queued: Queue) -> None:
    read = asyncio.Event()

    async def refund(job: Job) -> None:
        await job.progress(3, 10, "3 of 10 refunded")
        await read.wait()
        await job.progress(10, 10, "all refunded")

    async with Jobs(queued.database, {"refund": refund}, pace=PACE).working():
        job = await queued.asks("refund")
        async with asyncio.timeout(10):
            while (found := await queued.standing(job)).done is None:
                await asyncio.sleep(0.02)
        assert (found.status, found.done, found.total, found.note) == ("running", 3, 10, "3 of 10 refunded")
        assert found.started_at
        assert found.finished_at is None
        read.set()
        found = await queued.ends(job)
    assert (found.done, found.total, found.note) == (10, 10, "all refunded")


async def test_a_lease_is_kept_for_as_long_as_the_job_runs(queued: Queue) -> None:
    ran = 0

    async def slow(_: Job) -> None:
        nonlocal ran
        ran += 1
        await asyncio.sleep(2.5 * PACE.lease)

    async with AsyncExitStack() as workers:
        for _ in range(3):
            pace = replace(PACE, grace=10)
            await workers.enter_async_context(Jobs(queued.database, {"mail": slow}, pace=pace).working())
        found = await queued.ends(await queued.asks("mail"))
    assert (ran, found.attempt) == (1, 1)


async def test_what_a_silent_worker_had_is_done_by_another_and_the_first_is_stopped(queued: Queue) -> None:
    ended: list[str] = []

    async def hangs(job: Job) -> None:
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            ended.append("stopped")
            with pytest.raises(Lost):
                await job.progress(1, 2)
            raise

    async def mail(_: Job) -> None:
        ended.append("done")

    silent = Jobs(queued.database, {"mail": hangs}, pace=replace(PACE, grace=0))
    async with silent.working():
        job = await queued.asks("mail")
        await until(lambda: silent._running)
        # As if its machine had stood still: the database's clock alone judges.
        await queued.owner.execute("update private.jobs set due_at = now() - interval '1 second', worker = $1", job)
        async with Jobs(queued.database, {"mail": mail}, pace=PACE).working():
            found = await queued.ends(job)
        await until(lambda: not silent._running)
    assert sorted(ended) == ["done", "stopped"]
    assert (found.attempt, found.status) == (2, "done")


async def test_the_job_of_a_killed_process_is_done_by_another(queued: Queue) -> None:
    job = await queued.asks("mail")
    process = await asyncio.create_subprocess_exec(
        sys.executable, HERE / "killed_worker.py", queued.url, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout
    assert await process.stdout.readline() == b"has it 1\n"
    process.send_signal(signal.SIGKILL)
    killed = time.monotonic()
    await process.wait()
    before = await queued.standing(job)
    assert (before.status, before.attempt, before.note) == ("running", 1, "half way")
    seen: list[str | None] = []

    async def mail(job: Job) -> None:
        seen.append(job.last_error)

    async with Jobs(queued.database, {"mail": mail}, pace=PACE).working():
        found = await queued.ends(job)
    assert found.attempt == 2
    assert seen == ["its worker ended before it did"]
    assert time.monotonic() - killed < PACE.lease + 2


async def test_a_job_that_ends_its_worker_each_time_is_given_up(queued: Queue) -> None:
    async def mail(job: Job) -> None:
        pass

    job = await queued.asks("mail")
    await queued.owner.execute(
        "update private.jobs set status = 'running', worker = gen_random_uuid(), attempt = 20, due_at = now()"
    )
    async with Jobs(queued.database, {"mail": mail}, pace=PACE).working():
        found = await queued.ends(job, "failed")
    assert (found.attempt, found.last_error) == (20, "its worker ended before it did")


async def test_who_must_end_lets_jobs_finish(queued: Queue) -> None:
    async def slow(_: Job) -> None:
        await asyncio.sleep(0.5)

    worker = Jobs(queued.database, {"mail": slow}, pace=PACE)
    async with worker.working():
        job = await queued.asks("mail")
        await until(lambda: worker._running)
    assert (await queued.standing(job)).status == "done"


async def test_what_does_not_finish_is_left_to_others_at_once(queued: Queue) -> None:
    async def hangs(_: Job) -> None:
        await asyncio.sleep(3600)

    worker = Jobs(queued.database, {"mail": hangs}, pace=replace(PACE, grace=0.2))
    started = time.monotonic()
    async with worker.working():
        jobs = [await queued.asks("mail"), await queued.asks("mail", key="event")]
        await until(lambda: len(worker._running) == 2)
        again = await queued.asks("mail", key="event", at=(await queued.standing(jobs[0])).created_at)
    assert time.monotonic() - started < 5
    found = [await queued.standing(job) for job in jobs]
    assert [(each.status, each.attempt) for each in found] == [("waiting", 0), ("replaced", 0)]
    assert (await queued.standing(again)).status == "waiting"


async def test_what_failed_is_replaced_when_another_of_its_key_waits(queued: Queue) -> None:
    another = asyncio.Event()
    ran: list[int] = []

    async def fails_once(job: Job) -> None:
        ran.append(job.payload["n"])
        if job.payload["n"] == 1:
            await another.wait()
            raise OSError

    async with Jobs(queued.database, {"mail": fails_once}, pace=replace(PACE, slots=1)).working():
        first = await queued.asks("mail", {"n": 1}, key="event")
        await until(lambda: ran)
        second = await queued.asks("mail", {"n": 2}, key="event")
        another.set()
        await queued.ends(second)
    found = await queued.standing(first)
    assert (found.status, found.last_error) == ("replaced", "OSError")
    assert ran == [1, 2]


async def test_the_worker_outlives_a_database_that_went_away(queued: Queue) -> None:
    done = 0

    async def mail(_: Job) -> None:
        nonlocal done
        done += 1
        await queued.owner.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'worker'"
        )

    database = await Database.open(f"{queued.url}&application_name=worker", size=10)
    async with Jobs(database, {"mail": mail}, pace=PACE).working():
        for _ in range(3):
            job = await queued.asks("mail")
            assert (await queued.ends(job)).attempt == 1
    await database.close()
    assert done == 3
