"""What `/auth/v1` answers, to the letter, in both versions of the error body."""

import re
from uuid import UUID

import pytest
import pytest_asyncio
from auth_cast import PASSWORD, SITE, sign_up

from vently.supabase.auth.accounts import accounts

OLD_VERSION = {"X-Supabase-Api-Version": ""}


async def test_a_session_has_all_that_clients_read(http, email):
    answer = await http.post("/signup", json={"email": email.title(), "password": PASSWORD, "data": {"name": "Alice"}})
    session = answer.json()
    user = session["user"]
    assert set(session) == {"access_token", "token_type", "expires_in", "expires_at", "refresh_token", "user"}
    assert session["token_type"] == "bearer"
    assert session["expires_in"] == 3600
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-supabase-api-version"] == "2024-01-01"
    assert user["aud"] == user["role"] == "authenticated"
    assert UUID(user["id"]).version == 7
    assert user["email"] == email
    assert user["phone"] == ""
    assert user["is_anonymous"] is False
    assert user["app_metadata"] == {"provider": "email", "providers": ["email"]}
    assert user["user_metadata"] == {
        "name": "Alice",
        "sub": user["id"],
        "email": email,
        "email_verified": True,
        "phone_verified": False,
    }
    assert {"created_at", "updated_at", "confirmed_at", "email_confirmed_at", "last_sign_in_at"} < set(user)
    assert "encrypted_password" not in answer.text
    [identity] = user["identities"]
    assert identity["id"] == identity["user_id"] == user["id"]
    assert identity["provider"] == "email"
    assert identity["identity_data"]["email"] == identity["email"] == email
    assert UUID(identity["identity_id"])


async def test_an_access_token_has_the_claims_policies_read(http, auth, email):
    alice = await sign_up(http, email, data={"name": "Alice"})
    claims = await auth.verify(alice.session["access_token"])
    assert claims["iss"] == f"{SITE}/auth/v1"
    assert claims["sub"] == alice.session["user"]["id"]
    assert claims["aud"] == claims["role"] == "authenticated"
    assert claims["exp"] == alice.session["expires_at"] == claims["iat"] + 3600
    assert claims["aal"] == "aal1"
    assert claims["amr"] == [{"method": "password", "timestamp": claims["iat"]}] or claims["amr"][0]["timestamp"]
    assert claims["email"] == email
    assert claims["phone"] == ""
    assert claims["is_anonymous"] is False
    assert claims["app_metadata"]["provider"] == "email"
    assert claims["user_metadata"]["name"] == "Alice"
    assert UUID(claims["session_id"])


async def test_the_user_is_shown_and_changed(http, alice):
    shown = await http.get("/user", headers=alice.bearer)
    assert shown.json()["id"] == alice.session["user"]["id"]
    changed = await http.put("/user", headers=alice.bearer, json={"data": {"name": "Alice B."}})
    assert changed.json()["user_metadata"]["name"] == "Alice B."
    nothing = await http.put("/user", headers=alice.bearer, json={})
    assert nothing.json()["user_metadata"] == changed.json()["user_metadata"]


async def test_errors_come_in_the_version_asked_for(http, alice):
    wrong = {"email": alice.email, "password": "wrong"}
    new = await http.post("/token?grant_type=password", json=wrong)
    assert new.status_code == 400
    assert new.json() == {"code": "invalid_credentials", "message": "Invalid login credentials"}
    assert new.headers["x-sb-error-code"] == "invalid_credentials"
    assert new.headers["x-supabase-api-version"] == "2024-01-01"
    for old_version in ("", "2023-12-31", "nonsense", "2024-1-1", "9999"):
        old = await http.post("/token?grant_type=password", json=wrong, headers={"X-Supabase-Api-Version": old_version})
        assert old.json() == {"code": 400, "error_code": "invalid_credentials", "msg": "Invalid login credentials"}
        assert old.headers["x-sb-error-code"] == "invalid_credentials"
        assert "x-supabase-api-version" not in old.headers


