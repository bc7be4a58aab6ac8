"""Links and codes by mail, through HTTP, real SMTP and Supabase's own client."""

import asyncio
import base64
import hashlib
import itertools
import secrets
import time
from collections.abc import AsyncIterator

import msgspec
import pytest
import pytest_asyncio
from auth_cast import API_KEY, PASSWORD, SITE
from mail_cast import MailedSite, mailed_site
from supabase import AsyncClient, AsyncClientOptions, acreate_client
from supabase_auth.errors import AuthApiError

from vently.database.embedded import Server
from vently.database.queries import parse
from vently.supabase.auth.links import sign_up as pending
from vently.supabase.auth.links import tokens
from vently.supabase.auth.links.tokens import Redeemed

APP = "https://app.example.org/in"
STRANGERS = "the password of a stranger"
NEW_PASSWORD = "staple of the battery horse"

_numbers = itertools.count(1)


@pytest_asyncio.fixture(scope="module")
async def site(server: Server, database_name: str) -> AsyncIterator[MailedSite]:
    async with mailed_site(
        server.url("authenticator", database_name),
        lambda rules: msgspec.structs.replace(rules, redirect_urls=("https://app.example.org/**",)),
    ) as site:
        yield site


@pytest.fixture
def bob() -> str:
    """Bob's address; he has no account yet."""
    return f"bob.links{next(_numbers)}@example.com"


@pytest_asyncio.fixture
async def alice(site: MailedSite) -> str:
    """Alice's address; she has a confirmed account."""
    return await site.signs_up(f"alice.links{next(_numbers)}@example.com")


@pytest_asyncio.fixture
async def client(site: MailedSite) -> AsyncClient:
    """Supabase's own client, unmodified."""
    return await acreate_client(site.url, API_KEY, AsyncClientOptions(flow_type="implicit"))


@pytest_asyncio.fixture
async def pkce_client(site: MailedSite) -> AsyncClient:
    return await acreate_client(site.url, API_KEY, AsyncClientOptions(flow_type="pkce"))


async def sign_up(site: MailedSite, email: str, password: str = PASSWORD, **more: object) -> dict:
    answer = await site.http.post("/signup", json={"email": email, "password": password, **more})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def sign_in(site: MailedSite, email: str, password: str = PASSWORD):
    return await site.http.post("/token?grant_type=password", json={"email": email, "password": password})


async def verify(site: MailedSite, **body: str):
    return await site.http.post("/verify", json=body)


def bearer(session: dict) -> dict[str, str]:
    return {"Authorization": f"Bearer {session['access_token']}"}


# Sign-up


async def test_bob_signs_up_and_confirms_by_the_link(site, client, bob):
    made = await client.auth.sign_up({"email": bob, "password": PASSWORD, "options": {"data": {"name": "Bob"}}})
    assert made.session is None
    assert made.user.email == bob
    assert made.user.email_confirmed_at is None
    assert [each.provider for each in made.user.identities] == ["email"]
    with pytest.raises(AuthApiError) as refused:
        await client.auth.sign_in_with_password({"email": bob, "password": PASSWORD})
    assert refused.value.code == "email_not_confirmed"

    landed = await site.follow(await site.letter(bob))
    assert landed.page == SITE
    assert landed.fragment["type"] == "signup"
    assert landed.fragment["token_type"] == "bearer"
    assert landed.fragment["expires_in"] == "3600"
    entered = await client.auth.set_session(landed.fragment["access_token"], landed.fragment["refresh_token"])
    assert entered.user.id == made.user.id
    assert entered.user.email_confirmed_at
    assert entered.user.user_metadata["name"] == "Bob"
    assert entered.user.user_metadata["email_verified"] is True
    assert entered.user.identities[0].identity_data["email_verified"] is True
    assert (await client.auth.sign_in_with_password({"email": bob, "password": PASSWORD})).session


@pytest.mark.parametrize("kind", ["signup", "email"])
async def test_bob_confirms_by_the_code(site, client, bob, kind):
    await client.auth.sign_up({"email": bob, "password": PASSWORD})
    code = (await site.letter(bob)).code
    entered = await client.auth.verify_otp({"email": bob.upper(), "token": code, "type": kind})
    assert entered.session.access_token
    assert entered.user.email == bob


