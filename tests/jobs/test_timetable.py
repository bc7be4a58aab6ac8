"""The timetable: each slot is run by one node, whichever; nothing overtakes itself; a killed turn is taken over."""

import asyncio
import time
from collections import Counter
from contextlib import AsyncExitStack
from dataclasses import replace

import pytest
from queues import PACE, Queue, until

from vently.jobs.job import Every, Job
from vently.jobs.worker import Jobs


async def row(queued: Queue, kind: str) -> dict[str, object]:
    """As the table has it, and there is one."""
    rows = await queued.owner.fetch("select * from private.jobs where kind = $1", kind)
    assert len(rows) == 1
    return dict(rows[0])


async def test_each_slot_is_run_once_by_three_workers(queued: Queue) -> None:
    ran: list[int] = []

    async def sweep(job: Job) -> None:
        assert job.attempt == 1
        ran.append(int(job.started_at.timestamp()))

    async with AsyncExitStack() as workers:
        for _ in range(3):
            jobs = Jobs(queued.database, {"sweep": sweep}, [Every(1, "sweep")], pace=PACE)
            await workers.enter_async_context(jobs.working())
        await asyncio.sleep(5.5)
    _, *slots = ran  # the first is run at once, whatever the clock says
    assert len(slots) >= 4
    assert slots == list(range(slots[0], slots[0] + len(slots)))


async def test_nobody_runs_it_twice_when_all_look_at_once(queued: Queue) -> None:
    ran: Counter[str] = Counter()

    async def sweep(job: Job) -> None:
        ran[job.kind] += 1
        await asyncio.sleep(0.1)

    kinds = [f"sweep {n}" for n in range(10)]
    async with AsyncExitStack() as workers:
        for _ in range(4):
            timetable = [Every(3600, kind) for kind in kinds]
            jobs = Jobs(queued.database, dict.fromkeys(kinds, sweep), timetable, pace=PACE)
            await workers.enter_async_context(jobs.working())
        await until(lambda: len(ran) == 10)
        await asyncio.sleep(0.3)
    assert set(ran.values()) == {1}
    assert len(ran) == 10


async def test_one_that_takes_longer_than_its_slot_is_not_overtaken(queued: Queue) -> None:
    running = most = ran = 0

    async def slow(_: Job) -> None:
        nonlocal running, most, ran
        running, ran = running + 1, ran + 1
        most = max(most, running)
        await asyncio.sleep(1.3)
        running -= 1

    async with AsyncExitStack() as workers:
        for _ in range(3):
            jobs = Jobs(queued.database, {"sweep": slow}, [Every(1, "sweep")], pace=replace(PACE, grace=3))
            await workers.enter_async_context(jobs.working())
        await asyncio.sleep(4)
    assert (most, ran) in ((1, 2), (1, 3))


async def test_what_fails_is_tried_again_before_its_next_slot(queued: Queue) -> None:
    ran: list[tuple[int, str | None]] = []

    async def sweep(job: Job) -> None:
        ran.append((job.attempt, job.last_error))
        if len(ran) < 3:
            raise OSError("no answer")

    async with Jobs(queued.database, {"sweep": sweep}, [Every(3600, "sweep")], pace=PACE).working():
        await until(lambda: len(ran) == 3)
        await asyncio.sleep(0.5)
    assert ran == [(1, None), (2, "OSError: no answer"), (3, "OSError: no answer")]
    found = await row(queued, "sweep")
    assert (found["status"], found["attempt"], found["last_error"]) == ("waiting", 0, None)


async def test_what_fails_for_days_is_tried_at_each_slot_still(queued: Queue) -> None:
    await queued.owner.execute("insert into private.jobs (kind, every_seconds, attempt) values ('sweep', 60, 5000)")
    ran: list[int] = []

    async def sweep(job: Job) -> None:
        ran.append(job.attempt)
        raise OSError

    pace = replace(PACE, first_retry=2, longest_retry=3600)
    async with Jobs(queued.database, {"sweep": sweep}, [Every(60, "sweep")], pace=pace).working():
        await until(lambda: ran)
    found = await row(queued, "sweep")
    assert (ran, found["status"], found["attempt"]) == ([5001], "waiting", 5001)
    waits = await queued.owner.fetchval("select due_at - now() <= interval '60 seconds' from private.jobs")
    assert waits


async def test_the_turn_of_a_killed_node_is_taken_over_when_its_lease_ends(queued: Queue) -> None:
    await queued.owner.execute(
        "insert into private.jobs (kind, every_seconds, status, worker, attempt, most_attempts, due_at)"
        " values ('sweep', 3600, 'running', gen_random_uuid(), 1, 1, now() + interval '1 second')"
    )
    done = asyncio.Event()

    async def sweep(_: Job) -> None:
        done.set()

    started = time.monotonic()
    async with Jobs(queued.database, {"sweep": sweep}, [Every(3600, "sweep")], pace=PACE).working():
        async with asyncio.timeout(10):
            await done.wait()
    assert 0.5 < time.monotonic() - started < 3
    assert (await row(queued, "sweep"))["status"] == "waiting"


async def test_a_changed_timetable_counts_at_once(queued: Queue) -> None:
    ran = 0

    async def sweep(_: Job) -> None:
        nonlocal ran
        ran += 1

    for seconds in (3600, 3600, 1800):
        async with Jobs(queued.database, {"sweep": sweep}, [Every(seconds, "sweep")], pace=PACE).working():
            await asyncio.sleep(0.5)
    assert ran == 2
    found = await row(queued, "sweep")
    assert (found["every_seconds"], found["status"], found["attempt"]) == (1800, "waiting", 0)


async def test_what_left_the_timetable_is_not_run(queued: Queue) -> None:
    ran = 0

    async def sweep(_: Job) -> None:
        nonlocal ran
        ran += 1

    await queued.owner.execute("insert into private.jobs (kind, every_seconds) values ('sweep', 1)")
    async with Jobs(queued.database, {"sweep": sweep}, pace=PACE).working():
        await queued.ends(await queued.asks("sweep"))
        await asyncio.sleep(0.3)
    assert ran == 1, "the one that was asked for"


async def test_a_timetable_without_handlers_is_a_mistake(queued: Queue) -> None:
    with pytest.raises(ValueError, match="kinds without a handler: sweep"):
        Jobs(queued.database, {}, [Every(1, "sweep")])
