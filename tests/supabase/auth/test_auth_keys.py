"""Signing keys in the database: made once, sealed, rotated without a refusal, revoked at once, damaged."""

import asyncio
import json
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID, uuid4

import asyncpg
import pytest
import pytest_asyncio
from auth_cast import SITE
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet
from scratch import PACKAGED

from vently.database.embedded import Server
from vently.database.pool import Database
from vently.database.queries import parse
from vently.outside.mail import Post
from vently.outside.mail.folder import FolderMailer
from vently.refusals import NotFound
from vently.supabase.auth.auth import Auth
from vently.supabase.auth.errors import AuthError
from vently.supabase.auth.keys import kept
from vently.supabase.auth.keys.keys import KeysUnusableError, make, written
from vently.supabase.auth.rules import Rules
from vently.supabase.auth.sealing import Sealing
from vently.supabase.auth.users import User

RIGHT, WRONG = Sealing(b"r" * 32), Sealing(b"w" * 32)
Node = Callable[..., Awaitable[Auth]]


@pytest_asyncio.fixture(scope="module")
async def vault_url(server: Server, database_name: str) -> AsyncIterator[Callable[[str], str]]:
    """A database of their own: the keys of the others are left alone."""
    name = f"{database_name}_keys"
    owner = await asyncpg.connect(server.url("supabase_admin", "postgres"))
    await owner.execute(f"create database {name} template vently_template")
    yield lambda user: server.url(user, name)
    await owner.execute(f"drop database {name} with (force)")
    await owner.close()


@pytest_asyncio.fixture
async def vault(vault_url) -> AsyncIterator[asyncpg.Connection]:
    """Without a key, to begin with."""
    owner = await asyncpg.connect(vault_url("supabase_admin"))
    await owner.execute("delete from auth.signing_keys")
    yield owner
    await owner.close()


@pytest_asyncio.fixture
async def node(vault, vault_url, tmp_path: Path) -> AsyncIterator[Node]:  # noqa: ARG001 - emptied before
    """Nodes on one database; each starts with its keys read unless told otherwise."""
    opened = []

    async def start(sealing: Sealing = RIGHT, *, reads: bool = True) -> Auth:
        database = await Database.open(vault_url("authenticator"), size=2)
        opened.append(database)
        post = Post(FolderMailer(tmp_path, "Vently <hello@vently.example>"))
        auth = Auth(database, Rules(site_url=SITE), sealing=sealing, post=post)
        if reads:
            await auth.keys.load()
        return auth

    yield start
    for database in opened:
        await database.close()


@asynccontextmanager
async def acting(auth: Auth):
    async with auth.acting() as tx:
        yield tx, auth.sealing


async def rotated(auth: Auth, *, now: bool = True) -> kept.Rotation:
    async with auth.acting() as tx:
        return await kept.rotate(tx, auth.sealing, now=now)


async def states(vault: asyncpg.Connection) -> dict[str, str]:
    return {row["status"]: row["kid"] for row in await vault.fetch("select kid, status from auth.signing_keys")}


def token_of(auth: Auth) -> str:
    now = datetime.now(UTC)
    alice = User(
        id=uuid4(), aud="authenticated", role="authenticated", email="alice@example.org", phone="", app_metadata={},
        user_metadata={}, identities=[], created_at=now, updated_at=now, is_anonymous=False,
    )  # fmt: skip
    return auth.tokens.sign(alice, str(UUID(int=1)), "aal1", [])[0]


def kids(auth: Auth) -> list[str]:
    return [key["kid"] for key in auth.keys.now.public["keys"]]


async def test_the_first_start_makes_two_keys_and_publishes_no_private_half(node, vault):
    auth = await node()
    found = await states(vault)
    assert kids(auth) == [found["current"], found["standby"]]
    assert auth.keys.now.signing.kid == found["current"]
    assert "d" not in {name for key in auth.keys.now.public["keys"] for name in key}
    assert all(not key.is_private for key in auth.keys.now.by_id.values())
    assert await auth.verify(token_of(auth))


async def test_nodes_that_start_at_once_agree(node, vault):
    nodes = [await node(reads=False) for _ in range(12)]
    await asyncio.gather(*(auth.keys.load() for auth in nodes))
    assert len({tuple(kids(auth)) for auth in nodes}) == 1
    assert await vault.fetchval("select count(*) from auth.signing_keys") == 2


async def test_without_the_lock_they_would_stand_in_each_others_way(node, monkeypatch):
    monkeypatch.setattr(kept.sql, "lock_signing_keys", parse("-- name: nothing\nselect 1").nothing)
    nodes = [await node(reads=False) for _ in range(12)]
    results = await asyncio.gather(*(auth.keys.load() for auth in nodes), return_exceptions=True)
    assert any(isinstance(result, Exception) for result in results)


