"""Who asks: bearer tokens, cookies of pages, forms that carry their token."""

import pytest
import shell_app
from shell_app import ALICE, SITE, app, client

ALICE_COOKIES = {"vently_access": "token-alice", "vently_refresh": "refresh-alice"}


async def seen(visitor, **headers):
    return await visitor.get("/api/things/x", headers=headers)


async def test_a_bearer_token_names_the_viewer():
    async with client() as alice:
        assert (await seen(alice, authorization="Bearer token-alice")).json()["viewer"] == ALICE
        assert (await seen(alice, authorization="bearer token-alice")).json()["viewer"] == ALICE


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"authorization": "Bearer public-key"}, 200),
        ({"authorization": "Bearer some-key", "apikey": "some-key"}, 200),
        ({"authorization": "Bearer expired"}, 401),
        ({"authorization": "Bearer"}, 401),
        ({"authorization": "Basic YWxpY2U6c2VjcmV0"}, 401),
        ({"authorization": ""}, 401),
        ({"authorization": "Bearer service"}, 403),
    ],
)
async def test_a_bearer_that_does_not_count_is_never_taken_for_a_visitor(headers, status):
    async with client() as visitor:
        answer = await seen(visitor, **headers)
    assert answer.status_code == status
    if status == 200:
        assert answer.json()["viewer"] is None
    if status == 401:
        assert answer.headers["www-authenticate"].startswith("Bearer")


async def test_who_is_not_signed_in_is_told_so_before_the_body_is_read():
    async with client() as visitor:
        answer = await visitor.post("/api/things", content=b"not json", headers={"content-type": "text/plain"})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"


async def test_cookies_count_for_pages_and_for_reading():
    async with client(cookies=ALICE_COOKIES) as alice:
        assert (await alice.get("/page")).json()["viewer"] == ALICE
        assert (await alice.get("/api/things/x")).json()["viewer"] == ALICE


async def test_cookies_alone_do_not_count_for_changes_by_the_api():
    async with client(cookies=ALICE_COOKIES) as alice:
        answer = await alice.post("/api/things", json={"name": "x"})
    assert answer.status_code == 401
    assert "Cookies alone" in answer.json()["detail"]


async def test_an_expired_cookie_is_refreshed_without_a_word():
    shell_app.refreshes.clear()
    async with client(cookies={"vently_access": "expired", "vently_refresh": "refresh-alice"}) as alice:
        answer = await alice.get("/page")
    assert answer.json()["viewer"] == ALICE
    cookies = answer.headers.get_list("set-cookie")
    assert any(c.startswith("vently_access=token-alice-2;") and "HttpOnly; SameSite=Lax" in c for c in cookies)
    assert shell_app.refreshes == ["refresh-alice"]


async def test_cookies_that_do_not_count_make_a_visitor_and_are_forgotten():
    async with client(cookies={"vently_access": "expired", "vently_refresh": "spent"}) as alice:
        answer = await alice.get("/page")
    assert answer.json()["viewer"] is None
    assert any(c.startswith("vently_refresh=; ") and "Max-Age=0" in c for c in answer.headers.get_list("set-cookie"))


async def test_cookies_are_secure_where_people_come_by_https():
    made = app(settings={"site_url": "https://vently.example"})
    async with client(made, base_url="https://vently.example") as visitor:
        answer = await visitor.get("/page")
    assert all("; Secure" in cookie for cookie in answer.headers.get_list("set-cookie"))
    assert "max-age" in answer.headers["strict-transport-security"]


async def test_answers_to_a_person_are_kept_by_nobody():
    async with client() as visitor:
        personal = await seen(visitor, authorization="Bearer token-alice")
        public = await seen(visitor)
    assert personal.headers["cache-control"] == "private, no-store"
    assert public.headers["cache-control"] == "no-cache"
    assert "Authorization" in public.headers["vary"]


async def sign_in(browser, **changes):
    token = (await browser.get("/page")).json()["token"]
    form = {"_csrf": token, "email": "alice@example.org", **changes.pop("form", {})}
    return await browser.post("/sign-in", data=form, **changes)


async def test_a_form_with_its_token_goes_through():
    async with client() as browser:
        answer = await sign_in(browser)
    assert answer.status_code == 303
    assert answer.headers["location"] == "/page"


@pytest.mark.parametrize("token", ["", "wrong", "é", "\0"])
async def test_a_form_without_its_token_is_refused(token):
    async with client() as browser:
        assert (await sign_in(browser, form={"_csrf": token})).status_code == 403


async def test_a_token_from_another_browser_does_not_fit():
    async with client() as browser, client() as attacker:
        token = (await attacker.get("/page")).json()["token"]
        await browser.get("/page")
        answer = await browser.post("/sign-in", data={"_csrf": token, "email": "alice@example.org"})
    assert answer.status_code == 403


async def test_a_visitors_token_does_not_fit_once_somebody_is_signed_in():
    async with client() as browser:
        token = (await browser.get("/page")).json()["token"]
        browser.cookies.update(ALICE_COOKIES)
        answer = await browser.post("/sign-in", data={"_csrf": token, "email": "alice@example.org"})
    assert answer.status_code == 403


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-site"}, 403),
        ({"origin": "https://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": "http://["}, 403),
        ({"origin": ""}, 403),
        ({"sec-fetch-site": "same-origin", "origin": SITE}, 303),
        ({"origin": SITE}, 303),
    ],
)
async def test_forms_from_other_sites_are_refused_whatever_they_carry(headers, status):
    async with client() as browser:
        assert (await sign_in(browser, headers=headers)).status_code == status


async def test_a_token_may_come_in_a_header():
    async with client() as browser:
        token = (await browser.get("/page")).json()["token"]
        answer = await browser.post("/sign-in", data={"email": "alice@example.org"}, headers={"x-csrf-token": token})
    assert answer.status_code == 303


async def test_a_form_that_lacks_a_field_names_it():
    async with client() as browser:
        answer = await sign_in(browser, form={"email": "  ", "note": "a\r\nb"})
    assert answer.status_code == 422
    assert answer.json()["errors"] == [{"pointer": "/email", "detail": "is required"}]