async def test_a_confirmed_address_that_signs_up_again_is_answered_as_a_new_one(site, alice, bob):
    new, known = await sign_up(site, bob, data={"x": 1}), await sign_up(site, alice, data={"x": 1})
    assert known["identities"] == []
    assert known.keys() == new.keys()
    assert known["user_metadata"].keys() == new["user_metadata"].keys()
    assert known["app_metadata"] == new["app_metadata"]
    assert known["user_metadata"]["sub"] == known["id"]
    assert (await site.letter(alice)).subject == "You already have a Vently account"
    assert (await sign_in(site, alice)).status_code == 200


@pytest.mark.parametrize("passwords", [(STRANGERS, PASSWORD), (PASSWORD, STRANGERS)])
async def test_of_two_who_sign_up_with_one_address_none_chooses_the_others_password(site, bob, passwords):
    """Whoever confirms cannot tell whose letter it is."""
    for password in (*passwords, passwords[1]):
        await sign_up(site, bob, password)
        await site.letter(bob)
    assert len(await site.letters(bob)) == 3
    assert "access_token" in (await site.follow(await site.letter(bob))).fragment
    for password in passwords:
        assert (await sign_in(site, bob, password)).status_code == 400


async def test_who_signs_up_twice_keeps_their_password(site, bob):
    await sign_up(site, bob)
    old = await site.letter(bob)
    await sign_up(site, bob)
    assert (await site.follow(old)).fragment["error_code"] == "otp_expired"
    assert "access_token" in (await site.follow(await site.letter(bob))).fragment
    assert (await sign_in(site, bob)).status_code == 200


async def test_who_was_invited_gets_no_stranger_s_password(site, owner, bob):
    await site.http.post("/otp", json={"email": bob})
    invitation = await site.letter(bob)
    await owner.execute("update auth.users set invited_at = now() where email = $1", bob)
    assert (await sign_up(site, bob, "the password of a stranger"))["identities"] == []
    assert "access_token" in (await site.follow(invitation)).fragment
    assert (await sign_in(site, bob, "the password of a stranger")).status_code == 400


async def test_no_answer_to_a_sign_up_comes_before_its_time(site, alice, bob, monkeypatch):
    monkeypatch.setattr(pending, "ANSWER_SECONDS", 0.4)
    for address in alice, bob:
        began = time.monotonic()
        await sign_up(site, address)
        assert time.monotonic() - began >= 0.4


async def test_who_enters_by_a_letter_loses_the_password_that_a_stranger_chose(site, bob):
    await sign_up(site, bob, "the password of a stranger")
    stale = await site.letter(bob)
    await site.http.post("/otp", json={"email": bob})
    entered = await verify(site, email=bob, token=(await site.letter(bob)).code, type="email")
    assert entered.status_code == 200
    assert (await sign_in(site, bob, "the password of a stranger")).json()["code"] == "invalid_credentials"
    assert "error" in (await site.follow(stale)).fragment


async def test_a_sign_up_that_a_trigger_refuses_says_so(site, owner, bob):
    await owner.execute(
        "create function private.refuse_links() returns trigger language plpgsql as "
        "$$ begin raise exception 'no strangers here'; end $$;"
        "create trigger refuse_links before insert on auth.users for each row"
        f" when (new.email = '{bob}') execute function private.refuse_links()"
    )
    answer = await site.http.post("/signup", json={"email": bob, "password": PASSWORD})
    assert answer.status_code == 422
    assert "no strangers here" in answer.json()["message"]
    assert await site.letters(bob) == []
    await owner.execute("drop trigger refuse_links on auth.users; drop function private.refuse_links()")


async def test_the_confirmation_is_sent_again(site, client, alice, bob):
    await sign_up(site, bob)
    first = await site.letter(bob)
    await client.auth.resend({"type": "signup", "email": bob, "options": {"email_redirect_to": APP}})
    second = await site.letter(bob)
    assert second.link != first.link
    assert (await site.follow(first)).fragment["error_code"] == "otp_expired"
    assert (await site.follow(second)).page == APP
    many = len(await site.letters(alice))
    await client.auth.resend({"type": "signup", "email": alice})
    await client.auth.resend({"type": "signup", "email": "nobody.at.all@example.com"})
    assert len(await site.letters(alice)) == many
    assert await site.letters("nobody.at.all@example.com") == []


# Signing in by mail


async def test_alice_signs_in_with_a_code(site, client, alice):
    await client.auth.sign_in_with_otp({"email": alice})
    entered = await client.auth.verify_otp({"email": alice, "token": (await site.letter(alice)).code, "type": "email"})
    assert entered.user.email == alice
    claims = await site.auth.verify(entered.session.access_token)
    assert [each["method"] for each in claims["amr"]] == ["otp"]


