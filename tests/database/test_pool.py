"""The pool when things go wrong: a server that goes away, a request that is given up, a role that is not to be had."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from asyncpg import InsufficientPrivilegeError
from scratch import Scratch, run, value

from vently.database.pool import VISITOR, Database
from vently.database.queries import parse
from vently.refusals import Invalid, Unavailable

sql = parse("""
-- name: one
select 1;
-- name: wait
select pg_sleep(20);
-- name: as_number
select :text::int;
""")


@pytest.fixture
async def name(scratch: Scratch) -> str:
    return await scratch.database()


@pytest.fixture
async def db(scratch: Scratch, name: str) -> AsyncIterator[Database]:
    db = await Database.open(scratch.url(name, "authenticator"), size=3)
    yield db
    await db.close()


async def test_connections_that_are_cut_are_refused_once_and_made_again(
    db: Database, scratch: Scratch, name: str
) -> None:
    async with db.acting_as(VISITOR) as tx:
        assert await tx.value(sql.one) == 1
    cut = (
        "select count(pg_terminate_backend(pid)) from pg_stat_activity where datname = $1 and usename = 'authenticator'"
    )
    waiting = [asyncio.create_task(_waits(db)) for _ in range(2)]
    await asyncio.sleep(0.3)
    assert await value(scratch.url("postgres"), cut, name)
    answers = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(answer) for answer in answers] == [Unavailable, Unavailable]
    async with db.acting_as(VISITOR) as tx:
        assert await tx.value(sql.one) == 1


async def test_who_gives_up_leaves_no_transaction_behind(db: Database, scratch: Scratch, name: str) -> None:
    for _ in range(5):
        task = asyncio.create_task(_waits(db))
        await asyncio.sleep(0.1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    states = await run(
        scratch.url("postgres"),
        "select query from pg_stat_activity where datname = $1 and usename = 'authenticator' and state <> 'idle'",
        name,
    )
    assert states == []
    async with db.acting_as(VISITOR) as tx:
        assert await tx.value(sql.one) == 1


async def test_a_value_of_the_wrong_kind_is_invalid_and_the_connection_stays_good(db: Database) -> None:
    for wrong in ("x" * 3, 2**80):
        with pytest.raises(Invalid):
            async with db.acting_as(VISITOR) as tx:
                await tx.value(sql.as_number, text=wrong)
    async with db.acting_as(VISITOR) as tx:
        assert await tx.value(sql.one) == 1


async def test_outside_a_viewer_the_login_reads_nothing(scratch: Scratch, name: str) -> None:
    login = scratch.url(name, "authenticator")
    about_me = "select rolsuper or rolbypassrls or rolinherit from pg_roles where rolname = current_user"
    assert await value(login, about_me) is False
    with pytest.raises(InsufficientPrivilegeError):
        await value(login, "select count(*) from auth.users")


async def _waits(db: Database) -> None:
    async with db.acting_as(VISITOR) as tx:
        await tx.value(sql.wait)
