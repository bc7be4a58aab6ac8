"""Sign-in inside the whole app: the shell's own rules leave the contract as it is, and its tokens open the API."""

import gzip

import pytest
from auth_cast import NEW_VERSION, PASSWORD


async def ask(site, method: str, path: str, **more):
    return await site.client.request(method, path, **{"headers": NEW_VERSION, **more})


async def test_a_token_of_a_sign_up_opens_the_api(site, email):
    made = await ask(site, "POST", "/auth/v1/signup", json={"email": email, "password": PASSWORD})
    assert made.status_code == 200, made.text
    me = await ask(site, "GET", "/api/me", headers={"Authorization": f"Bearer {made.json()['access_token']}"})
    assert me.status_code == 200, me.text
    nobody = await ask(site, "GET", "/api/me", headers={"Authorization": "Bearer a.b.c"})
    assert nobody.status_code == 401


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/auth/v1/nothing", 404),
        ("GET", "/auth/v1", 404),
        ("DELETE", "/auth/v1/user", 405),
        ("GET", "/auth/v1/token", 405),
        ("GET", "/auth/v1/user", 401),
        ("POST", "/auth/v1/signup", 400),
        ("POST", "/auth/v1/token?grant_type=password", 400),
    ],
)
async def test_errors_keep_supabase_auths_words(site, method, path, status):
    answer = await ask(site, method, path, content=b"{" if method == "POST" else None)
    assert answer.status_code == status
    assert set(answer.json()) == {"code", "message"}, answer.text
    assert answer.headers["x-supabase-api-version"] == "2024-01-01"


async def test_a_browser_on_another_site_may_sign_in(site, email):
    site.client.cookies.clear()  # a browser sends none there
    origin = {"Origin": "https://elsewhere.example", **NEW_VERSION}
    preflight = await ask(
        site,
        "OPTIONS",
        "/auth/v1/signup",
        headers={**origin, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "apikey"},
    )
    assert preflight.headers["access-control-allow-origin"] == "*"
    assert "apikey" in preflight.headers["access-control-allow-headers"].lower()
    made = await ask(site, "POST", "/auth/v1/signup", headers=origin, json={"email": email, "password": PASSWORD})
    assert made.status_code == 200, made.text
    assert made.headers["access-control-allow-origin"] == "*"


@pytest.mark.parametrize(
    "body", [b"[" * 40_000, b"x" * 3_000_000, gzip.compress(b" " * 50_000_000), b'{"email": "\xff"}', b"\0"]
)
async def test_bad_bodies_are_refused_through_the_whole_app(site, body):
    for headers in (NEW_VERSION, {**NEW_VERSION, "Content-Type": "application/json", "Content-Encoding": "gzip"}):
        answer = await ask(site, "POST", "/auth/v1/signup", content=body, headers=headers)
        assert 400 <= answer.status_code < 500, answer.text


async def test_the_key_set_is_at_the_root_too(site):
    inside = await ask(site, "GET", "/auth/v1/.well-known/jwks.json")
    outside = await ask(site, "GET", "/.well-known/jwks.json")
    assert inside.json() == outside.json()
    assert "d" not in inside.json()["keys"][0]
    assert "max-age=600" in outside.headers["cache-control"]