async def test_neither_a_dump_nor_a_representation_shows_a_private_key(node, vault, vault_url):
    auth = await node()
    await rotated(auth)
    await auth.keys.load()
    secret = auth.keys.now.signing.as_dict(private=True)["d"]
    shown = str(await vault.fetchval("select json_agg(k) from auth.signing_keys k"))
    dump = [PACKAGED / "pg_dump", "--data-only", "--table=auth.signing_keys", vault_url("supabase_admin")]
    shown += (await asyncio.to_thread(subprocess.run, dump, capture_output=True, text=True, check=True)).stdout
    shown += repr(auth.keys.now) + str(vars(auth.keys)) + repr(auth.keys.now.signing)
    assert auth.keys.now.signing.kid in shown
    assert secret not in shown
    assert '"d"' not in shown


async def test_a_rotation_refuses_no_token_and_forgets_the_old_private_half(node, vault):
    first, second = await node(), await node()
    before = token_of(first)
    done = await rotated(first)
    assert (await states(vault))["current"] == done.current
    await first.keys.load()
    assert kids(first) == [done.current, done.standby, done.retired]
    assert await second.verify(token_of(first)), "the second has known this key since it was on standby"
    assert await first.verify(before)
    await first.keys.load()
    row = await vault.fetchrow("select kid, sealed from auth.signing_keys where status = 'retired'")
    assert "d" not in json.loads(RIGHT.open(row["sealed"], f"signing_keys:{row['kid']}"))


async def test_who_read_the_key_set_before_a_rotation_takes_tokens_of_after_it(node, vault):
    """Any program with the public halves alone, and no way to ask again."""
    auth = await node()
    known = KeySet.import_key_set(auth.keys.now.public)
    before = token_of(auth)
    await vault.execute("update auth.signing_keys set created_at = now() - interval '11 minutes'")
    await rotated(auth, now=False)
    await auth.keys.load()
    for token in (before, token_of(auth)):
        assert jwt.decode(token, known, algorithms=["ES256"]).claims["iss"] == f"{SITE}/auth/v1"


async def test_a_node_that_slept_through_two_rotations_reads_the_keys_when_it_meets_the_new_one(node):
    awake, asleep = await node(), await node()
    for _ in range(2):
        await rotated(awake)
    await awake.keys.load()
    assert awake.keys.now.signing.kid not in kids(asleep)
    assert await asleep.verify(token_of(awake))
    assert kids(asleep) == kids(awake)
    assert await awake.verify(token_of(asleep))


async def test_a_young_standby_key_is_not_rotated_in(node, vault):
    auth = await node()
    before = await states(vault)
    with pytest.raises(kept.NotSettled, match="rotate then, or with --now"):
        await rotated(auth, now=False)
    assert await states(vault) == before
    await vault.execute("update auth.signing_keys set created_at = now() - interval '11 minutes'")
    assert (await rotated(auth, now=False)).current == before["standby"]
    with pytest.raises(kept.NotSettled):
        await rotated(auth, now=False)


async def test_many_rotations_at_once_take_turns(node, vault):
    nodes = [await node() for _ in range(6)]
    token = token_of(nodes[0])
    await asyncio.gather(*(rotated(auth) for auth in nodes))
    found = await vault.fetch("select status, count(*) from auth.signing_keys group by status")
    assert {row["status"]: row["count"] for row in found} == {"current": 1, "standby": 1, "retired": 6}
    assert await (await node()).verify(token)


async def test_a_retired_key_goes_when_its_last_token_has_expired(node, vault):
    auth = await node()
    token = token_of(auth)
    await rotated(auth)
    for minutes, left in ((69, 1), (71, 0)):
        await vault.execute(
            "update auth.signing_keys set retired_at = now() - make_interval(mins => $1) where status = 'retired'",
            minutes,
        )
        async with auth.acting() as tx:
            await kept.forget_retired(tx, auth.rules.jwt_seconds)
        assert await vault.fetchval("select count(*) from auth.signing_keys where status = 'retired'") == left
    await auth.keys.load()
    with pytest.raises(AuthError):
        await auth.verify(token)


