"""Whatever is sent to `/auth/v1`, it is a 4xx in the contract's words, never a 500."""

import json

import pytest
from auth_cast import PASSWORD
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

DEEP = b"[" * 100_000 + b"]" * 100_000
BODIES = [
    b"",
    b"null",
    b"[]",
    b"0",
    b'"text"',
    b"{",
    b"not json",
    b"email=a@example.com&password=secret",
    b"\xef\xbb\xbf{}",
    b'{"email": "\xff"}',
    b'{"email": "\xed\xa0\x80", "password": "secret!"}',
    b'{"email": "\\ud800@example.com", "password": "secret!"}',
    b'{"email": "a\\u0000@example.com", "password": "secret!"}',
    b'{"email": "a@example.com", "password": "\\udfff is no letter"}',
    b'{"email": 1, "password": 2, "refresh_token": 3}',
    b'{"email": ["a@example.com"], "password": {}}',
    b'{"email": "a@example.com", "password": true, "data": "x"}',
    b'{"refresh_token": "\\u0000"}',
    b'{"refresh_token": "\\u0001\\u001b[31m"}',
    b'{"refresh_token": "' + b"x" * 60_000 + b'"}',
    b'{"email": "' + b"a" * 30_000 + b'@example.com", "password": "' + b"p" * 30_000 + b'"}',
    b'{"data": {"a": ' + b"9" * 20_000 + b"}}",
    b'{"data": {"a": 1e400}}',
    DEEP[:60_000],
    b'{"data": {"a": ' + b"[" * 30_000 + b"]" * 30_000 + b"}}",
    b"x" * 1_000_000,
    b"\x1f\x8b\x08\x00\x00\x00\x00\x00",
]
NOTHING_TO_CHANGE = [body for body in BODIES if body == b"" or body.startswith(b'{"refresh_token"')]
DATA = [
    {"a": "nul \0"},
    {"nul \0": 1},
    {"a": [[[[[[[[[1]]]]]]]]]},
    {"a": 2**53 + 2},
    {"a": -1e300},
    {"a": "x" * 4097},
    {str(n): n for n in range(2000)},
]


@pytest.mark.parametrize("body", BODIES, ids=lambda body: repr(body[:24]))
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/signup"),
        ("POST", "/token?grant_type=password"),
        ("POST", "/token?grant_type=refresh_token"),
        ("PUT", "/user"),
    ],
)
async def test_a_bad_body_is_a_4xx(http, alice_for_all, method, path, body):
    answer = await http.request(method, path, content=body, headers=alice_for_all.bearer)
    if not (method == "PUT" and body in NOTHING_TO_CHANGE and answer.status_code == 200):
        assert 400 <= answer.status_code < 500, answer.text
        assert set(answer.json()) in ({"code", "message"}, {"error", "error_description"})


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "nonsense", "a/b;\xff"])
async def test_a_body_is_judged_by_what_it_holds_not_by_its_content_type(http, alice, content_type):
    headers = [("Content-Type", content_type.encode("latin-1"))]
    path = "/token?grant_type=password"
    right = json.dumps({"email": alice.email, "password": PASSWORD})
    assert (await http.post(path, content=right, headers=headers)).status_code == 200
    form = await http.post(path, content=f"email={alice.email}&password=x", headers=headers)
    assert (form.status_code, form.json()["code"]) == (400, "bad_json")


@pytest.mark.parametrize("data", DATA, ids=lambda data: repr(data)[:24])
async def test_metadata_that_cannot_be_kept_is_refused(http, alice_for_all, email, data):
    answer = await http.post("/signup", json={"email": email, "password": PASSWORD, "data": data})
    assert (answer.status_code, answer.json()["code"]) == (400, "validation_failed")
    answer = await http.put("/user", headers=alice_for_all.bearer, json={"data": data})
    assert (answer.status_code, answer.json()["code"]) == (400, "validation_failed")


async def test_metadata_is_kept_as_it_was_sent(http, alice):
    data = {"": "", "quote'\"\\": "\\u0000 typed out", "emoji": "🎟️", "n": [0, -1.5, True, None, {"deep": {}}]}
    changed = await http.put("/user", headers=alice.bearer, json={"data": data})
    assert changed.status_code == 200, changed.text
    shown = (await http.get("/user", headers=alice.bearer)).json()["user_metadata"]
    assert {name: shown[name] for name in data} == data


WIDEST = "a sentence of seventy-two bytes, which is as much as bcrypt ever reads."


async def test_odd_passwords_work_and_stay_different(http, email):
    for number, password in enumerate(
        ("nul\0inside it", "  spaces outside  ", "🎟️ under the 🎪", "\x1b[31mred", WIDEST)
    ):
        account = {"email": f"{number}.{email}", "password": password}
        assert (await http.post("/signup", json=account)).status_code == 200
        assert (await http.post("/token?grant_type=password", json=account)).status_code == 200
        near = {**account, "password": password.strip()[:-1]}
        assert (await http.post("/token?grant_type=password", json=near)).status_code == 400


async def test_odd_headers_are_no_trouble(http, alice):
    for name, value in (
        ("User-Agent", "x" * 5000),
        ("User-Agent", "\xff\xfe"),
        ("X-Forwarded-For", "not an address, at all"),
        ("X-Supabase-Api-Version", "\xff" * 100),
        ("Origin", "null"),
        ("Accept", "text/html"),
        ("Content-Length-Hint", "-1"),
    ):
        right = {"email": alice.email, "password": PASSWORD}
        answer = await http.post("/token?grant_type=password", json=right, headers=[(name, value.encode("latin-1"))])
        assert answer.status_code == 200, (name, answer.text)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
bodies = st.dictionaries(
    st.sampled_from(["email", "phone", "password", "data", "refresh_token", "current_password", "nonce"]), json_values
)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(body=bodies, path=st.sampled_from(["/signup", "/token?grant_type=password", "/token?grant_type=refresh_token"]))
async def test_no_json_whatever_is_a_500(http, body, path):
    answer = await http.post(path, content=json.dumps(body).encode())
    assert 400 <= answer.status_code < 500, answer.text