async def test_a_weak_password_says_why_in_both_versions(http, email):
    weak = {"email": email, "password": "12345"}
    new = await http.post("/signup", json=weak)
    assert new.status_code == 422
    assert new.json() == {
        "code": "weak_password",
        "message": "Password should be at least 6 characters.",
        "weak_password": {"reasons": ["length"]},
    }
    old = await http.post("/signup", json=weak, headers=OLD_VERSION)
    assert old.json()["error_code"] == "weak_password"
    assert old.json()["code"] == 422
    assert old.json()["weak_password"] == {"reasons": ["length"]}


async def test_the_token_endpoint_speaks_oauth_about_grants(http):
    for grant in ("", "?grant_type=", "?grant_type=client_credentials"):
        answer = await http.post(f"/token{grant}", json={})
        assert answer.status_code == 400
        assert set(answer.json()) == {"error", "error_description"}
        assert answer.json()["error"] == "unsupported_grant_type"
    answer = await http.post("/token?grant_type=refresh_token", json={})
    assert answer.json() == {"error": "invalid_request", "error_description": "refresh_token required"}


async def test_sign_up_refuses_what_it_should(http, alice):
    cases = [
        ({"email": alice.email, "password": PASSWORD}, 422, "user_already_exists"),
        ({"email": alice.email.upper(), "password": "something else"}, 422, "user_already_exists"),
        ({}, 422, "anonymous_provider_disabled"),
        ({"data": {"name": "nobody"}}, 422, "anonymous_provider_disabled"),
        ({"phone": "+15555550100", "password": PASSWORD}, 400, "phone_provider_disabled"),
        ({"email": "x@example.com"}, 400, "validation_failed"),
        ({"email": "x@example.com", "password": ""}, 400, "validation_failed"),
        ({"email": "x@example.com", "password": "x" * 73}, 400, "validation_failed"),
        ({"email": "x@example.com", "password": "é" * 37}, 400, "validation_failed"),
    ]
    for body, status, code in cases:
        answer = await http.post("/signup", json=body)
        assert (answer.status_code, answer.json()["code"]) == (status, code), body


@pytest.mark.parametrize(
    "address",
    [
        "plain",
        "@example.com",
        "a@",
        "a b@example.com",
        "a@b@c.com",
        "a@example.com\n",
        "a@-x.com",
        "é@example.com",
        "a@" + "x" * 300 + ".com",
        "a" * 250 + "@example.com",
    ],
)
async def test_sign_up_refuses_what_is_no_email_address(http, address):
    answer = await http.post("/signup", json={"email": address, "password": PASSWORD})
    assert (answer.status_code, answer.json()["code"]) == (400, "validation_failed")


async def test_changing_oneself_refuses_what_it_should(http, alice, bob):
    cases = [
        ({"password": PASSWORD}, 422, "same_password"),
        ({"password": "short"}, 422, "weak_password"),
        ({"password": "a new password", "current_password": "wrong"}, 400, "current_password_invalid"),
        ({"email": bob.email}, 422, "email_exists"),
        ({"email": bob.email.upper()}, 422, "email_exists"),
        ({"email": "nonsense"}, 400, "validation_failed"),
        ({"phone": "+15555550100"}, 400, "phone_provider_disabled"),
        ({"data": []}, 400, "validation_failed"),
        ({"data": {"big": "x" * 5000}}, 400, "validation_failed"),
    ]
    for body, status, code in cases:
        answer = await http.put("/user", headers=alice.bearer, json=body)
        assert (answer.status_code, answer.json()["code"]) == (status, code), body
    assert (await http.get("/user", headers=alice.bearer)).json()["user_metadata"] == alice.session["user"][
        "user_metadata"
    ]


async def test_metadata_may_not_grow_past_its_limit_in_small_steps(http, alice):
    assert (await http.put("/user", headers=alice.bearer, json={"data": {"a": "x" * 3000}})).status_code == 200
    answer = await http.put("/user", headers=alice.bearer, json={"data": {"b": "x" * 3000}})
    assert (answer.status_code, answer.json()["code"]) == (400, "validation_failed")


