"""The hourly sweep: it outlives whatever goes wrong, says what it threw out, and forgets old answers."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from unittest.mock import Mock, call

import asyncpg
import pytest
from cast import Person, Site

from vently.database.embedded import Server
from vently.database.pool import Database
from vently.jobs import sweeping
from vently.web import idempotency


@pytest.fixture
async def owner(server: Server, database_name: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(server.url("supabase_admin", database_name))
    yield connection
    await connection.close()


async def asks_once(person: Person, key: str) -> str:
    """Found a community with this Idempotency-Key; its id."""
    answer = await person.post("/api/communities", {"name": "Walkers"}, headers={"Idempotency-Key": key})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def test_answers_are_forgotten_after_a_day(dana: Person, db: Database, owner: asyncpg.Connection) -> None:
    old, young = secrets.token_hex(8), secrets.token_hex(8)
    first, second = await asks_once(dana, old), await asks_once(dana, young)
    for key, hours in ((old, 25), (young, 23)):
        await owner.execute(
            "update private.idempotency_keys set created_at = now() - make_interval(hours => $2) where key = $1",
            key,
            hours,
        )
    assert (await sweeping.answers(db))["idempotency_keys"] >= 1
    left = await owner.fetch("select key from private.idempotency_keys where key = any($1)", [old, young])
    assert [row["key"] for row in left] == [young]
    assert await asks_once(dana, young) == second, "it is answered again"
    assert await asks_once(dana, old) != first, "it counts anew"
    assert await sweeping.answers(db) == {}


async def test_many_answers_go_in_small_batches(site: Site, db: Database, owner: asyncpg.Connection) -> None:
    assert site
    many = 2 * idempotency.BATCH + 1
    await owner.execute(
        "insert into private.idempotency_keys (scope, key, fingerprint, created_at) "
        "select 'sweep', n::text, '', now() - interval '2 days' from generate_series(1, $1::int) n",
        many,
    )
    swept = await asyncio.gather(*(sweeping.answers(db) for _ in range(3)))
    swept += [await sweeping.answers(db)]
    assert sum(each.get("idempotency_keys", 0) for each in swept) == many


async def test_visitors_and_people_cannot_make_it_forget(alice: Person, owner: asyncpg.Connection) -> None:
    assert alice
    for role in ("anon", "authenticated"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await owner.execute(f"begin; set local role {role}; select private.forget_old_answers(1)")
        await owner.execute("rollback")


async def test_the_next_hour_comes_whatever_the_last_one_met(monkeypatch: pytest.MonkeyPatch) -> None:
    log = Mock()
    monkeypatch.setattr(sweeping, "SECONDS", 0.01)
    monkeypatch.setattr(sweeping, "log", log)
    times, enough = 0, asyncio.Event()

    async def fails() -> dict[str, int]:
        raise OSError("the database is away")

    async def sweeps() -> dict[str, int]:
        nonlocal times
        times += 1
        if times == 3:
            enough.set()
        return {"sessions": times} if times > 1 else {}

    hourly = asyncio.create_task(sweeping.hourly([fails, sweeps]))
    async with asyncio.timeout(10):
        await enough.wait()
    await asyncio.sleep(0)
    hourly.cancel()
    log.warning.assert_called_with("sweep failed", reason="the database is away")
    assert log.info.call_args_list[:2] == [call("swept", sessions=2), call("swept", sessions=3)]
