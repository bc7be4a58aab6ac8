"""Ways into somebody else's account that begin before it is theirs, or outlive what should have ended them."""

import secrets
from collections.abc import AsyncIterator
from urllib.parse import parse_qsl, urlsplit

import asyncpg
import httpx
import pytest
import pytest_asyncio
from auth_cast import NEW_VERSION, PASSWORD, SECRET_KEY, SITE, Account, ruled
from factor_cast import Door, claims_of, refused, sign_in
from litestar import Litestar
from provider_cast import challenged
from software_key import SoftwareKey

from vently.outside.mail import Mail, Post
from vently.supabase.auth.api import mount
from vently.supabase.auth.auth import Auth

SECRET = {"Authorization": f"Bearer {SECRET_KEY}", "apikey": SECRET_KEY}
STRANGERS = "a stranger's horse battery"
NEWER = "newer staple of horses"


class Elsewhere:
    """A provider that nobody comes back from."""

    label = "Elsewhere"

    async def address(self, **_: object) -> str:
        return "https://elsewhere.example/authorize"


class Letterbox:
    def __init__(self) -> None:
        self.letters: list[Mail] = []

    async def send(self, mail: Mail) -> None:
        self.letters.append(mail)

    @property
    def link(self) -> str:
        """Of the newest."""
        return next(word for word in self.letters[-1].text.split() if "/verify?" in word)


@pytest.fixture
def letterbox() -> Letterbox:
    return Letterbox()


@pytest.fixture
def confirming(auth: Auth, letterbox: Letterbox) -> Auth:
    other = ruled(auth, autoconfirm=False)
    other.post = Post(letterbox, lag=0)
    other.providers = {"elsewhere": Elsewhere()}
    return other


@pytest_asyncio.fixture
async def site(confirming: Auth) -> AsyncIterator[httpx.AsyncClient]:
    """The same sign-in where addresses have to be confirmed."""
    transport = httpx.ASGITransport(Litestar([mount(confirming)], openapi_config=None))
    async with httpx.AsyncClient(transport=transport, base_url=f"{SITE}/auth/v1", headers=NEW_VERSION) as client:
        yield client


@pytest_asyncio.fixture
async def limited(confirming: Auth) -> AsyncIterator[httpx.AsyncClient]:
    """A caller from an address of the network that nobody else comes from."""
    app = Litestar([mount(ruled(confirming, limited=True))], openapi_config=None)
    transport = httpx.ASGITransport(app, client=(f"2001:db8:{secrets.token_hex(2)}:{secrets.token_hex(2)}::1", 1))
    async with httpx.AsyncClient(transport=transport, base_url=f"{SITE}/auth/v1", headers=NEW_VERSION) as client:
        yield client


@pytest.fixture
def address() -> str:
    return f"{secrets.token_hex(6)}@example.com"


async def makes_link(site: httpx.AsyncClient, **wanted: object) -> dict[str, str]:
    answer = await site.post("/admin/generate_link", headers=SECRET, json=wanted)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def uses(site: httpx.AsyncClient, link: dict[str, str]) -> httpx.Response:
    return await site.post("/verify", json={"type": link["verification_type"], "token_hash": link["hashed_token"]})


async def enters(http: httpx.AsyncClient, email: str, password: str) -> httpx.Response:
    return await http.post("/token?grant_type=password", json={"email": email, "password": password})


# Accounts that somebody made before their owner did


@pytest.mark.parametrize("type_", ["invite", "signup"])
async def test_who_is_invited_does_not_confirm_the_password_of_whoever_signed_up_with_their_address(
    site: httpx.AsyncClient, address: str, type_: str
) -> None:
    await site.post("/signup", json={"email": address, "password": STRANGERS})
    own = {"password": PASSWORD} if type_ == "signup" else {}
    invited = await makes_link(site, type=type_, email=address, **own)
    assert (await uses(site, invited)).status_code == 200
    refused(await enters(site, address, STRANGERS), 400, "invalid_credentials")
    assert (await enters(site, address, PASSWORD)).status_code == (200 if own else 400)


async def test_an_invitation_by_mail_does_not_either(
    site: httpx.AsyncClient, owner: asyncpg.Connection, address: str
) -> None:
    await site.post("/signup", json={"email": address, "password": STRANGERS})
    await site.post("/invite", headers=SECRET, json={"email": address})
    assert await owner.fetchval("select encrypted_password from auth.users where email = $1", address) is None


