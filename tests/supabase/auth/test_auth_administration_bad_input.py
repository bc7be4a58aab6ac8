"""Whatever the holder of the secret key sends, it is a 4xx in the contract's words, never a 500."""

import json

import pytest
from auth_cast import SECRET_KEY
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from test_auth_bad_input import BODIES, json_values

SECRET = {"Authorization": f"Bearer {SECRET_KEY}"}
FIELDS = [
    "id", "email", "phone", "password", "password_hash", "email_confirm", "user_metadata", "app_metadata",
    "ban_duration", "role", "aud", "type", "new_email", "data", "redirect_to", "should_soft_delete",
]  # fmt: skip
bodies = st.dictionaries(st.sampled_from(FIELDS), json_values)
NO_BODY = [body for body in BODIES if body == b"" or body.startswith((b'{"refresh_token"', b'{"data": {'))]


@pytest.mark.parametrize("body", BODIES, ids=lambda body: repr(body[:24]))
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/admin/users"),
        ("PUT", "/admin/users/{id}"),
        ("DELETE", "/admin/users/00000000-0000-7000-8000-000000000000"),
        ("POST", "/invite"),
        ("POST", "/admin/generate_link"),
    ],
)
async def test_a_bad_body_is_a_4xx(http, alice_for_all, method, path, body):
    path = path.format(id=alice_for_all.session["user"]["id"])
    answer = await http.request(method, path, content=body, headers=SECRET)
    if not (method == "PUT" and body in NO_BODY and answer.status_code == 200):
        assert 400 <= answer.status_code < 500, answer.text
        assert set(answer.json()) == {"code", "message"}


@settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    body=bodies,
    way=st.sampled_from(["POST /admin/users", "PUT /admin/users/{id}", "POST /invite", "POST /admin/generate_link"]),
)
async def test_no_json_whatever_is_a_500(http, bob, body, way):
    method, path = way.format(id=bob.session["user"]["id"]).split()
    answer = await http.request(method, path, content=json.dumps(body).encode(), headers=SECRET)
    assert answer.status_code < 500, answer.text


@pytest.mark.parametrize(
    "query",
    [
        "filter=%25", "filter=%00", "filter=%ff%fe", "filter=%ed%a0%80", "filter=" + "x" * 5000, "filter=a&filter=b",
        "filter=%27%20or%20true--", "page=1&page=2", "per_page=1e3", "per_page=%31", "page=%00",
        "sort=created_at%20asc", "filter=%F0%9F%8E%9F", "filter=%0d%0aSet-Cookie:x", "unknown=1",
    ],
)  # fmt: skip
async def test_odd_queries_are_no_trouble(http, query):
    answer = await http.get(f"/admin/users?{query}", headers=SECRET)
    assert answer.status_code in {200, 400}, answer.text
    assert "set-cookie" not in answer.headers
    if answer.status_code == 200:
        assert answer.headers["link"].startswith("</admin/users?page=")
