"""Rate limits: exact however many ask at once, per mailbox, address or person, and the same for unknown mailboxes."""

import asyncio
import secrets

import asyncpg
import httpx
import pytest
import pytest_asyncio
from auth_cast import NEW_VERSION, PASSWORD, ruled
from litestar import Litestar

from vently.database.pool import Database
from vently.supabase.auth.api import mount
from vently.supabase.auth.auth import Auth
from vently.supabase.auth.errors import AuthError
from vently.supabase.auth.limits import limits
from vently.supabase.auth.sweeping import sweeping


@pytest.fixture
def strict(auth) -> Auth:
    """The same sign-in with limits on."""
    return ruled(auth, limited=True)


@pytest_asyncio.fixture
async def strictly(strict):
    """A client of it, from an address of its own."""
    app = Litestar([mount(strict)], openapi_config=None)
    transport = httpx.ASGITransport(app, client=(f"10.{'.'.join(str(secrets.randbelow(250)) for _ in range(3))}", 1))
    url = "http://vently.test/auth/v1"
    async with httpx.AsyncClient(transport=transport, base_url=url, headers=NEW_VERSION) as client:
        yield client


def somebody() -> str:
    return f"{secrets.token_hex(6)}@example.com"


async def granted(auth, kind, who, tries) -> int:
    answers = await asyncio.gather(*(limits.spend(auth, kind, who) for _ in range(tries)), return_exceptions=True)
    for answer in answers:
        assert answer is None or (isinstance(answer, AuthError) and answer.status == 429), answer
    return answers.count(None)


async def test_of_two_hundred_at_two_nodes_exactly_the_limit_is_let_through(strict, server, database_name):
    node, who = ruled(strict), somebody()
    node.database = await Database.open(server.url("authenticator", database_name))
    assert sum(await asyncio.gather(granted(strict, "code", who, 100), granted(node, "code", who, 100))) == 15
    await node.database.close()


async def test_two_buckets_of_one_spending_neither_deadlock_nor_leak(strict, owner):
    who = somebody()
    assert await granted(strict, "mail", who, 200) == 1
    name = strict.sealing.mark(who, "rate limit mail")
    rows = dict(await owner.fetch("select key, tokens from auth.rate_limits where key like $1", f"mail:%:{name}"))
    assert rows == {f"mail:0:{name}": 0, f"mail:3600:{name}": 9}


async def test_without_the_lock_on_the_row_more_would_get_through(owner, server, database_name):
    """The same race, with reading and writing apart: what the upsert is for."""
    key = secrets.token_hex(6)
    await owner.execute("insert into auth.rate_limits values ($1, 15, now())", key)
    pool = await asyncpg.create_pool(server.url("supabase_admin", database_name), min_size=10, max_size=10)

    async def careless() -> bool:
        async with pool.acquire() as connection:
            left = await connection.fetchval("select tokens from auth.rate_limits where key = $1", key)
            await asyncio.sleep(0.001)
            await connection.execute("update auth.rate_limits set tokens = $2 where key = $1", key, left - 1)
            return left >= 1

    assert sum(await asyncio.gather(*(careless() for _ in range(200)))) > 15
    await pool.close()


async def test_buckets_fill_again_with_time_and_never_run_over(strict, owner):
    who = somebody()
    assert await granted(strict, "code", who, 20) == 15
    name = strict.sealing.mark(who, "rate limit code")
    later = "update auth.rate_limits set updated_at = updated_at - $2::float8 * interval '1 second' where key like $1"
    await owner.execute(later, f"code:%:{name}", 480)  # two of fifteen an hour
    assert await granted(strict, "code", who, 20) == 2
    await owner.execute(later, f"code:%:{name}", 1_000_000)
    assert await granted(strict, "code", who, 40) == 15


async def test_a_refusal_says_when_to_come_back(strict):
    who = somebody()
    await limits.spend(strict, "mail", who)
    with pytest.raises(AuthError) as refused:
        await limits.spend(strict, "mail", who)
    error = refused.value
    assert (error.code, error.status) == ("over_email_send_rate_limit", 429)
    seconds = int(error.headers["Retry-After"])
    assert 58 <= seconds <= 60
    assert error.message == f"For security purposes, you can only request this after {seconds} seconds."
    assert error.headers["RateLimit"] == f'"mail";r=0;t={seconds}'
    assert error.headers["RateLimit-Policy"] == '"mail";q=1;w=60'


async def test_addresses_are_counted_by_network_and_kept_only_as_hashes(strict, owner):
    await limits.spend(strict, "verify", "2001:db8::1", times=30)
    for same in ("2001:db8::2", "2001:DB8:0:0:ffff::1", "2001:db8::1%eth0"):
        with pytest.raises(AuthError):
            await limits.spend(strict, "verify", same)
    await limits.spend(strict, "verify", "2001:db8:0:1::1")
    await limits.spend(strict, "verify", "198.51.100.7", times=30)
    with pytest.raises(AuthError):
        await limits.spend(strict, "verify", "::ffff:198.51.100.7")
    who = somebody()
    await limits.spend(strict, "code", who.upper())
    assert await granted(strict, "code", who, 15) == 14
    keys = " ".join(row["key"] for row in await owner.fetch("select key from auth.rate_limits"))
    assert who not in keys
    assert "198.51" not in keys
    assert "2001:db8" not in keys


async def test_full_buckets_are_thrown_away(strict, owner):
    await owner.execute("insert into auth.rate_limits values ($1, 3, now() - interval '2 hours')", "old" + somebody())
    await owner.execute("insert into auth.rate_limits values ($1, 3, now() - interval '50 minutes')", "young")
    await sweeping.sweep(strict)
    kept = {row["key"] for row in await owner.fetch("select key from auth.rate_limits")}
    assert "young" in kept
    assert not any(key.startswith("old") for key in kept)


async def test_passwords_cannot_be_tried_without_end_from_one_address(strictly):
    async def tries(number: int) -> httpx.Response:
        body = {"refresh_token": f"guess{number}"}
        return await strictly.post("/token?grant_type=refresh_token", json=body)

    answers = await asyncio.gather(*(tries(number) for number in range(160)))
    refused = [answer for answer in answers if answer.status_code == 429]
    assert 5 <= len(refused) <= 10  # half a token a second comes back meanwhile
    assert refused[0].json() == {"code": "over_request_rate_limit", "message": "Request rate limit reached"}
    assert refused[0].headers["x-sb-error-code"] == "over_request_rate_limit"
    assert 1 <= int(refused[0].headers["retry-after"]) <= 3


async def test_the_limit_of_a_mailbox_does_not_tell_whether_it_is_known(strict, strictly):
    known, unknown = somebody(), somebody()
    assert (await strictly.post("/signup", json={"email": known, "password": PASSWORD})).status_code == 200
    for email in (known, unknown):
        await limits.spend(strict, "password", email, times=100)
    answers = [
        await strictly.post("/token?grant_type=password", json={"email": email.title(), "password": "wrong"})
        for email in (known, unknown)
    ]
    assert [answer.status_code for answer in answers] == [429, 429]
    assert answers[0].json() == answers[1].json()


async def test_signing_up_is_limited(strictly):
    answers = [await strictly.post("/signup", json={"email": "no address", "password": PASSWORD}) for _ in range(32)]
    assert [answer.status_code for answer in answers] == [400] * 30 + [429] * 2


async def test_limits_can_be_off(auth, owner):
    before = await owner.fetchval("select count(*) from auth.rate_limits")
    assert await granted(auth, "mail", somebody(), 50) == 50
    assert await owner.fetchval("select count(*) from auth.rate_limits") == before
