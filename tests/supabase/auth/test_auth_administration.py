"""Accounts under the secret key, spoken to by Supabase's own client; and nobody else gets near them."""

import secrets
from uuid import uuid4

import pytest
import pytest_asyncio
from auth_cast import API_KEY, PASSWORD, SECRET_KEY, sign_up
from supabase import AsyncClient, acreate_client
from supabase_auth.errors import AuthApiError

from vently.supabase.auth import passwords

SECRET = {"Authorization": f"Bearer {SECRET_KEY}", "apikey": SECRET_KEY}


@pytest_asyncio.fixture
async def admin(served):
    """`auth.admin` of the client with the secret key."""
    return (await acreate_client(served.url, SECRET_KEY)).auth.admin


@pytest.fixture
def address() -> str:
    return f"{secrets.token_hex(6)}@example.com"


async def signs_in(served, email: str, password: str = PASSWORD) -> AsyncClient:
    client = await acreate_client(served.url, API_KEY)
    await client.auth.sign_in_with_password({"email": email, "password": password})
    return client


async def test_an_account_is_made_with_all_that_is_said_about_it(served, admin, address):
    wanted = str(uuid4())
    made = await admin.create_user(
        {
            "id": wanted,
            "email": address.upper(),
            "password": PASSWORD,
            "email_confirm": True,
            "user_metadata": {"name": "Dana"},
            "app_metadata": {"plan": "gold", "roles": ["platform_admin"]},
        }
    )
    assert made.user.id == wanted
    assert made.user.email == address
    assert made.user.email_confirmed_at is not None
    assert made.user.user_metadata == {"name": "Dana"}
    assert made.user.app_metadata == {"provider": "email", "providers": ["email"], "plan": "gold"}
    assert [each.provider for each in made.user.identities] == ["email"]
    signed_in = await signs_in(served, address)
    assert (await signed_in.auth.get_user()).user.id == wanted
    assert (await admin.get_user_by_id(wanted)).user.email == address


async def test_an_account_without_confirmation_cannot_be_used_yet(served, admin, address):
    made = await admin.create_user({"email": address, "password": PASSWORD})
    assert made.user.email_confirmed_at is None
    with pytest.raises(AuthApiError) as refused:
        await signs_in(served, address)
    assert refused.value.code == "email_not_confirmed"
    await admin.update_user_by_id(made.user.id, {"email_confirm": True})
    await signs_in(served, address)


@pytest.mark.parametrize("kind", ["argon2", "bcrypt"])
async def test_password_hashes_of_elsewhere_are_taken(served, admin, address, kind):
    import bcrypt

    stored = (
        await passwords.hashed(PASSWORD)
        if kind == "argon2"
        else bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()
    )
    await admin.create_user({"email": address, "password_hash": stored, "email_confirm": True})
    await signs_in(served, address)


async def test_an_account_is_changed(served, admin, address):
    made = await admin.create_user({"email": address, "password": PASSWORD, "email_confirm": True})
    user = made.user.id
    await admin.update_user_by_id(user, {"user_metadata": {"a": 1, "b": 2}, "app_metadata": {"plan": "gold"}})
    changed = await admin.update_user_by_id(user, {"user_metadata": {"a": None}, "app_metadata": {"seats": 3}})
    assert changed.user.user_metadata == {"b": 2}
    assert changed.user.app_metadata == {"provider": "email", "providers": ["email"], "plan": "gold", "seats": 3}
    signed_in = await signs_in(served, address)
    await admin.update_user_by_id(user, {"password": "another good password"})
    with pytest.raises(AuthApiError) as gone:
        await signed_in.auth.get_user()
    assert gone.value.code == "session_not_found"
    await signs_in(served, address, "another good password")
    moved = await admin.update_user_by_id(user, {"email": f"new.{address}"})
    assert (moved.user.email, moved.user.identities[0].identity_data["email"]) == (f"new.{address}",) * 2
    await signs_in(served, f"new.{address}", "another good password")


async def test_a_ban_ends_every_session_at_once_and_can_be_lifted(served, http, admin, address):
    account = await sign_up(http, address)
    user = account.session["user"]["id"]
    banned = await admin.update_user_by_id(user, {"ban_duration": "1h30m"})
    assert banned.user.id == user
    refreshed = await http.post("/token?grant_type=refresh_token", json={"refresh_token": account.refresh_token})
    assert (refreshed.status_code, refreshed.json()["code"]) == (400, "refresh_token_not_found")
    assert (await http.get("/user", headers=account.bearer)).status_code == 403
    with pytest.raises(AuthApiError) as refused:
        await signs_in(served, address)
    assert refused.value.code == "user_banned"
    await admin.update_user_by_id(user, {"ban_duration": "none"})
    await signs_in(served, address)


