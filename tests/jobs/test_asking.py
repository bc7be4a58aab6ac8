"""Asking for work: in the transaction of whoever asks, once for each key, and by the system alone."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from queues import Queue

from vently.database.pool import Viewer
from vently.database.queries import Query
from vently.jobs import queue, sweeping
from vently.refusals import Invalid, NotAllowed, NotFound

BOB = Viewer(id=uuid4(), role="authenticated", claims={"role": "authenticated"})


class _Back(Exception):
    """Takes a transaction back."""


async def test_what_is_taken_back_was_never_asked(queued: Queue) -> None:
    async def changes_its_mind() -> None:
        async with queued.database.acting_as_system() as tx:
            await queue.enqueue(tx, "mail tickets", {"order": 1})
            raise _Back

    with pytest.raises(_Back):
        await changes_its_mind()
    assert await queued.counts() == {}


async def test_a_job_waits_until_it_is_due(queued: Queue) -> None:
    soon = datetime.now(UTC) + timedelta(hours=1)
    job = await queued.asks("mail tickets", {"order": 1}, at=soon)
    found = await queued.standing(job)
    assert (found.status, found.attempt, found.due_at) == ("waiting", 0, soon)


async def test_of_a_key_one_job_waits(queued: Queue) -> None:
    later = datetime.now(UTC) + timedelta(hours=1)
    first = await queued.asks("reconcile", {"n": 1}, key="event", at=later)
    assert await queued.asks("reconcile", {"n": 2}, key="event") == first
    assert (await queued.standing(first)).due_at < later, "it comes when the first of both wants it"
    assert await queued.asks("reconcile", key="other event") != first
    assert await queued.asks("mail", key="event") != first
    assert await queued.asks("reconcile") != await queued.asks("reconcile")


async def test_one_that_runs_does_not_count(queued: Queue) -> None:
    first = await queued.asks("reconcile", key="event")
    await queued.owner.execute("update private.jobs set status = 'running', attempt = 1, worker = gen_random_uuid()")
    assert await queued.asks("reconcile", key="event") != first, "it may not have seen what changed since it began"


async def test_who_asks_again_is_seen_by_the_job_that_waits(queued: Queue) -> None:
    job = await queued.asks("reconcile", key="event")
    async with queued.database.acting_as_system() as tx:
        assert await queue.enqueue(tx, "reconcile", {}, key="event") == job
        free = "select id from private.jobs where status = 'waiting' for update skip locked"
        assert await queued.owner.fetch(free) == [], "nobody begins it before this is done"
    assert len(await queued.owner.fetch(free)) == 1


async def test_many_are_asked_in_one_statement(queued: Queue) -> None:
    async with queued.database.acting_as_system() as tx:
        assert await queue.enqueue_many(tx, "mail tickets", [{"order": n} for n in range(64)]) == 64
        keys = ["a", "b", "a", None, None]
        assert await queue.enqueue_many(tx, "reconcile", [{"n": n} for n in range(5)], keys=keys) == 4
        assert await queue.enqueue_many(tx, "reconcile", [{}, {}], keys=["b", "c"]) == 2
        assert await queue.enqueue_many(tx, "mail tickets", []) == 0
    orders = await queued.owner.fetch("select payload ->> 'order' from private.jobs where kind = 'mail tickets'")
    assert {int(row[0]) for row in orders} == set(range(64))
    rows = await queued.owner.fetch("select key, payload ->> 'n' from private.jobs where key is not null order by key")
    assert [tuple(row) for row in rows] == [("a", "0"), ("b", "1"), ("c", None)]


async def test_the_same_keys_asked_crosswise_wait_and_do_not_deadlock(queued: Queue) -> None:
    keys = [f"key {n:02}" for n in range(30)]

    async def ask(order: list[str]) -> None:
        async with queued.database.acting_as_system() as tx:
            await queue.enqueue_many(tx, "reconcile", [{}] * len(order), keys=order)

    await asyncio.gather(*(ask(keys if n % 2 else keys[::-1]) for n in range(12)))
    assert await queued.counts() == {"waiting": 30}


async def test_people_and_visitors_cannot_ask(queued: Queue) -> None:
    for viewer in (BOB, Viewer(role="anon", claims={"role": "anon"})):
        with pytest.raises(NotAllowed):
            async with queued.database.acting_as(viewer) as tx:
                await queue.enqueue(tx, "mail tickets", {})
        with pytest.raises(NotAllowed):
            async with queued.database.acting_as(viewer) as tx:
                await queue.enqueue_many(tx, "mail tickets", [{}])
        with pytest.raises(NotAllowed):
            async with queued.database.acting_as(viewer) as tx:
                await tx.value(Query("jobs", "select count(*) from private.jobs", ()))


async def test_what_people_change_asks_for_them_by_trigger(queued: Queue) -> None:
    await queued.owner.execute("""
        set role postgres;
        create table public.orders (id int);
        grant insert on public.orders to authenticated;
        create function private.mail_it() returns trigger
        language plpgsql security definer set search_path = '' as $$
        begin
          perform private.enqueue('mail tickets', jsonb_build_object('order', new.id));
          return null;
        end $$;
        create trigger mail_it after insert on public.orders for each row execute function private.mail_it();
        reset role""")
    async with queued.database.acting_as(BOB) as tx:
        await tx.execute(Query("order", "insert into public.orders values (7)", ()))
    await queued.owner.execute("drop table public.orders; drop function private.mail_it()")
    assert await queued.owner.fetchval("select payload from private.jobs where kind = 'mail tickets'") == '{"order": 7}'


async def test_what_is_no_job_is_refused(queued: Queue) -> None:
    for kind, payload, key in (("", {}, None), ("Mail!", {}, None), ("mail", [1], None), ("mail", {}, "")):
        with pytest.raises(Invalid):
            async with queued.database.acting_as_system() as tx:
                await queue.enqueue(tx, kind, payload, key=key)  # type: ignore[arg-type]


async def test_asking_notifies_nobody(queued: Queue) -> None:
    """A pending NOTIFY makes commits wait for one another (docs/decisions/0005-queue.md)."""
    bodies = await queued.owner.fetch(
        "select p.proname, p.prosrc from pg_proc p where p.pronamespace = 'private'::regnamespace"
    )
    assert {row["proname"] for row in bodies if "notify" in row["prosrc"].lower()} == set()
    triggers = "select tgname from pg_trigger where tgrelid = 'private.jobs'::regclass"
    assert await queued.owner.fetch(triggers) == []


async def test_finished_jobs_are_forgotten_after_a_week_and_failed_ones_much_later(
    queued: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue, "MANY", 2)
    ages = {"done": (6, 8), "replaced": (6, 8), "failed": (89, 91)}
    for status, days in ages.items():
        for age in days:
            await queued.owner.execute(
                "insert into private.jobs (kind, status, finished_at)"
                " values ('mail', $1, now() - make_interval(days => $2))",
                status,
                age,
            )
    await queued.owner.execute(
        "insert into private.jobs (kind, every_seconds, finished_at, created_at) values"
        " ('weekly', 604800, now() - interval '13 days', now()), ('gone', 60, now() - interval '8 days', now()),"
        " ('old but waiting', null, null, now() - interval '1 year')"
    )
    assert await sweeping.finished_jobs(queued.database) == {"jobs": 4}
    assert await sweeping.finished_jobs(queued.database) == {}
    left = await queued.owner.fetch("select kind from private.jobs where kind <> 'mail' order by kind")
    assert [row[0] for row in left] == ["old but waiting", "weekly"]
    assert await queued.owner.fetchval("select count(*) from private.jobs") == 5


async def test_what_is_forgotten_is_not_found(queued: Queue) -> None:
    with pytest.raises(NotFound):
        await queued.standing(uuid4())
