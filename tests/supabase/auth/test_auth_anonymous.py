"""People who do not say who they are, and what becomes of them when they do."""

import httpx
import pytest
import pytest_asyncio
from auth_cast import NEW_VERSION, PASSWORD, Account, ruled
from litestar import Litestar

from vently.supabase.auth.api import mount
from vently.supabase.auth.auth import Auth


@pytest.fixture
def welcoming(auth) -> Auth:
    """The same sign-in where people need not say who they are."""
    return ruled(auth, anonymous=True)


@pytest_asyncio.fixture
async def site_of_all(welcoming):
    transport = httpx.ASGITransport(Litestar([mount(welcoming)], openapi_config=None))
    url = "http://vently.test/auth/v1"
    async with httpx.AsyncClient(transport=transport, base_url=url, headers=NEW_VERSION) as client:
        yield client


@pytest_asyncio.fixture
async def nobody(site_of_all) -> Account:
    answer = await site_of_all.post("/signup", json={"data": {"theme": "dark"}})
    assert answer.status_code == 200, answer.text
    return Account("", "", answer.json())


async def test_an_anonymous_person_has_a_session_and_says_so(site_of_all, welcoming, nobody):
    user = nobody.session["user"]
    assert user["is_anonymous"] is True
    assert (user["email"], user["phone"], user["identities"]) == ("", "", [])
    assert user["app_metadata"] == {}
    assert user["user_metadata"] == {"theme": "dark"}
    claims = await welcoming.verify(nobody.session["access_token"])
    assert claims["is_anonymous"] is True
    assert claims["amr"][0]["method"] == "anonymous"
    assert claims["role"] == "authenticated"
    assert (await site_of_all.get("/settings")).json()["external"]["anonymous_users"] is True
    again = await site_of_all.post("/token?grant_type=refresh_token", json={"refresh_token": nobody.refresh_token})
    assert again.json()["user"]["id"] == user["id"]


async def test_giving_an_address_and_a_password_makes_an_account_of_it(site_of_all, welcoming, nobody, email):
    change = {"email": email, "password": PASSWORD}
    changed = await site_of_all.put("/user", headers=nobody.bearer, json=change)
    assert changed.status_code == 200, changed.text
    user = changed.json()
    assert user["id"] == nobody.session["user"]["id"]
    assert user["is_anonymous"] is False
    assert user["email"] == email
    assert user["app_metadata"] == {"provider": "email", "providers": ["email"]}
    assert user["user_metadata"]["theme"] == "dark"
    [identity] = user["identities"]
    assert (identity["provider"], identity["email"], identity["id"]) == ("email", email, user["id"])
    back = await site_of_all.post("/token?grant_type=password", json=change)
    assert back.json()["user"]["id"] == user["id"]
    fresh = await site_of_all.post("/token?grant_type=refresh_token", json={"refresh_token": nobody.refresh_token})
    assert (await welcoming.verify(fresh.json()["access_token"]))["is_anonymous"] is False


async def test_an_address_of_somebody_else_is_not_taken_over(site_of_all, nobody, alice):
    answer = await site_of_all.put("/user", headers=nobody.bearer, json={"email": alice.email, "password": PASSWORD})
    assert (answer.status_code, answer.json()["code"]) == (422, "email_exists")
    assert (await site_of_all.get("/user", headers=nobody.bearer)).json()["is_anonymous"] is True


async def test_a_password_alone_is_of_no_use_to_nobody(site_of_all, nobody):
    answer = await site_of_all.put("/user", headers=nobody.bearer, json={"password": PASSWORD})
    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")


@pytest.mark.parametrize("password", ["", PASSWORD])
async def test_nobody_signs_in_to_an_anonymous_account(site_of_all, nobody, password):
    for email in ("", nobody.session["user"]["id"]):
        answer = await site_of_all.post("/token?grant_type=password", json={"email": email, "password": password})
        assert answer.status_code == 400


async def test_where_the_operator_wants_none_there_are_none(http):
    for body in ({}, {"data": {"name": "nobody"}}, {"password": PASSWORD}):
        answer = await http.post("/signup", json=body)
        assert (answer.status_code, answer.json()["code"]) == (422, "anonymous_provider_disabled")


async def test_what_they_say_about_themselves_is_judged_as_everybodys_is(site_of_all):
    answer = await site_of_all.post("/signup", json={"data": {"big": "x" * 5000}})
    assert (answer.status_code, answer.json()["code"]) == (400, "validation_failed")
