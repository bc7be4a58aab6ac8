"""Refresh tokens: one live token a session, mistakes forgiven for ten seconds, thieves never.

Clocks are turned back in the database; no test waits.
"""

import asyncio
import copy
from contextlib import suppress
from uuid import UUID

import httpx
import pytest
from auth_cast import PASSWORD, Account, sign_up

from vently.database.pool import Database
from vently.database.queries import Query
from vently.supabase.auth.accounts import accounts
from vently.supabase.auth.devices import NOWHERE
from vently.supabase.auth.errors import AuthError
from vently.supabase.auth.sessions import sessions


async def refreshed(http: httpx.AsyncClient, token: str) -> str:
    answer = await http.post("/token?grant_type=refresh_token", json={"refresh_token": token})
    assert answer.status_code == 200, answer.text
    return answer.json()["refresh_token"]


async def refused(http: httpx.AsyncClient, token: str) -> str:
    answer = await http.post("/token?grant_type=refresh_token", json={"refresh_token": token})
    assert answer.status_code == 400, answer.text
    return answer.json()["code"]


async def live(owner, account: Account) -> list[str]:
    rows = await owner.fetch(
        "select token from auth.refresh_tokens where user_id = $1 and not revoked", account.session["user"]["id"]
    )
    return [row["token"] for row in rows]


async def later(owner, account: Account, seconds: int = 11) -> None:
    await owner.execute(
        """update auth.refresh_tokens set updated_at = updated_at - make_interval(secs => $2),
                  created_at = created_at - make_interval(secs => $2) where user_id = $1""",
        account.session["user"]["id"],
        float(seconds),
    )


async def test_a_refresh_gives_a_child_and_retires_the_parent(http, owner, alice):
    child = await refreshed(http, alice.refresh_token)
    assert child != alice.refresh_token
    assert await live(owner, alice) == [child]
    parent = await owner.fetchval("select parent from auth.refresh_tokens where token = $1", child)
    assert parent == alice.refresh_token


async def test_a_refreshed_session_is_the_same_session(http, auth, alice):
    first = await auth.verify(alice.session["access_token"])
    answer = await http.post("/token?grant_type=refresh_token", json={"refresh_token": alice.refresh_token})
    second = await auth.verify(answer.json()["access_token"])
    for claim in ("sub", "session_id", "amr", "aal", "email", "role"):
        assert first[claim] == second[claim]
    assert answer.json()["user"]["id"] == first["sub"]


async def test_the_parent_of_the_live_token_works_however_late(http, owner, alice):
    """The client never got the answer: it asks again with the only token it has."""
    child = await refreshed(http, alice.refresh_token)
    await later(owner, alice, 3600)
    assert await refreshed(http, alice.refresh_token) == child
    assert await live(owner, alice) == [child]


async def test_a_grandparent_works_within_ten_seconds(http, owner, alice):
    grandchild = await refreshed(http, await refreshed(http, alice.refresh_token))
    assert await refreshed(http, alice.refresh_token) == grandchild
    assert await live(owner, alice) == [grandchild]


async def test_a_grandparent_after_ten_seconds_ends_the_whole_family(http, owner, alice):
    child = await refreshed(http, alice.refresh_token)
    grandchild = await refreshed(http, child)
    await later(owner, alice)
    assert await refused(http, alice.refresh_token) == "refresh_token_already_used"
    assert await live(owner, alice) == []
    for token in (grandchild, child, alice.refresh_token):
        assert await refused(http, token) == "refresh_token_already_used"


async def test_a_thief_ends_only_the_family_stolen_from(http, owner, auth, alice, bob):
    elsewhere = await accounts.sign_in(auth, alice.email, PASSWORD)
    await refreshed(http, await refreshed(http, alice.refresh_token))
    await later(owner, alice)
    assert await refused(http, alice.refresh_token) == "refresh_token_already_used"
    assert await refreshed(http, elsewhere.refresh_token)
    assert await refreshed(http, bob.refresh_token)


async def test_no_token_outlives_its_session(http, alice):
    child = await refreshed(http, alice.refresh_token)
    await http.post("/logout", headers=alice.bearer)
    assert await refused(http, child) == "refresh_token_not_found"
    assert await refused(http, alice.refresh_token) == "refresh_token_not_found"


async def test_an_expired_session_is_not_refreshed(http, owner, alice):
    await owner.execute(
        "update auth.sessions set not_after = now() - interval '1 second' where user_id = $1",
        UUID(alice.session["user"]["id"]),
    )
    assert await refused(http, alice.refresh_token) == "session_expired"
    assert await live(owner, alice) == [alice.refresh_token]


@pytest.mark.parametrize("token", ["unknown", " ", "x" * 256, "é", "' or true --", "a\0b", "\x1b"])
async def test_an_unknown_token_is_not_found(http, token):
    assert await refused(http, token) == "refresh_token_not_found"