@pytest.mark.parametrize("path", ["/otp", "/magiclink"])
async def test_alice_signs_in_with_a_link_to_where_she_was(site, alice, path):
    await site.http.post(path, params={"redirect_to": f"{APP}?tab=2"}, json={"email": alice})
    landed = await site.follow(await site.letter(alice))
    assert landed.page == APP
    assert landed.query == {"tab": "2"}
    assert landed.fragment["type"] == "magiclink"
    me = await site.http.get("/user", headers=bearer(landed.fragment))
    assert me.json()["email"] == alice


async def test_a_server_signs_alice_in_with_the_hash_of_the_link(site, client, alice):
    await client.auth.sign_in_with_otp({"email": alice})
    token = (await site.letter(alice)).query["token"]
    entered = await client.auth.verify_otp({"token_hash": token, "type": "magiclink"})
    assert entered.session


async def test_who_has_no_account_gets_one_by_code(site, client, bob):
    await client.auth.sign_in_with_otp({"email": bob, "options": {"data": {"name": "Bob"}}})
    entered = await client.auth.verify_otp({"email": bob, "token": (await site.letter(bob)).code, "type": "email"})
    assert entered.user.user_metadata["name"] == "Bob"
    assert entered.user.email_confirmed_at


async def test_who_has_no_account_gets_none_when_the_client_says_so(site, client, alice, bob):
    with pytest.raises(AuthApiError) as refused:
        await client.auth.sign_in_with_otp({"email": bob, "options": {"should_create_user": False}})
    assert (refused.value.code, refused.value.status) == ("otp_disabled", 422)
    await client.auth.sign_in_with_otp({"email": alice, "options": {"should_create_user": False}})
    assert (await site.letter(alice)).code
    assert await site.letters(bob) == []


async def test_supabase_s_client_signs_in_with_a_link_and_pkce(site, pkce_client, alice):
    await pkce_client.auth.sign_in_with_otp({"email": alice, "options": {"email_redirect_to": APP}})
    letter = await site.letter(alice)
    assert letter.query["token"].startswith("pkce_")
    landed = await site.follow(letter)
    assert landed.fragment == {}
    assert landed.query.keys() == {"code"}
    entered = await pkce_client.auth.exchange_code_for_session({"auth_code": landed.query["code"]})
    assert entered.user.email == alice
    claims = await site.auth.verify(entered.session.access_token)
    assert [each["method"] for each in claims["amr"]] == ["magiclink"]


async def test_supabase_s_client_signs_up_and_recovers_with_pkce(site, pkce_client, bob):
    await pkce_client.auth.sign_up({"email": bob, "password": PASSWORD, "options": {"email_redirect_to": APP}})
    landed = await site.follow(await site.letter(bob))
    assert landed.page == APP
    entered = await pkce_client.auth.exchange_code_for_session({"auth_code": landed.query["code"]})
    assert entered.user.email_confirmed_at
    await pkce_client.auth.sign_out()

    await pkce_client.auth.reset_password_for_email(bob)
    code = (await site.follow(await site.letter(bob))).query["code"]
    entered = await pkce_client.auth.exchange_code_for_session({"auth_code": code})
    claims = await site.auth.verify(entered.session.access_token)
    assert [each["method"] for each in claims["amr"]] == ["recovery"]
    await pkce_client.auth.update_user({"password": NEW_PASSWORD})
    assert (await sign_in(site, bob, NEW_PASSWORD)).status_code == 200


async def test_supabase_s_client_changes_its_address_with_pkce(site, pkce_client, alice):
    new = f"new.{alice}"
    await pkce_client.auth.sign_in_with_password({"email": alice, "password": PASSWORD})
    await pkce_client.auth.update_user({"email": new}, {"email_redirect_to": APP})
    waiting = await site.follow(await site.letter(new))
    assert waiting.query["message"].startswith("Confirmation link accepted.")
    landed = await site.follow(await site.letter(alice))
    entered = await pkce_client.auth.exchange_code_for_session({"auth_code": landed.query["code"]})
    assert entered.user.email == new