async def test_a_new_password_signs_out_everywhere_else(http, auth, alice):
    elsewhere = await accounts.sign_in(auth, alice.email, PASSWORD)
    body = {"password": "a new password", "current_password": PASSWORD}
    assert (await http.put("/user", headers=alice.bearer, json=body)).status_code == 200
    assert (await http.get("/user", headers=alice.bearer)).status_code == 200
    gone = await http.get("/user", headers={"Authorization": f"Bearer {elsewhere.access_token}"})
    assert (gone.status_code, gone.json()["code"]) == (403, "session_not_found")


async def test_sign_out_ends_the_session_but_not_a_strangers(http, alice, bob):
    answer = await http.post("/logout?scope=global", headers=alice.bearer)
    assert answer.status_code == 204
    assert answer.content == b""
    for method, path in (("GET", "/user"), ("PUT", "/user"), ("POST", "/logout")):
        gone = await http.request(method, path, headers=alice.bearer, json={})
        assert (gone.status_code, gone.json()["code"]) == (403, "session_not_found")
    assert (await http.get("/user", headers=bob.bearer)).status_code == 200


async def test_an_unknown_sign_out_scope_is_refused(http, alice):
    for scope in ("everyone", "GLOBAL", "local'--", "\0"):
        answer = await http.post("/logout", params={"scope": scope}, headers=alice.bearer)
        assert (answer.status_code, answer.json()["code"]) == (400, "validation_failed")
    assert (await http.get("/user", headers=alice.bearer)).status_code == 200