async def test_two_hundred_refreshes_at_once_leave_one_live_token(http, owner, alice):
    answers = await asyncio.gather(*(refreshed(http, alice.refresh_token) for _ in range(200)))
    assert len(set(answers)) == 1
    assert await live(owner, alice) == [answers[0]]
    assert await owner.fetchval("select count(*) from auth.sessions where user_id = $1::uuid", user_id(alice)) == 1


async def test_two_hundred_refreshes_at_two_nodes_leave_one_live_family(server, database_name, auth, owner, alice):
    node = copy.copy(auth)
    node.database = await Database.open(server.url("authenticator", database_name))
    for_all = [sessions.refresh(each, alice.refresh_token, device=NOWHERE) for each in [auth, node] * 100]
    answers = await asyncio.gather(*for_all)
    await node.database.close()
    assert await live(owner, alice) == list({answer.refresh_token for answer in answers})
    assert len({(await auth.verify(answer.access_token))["session_id"] for answer in answers}) == 1


async def test_a_crowd_with_old_and_new_tokens_leaves_one_live_token(http, owner, alice):
    child = await refreshed(http, alice.refresh_token)
    tokens = [alice.refresh_token, child] * 60
    answers = await asyncio.gather(*(refreshed(http, token) for token in tokens))
    alive = await live(owner, alice)
    assert len(alive) == 1
    assert alive[0] in answers


async def test_a_crowd_with_a_stolen_token_leaves_none_alive(http, owner, alice):
    child = await refreshed(http, alice.refresh_token)
    grandchild = await refreshed(http, child)
    await later(owner, alice)

    async def ask(token: str) -> tuple[int, str]:
        answer = await http.post("/token?grant_type=refresh_token", json={"refresh_token": token})
        return answer.status_code, answer.json().get("code", "")

    answers = await asyncio.gather(*(ask(token) for token in [alice.refresh_token, grandchild] * 50))
    assert {answer for answer in answers if answer[0] != 200} == {(400, "refresh_token_already_used")}
    assert await live(owner, alice) == []


async def test_signing_out_while_refreshing_leaves_nothing_and_breaks_nothing(http, owner, alice):
    async def sign_out() -> int:
        return (await http.post("/logout?scope=global", headers=alice.bearer)).status_code

    async def refresh() -> int:
        answer = await http.post("/token?grant_type=refresh_token", json={"refresh_token": alice.refresh_token})
        return answer.status_code

    statuses = await asyncio.gather(*(each() for _ in range(30) for each in (refresh, sign_out)))
    assert set(statuses) <= {200, 204, 400, 403}
    assert 204 in statuses
    assert await live(owner, alice) == []


async def test_without_the_lock_there_would_be_two_live_tokens(owner, auth, alice, monkeypatch):
    """The negative control: the crowd's tests do watch the lock."""
    nothing = Query("lock_session_of_token", "select session_id from auth.refresh_tokens where token = $1", ("token",))
    monkeypatch.setattr(sessions.sql, "lock_session_of_token", nothing)

    async def ask() -> None:
        await sessions.refresh(auth, alice.refresh_token, device=NOWHERE)

    await asyncio.gather(*(ask() for _ in range(100)))
    assert len(await live(owner, alice)) > 1


async def test_fifty_sign_ups_with_one_address_make_one_account(http, owner, email):
    async def ask() -> str:
        answer = await http.post("/signup", json={"email": email, "password": PASSWORD})
        assert answer.status_code in (200, 422)
        return answer.json().get("code", "made")

    codes = await asyncio.gather(*(ask() for _ in range(50)))
    assert sorted(codes) == ["made"] + ["user_already_exists"] * 49
    assert await owner.fetchval("select count(*) from auth.users where email = $1", email) == 1
    assert await owner.fetchval("select count(*) from auth.identities where email = $1", email) == 1


async def test_two_people_moving_to_one_address_at_once_do_not_both_get_it(http, auth, email):
    people = [await sign_up(http, f"{n}.{email}") for n in range(6)]

    async def move(person: Account) -> str:
        try:
            await accounts.update_user(auth, await auth.verify(person.session["access_token"]), email=email)
        except AuthError as error:
            return error.code
        return "moved"

    assert sorted(await asyncio.gather(*map(move, people))) == ["email_exists"] * 5 + ["moved"]


def user_id(account: Account) -> str:
    return account.session["user"]["id"]


async def test_a_changed_password_leaves_no_session_that_began_with_the_old_one(owner, auth, alice):
    """Whoever signs in with the old password at the same moment is out."""

    async def sign_in() -> None:
        with suppress(AuthError):
            await accounts.sign_in(auth, alice.email, PASSWORD)

    claims = await auth.verify(alice.session["access_token"])
    change = accounts.update_user(auth, claims, password="a new password")
    await asyncio.gather(*(sign_in() for _ in range(8)), change, *(sign_in() for _ in range(8)))
    left = await owner.fetch("select id from auth.sessions where user_id = $1::uuid", user_id(alice))
    assert [str(row["id"]) for row in left] == [claims["session_id"]]
