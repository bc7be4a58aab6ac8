"""Links and codes under attack: guessing, flooding, asking who has an account, whatever is not what it should be."""

import itertools
import json
from collections.abc import AsyncIterator

import msgspec
import pytest
import pytest_asyncio
from auth_cast import PASSWORD, SITE
from mail_cast import MailedSite, mailed_site

from vently.database.embedded import Server
from vently.supabase.auth.links import asking
from vently.supabase.auth.links.asking import Asked

_numbers = itertools.count(1)


@pytest_asyncio.fixture(scope="module")
async def site(server: Server, database_name: str) -> AsyncIterator[MailedSite]:
    async with mailed_site(
        server.url("authenticator", database_name),
        lambda rules: msgspec.structs.replace(rules, redirect_urls=("https://*.example.org/**",)),
    ) as site:
        yield site


@pytest_asyncio.fixture
async def limited(server: Server, database_name: str, owner) -> AsyncIterator[MailedSite]:
    """The same with its rate limits in force, and nothing counted yet."""
    await owner.execute("delete from auth.rate_limits")
    async with mailed_site(
        server.url("authenticator", database_name), lambda rules: msgspec.structs.replace(rules, limited=True)
    ) as site:
        yield site


@pytest.fixture
def nobody() -> str:
    """An address without an account."""
    return f"nobody.bad{next(_numbers)}@example.com"


@pytest_asyncio.fixture
async def alice(site: MailedSite) -> str:
    """Alice's address; she has a confirmed account."""
    return await site.signs_up(f"alice.bad{next(_numbers)}@example.com")


ASKING = {
    "/otp": {},
    "/magiclink": {},
    "/recover": {},
    "/resend": {"type": "signup"},
    "/resend?again": {"type": "email_change"},
}


@pytest.mark.parametrize(("path", "more"), ASKING.items())
async def test_an_answer_does_not_tell_who_has_an_account(site, alice, nobody, path, more):
    known, unknown = [await site.http.post(path, json={"email": each, **more}) for each in (alice, nobody)]
    assert known.status_code == unknown.status_code == 200
    assert known.content == unknown.content == b"{}"
    assert known.headers.keys() == unknown.headers.keys()


@pytest.mark.parametrize("ask", [asking.magic_link, asking.recovery, asking.confirmation_again])
async def test_nothing_is_looked_up_before_the_answer(site, alice, ask, monkeypatch):
    """The time an answer takes says nothing: when it comes, nobody has asked yet whether there is such an account."""
    looked = []
    found = asking.account_of

    async def look(tx, email):
        looked.append(email)
        return await found(tx, email)

    monkeypatch.setattr(asking, "account_of", look)
    await ask(site.auth, Asked(alice, SITE))
    assert looked == []
    await site.auth.post.settled()
    assert looked == [alice]


@pytest.mark.parametrize(("path", "more"), [(path, more) for path, more in ASKING.items() if "again" not in path])
async def test_a_second_letter_within_a_minute_is_refused_to_everybody_alike(limited, alice, nobody, path, more):
    for address in alice, nobody:
        first = await limited.http.post(path, json={"email": address, **more})
        assert first.status_code == 200, first.text
        second = await limited.http.post(path, json={"email": address.upper(), **more})
        assert (second.status_code, second.json()["code"]) == (429, "over_email_send_rate_limit")
        assert 0 < int(second.headers["Retry-After"]) <= 60


async def test_after_a_minute_there_is_another_letter(limited, owner, alice):
    await limited.http.post("/otp", json={"email": alice})
    await owner.execute("update auth.rate_limits set updated_at = updated_at - interval '61 seconds'")
    assert (await limited.http.post("/otp", json={"email": alice})).status_code == 200
    assert len(await limited.letters(alice)) == 2


async def test_signing_up_twice_within_a_minute_is_refused_to_everybody_alike(limited, alice, nobody):
    for address in alice, nobody:
        body = {"email": address, "password": PASSWORD}
        answers = [await limited.http.post("/signup", json=body) for _ in range(2)]
        assert [answer.status_code for answer in answers] == [200, 429]