async def test_without_a_bearer_of_ones_own_there_is_no_user(http, alice):
    for headers in (
        {},
        {"Authorization": ""},
        {"Authorization": "Bearer"},
        {"Authorization": "Basic YTpi"},
        {"Authorization": "Bearer sb_publishable_x", "apikey": "sb_publishable_x"},
        {**alice.bearer, "apikey": alice.session["access_token"]},
    ):
        answer = await http.get("/user", headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (401, "no_authorization"), headers
    answer = await http.get("/user", headers={"Authorization": "bearer sb_publishable_x"})
    assert (answer.status_code, answer.json()["code"]) == (403, "bad_jwt")


async def test_a_banned_person_is_told_so_once_the_password_is_right(http, owner, alice):
    await owner.execute(
        "update auth.users set banned_until = now() + interval '1 day' where id = $1", UUID(alice.session["user"]["id"])
    )
    answer = await http.get("/user", headers=alice.bearer)
    assert (answer.status_code, answer.json()["code"]) == (403, "user_banned")
    answer = await http.post("/token?grant_type=refresh_token", json={"refresh_token": alice.refresh_token})
    assert (answer.status_code, answer.json()["code"]) == (400, "user_banned")
    right = {"email": alice.email, "password": PASSWORD}
    assert (await http.post("/token?grant_type=password", json=right)).json()["code"] == "user_banned"
    wrong = {**right, "password": "wrong"}
    assert (await http.post("/token?grant_type=password", json=wrong)).json()["code"] == "invalid_credentials"


async def test_an_unconfirmed_address_cannot_sign_in(http, owner, alice):
    await owner.execute("update auth.users set email_confirmed_at = null where email = $1", alice.email)
    answer = await http.post("/token?grant_type=password", json={"email": alice.email, "password": PASSWORD})
    assert (answer.status_code, answer.json()["code"]) == (400, "email_not_confirmed")


async def test_a_deleted_person_is_gone(http, owner, alice):
    await owner.execute("delete from auth.users where email = $1", alice.email)
    answer = await http.get("/user", headers=alice.bearer)
    assert (answer.status_code, answer.json()["code"]) == (403, "user_not_found")


BAD_TRIGGER = """
create function private.somebodys_trigger() returns trigger language plpgsql security definer set search_path = '' as $$
begin
  if new.email like 'sentence.%' then raise exception 'Only members may sign up.'; end if;
  if new.email like 'guarded.%' then raise exception 'That handle is taken.' using errcode = 'PT409'; end if;
  if new.email like 'broken.%' then perform 1 from public.no_such_table; end if;
  return new;
end $$;
create trigger somebodys after insert or update of email on auth.users
  for each row execute function private.somebodys_trigger();
"""


@pytest_asyncio.fixture
async def bad_trigger(owner):
    """What an owner of a site may have put on `auth.users`, beside our own trigger."""
    await owner.execute(BAD_TRIGGER)
    yield
    await owner.execute("drop function private.somebodys_trigger cascade")


@pytest.mark.usefixtures("bad_trigger")
@pytest.mark.parametrize(
    ("who", "said"),
    [
        ("sentence", "Database error saving new user: Only members may sign up."),
        ("guarded", "Database error saving new user: That handle is taken."),
        ("broken", "Database error saving new user: a trigger on auth.users failed with 42P01; the server's log"),
    ],
)
async def test_a_failing_sign_up_trigger_is_a_clear_error_and_leaves_nothing(http, owner, email, who, said):
    answer = await http.post("/signup", json={"email": f"{who}.{email}", "password": PASSWORD})
    assert answer.status_code == 422
    assert answer.json()["code"] == "unexpected_failure"
    assert answer.json()["message"].startswith(said)
    assert await owner.fetchval("select count(*) from auth.users where email = $1", f"{who}.{email}") == 0


@pytest.mark.usefixtures("bad_trigger")
async def test_a_failing_trigger_on_a_change_is_a_clear_error_and_changes_nothing(http, alice):
    answer = await http.put("/user", headers=alice.bearer, json={"email": f"sentence.{alice.email}", "data": {"a": 1}})
    assert (answer.status_code, answer.json()["code"]) == (422, "unexpected_failure")
    assert answer.json()["message"] == "Database error updating user: Only members may sign up."
    shown = (await http.get("/user", headers=alice.bearer)).json()
    assert shown["email"] == alice.email
    assert "a" not in shown["user_metadata"]


async def test_settings_health_and_key_set_are_public(http, served):
    settings = (await http.get("/settings")).json()
    assert settings["external"]["email"] is True
    assert settings["mailer_autoconfirm"] is True
    assert (await http.get("/health")).json()["name"] == "Vently"
    inside = await http.get("/.well-known/jwks.json")
    outside = await http.get(f"{served.url}/.well-known/jwks.json")
    assert inside.json() == outside.json()
    assert len(inside.json()["keys"]) >= 2
    for key in inside.json()["keys"]:
        assert set(key) == {"kty", "crv", "x", "y", "kid", "alg", "use", "key_ops"}
        assert (key["kty"], key["crv"], key["alg"], key["use"]) == ("EC", "P-256", "ES256", "sig")
    for answer in (inside, outside):
        assert re.search(r"max-age=600", answer.headers["cache-control"])


async def test_unknown_paths_and_methods_are_refused_in_the_same_words(http):
    for method, path, status in (
        ("GET", "/", 404),
        ("GET", "/no/such/thing", 404),
        ("POST", "/admin/nothing", 404),
        ("DELETE", "/user", 405),
        ("GET", "/signup", 405),
        ("GET", "/%00", 404),
        ("GET", "/%ff%fe", 404),
    ):
        answer = await http.request(method, path)
        assert answer.status_code == status, path
        assert set(answer.json()) == {"code", "message"}
        assert answer.headers["x-supabase-api-version"] == "2024-01-01"


async def test_browsers_on_other_sites_may_ask(http):
    preflight = await http.options(
        "/token",
        headers={
            "Origin": "https://elsewhere.example",
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization,apikey,content-type,x-client-info,x-supabase-api-version",
        },
    )
    assert preflight.status_code in (200, 204)
    allowed = preflight.headers["access-control-allow-headers"].lower().split(", ")
    assert {"authorization", "content-type", "apikey", "x-client-info", "x-supabase-api-version"} <= set(allowed)
    for path in ("/settings", "/user", "/nothing"):
        answer = await http.get(path, headers={"Origin": "https://elsewhere.example"})
        assert answer.headers["access-control-allow-origin"] == "*"
        exposed = answer.headers["access-control-expose-headers"].split(", ")
        assert {"X-Total-Count", "Link", "X-Supabase-Api-Version"} <= set(exposed)
        assert "access-control-allow-credentials" not in answer.headers