async def test_a_link_of_pkce_is_worth_nothing_without_the_verifier(site, alice):
    verifier = secrets.token_urlsafe(40)
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    asked = {"email": alice, "code_challenge": challenge, "code_challenge_method": "s256"}
    await site.http.post("/otp", json=asked)
    code = (await site.follow(await site.letter(alice))).query["code"]
    for wrong in (challenge, "x" * 43, ""):
        refused = await site.http.post("/token?grant_type=pkce", json={"auth_code": code, "code_verifier": wrong})
        assert refused.status_code == 400
    body = {"auth_code": code, "code_verifier": verifier}
    assert (await site.http.post("/token?grant_type=pkce", json=body)).status_code == 200
    assert (await site.http.post("/token?grant_type=pkce", json=body)).status_code == 404


@pytest.mark.parametrize(
    "half",
    [
        {"code_challenge": "a" * 43},
        {"code_challenge_method": "s256"},
        {"code_challenge": "a" * 42, "code_challenge_method": "s256"},
        {"code_challenge": "a" * 129, "code_challenge_method": "s256"},
        {"code_challenge": "a" * 42 + "\0", "code_challenge_method": "s256"},
        {"code_challenge": "a" * 43, "code_challenge_method": "md5"},
    ],
)
@pytest.mark.parametrize("path", ["/otp", "/magiclink", "/recover", "/signup"])
async def test_half_a_challenge_is_refused(site, path, half):
    answer = await site.http.post(path, json={"email": "a@example.com", "password": PASSWORD, **half})
    assert (answer.status_code, answer.json()["code"]) == (400, "validation_failed")


# Recovery


async def test_alice_chooses_a_new_password_and_her_other_sessions_end(site, client, alice):
    elsewhere = (await sign_in(site, alice)).json()
    await client.auth.reset_password_for_email(alice, {"redirect_to": APP})
    letter = await site.letter(alice)
    await client.auth.sign_in_with_otp({"email": alice})  # replaces it: one open link at a time
    assert (await site.follow(letter)).fragment["error_code"] == "otp_expired"
    await client.auth.reset_password_for_email(alice)
    entered = await client.auth.verify_otp(
        {"email": alice, "token": (await site.letter(alice)).code, "type": "recovery"}
    )
    assert entered.session
    await client.auth.update_user({"password": NEW_PASSWORD})
    assert (await site.http.get("/user", headers=bearer(elsewhere))).json()["code"] == "session_not_found"
    assert (await site.http.get("/user", headers=bearer(msgspec.to_builtins(entered.session.model_dump())))).is_success
    assert (await sign_in(site, alice)).status_code == 400
    assert (await sign_in(site, alice, NEW_PASSWORD)).status_code == 200
    told = await site.letters(alice)
    assert "Your Vently password was changed" in [letter.subject for letter in told]


async def test_open_links_die_with_a_new_password(site, alice):
    session = (await sign_in(site, alice)).json()
    await site.http.post("/recover", json={"email": alice})
    letter = await site.letter(alice)
    changed = await site.http.put("/user", json={"password": NEW_PASSWORD}, headers=bearer(session))
    assert changed.status_code == 200, changed.text
    assert (await site.follow(letter)).fragment["error_code"] == "otp_expired"
    refused = await verify(site, email=alice, token=letter.code, type="recovery")
    assert refused.json()["code"] == "otp_expired"


# Using up


async def test_link_and_code_die_together(site, alice):
    await site.http.post("/otp", json={"email": alice})
    letter = await site.letter(alice)
    assert (await verify(site, email=alice, token=letter.code, type="magiclink")).status_code == 200
    assert (await site.follow(letter)).fragment["error_code"] == "otp_expired"
    again = await verify(site, email=alice, token=letter.code, type="magiclink")
    assert (again.status_code, again.json()["code"]) == (403, "otp_expired")
    await site.http.post("/otp", json={"email": alice})
    letter = await site.letter(alice)
    assert "access_token" in (await site.follow(letter)).fragment
    assert (await verify(site, email=alice, token=letter.code, type="magiclink")).status_code == 403


async def test_many_uses_at_once_give_one_session(site, owner, alice):
    person = await owner.fetchval("select id from auth.users where email = $1", alice)
    await site.http.post("/otp", json={"email": alice})
    letter = await site.letter(alice)
    before = await owner.fetchval("select count(*) from auth.sessions where user_id = $1", person)
    uses = [verify(site, token_hash=letter.query["token"], type="magiclink") for _ in range(10)]
    uses += [verify(site, email=alice, token=letter.code, type="email") for _ in range(10)]
    answers = sorted(answer.status_code for answer in await asyncio.gather(*uses))
    assert answers == [200] + [403] * 19
    assert await owner.fetchval("select count(*) from auth.sessions where user_id = $1", person) == before + 1


