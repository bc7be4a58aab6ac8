"""Signing in by an account elsewhere: Supabase's own client, a real provider, and the accounts that come of it."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterator

import asyncpg
import httpx
import pytest
import pytest_asyncio
from auth_cast import API_KEY, PASSWORD, SITE, Account, ruled, sign_up
from issuer import CLIENT_ID, CLIENT_SECRET, Issuer, issuing
from provider_cast import CALLBACK, NAME, Browser, challenged, in_fragment, in_query
from supabase import AsyncClient, AsyncClientOptions, acreate_client

from vently.outside.mail import Mail
from vently.outside.signin.oidc import Oidc
from vently.supabase.auth.auth import Auth
from vently.supabase.auth.links.words import WORDS

_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    with issuing(CALLBACK) as running:
        yield running


@pytest.fixture(scope="module", autouse=True)
def offered(auth: Auth, issuer: Issuer) -> Iterator[None]:
    before = auth.providers
    auth.providers = {NAME: Oidc(issuer.url, CLIENT_ID, CLIENT_SECRET, name=NAME)}
    yield
    auth.providers = before


@pytest_asyncio.fixture
async def browser(served, issuer: Issuer) -> AsyncIterator[Browser]:
    browser = Browser(served.url, issuer)
    yield browser
    await browser.client.aclose()


@pytest_asyncio.fixture
async def pkce(served) -> AsyncClient:
    return await acreate_client(served.url, API_KEY, AsyncClientOptions(flow_type="pkce"))


@pytest_asyncio.fixture
async def implicit(served) -> AsyncClient:
    return await acreate_client(served.url, API_KEY, AsyncClientOptions(flow_type="implicit"))


@pytest.fixture
def login() -> str:
    """What somebody new types at the provider: their address there, which is verified."""
    return f"elsewhere{next(_numbers)}@example.com"


async def session_of(http: httpx.AsyncClient, browser: Browser, login: str) -> dict:
    verifier, challenge = challenged()
    landed = await browser.signs_in(login, **challenge)
    body = {"auth_code": in_query(landed)["code"], "code_verifier": verifier}
    answer = await http.post("/token?grant_type=pkce", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


def bearer(session: dict) -> dict[str, str]:
    return {"Authorization": f"Bearer {session['access_token']}"}


async def test_the_client_signs_in_with_pkce(pkce: AsyncClient, browser: Browser, login: str):
    begun = await pkce.auth.sign_in_with_oauth({"provider": NAME, "options": {"redirect_to": f"{SITE}/welcome?a=b"}})
    landed = await browser.follows(begun.url.replace(browser.served_url, SITE), login)
    assert landed.startswith(f"{SITE}/welcome?")
    assert in_query(landed).keys() == {"a", "code"}
    assert "#" not in landed

    found = await pkce.auth.exchange_code_for_session({"auth_code": in_query(landed)["code"]})
    assert found.user.email == login
    assert found.user.email_confirmed_at
    assert found.user.app_metadata == {"provider": NAME, "providers": [NAME]}
    assert found.user.user_metadata["full_name"] == login.partition("@")[0]
    assert found.session.provider_token
    assert found.session.provider_refresh_token
    identity = found.user.identities[0]
    assert (identity.provider, identity.id, identity.identity_data["sub"]) == (NAME, login, login)
    claims = (await pkce.auth.get_claims())["claims"]
    assert [each["method"] for each in claims["amr"]] == ["oauth"]


async def test_the_client_signs_in_without_pkce(implicit: AsyncClient, browser: Browser, login: str):
    begun = await implicit.auth.sign_in_with_oauth({"provider": NAME, "options": {"redirect_to": SITE}})
    landed = await browser.follows(begun.url.replace(browser.served_url, SITE), login)
    assert in_query(landed) == {}, "servers see nothing"
    said = in_fragment(landed)
    assert said["token_type"] == "bearer"
    assert {"access_token", "refresh_token", "expires_in", "expires_at", "provider_token"} <= said.keys()
    session, _ = await implicit.auth._get_session_from_url(landed)
    assert session.user.email == login
    assert (await implicit.auth.set_session(said["access_token"], said["refresh_token"])).user.email == login


async def test_who_was_here_before_is_known_by_the_subject(http, browser: Browser, login: str, owner):
    first = await session_of(http, browser, login)
    await owner.execute("update auth.users set email = $1 where id = $2", f"moved.{login}", first["user"]["id"])
    second = await session_of(http, browser, login)
    assert second["user"]["id"] == first["user"]["id"]
    assert second["user"]["email"] == f"moved.{login}"


async def test_a_verified_address_finds_the_account_that_has_it(
    auth: Auth, http, browser: Browser, login: str, monkeypatch: pytest.MonkeyPatch
):
    alice = await sign_up(http, login, data={"name": "Alice herself"})
    monkeypatch.setattr(auth, "rules", ruled(auth, autoconfirm=False).rules)
    session = await session_of(http, browser, login)
    assert session["user"]["id"] == alice.session["user"]["id"]
    assert session["user"]["app_metadata"]["providers"] == ["email", NAME]
    assert session["user"]["app_metadata"]["provider"] == "email"
    assert session["user"]["user_metadata"]["name"] == "Alice herself"
    assert session["user"]["user_metadata"]["full_name"] == login.partition("@")[0]
    again = await http.post("/token?grant_type=password", json={"email": login, "password": PASSWORD})
    assert again.status_code == 200, "the password still counts"


async def test_where_no_address_is_confirmed_nobody_is_led_into_an_account_that_may_be_a_strangers(
    http, browser: Browser, login: str, owner: asyncpg.Connection
):
    squatter = await sign_up(http, login)
    user = squatter.session["user"]["id"]
    assert "error_code=email_exists" in await browser.signs_in(login)
    await http.post("/logout", headers=squatter.bearer)
    assert "error_code=email_exists" in await browser.signs_in(login)
    assert await owner.fetchval("select count(*) from auth.identities where provider_id = $1", login) == 0
    # As an administrator makes one: nobody else has a way in.
    await owner.execute("update auth.users set encrypted_password = null where id = $1::text::uuid", user)
    assert (await session_of(http, browser, login))["user"]["id"] == user


async def test_who_squats_on_an_address_is_put_out_when_its_owner_comes(
    http, browser: Browser, login: str, owner: asyncpg.Connection
):
    squatter = await sign_up(http, login, data={"name": "Eve"})
    user = squatter.session["user"]["id"]
    await owner.execute("update auth.users set email_confirmed_at = null where id = $1", user)
    await owner.execute(
        "insert into auth.webauthn_credentials (user_id, credential_id, public_key) values ($1, $2, '')",
        user,
        login.encode(),
    )
    session = await session_of(http, browser, login)
    assert session["user"]["id"] == user
    assert [each["provider"] for each in session["user"]["identities"]] == [NAME]
    assert session["user"]["app_metadata"]["providers"] == [NAME]
    assert session["user"]["user_metadata"]["name"] == login.partition("@")[0]
    answer = await http.post("/token?grant_type=password", json={"email": login, "password": PASSWORD})
    assert answer.json()["code"] == "invalid_credentials"
    answer = await http.get("/user", headers=squatter.bearer)
    assert answer.json()["code"] == "session_not_found"
    answer = await http.post("/token?grant_type=refresh_token", json={"refresh_token": squatter.refresh_token})
    assert answer.json()["code"] == "refresh_token_not_found"
    assert await owner.fetchval("select count(*) from auth.webauthn_credentials where user_id = $1", user) == 0


async def test_an_unverified_address_never_finds_an_account(http, browser: Browser, login: str):
    taken = f"unverified.{login}"
    await sign_up(http, taken)
    landed = await browser.signs_in(taken)
    assert in_query(landed)["error_code"] == "provider_email_needs_verification"
    assert in_fragment(landed)["error_code"] == "provider_email_needs_verification"
    assert "access_token" not in landed


async def test_an_unverified_address_is_not_the_accounts(http, browser: Browser, login: str):
    session = await session_of(http, browser, f"unverified.{login}")
    assert session["user"]["email"] == ""
    assert session["user"]["identities"][0]["identity_data"]["email_verified"] is False
    mine = await sign_up(http, f"unverified.{login}")
    assert mine.session["user"]["id"] != session["user"]["id"]
    assert (await session_of(http, browser, f"unverified.{login}"))["user"]["id"] == session["user"]["id"]


async def test_who_has_no_address_has_an_account_without_one(http, browser: Browser, login: str):
    first = await session_of(http, browser, f"nameless.{login}")
    assert first["user"]["email"] == ""
    second = await session_of(http, browser, f"nameless.{login}")
    assert first["user"]["id"] == second["user"]["id"]


async def test_two_first_sign_ins_at_once_make_one_account(http, served, issuer: Issuer, login: str):
    browsers = [Browser(served.url, issuer) for _ in range(4)]
    back = [await each.is_back(each.authorize(), login) for each in browsers]
    landed = await asyncio.gather(*(each.lands(address) for each, address in zip(browsers, back, strict=True)))
    assert all("access_token" in each for each in landed), landed
    people = [
        (await http.get("/user", headers={"Authorization": f"Bearer {in_fragment(each)['access_token']}"})).json()["id"]
        for each in landed
    ]
    assert len(set(people)) == 1


async def test_a_first_sign_in_and_a_sign_up_at_once_make_one_account(http, browser: Browser, login: str, owner):
    back = await browser.is_back(browser.authorize(), login)
    await asyncio.gather(browser.lands(back), http.post("/signup", json={"email": login, "password": PASSWORD}))
    assert await owner.fetchval("select count(*) from auth.users where email = $1", login) == 1


async def test_a_browser_never_seen_before_is_noticed(auth: Auth, http, browser: Browser, login: str, owner):
    user = (await session_of(http, browser, login))["user"]["id"]
    browser.client.headers["user-agent"] = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
    await browser.signs_in(login)
    await auth.post.settled()
    assert await owner.fetchval("select count(*) from auth.known_devices where user_id = $1", user) == 2


async def test_who_is_banned_stays_out(http, browser: Browser, login: str, owner: asyncpg.Connection):
    session = await session_of(http, browser, login)
    await owner.execute(
        "update auth.users set banned_until = now() + interval '1 h' where id = $1", session["user"]["id"]
    )
    for asked in ({}, challenged()[1]):
        landed = await browser.signs_in(login, **asked)
        assert in_query(landed)["error_code"] == "user_banned"
        assert "code=" not in landed.replace("error_code=", "")


async def test_who_is_banned_meanwhile_stays_out_too(http, browser: Browser, login: str, owner: asyncpg.Connection):
    verifier, challenge = challenged()
    code = in_query(await browser.signs_in(login, **challenge))["code"]
    await owner.execute("update auth.users set banned_until = now() + interval '1 h' where email = $1", login)
    answer = await http.post("/token?grant_type=pkce", json={"auth_code": code, "code_verifier": verifier})
    assert answer.json()["code"] == "user_banned"


async def test_the_client_links_and_unlinks(pkce: AsyncClient, browser: Browser, email: str, login: str):
    await pkce.auth.sign_up({"email": email, "password": PASSWORD})
    begun = await pkce.auth.link_identity({"provider": NAME, "options": {"redirect_to": f"{SITE}/account"}})
    assert begun.url.startswith(f"{SITE}/auth/v1/authorize?")
    landed = await browser.follows(begun.url, login)
    assert landed.startswith(f"{SITE}/account?code=")
    linked = await pkce.auth.exchange_code_for_session({"auth_code": in_query(landed)["code"]})
    assert linked.user.email == email
    assert linked.user.app_metadata["providers"] == ["email", NAME]

    identities = (await pkce.auth.get_user_identities()).identities
    mine = next(each for each in identities if each.provider == NAME)
    await pkce.auth.unlink_identity(mine)
    user = (await pkce.auth.get_user()).user
    assert [each.provider for each in user.identities] == ["email"]
    assert user.app_metadata["providers"] == ["email"]
    with pytest.raises(Exception, match="at least 1 identity") as refused:
        await pkce.auth.unlink_identity(user.identities[0])
    assert refused.value.code == "single_identity_not_deletable"


async def linked(http, browser: Browser, account: Account | dict, login: str) -> str:
    head = account.bearer if isinstance(account, Account) else bearer(account)
    asked = {"provider": NAME, "skip_http_redirect": "true"}
    answer = await http.get("/user/identities/authorize", params=asked, headers=head)
    assert answer.status_code == 200, answer.text
    return await browser.follows(answer.json()["url"], login)


async def test_what_belongs_to_another_cannot_be_linked(http, browser: Browser, login: str, alice: Account):
    await session_of(http, browser, login)
    landed = await linked(http, browser, alice, login)
    assert in_query(landed)["error_code"] == "identity_already_exists"
    assert "another" in in_query(landed)["error_description"]


async def test_an_unverified_address_may_be_linked_by_who_is_signed_in(http, browser: Browser, login, alice: Account):
    landed = await linked(http, browser, alice, f"unverified.{login}")
    token = in_fragment(landed)["access_token"]
    user = (await http.get("/user", headers={"Authorization": f"Bearer {token}"})).json()
    assert user["email"] == alice.email


async def test_an_address_of_ours_to_link_is_good_once(http, browser: Browser, alice: Account):
    asked = {"provider": NAME, "skip_http_redirect": "true"}
    url = (await http.get("/user/identities/authorize", params=asked, headers=alice.bearer)).json()["url"]
    await browser.sets_out(url)
    assert in_query(await browser.sets_out(url))["error_code"] == "flow_state_not_found"
    assert in_query(await browser.sets_out(f"{url}x"))["error_code"] == "flow_state_not_found"


async def test_linking_is_for_who_is_signed_in(http):
    for method, path in (("GET", "/user/identities/authorize?provider=oidc"), ("DELETE", "/user/identities/x")):
        answer = await http.request(method, path)
        assert (answer.status_code, answer.json()["code"]) == (401, "no_authorization")


async def test_carol_cannot_unlink_what_is_alices(http, browser: Browser, login: str, alice: Account, bob: Account):
    await linked(http, browser, alice, login)
    await linked(http, browser, bob, f"bobs.{login}")
    identities = (await http.get("/user", headers=alice.bearer)).json()["identities"]
    answer = await http.delete(f"/user/identities/{identities[0]['identity_id']}", headers=bob.bearer)
    assert (answer.status_code, answer.json()["code"]) == (422, "identity_not_found")
    assert len((await http.get("/user", headers=alice.bearer)).json()["identities"]) == 2


async def test_two_unlinked_at_once_leave_one(http, browser: Browser, login: str, alice: Account):
    await linked(http, browser, alice, login)
    identities = (await http.get("/user", headers=alice.bearer)).json()["identities"]
    answers = await asyncio.gather(
        *(http.delete(f"/user/identities/{each['identity_id']}", headers=alice.bearer) for each in identities)
    )
    assert sorted(each.status_code for each in answers) == [200, 422]


async def test_with_the_address_goes_its_password(http, browser: Browser, login: str, alice: Account):
    await linked(http, browser, alice, login)
    identities = (await http.get("/user", headers=alice.bearer)).json()["identities"]
    mail = next(each for each in identities if each["provider"] == "email")
    answer = await http.delete(f"/user/identities/{mail['identity_id']}", headers=alice.bearer)
    assert answer.json() == {}
    user = (await http.get("/user", headers=alice.bearer)).json()
    assert (user["email"], user["app_metadata"]["providers"]) == (login, [NAME])
    answer = await http.post("/token?grant_type=password", json={"email": login, "password": PASSWORD})
    assert answer.json()["code"] == "invalid_credentials"


async def test_an_address_chosen_otherwise_outlives_an_identity(http, browser: Browser, login: str, owner):
    session = await session_of(http, browser, login)
    await linked(http, browser, session, f"second.{login}")
    await owner.execute("update auth.users set email = $1 where id = $2", f"chosen.{login}", session["user"]["id"])
    for identity in (await http.get("/user", headers=bearer(session))).json()["identities"][:1]:
        await http.delete(f"/user/identities/{identity['identity_id']}", headers=bearer(session))
    assert (await http.get("/user", headers=bearer(session))).json()["email"] == f"chosen.{login}"


async def test_what_is_linked_and_unlinked_is_told_by_mail(
    auth: Auth, http, browser: Browser, login: str, alice: Account, monkeypatch: pytest.MonkeyPatch
):
    sent: list[Mail] = []
    monkeypatch.setattr(auth.post, "send", sent.append)
    await linked(http, browser, alice, login)
    identities = (await http.get("/user", headers=alice.bearer)).json()["identities"]
    mail = next(each for each in identities if each["provider"] == "email")
    await http.delete(f"/user/identities/{mail['identity_id']}", headers=alice.bearer)
    assert [(letter.to, letter.subject) for letter in sent] == [
        (alice.email, "Your Vently account has a new way to sign in"),
        (alice.email, "Your Vently account has a way to sign in less"),
        (alice.email, WORDS["email_changed"].subject),
    ]
    assert "OpenID Connect" in sent[0].text


@pytest.mark.parametrize("identity", ["x", "00000000-0000-0000-0000-000000000000'", "%00"])
async def test_an_identity_that_is_none_is_not_found(http, alice: Account, identity: str):
    answer = await http.delete(f"/user/identities/{identity}", headers=alice.bearer)
    assert answer.status_code == 404


async def test_settings_say_what_is_offered(http):
    assert (await http.get("/settings")).json()["external"][NAME] is True
    assert "google" not in {name for name, on in (await http.get("/settings")).json()["external"].items() if on}