@pytest.mark.parametrize("status", ["current", "standby", "retired"])
async def test_a_revoked_key_counts_no_more_and_two_are_left(node, vault, status):
    auth = await node()
    tokens = {"current": token_of(auth)}
    await rotated(auth)
    tokens = {"retired": tokens["current"], "current": token_of(await node())}
    before = await states(vault)
    async with acting(auth) as (tx, sealing):
        await kept.revoke(tx, sealing, before[status])
    await auth.keys.load()
    after = await states(vault)
    assert before[status] not in kids(auth)
    assert {"current", "standby"} <= set(after)
    assert after["current"] == (before["standby"] if status == "current" else before["current"])
    for whose, token in tokens.items():
        if whose == status:
            with pytest.raises(AuthError):
                await auth.verify(token)
        else:
            assert await auth.verify(token)
    async with acting(auth) as (tx, sealing):
        with pytest.raises(NotFound, match="vently keys list"):
            await kept.revoke(tx, sealing, before[status])


async def test_another_secret_is_told_in_a_sentence_and_changes_nothing(node, vault):
    await node()
    before = await vault.fetch("select * from auth.signing_keys order by kid")
    other = await node(WRONG, reads=False)
    with pytest.raises(KeysUnusableError, match="set VENTLY_SECRET to what it was"):
        await other.keys.load()
    for change in (
        lambda tx: kept.rotate(tx, WRONG, now=True),
        lambda tx: kept.revoke(tx, WRONG, before[0]["kid"]),
        lambda tx: kept.read(tx, WRONG),
    ):
        with pytest.raises(KeysUnusableError):
            async with other.acting() as tx:
                await change(tx)
    assert await vault.fetch("select * from auth.signing_keys order by kid") == before

    async with other.acting() as tx:
        await kept.revoke_all(tx, WRONG)
    assert await other.keys.load()


DAMAGE = {
    "emptied": lambda _: "",
    "cut": lambda row: row["sealed"][:-10],
    "turned": lambda row: row["sealed"][::-1],
    "no token": lambda _: "\U0001f511",
    "of another place": lambda _: RIGHT.seal(written(make()), "signing_keys:other"),
    "of another key": lambda row: RIGHT.seal(written(make()), f"signing_keys:{row['kid']}"),
    "with another secret": lambda row: WRONG.seal(written(make()), f"signing_keys:{row['kid']}"),
    "no JSON": lambda row: RIGHT.seal("{", f"signing_keys:{row['kid']}"),
    "no key": lambda row: RIGHT.seal("{}", f"signing_keys:{row['kid']}"),
    "a list": lambda row: RIGHT.seal("[]", f"signing_keys:{row['kid']}"),
    "of another curve": lambda row: RIGHT.seal(
        written(ECKey.generate_key("P-384", {"kid": row["kid"]}, auto_kid=False)), f"signing_keys:{row['kid']}"
    ),
    "without its private half": lambda row: RIGHT.seal(
        json.dumps(ECKey.generate_key("P-256", {"kid": row["kid"]}, auto_kid=False).as_dict(private=False)),
        f"signing_keys:{row['kid']}",
    ),
}


@pytest.mark.parametrize("damage", DAMAGE)
async def test_a_damaged_row_is_named_and_mended_as_it_says(node, vault, damage):
    running = await node()
    await vault.execute("update auth.signing_keys set created_at = now() - interval '1 hour'")
    row = await vault.fetchrow("select kid, sealed from auth.signing_keys where status = 'current'")
    await vault.execute("update auth.signing_keys set sealed = $1 where kid = $2", DAMAGE[damage](row), row["kid"])
    started = await node(reads=False)
    with pytest.raises(KeysUnusableError, match=f"`vently keys revoke {row['kid']}`"):
        await started.keys.load()
    with pytest.raises(KeysUnusableError):
        await rotated(started)
    token = token_of(running)
    assert await running.verify(token), "a node that runs keeps what it has read"
    async with acting(started) as (tx, sealing):
        await kept.revoke(tx, sealing, row["kid"])
    await started.keys.load()
    assert await started.verify(token_of(started))


@pytest.mark.parametrize("status", ["current", "standby"])
async def test_a_row_somebody_deleted_is_made_good(node, vault, status):
    auth = await node()
    await vault.execute("delete from auth.signing_keys where status = $1", status)
    await auth.keys.load()
    assert {"current", "standby"} <= set(await states(vault))


async def test_two_current_keys_cannot_be(node, vault):
    await node()
    with pytest.raises(asyncpg.UniqueViolationError):
        await vault.execute("insert into auth.signing_keys values ('third', 'x', 'current')")
    with pytest.raises(asyncpg.CheckViolationError):
        await vault.execute("insert into auth.signing_keys values ('third', 'x', 'retired')")


async def test_an_older_database_is_told_to_be_migrated(node, vault):
    auth = await node(reads=False)
    await vault.execute("alter table auth.signing_keys rename to signing_keys_away")
    try:
        with pytest.raises(KeysUnusableError, match="run `vently migrate`"):
            await auth.keys.load()
    finally:
        await vault.execute("alter table auth.signing_keys_away rename to signing_keys")
