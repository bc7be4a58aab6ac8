"""A POST with `Idempotency-Key` happens once, however often and however suddenly it is repeated."""

import asyncio
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import asyncpg
import msgspec
import pytest
import pytest_asyncio
from shell_app import ALICE, app, client

from vently.app import ROOMS
from vently.database.embedded import running
from vently.database.migrate import migrate
from vently.database.pool import Database, Transaction, Viewer
from vently.database.queries import parse
from vently.refusals import Conflict
from vently.web.answers import Answer, created
from vently.web.idempotency import once
from vently.web.routes import post

sql = parse("""
-- name: note
insert into public.shell_notes (text) values (:text)
-- name: count
select count(*) from public.shell_notes where text = :text
""")


class Note(msgspec.Struct):
    text: str
    wait: float = 0
    fail: bool = False


@post("/api/notes", once=True)
async def take_note(request: Any, viewer: Viewer, data: Note) -> Answer:
    async def write(tx: Transaction) -> Answer:
        await tx.execute(sql.note, text=data.text)
        await asyncio.sleep(data.wait)
        if data.fail:
            raise Conflict
        return created({"id": str(uuid4())}, "/api/notes/1", {"ETag": '"1-0123456789abcdef"'})

    return await once(request, viewer, write)


@pytest_asyncio.fixture(scope="module")
async def database(tmp_path_factory):
    with running(tmp_path_factory.mktemp("shell"), settings={"fsync": "off"}) as server:
        await migrate(server.url("postgres"), rooms=ROOMS, platform_url=server.url("supabase_admin"))
        owner = await asyncpg.connect(server.url("postgres"))
        await owner.execute(
            "create table public.shell_notes (text text); grant all on public.shell_notes to anon, authenticated"
        )
        await owner.execute("insert into auth.users (id, email) values ($1, 'alice@example.org')", ALICE)
        await owner.close()
        opened = await Database.open(server.url(), size=10)
        yield opened
        await opened.close()


@pytest.fixture
def site(database):
    @asynccontextmanager
    async def lifespan(_):
        yield

    made = app(routes=[take_note], lifespan=lifespan)
    made.parts.open_database = database
    return made


@pytest_asyncio.fixture
async def alice(site):
    async with client(site, headers={"authorization": "Bearer token-alice"}) as browser:
        yield browser


async def written(database, text):
    async with database.acting_as(Viewer(role="authenticated")) as tx:
        return await tx.value(sql.count, text=text)


def key():
    return {"idempotency-key": uuid4().hex}


async def test_the_same_request_is_answered_again_and_done_once(alice, database):
    headers, note = key(), {"text": uuid4().hex}
    first = await alice.post("/api/notes", json=note, headers=headers)
    again = await alice.post("/api/notes", json=note, headers=headers)
    assert first.status_code == again.status_code == 201
    assert first.content == again.content
    for header in ("location", "etag", "content-type"):
        assert first.headers[header] == again.headers[header]
    assert again.headers["idempotent-replayed"] == "true"
    assert "idempotent-replayed" not in first.headers
    assert await written(database, note["text"]) == 1


async def test_without_a_key_each_request_counts(alice, database):
    note = {"text": uuid4().hex}
    await alice.post("/api/notes", json=note)
    await alice.post("/api/notes", json=note)
    assert await written(database, note["text"]) == 2


async def test_a_key_cannot_be_used_for_another_body(alice):
    headers = key()
    await alice.post("/api/notes", json={"text": "one"}, headers=headers)
    answer = await alice.post("/api/notes", json={"text": "two"}, headers=headers)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/header/Idempotency-Key"


async def test_a_refused_attempt_leaves_nothing_and_may_be_repeated(alice, database):
    headers, note = key(), {"text": uuid4().hex, "fail": True}
    first = await alice.post("/api/notes", json=note, headers=headers)
    again = await alice.post("/api/notes", json=note, headers=headers)
    assert first.status_code == again.status_code == 409
    assert "idempotent-replayed" not in again.headers
    assert await written(database, note["text"]) == 0


async def test_twenty_at_once_are_one(alice, database):
    headers, note = key(), {"text": uuid4().hex, "wait": 0.3}
    answers = await asyncio.gather(*(alice.post("/api/notes", json=note, headers=headers) for _ in range(20)))
    statuses = sorted(answer.status_code for answer in answers)
    assert set(statuses) <= {201, 409}
    assert await written(database, note["text"]) == 1
    made = {answer.content for answer in answers if answer.status_code == 201}
    assert len(made) == 1
    in_flight = [answer.json()["type"] for answer in answers if answer.status_code == 409]
    assert in_flight
    assert set(in_flight) == {"/problems/idempotency-key-in-flight"}


async def test_a_key_of_mine_says_nothing_to_others(alice, site):
    headers, note = key(), {"text": uuid4().hex}
    mine = await alice.post("/api/notes", json=note, headers=headers)
    async with client(site) as visitor:
        theirs = await visitor.post("/api/notes", json=note, headers=headers)
    assert theirs.status_code == 201
    assert theirs.content != mine.content


@pytest.mark.parametrize("bad", ["", " ", "a b", "x" * 256, "ä"])
async def test_a_key_that_cannot_be_one_is_refused(alice, bad):
    answer = await alice.post("/api/notes", json={"text": "x"}, headers={"idempotency-key": bad.encode("latin-1")})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/header/Idempotency-Key"


async def test_the_wait_for_the_database_is_told(alice):
    timing = (await alice.post("/api/notes", json={"text": "x"})).headers["server-timing"]
    assert float(timing.split("db;dur=")[1].split(",")[0]) > 0