async def test_the_letter_of_a_sign_up_does_not_confirm_the_password_of_the_next(
    site: httpx.AsyncClient,
    confirming: Auth,
    letterbox: Letterbox,
    address: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Between a sign-up and its letter there is time: the letter before must be dead by then."""
    await site.post("/signup", json={"email": address, "password": PASSWORD})
    await confirming.post.settled()
    letter = letterbox.link
    monkeypatch.setattr(confirming.post, "write", lambda _: None)
    await site.post("/signup", json={"email": address, "password": STRANGERS})
    token = dict(parse_qsl(urlsplit(letter).query))["token"]
    refused(await site.post("/verify", json={"type": "signup", "token_hash": token}), 403, "otp_expired")


# What is under way when somebody shuts the door


async def test_a_link_to_one_new_address_does_not_confirm_another(
    site: httpx.AsyncClient, alice: Account, owner: asyncpg.Connection
) -> None:
    mine, yours = f"mine.{alice.email}", f"yours.{alice.email}"
    to_mine = await makes_link(site, type="email_change_new", email=alice.email, new_email=mine)
    of_old = await makes_link(site, type="email_change_current", email=alice.email, new_email=yours)
    refused(await uses(site, to_mine | {"verification_type": "email_change"}), 403, "otp_expired")
    by_code = {"type": "email_change", "email": mine, "token": to_mine["email_otp"]}
    refused(await site.post("/verify", json=by_code), 403, "otp_expired")
    assert (await uses(site, of_old | {"verification_type": "email_change"})).status_code == 200
    assert await owner.fetchval("select email from auth.users where email_change = $1", yours) == alice.email


async def test_a_former_address_confirms_no_change(
    site: httpx.AsyncClient, alice: Account, owner: asyncpg.Connection
) -> None:
    of_old = await makes_link(site, type="email_change_current", email=alice.email, new_email=f"new.{alice.email}")
    await owner.execute("update auth.users set email = $1 where email = $2", f"moved.{alice.email}", alice.email)
    refused(await uses(site, of_old | {"verification_type": "email_change"}), 403, "otp_expired")


@pytest.mark.parametrize("how", ["a new password", "signing out", "signing out elsewhere"])
async def test_what_a_thief_of_a_session_has_begun_ends_with_it(
    http: httpx.AsyncClient, site: httpx.AsyncClient, alice: Account, how: str
) -> None:
    """An account of theirs elsewhere is about to be linked."""
    thief, (_, challenge) = await sign_in(http, alice), challenged()
    offered = await site.get(
        "/user/identities/authorize",
        params={"provider": "elsewhere", "skip_http_redirect": "true", **challenge},
        headers={"Authorization": f"Bearer {thief.session['access_token']}"},
    )
    assert offered.status_code == 200, offered.text
    if how == "a new password":
        done = await site.put("/user", json={"password": NEWER}, headers=alice.bearer)
    else:
        scope = "others" if how == "signing out elsewhere" else "global"
        done = await site.post(f"/logout?scope={scope}", headers=alice.bearer)
    assert done.status_code in {200, 204}, done.text
    opened = await site.get(offered.json()["url"], follow_redirects=False)
    assert "flow_state_not_found" in opened.headers["Location"]


async def test_a_code_does_not_outlive_the_password(
    site: httpx.AsyncClient, confirming: Auth, letterbox: Letterbox, alice: Account
) -> None:
    verifier, challenge = challenged()
    await site.post("/magiclink", json={"email": alice.email, **challenge})
    await confirming.post.settled()
    landed = await site.get(letterbox.link, follow_redirects=False)
    code = dict(parse_qsl(urlsplit(landed.headers["Location"]).query))["code"]
    changed = await site.put("/user", json={"password": NEWER}, headers=alice.bearer)
    assert changed.status_code == 200, changed.text
    body = {"auth_code": code, "code_verifier": verifier}
    refused(await site.post("/token?grant_type=pkce", json=body), 404, "flow_state_not_found")


@pytest.mark.parametrize("change", [{"password": NEWER}, {"ban_duration": "1h"}])
async def test_what_an_administrator_shuts_is_opened_by_no_link(
    site: httpx.AsyncClient, alice: Account, change: dict[str, str]
) -> None:
    link = await makes_link(site, type="recovery", email=alice.email)
    path = f"/admin/users/{alice.session['user']['id']}"
    assert (await site.put(path, headers=SECRET, json=change)).status_code == 200
    await site.put(path, headers=SECRET, json={"ban_duration": "none"})
    refused(await uses(site, link), 403, "otp_expired")


async def test_of_a_hidden_account_nothing_is_left_to_sign_in_with(
    site: httpx.AsyncClient, confirming: Auth, alice: Account, owner: asyncpg.Connection
) -> None:
    _, challenge = challenged()
    await site.post("/magiclink", json={"email": alice.email, **challenge})
    await confirming.post.settled()
    user = alice.session["user"]["id"]
    await owner.execute(
        "insert into auth.webauthn_credentials (user_id, credential_id, public_key) values ($1::text::uuid, $2, '')",
        user,
        alice.email.encode(),
    )
    hidden = await site.request("DELETE", f"/admin/users/{user}", headers=SECRET, json={"should_soft_delete": True})
    assert hidden.status_code == 200, hidden.text
    tables = await owner.fetch(
        "select table_name from information_schema.columns where table_schema = 'auth' and column_name = 'user_id'"
    )
    left = {
        table["table_name"]
        for table in tables
        if await owner.fetchval(f"select count(*) from auth.{table['table_name']} where user_id::text = $1", user)
    }
    assert left == {"identities"}, "their names there are hashes by now"


# Second factors that are gone


async def test_a_factor_that_an_administrator_removes_leaves_no_session_raised(
    http: httpx.AsyncClient, alice: Account, secured: tuple[Door, str, object]
) -> None:
    """Otherwise a thief who has enrolled one stays above the second factor that the owner enrols then."""
    thief, factor, _ = secured
    path = f"/admin/users/{alice.session['user']['id']}/factors/{factor}"
    assert (await http.delete(path, headers=SECRET)).status_code == 200
    renewed = await http.post("/token?grant_type=refresh_token", json={"refresh_token": thief.session["refresh_token"]})
    assert claims_of(renewed.json())["aal"] == "aal1"


async def test_a_passkey_that_is_removed_leaves_no_session_raised(http: httpx.AsyncClient, alice: Account) -> None:
    asked = (await http.post("/passkeys/registration/options", headers=alice.bearer)).json()
    key = SoftwareKey()
    body = {"challenge_id": asked["challenge_id"], "credential": key.create(asked["options"])}
    passkey = (await http.post("/passkeys/registration/verify", json=body, headers=alice.bearer)).json()
    asked = (await http.post("/passkeys/authentication/options", json={})).json()
    body = {"challenge_id": asked["challenge_id"], "credential": key.get(asked["options"])}
    thief = (await http.post("/passkeys/authentication/verify", json=body)).json()
    assert claims_of(thief)["aal"] == "aal2"
    gone = await http.delete(f"/passkeys/{passkey['id']}", headers=alice.bearer)
    assert gone.status_code == 204, gone.text
    renewed = await http.post("/token?grant_type=refresh_token", json={"refresh_token": thief["refresh_token"]})
    assert claims_of(renewed.json())["aal"] == "aal1"


# Guessing


@pytest.mark.parametrize("more", [{}, {"nonce": "000000"}])
async def test_who_found_a_session_cannot_try_passwords_on_it(
    http: httpx.AsyncClient, alice: Account, owner: asyncpg.Connection, more: dict[str, str]
) -> None:
    """Whether a new password is the old one is said to nobody who has not shown that they are its owner."""
    await owner.execute(
        "update auth.sessions set created_at = now() - interval '2 days' where id = $1::text::uuid",
        claims_of(alice.session)["session_id"],
    )
    answers = [
        await http.put("/user", json={"password": each, **more}, headers=alice.bearer) for each in (PASSWORD, NEWER)
    ]
    assert answers[0].json() == answers[1].json()
    assert answers[0].status_code == answers[1].status_code


async def test_tries_of_a_password_in_a_session_are_counted(limited: httpx.AsyncClient, alice: Account) -> None:
    answers = [await limited.put("/user", json={"password": PASSWORD}, headers=alice.bearer) for _ in range(101)]
    assert {each.status_code for each in answers[:100]} == {422}
    refused(answers[100], 429, "over_request_rate_limit")


@pytest.mark.parametrize(
    ("asked", "most"),
    [
        (("PUT", "/user"), 30),
        (("GET", "/user/identities/authorize?provider=elsewhere"), 60),
        (("POST", "/passkeys/registration/options"), 150),
    ],
)
async def test_who_is_signed_in_cannot_ask_without_end(
    limited: httpx.AsyncClient, alice: Account, alice_for_all: Account, asked: tuple[str, str], most: int
) -> None:
    """Which addresses have an account, or for rows that fill the disk."""
    body = {"email": alice_for_all.email}
    answers = [await limited.request(*asked, json=body, headers=alice.bearer) for _ in range(most + 1)]
    assert {each.status_code for each in answers[:most]} <= {200, 302, 422}
    refused(answers[most], 429, "over_request_rate_limit")


async def test_a_session_of_somebody_hidden_by_sql_is_over(
    http: httpx.AsyncClient, alice: Account, owner: asyncpg.Connection
) -> None:
    await owner.execute("update auth.users set deleted_at = now() where email = $1", alice.email)
    renewed = await http.post("/token?grant_type=refresh_token", json={"refresh_token": alice.refresh_token})
    refused(renewed, 400, "refresh_token_not_found")


async def test_roles_are_not_taken_away_by_the_way(
    http: httpx.AsyncClient, alice: Account, owner: asyncpg.Connection
) -> None:
    roles = """raw_app_meta_data || '{"roles": ["organizer"]}'"""
    await owner.execute(f"update auth.users set raw_app_meta_data = {roles} where email = $1", alice.email)
    path = f"/admin/users/{alice.session['user']['id']}"
    answer = await http.put(path, headers=SECRET, json={"app_metadata": {"roles": None, "plan": "a"}})
    assert answer.json()["app_metadata"]["roles"] == ["organizer"]
    assert (await sign_in(http, alice)).claims["app_metadata"]["roles"] == ["organizer"]