async def test_fifteen_wrong_codes_an_hour_and_the_same_answers_for_nobody(limited, owner, alice, nobody):
    await limited.http.post("/otp", json={"email": alice})
    right = (await limited.letter(alice)).code
    wrong = [code for code in (f"{number:06}" for number in range(20)) if code != right]
    told = {}
    for address in alice, nobody:
        told[address] = []
        for code in wrong[:17]:
            answer = await limited.http.post("/verify", json={"email": address, "token": code, "type": "email"})
            told[address].append((answer.status_code, answer.json()))
        await owner.execute("delete from auth.rate_limits where key like 'verify:%'")
    assert [status for status, _ in told[alice]] == [403] * 15 + [429] * 2
    assert told[alice] == told[nobody]
    late = await limited.http.post("/verify", json={"email": alice, "token": right, "type": "email"})
    assert late.status_code == 429
    # Whoever guesses does not lock her out: her link still opens.
    assert "access_token" in (await limited.follow(await limited.letter(alice))).fragment


@pytest.mark.parametrize(
    "address",
    [
        "alice\0@example.com",
        "\0",
        "alice@example.com\0",
        "alice@example.com\r\nBcc: all@example.com",
        "alice@example.com\nBcc: all@example.com",
        "alice@example.com,all@example.com",
        "alice@example.com; all@example.com",
        "Alice <alice@example.com>",
        "<alice@example.com>",
        '"a b"@example.com',
        "alice@[127.0.0.1]",
        "alice@exam ple.com",
        "аlice@example.com",  # noqa: RUF001 - a Cyrillic letter
        "alice@exаmple.com",  # noqa: RUF001
        "ａlice@example.com",  # noqa: RUF001 - a wide one
        "alice@example．com",  # noqa: RUF001
        "alıce@example.com",  # noqa: RUF001 - small, this is an i without its dot
        "ali\u200bce@example.com",
        "alice@example.com\u202e",
        "alice@\ud800example.com",
        "a" * 250 + "@example.com",
        "alice",
        "@",
        "",
        " ",
        None,
        7,
        ["alice@example.com"],
        {"email": "alice@example.com"},
    ],
)
@pytest.mark.parametrize("path", ["/otp", "/magiclink", "/recover", "/resend", "/signup"])
async def test_what_is_no_address_gets_no_letter(site, path, address):
    many = len(site.mailbox.letters)
    body = json.dumps({"email": address, "password": PASSWORD, "type": "signup"})
    answer = await site.http.post(path, content=body)
    if path == "/signup" and address in ("", None):
        assert answer.json()["code"] == "anonymous_provider_disabled"
        return
    assert answer.status_code == 400, answer.text
    assert answer.json()["code"] in {"validation_failed", "bad_json"}
    await site.auth.post.settled()
    assert len(site.mailbox.letters) == many


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"type": "email"},
        {"token": "123456"},
        {"type": "email", "token": "123456"},
        {"type": "email", "token": "123456", "token_hash": "x"},
        {"type": "email", "token_hash": "x", "email": "alice@example.com"},
        {"type": "sms", "token": "123456", "phone": "123"},
        {"type": "email", "token": "123456", "phone": "123"},
        {"type": "nonsense", "token": "123456", "email": "alice@example.com"},
        {"type": "reauthentication", "token": "123456", "email": "alice@example.com"},
        {"type": "email\0", "token_hash": "x"},
        {"type": ["email"], "token_hash": "x"},
        {"type": "email", "token": 123456, "email": "alice@example.com"},
        {"type": "email", "token": "123456", "email": "alice\0@example.com"},
        {"type": "email", "token": "123456", "email": "alice"},
        [],
        None,
    ],
)
async def test_what_is_no_verification_is_refused_as_such(site, body):
    answer = await site.http.post("/verify", json=body)
    assert answer.status_code == 400, answer.text
    assert answer.json()["code"] in {"validation_failed", "bad_json", "phone_provider_disabled"}