async def test_deleting_takes_the_account_away(served, admin, address):
    made = await admin.create_user({"email": address, "password": PASSWORD, "email_confirm": True})
    signed_in = await signs_in(served, address)
    await admin.delete_user(made.user.id)
    for gone in (admin.get_user_by_id(made.user.id), admin.delete_user(made.user.id)):
        with pytest.raises(AuthApiError) as refused:
            await gone
        assert (refused.value.code, refused.value.status) == ("user_not_found", 404)
    with pytest.raises(AuthApiError):
        await signed_in.auth.get_user()
    await admin.create_user({"email": address, "password": PASSWORD})


async def test_soft_deleting_keeps_the_id_and_hides_who_it_was(served, admin, owner, address):
    made = await admin.create_user(
        {"email": address, "password": PASSWORD, "email_confirm": True, "user_metadata": {"name": "Dana"}}
    )
    signed_in = await signs_in(served, address)
    await admin.delete_user(made.user.id, should_soft_delete=True)
    await admin.delete_user(made.user.id, should_soft_delete=True)
    left = (await admin.get_user_by_id(made.user.id)).user
    assert left.email != address
    assert left.user_metadata == left.app_metadata == {}
    rows = await owner.fetch(
        "select to_jsonb(u)::text || to_jsonb(i)::text as all"
        " from auth.users u join auth.identities i on i.user_id = u.id where u.id = $1::uuid",
        made.user.id,
    )
    assert rows
    assert not any(address in row["all"] or "Dana" in row["all"] for row in rows)
    for refused in (signs_in(served, address), signed_in.auth.refresh_session()):
        with pytest.raises(AuthApiError):
            await refused
    await admin.create_user({"email": address, "password": PASSWORD})


async def test_the_list_has_pages(http, admin):
    made = [(await admin.create_user({"email": f"{secrets.token_hex(6)}@lists.example"})).user.id for _ in range(5)]
    assert [user.id for user in await admin.list_users(page=1, per_page=3)] == made[:1:-1]
    assert [user.id for user in await admin.list_users(page=2, per_page=3)][:2] == made[1::-1]
    first = await http.get("/admin/users?page=1&per_page=2&filter=lists.example", headers=SECRET)
    assert first.headers["x-total-count"] == "5"
    assert first.headers["link"] == (
        '</admin/users?page=2&per_page=2&filter=lists.example>; rel="next", '
        '</admin/users?page=3&per_page=2&filter=lists.example>; rel="last"'
    )
    last = await http.get("/admin/users?page=3&per_page=2&filter=lists.example", headers=SECRET)
    assert "next" not in last.headers["link"]
    assert [user["id"] for user in last.json()["users"]] == made[:1]
    beyond = await http.get("/admin/users?page=99&per_page=2&filter=lists.example", headers=SECRET)
    assert beyond.json() == {"users": [], "aud": "authenticated"}
    for wrong in ("page=0", "page=-1", "page=x", "per_page=0", "per_page=1001", "page=9999999999", "page=٣"):
        answer = await http.get(f"/admin/users?{wrong}", headers=SECRET)
        assert (answer.status_code, answer.json()["code"]) == (400, "validation_failed"), wrong


async def test_an_administrator_sees_and_removes_second_factors(admin, owner, address):
    made = await admin.create_user({"email": address, "email_confirm": True})
    factor = uuid4()
    await owner.execute(
        "insert into auth.mfa_factors (id, user_id, factor_type, status, created_at, updated_at, secret)"
        " values ($1, $2::uuid, 'totp', 'verified', now(), now(), 'sealed')",
        factor, made.user.id,
    )  # fmt: skip
    [shown] = await admin.mfa.list_factors({"user_id": made.user.id})
    assert (shown.id, shown.factor_type, shown.status) == (str(factor), "totp", "verified")
    removed = await admin.mfa.delete_factor({"user_id": made.user.id, "id": str(factor)})
    assert removed.id == str(factor)
    assert await admin.mfa.list_factors({"user_id": made.user.id}) == []
    with pytest.raises(AuthApiError) as refused:
        await admin.mfa.delete_factor({"user_id": made.user.id, "id": str(factor)})
    assert refused.value.code == "mfa_factor_not_found"


