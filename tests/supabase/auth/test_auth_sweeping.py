"""What is past its life is thrown out, what counts is left, and nobody is in anybody's way."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from auth_cast import Account

from vently.supabase.auth.sweeping import sweeping
from vently.supabase.auth.sweeping.sweeping import BATCH, sweep

SWEEP_LOCK = "select pg_advisory_xact_lock(hashtextextended('vently: sweep of sign-in', 0))"


@pytest.fixture
def person(alice: Account) -> UUID:
    return UUID(alice.session["user"]["id"])


async def refreshes(http, token: str) -> Any:
    return await http.post("/token?grant_type=refresh_token", json={"refresh_token": token})


async def tokens_of(owner: asyncpg.Connection, person: UUID) -> set[str]:
    rows = await owner.fetch("select token from auth.refresh_tokens where user_id = $1", str(person))
    return {row["token"] for row in rows}


async def chain(http, alice: Account, length: int) -> list[str]:
    """Her refresh tokens, the oldest first."""
    tokens = [alice.refresh_token]
    for _ in range(length):
        answer = await refreshes(http, tokens[-1])
        assert answer.status_code == 200, answer.text
        tokens.append(answer.json()["refresh_token"])
    return tokens


async def age(owner: asyncpg.Connection, person: UUID, hours: int) -> None:
    await owner.execute(
        "update auth.refresh_tokens set updated_at = now() - make_interval(hours => $2) where user_id = $1",
        str(person), hours,
    )  # fmt: skip


async def test_used_refresh_tokens_go_and_the_live_one_and_its_parent_stay(http, auth, owner, alice, person):
    tokens = await chain(http, alice, 5)
    await age(owner, person, 23)
    await sweep(auth)
    assert await tokens_of(owner, person) == set(tokens), "not before a day has passed"
    await age(owner, person, 25)
    assert (await sweep(auth))["refresh_tokens"] >= 4
    assert await tokens_of(owner, person) == set(tokens[-2:])
    assert (await refreshes(http, tokens[-2])).json()["refresh_token"] == tokens[-1], "the parent's answer may be lost"
    assert (await refreshes(http, tokens[-1])).status_code == 200
    assert (await refreshes(http, tokens[0])).json()["code"] == "refresh_token_not_found"


async def test_a_family_that_was_ended_keeps_saying_so(http, auth, owner, alice, person):
    tokens = await chain(http, alice, 3)
    await owner.execute("update auth.refresh_tokens set revoked = true where user_id = $1", str(person))
    await age(owner, person, 48)
    await sweep(auth)
    assert await tokens_of(owner, person) == set(tokens)
    assert (await refreshes(http, tokens[-1])).json()["code"] == "refresh_token_already_used"


async def test_another_session_of_hers_is_not_touched(http, auth, owner, alice, person):
    answer = await http.post("/token?grant_type=password", json={"email": alice.email, "password": alice.password})
    other = answer.json()["refresh_token"]
    await chain(http, alice, 3)
    await age(owner, person, 48)
    await sweep(auth)
    assert other in await tokens_of(owner, person)
    assert (await refreshes(http, other)).status_code == 200


ROWS = {
    "one_time_tokens": (
        60,
        """insert into auth.one_time_tokens (id, user_id, token_type, token_hash, relates_to, created_at)
           values ($1::uuid, $2, $3::text::auth.one_time_token_type, $1::uuid::text, 'x',
                   (now() at time zone 'utc') - $4::interval)""",
    ),
    "flow_state": (
        24 * 60,
        """insert into auth.flow_state (id, user_id, provider_type, authentication_method, created_at)
           values ($1, $2, $3, 'oauth', now() - $4::interval)""",
    ),
    "oauth_client_states": (
        60,
        """insert into auth.oauth_client_states (id, provider_type, code_verifier, created_at)
           values ($1, $2::uuid::text, $3, now() - $4::interval)""",
    ),
    "mfa_challenges": (
        24 * 60,
        """with factor as (
             insert into auth.mfa_factors (id, user_id, friendly_name, factor_type, status, created_at, updated_at)
             values (gen_random_uuid(), $2, $3, 'totp', 'verified', now(), now()) returning id)
           insert into auth.mfa_challenges (id, factor_id, created_at, ip_address)
           select $1, id, now() - $4::interval, '127.0.0.1' from factor""",
    ),
    "webauthn_challenges": (
        60,
        """insert into auth.webauthn_challenges (id, user_id, challenge_type, session_data, expires_at)
           values ($1, $2, 'authentication', jsonb_build_object('of', $3::text), now() - $4::interval)""",
    ),
    "sessions": (
        0,
        """insert into auth.sessions (id, user_id, user_agent, created_at, not_after)
           values ($1, $2, $3, now(), now() - $4::interval)""",
    ),
}
"""Minutes that a row of each table lives, and how to make one that is some minutes old."""


@pytest.mark.parametrize("table", ROWS)
async def test_each_table_keeps_what_lives_and_loses_what_does_not(auth, owner, person, table):
    life, insert = ROWS[table]
    old, young = uuid4(), uuid4()
    await owner.execute(insert, old, person, "recovery_token", timedelta(minutes=life + 1))
    await owner.execute(insert, young, person, "confirmation_token", timedelta(minutes=life - 1))
    assert (await sweep(auth))[table] >= 1
    left = await owner.fetch(f"select id from auth.{table} where id = any($1)", [old, young])
    assert [row["id"] for row in left] == [young]


async def test_full_buckets_of_the_limits_go(auth, owner):
    for name, minutes in (("old", 61), ("young", 59)):
        await owner.execute(
            "insert into auth.rate_limits values ($1, 0, now() - make_interval(mins => $2))", f"sweep {name}", minutes
        )
    assert (await sweep(auth))["rate_limits"] >= 1
    left = await owner.fetch("select key from auth.rate_limits where key like 'sweep %'")
    assert [row["key"] for row in left] == ["sweep young"]


async def make_flows(owner: asyncpg.Connection, count: int) -> None:
    await owner.execute(
        "insert into auth.flow_state (id, provider_type, authentication_method, created_at) "
        "select gen_random_uuid(), 'sweep', 'oauth', now() - interval '2 days' from generate_series(1, $1::int)",
        count,
    )


async def flows_left(owner: asyncpg.Connection) -> int:
    return await owner.fetchval("select count(*) from auth.flow_state where provider_type = 'sweep'")


async def test_many_go_in_small_batches(auth, owner, monkeypatch):
    executed = []
    before = sweeping.sql.sweep_flows
    await make_flows(owner, 2 * BATCH + 7)

    async def counted(auth, statement, parameters, original=sweeping._in_batches):
        executed.append(statement.name)
        return await original(auth, statement, parameters)

    monkeypatch.setattr(sweeping, "_in_batches", counted)
    assert (await sweep(auth))["flow_state"] == 2 * BATCH + 7
    assert before.name in executed
    assert await flows_left(owner) == 0
    assert "flow_state" not in await sweep(auth)


async def test_several_nodes_at_once_sweep_each_row_once(auth, owner):
    await make_flows(owner, 3 * BATCH)
    swept = await asyncio.gather(*(sweep(auth) for _ in range(4)))
    assert sum(each.get("flow_state", 0) for each in swept) + await flows_left(owner) == 3 * BATCH
    await sweep(auth)
    assert await flows_left(owner) == 0


async def test_while_another_node_is_at_it_nothing_is_done(auth, owner):
    await make_flows(owner, 3)
    async with owner.transaction():
        await owner.execute(SWEEP_LOCK)
        assert await sweep(auth) == {}
    assert await flows_left(owner) == 3
    assert (await sweep(auth))["flow_state"] == 3


async def test_a_row_that_somebody_holds_is_passed_over(auth, owner):
    await make_flows(owner, 3)
    async with owner.transaction():
        held = "select id from auth.flow_state where provider_type = 'sweep' limit 1 for update"
        assert await owner.fetchval(held)
        async with asyncio.timeout(2):
            assert (await sweep(auth))["flow_state"] == 2
    assert (await sweep(auth))["flow_state"] == 1


async def test_sweeping_fails_nobody_who_refreshes(http, auth, owner, alice, person):
    token, over = alice.refresh_token, False

    async def sweeps() -> None:
        while not over:
            await age(owner, person, 48)
            await sweep(auth)

    busy = asyncio.create_task(sweeps())
    for _ in range(40):
        answer = await refreshes(http, token)
        assert answer.status_code == 200, answer.text
        token = answer.json()["refresh_token"]
    over = True
    await busy
    await age(owner, person, 48)
    await sweep(auth)
    assert len(await tokens_of(owner, person)) == 2