WRONG = [
    "123456",
    "12345",
    "1234567",
    "123-456",
    "１２３４５６",  # noqa: RUF001 - wide digits
    "12345\0",
    "\0",
    "' or 1=1 --",
    "%",
    "x" * 43,
    "x" * 44,
    "x" * 10_000,
    "pkce_",
    "pkce_" + "x" * 43,
    "pkce_pkce_" + "x" * 43,
    "x" * 42 + "\u00e9",
    "../" * 10,
    "null",
]


@pytest.mark.parametrize("token", WRONG)
async def test_what_was_in_no_letter_opens_nothing(site, alice, token):
    await site.http.post("/otp", json={"email": alice})
    right = (await site.letter(alice)).code
    for body in {"token_hash": token}, {"token": token, "email": alice}:
        if token == right:
            continue
        answer = await site.http.post("/verify", json={"type": "magiclink", **body})
        assert (answer.status_code, answer.json()["code"]) == (403, "otp_expired")
    answer = await site.http.get("/verify", params={"type": "magiclink", "token": token})
    assert answer.status_code == 303
    assert "error_code=otp_expired" in answer.headers["Location"]
    assert answer.headers["Location"].startswith(f"{SITE}?" if token.startswith("pkce_") else f"{SITE}#")


@pytest.mark.parametrize("query", ["", "?token=x", "?type=signup", "?token=&type=", "?token_hash=x&type=signup"])
async def test_a_link_without_its_parts_is_refused(site, query):
    answer = await site.http.get(f"/verify{query}")
    assert (answer.status_code, answer.json()["code"]) == (400, "validation_failed")


PLACES = [
    "https://evil.example",
    "//evil.example",
    "///evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "https:evil.example",
    "https://vently.example@evil.example",
    "https://vently.example:pass@evil.example",
    "https://vently.example%40evil.example",
    "https://evil.example/.example.org/",
    "https://evil.example#.example.org/",
    "https://a.b.example.org/",
    "https://vently.example.evil.example",
    "javascript:alert(1)",
    "data:text/html,x",
    "\thttps://evil.example",
    "https://vently.example\r\nSet-Cookie: a=b",
    "https://vently.example/\r\nSet-Cookie: a=b",
    "https://app.example.org/%2e%2e/",
]


@pytest.mark.parametrize("place", PLACES)
async def test_a_link_leads_nowhere_else(site, alice, place):
    await site.http.post("/otp", json={"email": alice}, params={"redirect_to": place})
    letter = await site.letter(alice)
    assert letter.query["redirect_to"] == SITE
    params = {**letter.query, "redirect_to": place}
    answer = await site.http.get("/verify", params=params)
    assert answer.headers["Location"].startswith(f"{SITE}#access_token=")
    again = await site.http.get("/verify", params=params, headers={"Referer": "https://evil.example/"})
    assert again.headers["Location"].startswith(f"{SITE}#error=")
    assert "Set-Cookie" not in answer.headers


async def test_where_a_link_leads_nothing_is_kept_or_told_on(site, alice):
    await site.http.post("/otp", json={"email": alice})
    answer = await site.http.get("/verify", params=(await site.letter(alice)).query)
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Referrer-Policy"] == "no-referrer"


async def test_a_look_at_the_head_of_a_link_does_not_use_it_up(site, alice):
    await site.http.post("/otp", json={"email": alice})
    letter = await site.letter(alice)
    assert (await site.http.head("/verify", params=letter.query)).status_code == 405
    assert "access_token" in (await site.follow(letter)).fragment


@pytest.mark.parametrize("data", [{"name": "x\0"}, {"name": "\ud800"}, {"a": "x" * 5000}, {"n": 10**400}])
async def test_data_that_cannot_be_kept_is_refused(site, nobody, data):
    answer = await site.http.post("/otp", content=json.dumps({"email": nobody, "data": data}))
    assert answer.status_code == 400
    assert await site.letters(nobody) == []


async def test_phones_are_refused(site):
    for path in "/otp", "/magiclink", "/recover", "/resend":
        answer = await site.http.post(path, json={"phone": "+43123456", "type": "sms"})
        assert answer.status_code == 400
        assert answer.json()["code"] in {"phone_provider_disabled", "validation_failed"}
