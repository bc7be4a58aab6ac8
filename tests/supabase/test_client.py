"""The client of Supabase Auth's HTTP: what it sends, and what it makes of every kind of answer."""

from collections.abc import Callable

import httpx
import pytest

from vently.refusals import Unavailable
from vently.supabase.auth.errors import AuthError
from vently.supabase.client import Asker, SignIn
from vently.supabase.conversation import Conversation

BOB = Asker("203.0.113.7", "Firefox\r\nx-evil: 1 ☃", "a token", "request-1")
ACCOUNT = {"id": "1", "email": "bob@example.org"}


def speaking(answers: Callable[[httpx.Request], httpx.Response], asker: Asker = BOB) -> Conversation:
    return Conversation(SignIn.at("https://project.example/", "sb_key", httpx.MockTransport(answers)), asker)


def always(status: int = 200, body: object = None, **more: object) -> Callable[[httpx.Request], httpx.Response]:
    return lambda _: httpx.Response(status, json=body, **more) if body is not None else httpx.Response(status, **more)


async def test_every_call_says_who_asks_and_which_version_it_speaks() -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json=ACCOUNT, headers={"set-cookie": "__cf=1; Path=/"})

    speaker = speaking(answer)
    await speaker.user()
    await speaker.user()
    assert str(seen[0].url) == "https://project.example/auth/v1/user"
    sent = seen[1].headers
    assert (sent["apikey"], sent["authorization"]) == ("sb_key", "Bearer a token")
    assert sent["x-supabase-api-version"] == "2024-01-01"
    assert sent["user-agent"] == "Firefoxx-evil: 1 "
    assert (sent["x-request-id"], sent["sb-forwarded-for"]) == ("request-1", "203.0.113.7")
    assert "cookie" not in sent


@pytest.mark.parametrize(
    ("status", "body", "code", "message"),
    [
        (400, {"code": "invalid_credentials", "message": "No"}, "invalid_credentials", "No"),
        (400, {"code": 400, "error_code": "invalid_credentials", "msg": "No"}, "invalid_credentials", "No"),
        (400, {"error": "invalid_grant", "error_description": "No"}, "invalid_grant", "No"),
        (429, {}, "unexpected_failure", "Sign-in refused this."),
        (404, "not an object", "unexpected_failure", "Sign-in refused this."),
        (403, None, "unexpected_failure", "Sign-in refused this."),
    ],
)
async def test_refusals_of_every_version(status: int, body: object, code: str, message: str) -> None:
    with pytest.raises(AuthError) as refused:
        await speaking(always(status, body)).user()
    assert (refused.value.status, refused.value.code, refused.value.message) == (status, code, message)


async def test_reasons_and_the_time_to_wait_come_along() -> None:
    body = {"code": "weak_password", "message": "Weak", "weak_password": {"reasons": ["length"]}}
    with pytest.raises(AuthError) as refused:
        await speaking(always(422, body, headers={"retry-after": "7"})).user()
    assert (refused.value.reasons, refused.value.headers) == (["length"], {"retry-after": "7"})


def silent(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectTimeout("nobody there", request=request)


@pytest.mark.parametrize(
    "answers",
    [
        silent,
        always(500, {"code": "unexpected_failure"}),
        always(502, content=b"<html>bad gateway"),
        always(200, content=b"<html>captive portal"),
        always(200, {"id": 7}),
        always(200, ["not an account"]),
        always(200, content=b""),
    ],
)
async def test_silence_and_nonsense_are_told_as_one(answers: Callable[[httpx.Request], httpx.Response]) -> None:
    with pytest.raises(Unavailable):
        await speaking(answers).user()


async def test_what_is_offered_is_asked_once_a_minute_and_kept_while_the_project_is_silent(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked, now = 0, 1000.0
    monkeypatch.setattr("vently.supabase.client.time.monotonic", lambda: now)

    def answer(request: httpx.Request) -> httpx.Response:
        nonlocal asked
        asked += 1
        if asked > 1:
            return silent(request)
        return httpx.Response(200, json={"external": {"email": True, "google": True, "github": False}})

    speaker = speaking(answer)
    assert (await speaker.offer()).providers == ["google"]
    assert (await speaker.offer()).passkeys is False
    assert asked == 1
    now += 61
    assert (await speaker.offer()).providers == ["google"]
    assert (await speaker.offer()).providers == ["google"]
    assert asked == 2


async def test_sign_up_gives_a_session_or_an_account() -> None:
    session = {"access_token": "a", "refresh_token": "r", "expires_in": 3600, "user": ACCOUNT}
    about = {"challenge": "c" * 43, "back": "https://vently.example/sign-in/callback"}
    assert (await speaking(always(200, ACCOUNT)).sign_up("b@example.org", "x", {}, **about)).id == "1"
    made = await speaking(always(200, session)).sign_up("b@example.org", "x", {}, **about)
    assert made.access_token == "a"


async def test_ids_stay_inside_their_part_of_the_path() -> None:
    seen: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request.url.raw_path.decode())
        return httpx.Response(200, json={})

    await speaking(answer).unenrol("../admin/users?x=1")
    await speaking(answer).unlink("a/b#c")
    assert seen == ["/auth/v1/factors/..%2Fadmin%2Fusers%3Fx%3D1", "/auth/v1/user/identities/a%2Fb%23c"]