async def test_an_administrator_signs_somebody_out_with_their_token(served, admin, http, address):
    account = await sign_up(http, address)
    elsewhere = await signs_in(served, address)
    await admin.sign_out(account.session["access_token"], "others")
    assert (await http.get("/user", headers=account.bearer)).status_code == 200
    with pytest.raises(AuthApiError):
        await elsewhere.auth.get_user()
    await admin.sign_out(account.session["access_token"])
    assert (await http.get("/user", headers=account.bearer)).status_code == 403


async def test_what_cannot_be_is_refused_and_changes_nothing(http, alice, bob):
    user = f"/admin/users/{alice.session['user']['id']}"
    before = (await http.get(user, headers=SECRET)).json()
    cases = [
        ({"email": bob.email}, 422, "email_exists"),
        ({"email": "nonsense"}, 400, "validation_failed"),
        ({"password": "123456789"}, 422, "weak_password"),
        ({"password": PASSWORD, "password_hash": "$2b$10$x"}, 400, "validation_failed"),
        ({"password_hash": "plain text"}, 400, "validation_failed"),
        ({"password_hash": "$argon2id$v=19$m=9999999,t=1,p=1$c2FsdHNhbHQ$aGFzaGhhc2g"}, 400, "validation_failed"),
        ({"password_hash": "$2b$31$" + "x" * 53}, 400, "validation_failed"),
        ({"ban_duration": "tomorrow"}, 400, "validation_failed"),
        ({"ban_duration": "-1h"}, 400, "validation_failed"),
        ({"ban_duration": "9" * 90 + "h"}, 400, "validation_failed"),
        ({"role": "service_role"}, 422, "validation_failed"),
        ({"role": "postgres"}, 422, "validation_failed"),
        ({"aud": "elsewhere"}, 422, "validation_failed"),
        ({"phone": "+15555550100"}, 400, "phone_provider_disabled"),
        ({"user_metadata": {"a": "nul \0"}}, 400, "validation_failed"),
        ({"app_metadata": {"big": "x" * 5000}}, 400, "validation_failed"),
        ({"app_metadata": []}, 400, "validation_failed"),
    ]
    for body, status, code in cases:
        answer = await http.put(user, headers=SECRET, json=body)
        assert (answer.status_code, answer.json()["code"]) == (status, code), (body, answer.text)
    assert (await http.get(user, headers=SECRET)).json() == before
    for body, status, code in (
        *cases,
        ({}, 400, "validation_failed"),
        ({"email": "x@example.com", "id": "no id"}, 400, "validation_failed"),
        ({"email": "y@example.com", "id": alice.session["user"]["id"]}, 409, "conflict"),
    ):
        answer = await http.post(
            "/admin/users", headers=SECRET, json={"email": "free@example.com", **body} if body else {}
        )
        assert (answer.status_code, answer.json()["code"]) == (status, code), (body, answer.text)


WAYS = [
    ("GET", "/admin/users"),
    ("POST", "/admin/users"),
    ("GET", "/admin/users/{id}"),
    ("PUT", "/admin/users/{id}"),
    ("DELETE", "/admin/users/{id}"),
    ("GET", "/admin/users/{id}/factors"),
    ("DELETE", "/admin/users/{id}/factors/{id}"),
    ("POST", "/invite"),
    ("POST", "/admin/generate_link"),
]


@pytest.mark.parametrize(("method", "path"), WAYS)
async def test_only_the_secret_key_opens_it(http, alice, bob, method, path):
    path = path.format(id=bob.session["user"]["id"])
    for headers, status, code in (
        ({}, 401, "no_authorization"),
        ({"apikey": SECRET_KEY}, 401, "no_authorization"),
        ({"Authorization": f"Basic {SECRET_KEY}"}, 401, "no_authorization"),
        (alice.bearer, 403, "not_admin"),
        ({"Authorization": f"Bearer {API_KEY}"}, 403, "not_admin"),
        ({"Authorization": f"Bearer {SECRET_KEY[:-1]}"}, 403, "not_admin"),
        ({"Authorization": f"Bearer {SECRET_KEY}x"}, 403, "not_admin"),
        ({**alice.bearer, "apikey": SECRET_KEY}, 403, "not_admin"),
    ):
        answer = await http.request(method, path, headers=headers, json={})
        assert (answer.status_code, answer.json()["code"]) == (status, code), headers
    assert (await http.get("/user", headers=bob.bearer)).status_code == 200


@pytest.mark.parametrize(("method", "path"), [way for way in WAYS if "{id}" in way[1]])
async def test_an_id_that_is_none_is_not_found(http, method, path):
    for text, code in (("no-id", "validation_failed"), (str(uuid4()), "user_not_found")):
        answer = await http.request(method, path.format(id=text), headers=SECRET, json={})
        assert (answer.status_code, answer.json()["code"]) == (404, code)