async def test_without_using_it_up_in_one_statement_many_would_get_in(site, alice, monkeypatch):
    """The negative control of the test above."""
    looking = (
        "-- name: redeem_link\n"
        "select user_id, token_type::text as kind, relates_to as address, flow_id, pg_sleep(0.2)::text is null as late"
        "  from auth.one_time_tokens where token_hash = :hash and token_type::text = any(:kinds) and :life::float8 > 0"
    )

    class Found(Redeemed, frozen=True):
        late: bool

    monkeypatch.setattr(tokens.sql, "redeem_link", parse(looking).redeem_link)
    monkeypatch.setattr(tokens, "Redeemed", Found)
    await site.http.post("/otp", json={"email": alice})
    token = (await site.letter(alice)).query["token"]
    answers = await asyncio.gather(*(verify(site, token_hash=token, type="magiclink") for _ in range(5)))
    assert [answer.status_code for answer in answers] == [200] * 5


async def test_after_an_hour_link_and_code_are_worthless(site, owner, alice):
    await site.http.post("/otp", json={"email": alice})
    letter = await site.letter(alice)
    aged = await owner.execute(
        "update auth.one_time_tokens set created_at = created_at - interval '3601 seconds' where relates_to = $1", alice
    )
    assert aged == "UPDATE 1"
    landed = await site.follow(letter)
    assert landed.fragment == {
        "error": "access_denied",
        "error_code": "otp_expired",
        "error_description": "Token has expired or is invalid",
    }
    assert (await verify(site, email=alice, token=letter.code, type="email")).json()["code"] == "otp_expired"


async def test_just_before_the_hour_they_work_whatever_the_clock_s_zone(site, owner, alice, database_name):
    await owner.execute(f"alter database {database_name} set timezone to 'Pacific/Kiritimati'")
    await site.http.post("/otp", json={"email": alice})
    letter = await site.letter(alice)
    await owner.execute(
        "update auth.one_time_tokens set created_at = created_at - interval '3500 seconds' where relates_to = $1", alice
    )
    assert "access_token" in (await site.follow(letter)).fragment
    await owner.execute(f"alter database {database_name} reset timezone")


async def test_neither_link_nor_code_stands_in_the_database(site, owner, alice):
    await site.http.post("/otp", json={"email": alice})
    letter = await site.letter(alice)
    row = await owner.fetchrow("select * from auth.one_time_tokens where relates_to = $1", alice)
    token = letter.query["token"]
    assert row["token_hash"] == hashlib.sha256(token.encode()).hexdigest()
    assert letter.code not in str(dict(row))
    plain = {hashlib.new(name, f"{alice}{letter.code}".encode()).hexdigest() for name in ("sha224", "sha256")}
    assert not plain & {row["token_hash"], row["code_mac"]}


async def test_a_link_serves_its_own_purpose_only(site, alice, bob):
    await site.http.post("/recover", json={"email": alice})
    token = (await site.letter(alice)).query["token"]
    for other in ("signup", "invite", "email_change"):
        assert (await verify(site, token_hash=token, type=other)).json()["code"] == "otp_expired"
    await sign_up(site, bob)
    code = (await site.letter(bob)).code
    for other in ("magiclink", "recovery", "email_change"):
        assert (await verify(site, email=bob, token=code, type=other)).json()["code"] == "otp_expired"
    assert (await verify(site, email=alice, token=code, type="email")).json()["code"] == "otp_expired"


async def test_someone_banned_gets_no_letter_and_their_link_no_session(site, owner, alice):
    await site.http.post("/otp", json={"email": alice})
    letter = await site.letter(alice)
    await owner.execute("update auth.users set banned_until = now() + interval '1 day' where email = $1", alice)
    assert (await site.follow(letter)).fragment["error_code"] == "user_banned"
    many = len(await site.letters(alice))
    assert (await site.http.post("/recover", json={"email": alice})).json() == {}
    assert len(await site.letters(alice)) == many


async def test_errors_of_a_pkce_link_stand_in_the_query_as_well(site):
    landed = await site.follow(f"/verify?token=pkce_{'x' * 43}&type=magiclink&redirect_to={APP}?tab%3D2")
    assert landed.page == APP
    assert landed.query["error_code"] == landed.fragment["error_code"] == "otp_expired"
    assert landed.query["tab"] == "2"
