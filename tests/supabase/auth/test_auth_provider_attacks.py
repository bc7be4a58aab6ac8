"""Signing in by an account elsewhere, against those who would rather sign in as somebody else, or have us do it."""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Iterator
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlencode, urlsplit

import asyncpg
import httpx
import pytest
import pytest_asyncio
from auth_cast import PASSWORD, SITE, Account, sign_up
from issuer import CLIENT_ID, CLIENT_SECRET, Issuer, issuing
from provider_cast import CALLBACK, NAME, Browser, challenged, in_fragment, in_query

from vently.database.queries import Query
from vently.outside.signin.oidc import Oidc
from vently.supabase.auth.auth import Auth
from vently.supabase.auth.providers import arrivals, trips
from vently.supabase.auth.providers.trips import Trip
from vently.supabase.auth.rules import Rules

OTHER = "gitlab"
_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    with issuing(CALLBACK) as running:
        yield running


@pytest.fixture(scope="module")
def other_issuer() -> Iterator[Issuer]:
    with issuing(CALLBACK) as running:
        yield running


def offering(issuer: Issuer, name: str = NAME) -> Oidc:
    return Oidc(issuer.url, CLIENT_ID, CLIENT_SECRET, name=name)


@pytest.fixture(autouse=True)
def offered(auth: Auth, issuer: Issuer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(auth, "providers", {NAME: offering(issuer)})


@pytest_asyncio.fixture
async def browser(served, issuer: Issuer) -> AsyncIterator[Browser]:
    browser = Browser(served.url, issuer)
    yield browser
    await browser.client.aclose()


@pytest_asyncio.fixture
async def carols_browser(served, issuer: Issuer) -> AsyncIterator[Browser]:
    browser = Browser(served.url, issuer)
    yield browser
    await browser.client.aclose()


@pytest.fixture
def login() -> str:
    return f"attacked{next(_numbers)}@example.com"


def refused(landed: str) -> str:
    """The error code; it stands in the query and in the fragment, and nothing else does."""
    assert in_query(landed) == in_fragment(landed)
    assert in_query(landed).keys() == {"error", "error_code", "error_description"}
    return in_query(landed)["error_code"]


async def exchanged(http: httpx.AsyncClient, code: str, verifier: str | None) -> httpx.Response:
    body = {"auth_code": code, "code_verifier": verifier}
    return await http.post("/token?grant_type=pkce", json={k: v for k, v in body.items() if v is not None})


# State


async def test_an_answer_counts_once(browser: Browser, login: str):
    back = await browser.is_back(browser.authorize(), login)
    assert "access_token" in in_fragment(await browser.lands(back))
    assert refused(await browser.lands(back)) == "bad_oauth_state"


async def test_of_two_answers_at_once_one_counts(browser: Browser, login: str):
    back = await browser.is_back(browser.authorize(**challenged()[1]), login)
    landed = await asyncio.gather(*(browser.lands(back) for _ in range(4)))
    assert sum("code" in in_query(each) for each in landed) == 1
    assert sum("error" in in_query(each) for each in landed) == 3


async def test_nobody_else_can_be_made_to_finish_what_one_began(browser: Browser, carols_browser: Browser, login: str):
    """Login CSRF: Carol signs in as herself at the provider, and has Alice's browser open the answer."""
    back = await carols_browser.is_back(carols_browser.authorize(redirect_to=f"{SITE}/private"), login)
    landed = await browser.lands(back)
    assert refused(landed) == "bad_oauth_state"
    assert landed.startswith((f"{SITE}?", f"{SITE}/?"))
    assert "access_token" in in_fragment(await carols_browser.lands(back)), "it still is hers to finish"


async def test_a_cookie_of_another_trip_does_not_count(browser: Browser, carols_browser: Browser, login: str):
    mine = await browser.sets_out(browser.authorize())
    back = await carols_browser.is_back(carols_browser.authorize(), login)
    for theirs in carols_browser.client.cookies.jar:
        for cookie in browser.client.cookies.jar:
            browser.client.cookies.set(theirs.name, cookie.value or "", domain=theirs.domain, path=theirs.path)
    assert refused(await browser.lands(back)) == "bad_oauth_state"
    assert "state=" in mine


async def test_the_cookie_is_for_the_callback_alone(browser: Browser):
    answer = await browser.opens(browser.authorize())
    cookie = answer.headers["set-cookie"]
    assert cookie.startswith("__Secure-vently-trip-")
    assert {part.strip().lower() for part in cookie.split(";")[1:]} == {
        "httponly", "secure", "samesite=none", "path=/auth/v1/callback", "max-age=600",
    }  # fmt: skip
    assert len(browser.client.cookies) == 1
    plain: Any = SimpleNamespace(rules=Rules(site_url="http://127.0.0.1:8000"))
    assert (trips.cookie(plain, Trip.new())["samesite"], trips.cookie(plain, Trip.new())["secure"]) == ("lax", False)


async def test_two_tabs_do_not_disturb_each_other(browser: Browser, login: str):
    first = await browser.is_back(browser.authorize(), login)
    second = await browser.is_back(browser.authorize(), login)
    assert "access_token" in in_fragment(await browser.lands(first))
    assert "access_token" in in_fragment(await browser.lands(second))
    assert len(browser.client.cookies) == 0, "nothing is left behind"


async def test_a_trip_takes_ten_minutes_at_most(browser: Browser, login: str, owner: asyncpg.Connection):
    back = await browser.is_back(browser.authorize(), login)
    await owner.execute("update auth.oauth_client_states set created_at = now() - interval '601 s'")
    assert refused(await browser.lands(back)) == "bad_oauth_state"


@pytest.mark.parametrize(
    "parameters",
    [
        "", "state=", "state=x", "state=00000000-0000-0000-0000-000000000000", "code=x", "state=" + "x" * 5000,
        "state=a&state=b", "state=%00", "state=%ff", "state=x&" + "&".join(f"a{n}=" for n in range(50)),
        "error=access_denied", "error=access_denied&state=x", "%%%", "state=x&code=y&iss=z",
    ],
)  # fmt: skip
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_an_answer_to_no_question_leads_home(browser: Browser, method: str, parameters: str):
    if method == "GET":
        answer = await browser.client.get(f"{CALLBACK}?{parameters}")
    else:
        answer = await browser.client.post(CALLBACK, content=parameters)
    assert answer.status_code in {302, 303}
    landed = answer.headers["location"]
    assert landed.startswith(SITE)
    assert refused(landed) in {"bad_oauth_state", "bad_oauth_callback", "validation_failed"}


async def test_an_answer_may_be_posted(browser: Browser, login: str):
    back = await browser.is_back(browser.authorize(), login)
    answer = await browser.client.post(CALLBACK, data=in_query(back))
    assert answer.status_code == 303
    assert "access_token" in in_fragment(answer.headers["location"])


async def test_a_code_of_anothers_sign_in_does_not_fit_into_mine(browser: Browser, carols_browser: Browser, login: str):
    """Code injection: the code was asked for with another challenge and another nonce."""
    mine = in_query(await browser.is_back(browser.authorize(), login))
    theirs = in_query(await carols_browser.is_back(carols_browser.authorize(), f"carols.{login}"))
    landed = await browser.lands(f"{CALLBACK}?{urlencode({**mine, 'code': theirs['code']})}")
    assert refused(landed) == "unexpected_failure"
    assert "invalid_grant" in in_query(landed)["error_description"]


async def test_parameters_twice_are_not_read_in_two_ways(browser: Browser, login: str):
    back = await browser.is_back(browser.authorize(), login)
    assert refused(await browser.lands(f"{back}&code=another")) == "validation_failed"
    assert "access_token" in in_fragment(await browser.lands(back))


# Codes


async def test_a_code_counts_once(http, browser: Browser, login: str):
    verifier, challenge = challenged()
    code = in_query(await browser.signs_in(login, **challenge))["code"]
    answers = await asyncio.gather(*(exchanged(http, code, verifier) for _ in range(4)))
    assert sorted(each.status_code for each in answers) == [200, 404, 404, 404]
    again = await exchanged(http, code, verifier)
    assert (again.status_code, again.json()["code"]) == (404, "flow_state_not_found")


async def test_a_code_without_its_verifier_is_worth_nothing(http, browser: Browser, login: str):
    verifier, challenge = challenged()
    landed = await browser.signs_in(login, **challenge)
    assert "access_token" not in landed
    code = in_query(landed)["code"]
    wrong = {
        None: "validation_failed",
        "": "validation_failed",
        "x": "bad_code_verifier",
        "x" * 43: "bad_code_verifier",
        "x" * 5000: "bad_code_verifier",
        "\ud800": "bad_json",
        "ü" * 43: "bad_code_verifier",
        f"{verifier} ": "bad_code_verifier",
        challenge["code_challenge"]: "bad_code_verifier",
    }
    for given, code_of_error in wrong.items():
        body = {"auth_code": code, "code_verifier": given}
        answer = await http.post("/token?grant_type=pkce", content=json.dumps(body))
        assert (answer.status_code, answer.json()["code"]) == (400, code_of_error), given
    assert (await exchanged(http, code, verifier)).status_code == 200


async def test_a_plain_challenge_is_met_by_itself_alone(http, browser: Browser, login: str):
    verifier = "plain-" * 10
    challenge = {"code_challenge": verifier, "code_challenge_method": "plain"}
    code = in_query(await browser.signs_in(login, **challenge))["code"]
    assert (await exchanged(http, code, verifier[:-1])).json()["code"] == "bad_code_verifier"
    assert (await exchanged(http, code, verifier)).status_code == 200


async def test_methods_may_be_written_large(http, browser: Browser, login: str):
    verifier, challenge = challenged()
    code = in_query(await browser.signs_in(login, **{**challenge, "code_challenge_method": "S256"}))["code"]
    assert (await exchanged(http, code, verifier)).status_code == 200


@pytest.mark.parametrize(
    "asked",
    [
        {"code_challenge": "x" * 43},
        {"code_challenge_method": "s256"},
        {"code_challenge": "x" * 42, "code_challenge_method": "s256"},
        {"code_challenge": "x" * 129, "code_challenge_method": "s256"},
        {"code_challenge": "x" * 42 + "=", "code_challenge_method": "s256"},
        {"code_challenge": "x" * 43, "code_challenge_method": "none"},
        {"provider": "nobody"},
        {"provider": ""},
        {"provider": "oidc"},
        {"scopes": " ".join(["x"] * 31)},
        {"scopes": "ü"},
    ],
)
async def test_a_question_that_is_none_is_refused(browser: Browser, asked: dict[str, str]):
    answer = await browser.opens(browser.authorize(**asked))
    assert answer.status_code == 400, answer.headers
    assert answer.json()["error_code"] == "validation_failed"


async def test_a_code_is_good_for_five_minutes(http, browser: Browser, login: str, owner: asyncpg.Connection):
    verifier, challenge = challenged()
    code = in_query(await browser.signs_in(login, **challenge))["code"]
    await owner.execute("update auth.flow_state set auth_code_issued_at = now() - interval '301 s'")
    answer = await exchanged(http, code, verifier)
    assert (answer.status_code, answer.json()["code"]) == (422, "flow_state_expired")


@pytest.mark.parametrize("code", ["", "x", "00000000-0000-0000-0000-000000000000", "\0", 7, ["x"], "' or true --"])
async def test_a_code_that_is_none_is_not_found(http, code: Any):
    answer = await http.post("/token?grant_type=pkce", json={"auth_code": code, "code_verifier": "x" * 43})
    assert answer.status_code in {400, 404}
    assert answer.json()["code"] in {"flow_state_not_found", "validation_failed"}


async def test_the_database_shows_nothing_to_sign_in_with(browser: Browser, login: str, owner: asyncpg.Connection):
    address = await browser.sets_out(browser.authorize())
    rows = str(await owner.fetch("select * from auth.oauth_client_states"))
    assert in_query(address)["state"] not in rows
    code = in_query(await browser.signs_in(login, **challenged()[1]))["code"]
    row = await owner.fetchrow("select * from auth.flow_state order by auth_code_issued_at desc nulls last limit 1")
    assert code not in str(row)
    assert row["provider_access_token"].count(".") == 4, "sealed: a JWE has five parts"


# Places


@pytest.mark.parametrize(
    "place",
    [
        "https://evil.example", "//evil.example", "https:evil.example", r"https:\\evil.example", "https://vently.example@evil.example",
        "https://vently.example.evil.example", "https://vently.example:8443/", "http://vently.example/", r"https://vently.example\.evil.example",
        "https://evil.example/https://vently.example", "javascript:alert(1)", "data:text/html,x", "https://vently.example%2eevil.example",
        "https://evil.example#@vently.example", "https://vently.example/\r\nSet-Cookie: a=b", "https://VENTLY.example@evil.example/",
    ],
)  # fmt: skip
async def test_nobody_is_sent_elsewhere_with_a_session(browser: Browser, login: str, place: str):
    landed = await browser.signs_in(login, redirect_to=place)
    assert landed.split("#")[0] in {SITE, f"{SITE}/"}


async def test_a_header_names_a_place_as_little(served, issuer: Issuer, login: str):
    browser = Browser(served.url, issuer)
    browser.client.headers["referer"] = "https://evil.example/x"
    assert (await browser.signs_in(login)).startswith(f"{SITE}#")


# Providers


async def test_who_declines_is_told_so(browser: Browser):
    address = await browser.sets_out(browser.authorize(redirect_to=f"{SITE}/sign-in?next=%2F"))
    landed = await browser.lands(await browser.issuer.declines(address))
    assert landed.startswith(f"{SITE}/sign-in?next=%2F&")
    assert in_query(landed)["error"] == "access_denied"
    assert in_fragment(landed)["error"] == "access_denied"


async def test_what_an_address_claims_the_provider_said_stays_text(browser: Browser):
    state = in_query(await browser.sets_out(browser.authorize()))["state"]
    said = {
        "state": state,
        "iss": browser.issuer.url,
        "error": "x\r\ny: z",
        "error_description": "<b>\r\nSet-Cookie: a",
    }
    landed = await browser.lands(f"{CALLBACK}?{urlencode(said)}")
    assert in_query(landed)["error"] == "server_error"
    assert in_query(landed)["error_description"] == "<b>Set-Cookie: a"
    assert "<" not in landed


async def test_a_provider_that_is_down_leads_back(auth: Auth, browser: Browser, login: str):
    back = await browser.is_back(browser.authorize(redirect_to=f"{SITE}/sign-in"), login)
    auth.providers = {NAME: Oidc("http://127.0.0.1:9", CLIENT_ID, CLIENT_SECRET, name=NAME)}
    for landed in (await browser.lands(back), await browser.sets_out(browser.authorize(redirect_to=f"{SITE}/sign-in"))):
        assert landed.startswith(f"{SITE}/sign-in?")
        assert refused(landed) == "unexpected_failure"
        assert "cannot be reached" in in_query(landed)["error_description"]


async def test_a_provider_taken_away_meanwhile_leads_back(auth: Auth, browser: Browser, login: str):
    back = await browser.is_back(browser.authorize(), login)
    auth.providers = {}
    assert refused(await browser.lands(back)) == "validation_failed"


@pytest.mark.parametrize("sender", ["their own", "the other's", "none"])
async def test_a_code_of_one_provider_is_not_taken_to_another(
    auth: Auth, browser: Browser, issuer: Issuer, other_issuer: Issuer, login: str, sender: str
):
    """Mix-up: the question went to one provider, and the answer is another's."""
    auth.providers = {NAME: offering(issuer), OTHER: offering(other_issuer, OTHER)}
    asked = await browser.sets_out(browser.authorize())
    elsewhere = asked.replace(issuer.url, other_issuer.url)
    answer = in_query(await other_issuer.signs_in(elsewhere, login))
    assert answer["iss"] == other_issuer.url
    match sender:
        case "the other's":
            answer["iss"] = issuer.url
        case "none":
            del answer["iss"]
    landed = await browser.lands(f"{CALLBACK}?{urlencode(answer)}")
    assert in_query(landed)["error"] in {"invalid_request", "server_error"}
    assert "access_token" not in landed


async def test_the_same_subject_elsewhere_is_somebody_else(
    auth: Auth, browser: Browser, issuer: Issuer, other_issuer: Issuer, login: str, http
):
    auth.providers = {NAME: offering(issuer), OTHER: offering(other_issuer, OTHER)}
    mine = in_fragment(await browser.signs_in(f"nameless.{login}"))["access_token"]
    browser.issuer = other_issuer
    theirs = in_fragment(await browser.signs_in(f"nameless.{login}", provider=OTHER))["access_token"]
    people = [
        (await http.get("/user", headers={"Authorization": f"Bearer {token}"})).json()["id"] for token in (mine, theirs)
    ]
    assert len(set(people)) == 2


# Accounts


async def link_address(http: httpx.AsyncClient, account: Account) -> httpx.Response:
    asked = {"provider": NAME, "skip_http_redirect": "true"}
    return await http.get("/user/identities/authorize", params=asked, headers=account.bearer)


async def test_a_second_factor_guards_the_ways_in(http, alice: Account, owner: asyncpg.Connection):
    user = alice.session["user"]["id"]
    await owner.execute(
        "insert into auth.mfa_factors (id, user_id, factor_type, status, created_at, updated_at)"
        " values (gen_random_uuid(), $1, 'totp', 'verified', now(), now())",
        user,
    )
    identity = alice.session["user"]["identities"][0]["identity_id"]
    for answer in (
        await link_address(http, alice),
        await http.delete(f"/user/identities/{identity}", headers=alice.bearer),
    ):
        assert (answer.status_code, answer.json()["code"]) == (401, "insufficient_aal")


@pytest.mark.parametrize(
    ("site", "referer", "may"),
    [
        ("cross-site", "https://evil.example/", False),
        ("cross-site", None, False),
        ("cross-site", "https://vently.example.evil.example/", False),
        ("same-site", "https://other.vently.example/", False),
        ("cross-site", "//[", False),
        ("cross-site", f"{SITE}/", True),
        ("same-origin", None, True),
    ],
)
async def test_nobody_is_made_to_link_what_is_theirs_to_carol(
    http, browser: Browser, bob: Account, site: str, referer: str | None, may: bool
):
    url = (await link_address(http, bob)).json()["url"]
    browser.client.headers.update({"sec-fetch-site": site} | ({"referer": referer} if referer else {}))
    there = await browser.sets_out(url)
    assert there.startswith(browser.issuer.url if may else f"{SITE}?")
    if not may:
        assert refused(there) == "validation_failed"


async def test_who_opens_a_link_by_hand_is_asked_first(http, browser: Browser, bob: Account):
    """From a mail or a chat: it may be Carol who sent it. Going on from the page that asks is going on from here."""
    url = (await link_address(http, bob)).json()["url"]
    browser.client.headers["sec-fetch-site"] = "none"
    for _ in range(2):
        asked = await browser.sets_out(url)
        assert asked.startswith(f"{SITE}/sign-in/link?")
        assert urlsplit(asked).query == urlsplit(url).query
    browser.client.headers["sec-fetch-site"] = "same-origin"
    assert (await browser.sets_out(url)).startswith(browser.issuer.url)


async def test_somebody_without_a_name_gets_one_by_linking(http, browser: Browser, login, alice, owner):
    user = alice.session["user"]["id"]
    await owner.execute("update auth.users set is_anonymous = true, email = null where id = $1", user)
    await owner.execute("delete from auth.identities where user_id = $1", user)
    landed = await browser.follows((await link_address(http, alice)).json()["url"], login)
    token = in_fragment(landed)["access_token"]
    found = (await http.get("/user", headers={"Authorization": f"Bearer {token}"})).json()
    assert (found["id"], found["email"], found["is_anonymous"]) == (user, login, False)


async def test_somebody_without_a_name_cannot_take_anothers_address(http, browser: Browser, login, alice, owner):
    await sign_up(http, login)
    user = alice.session["user"]["id"]
    await owner.execute("update auth.users set is_anonymous = true, email = null where id = $1", user)
    landed = await browser.follows((await link_address(http, alice)).json()["url"], login)
    assert refused(landed) == "email_exists"
    assert await owner.fetchval("select count(*) from auth.identities where provider_id = $1", login) == 0


async def test_who_comes_at_the_same_time_takes_turns(
    served, issuer: Issuer, login: str, monkeypatch: pytest.MonkeyPatch
):
    """The control of `two first sign-ins at once`: without taking turns, somebody is turned away."""

    async def all_come(who: str) -> list[str]:
        browsers = [Browser(served.url, issuer) for _ in range(5)]
        back = [await each.is_back(each.authorize(), who) for each in browsers]
        return list(await asyncio.gather(*(each.lands(b) for each, b in zip(browsers, back, strict=True))))

    assert all("access_token" in each for each in await all_come(f"nameless.{login}"))
    pushing = Query("push_in", "select $1::text", ("whose",))
    monkeypatch.setattr(arrivals.sql, "wait_for_turn", pushing)
    for attempt in range(10):
        if not all("access_token" in each for each in await all_come(f"nameless.{attempt}.{login}")):
            return
    pytest.fail("the guard guards nothing")


async def test_password_and_provider_do_not_shut_each_other_out(http, browser: Browser, login: str):
    await browser.signs_in(login)
    answer = await http.post("/signup", json={"email": login, "password": PASSWORD})
    assert answer.status_code in {200, 422}
    assert "access_token" not in answer.json()
