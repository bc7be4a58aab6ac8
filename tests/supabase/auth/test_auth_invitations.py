"""Invitations, and links that an administrator hands out: each leads to the session it stands for."""

import re
import secrets

import httpx
import pytest
import pytest_asyncio
from auth_cast import NEW_VERSION, PASSWORD, SECRET_KEY, SITE, ruled, sign_up
from litestar import Litestar

from vently.outside.mail import Mail, Post
from vently.supabase.auth.api import mount

SECRET = {"Authorization": f"Bearer {SECRET_KEY}", "apikey": SECRET_KEY}
SHAPE = {"action_link", "email_otp", "hashed_token", "verification_type", "redirect_to"}


class Letterbox:
    def __init__(self) -> None:
        self.letters: list[Mail] = []

    async def send(self, mail: Mail) -> None:
        self.letters.append(mail)


@pytest.fixture
def letterbox() -> Letterbox:
    return Letterbox()


@pytest_asyncio.fixture
async def confirming(auth, letterbox):
    """A client of the same sign-in where addresses have to be confirmed."""
    other = ruled(auth, autoconfirm=False, redirect_urls=("https://app.vently.example/**",))
    other.post = Post(letterbox)
    transport = httpx.ASGITransport(Litestar([mount(other)], openapi_config=None))
    url = f"{SITE}/auth/v1"
    async with httpx.AsyncClient(transport=transport, base_url=url, headers=NEW_VERSION) as client:
        client.post_office = other.post
        yield client


@pytest.fixture
def address() -> str:
    return f"{secrets.token_hex(6)}@example.com"


async def generated(client, **wanted) -> dict:
    answer = await client.post("/admin/generate_link", headers=SECRET, json=wanted)
    assert answer.status_code == 200, answer.text
    assert set(answer.json()) >= SHAPE | {"id", "aud", "email", "app_metadata", "user_metadata", "created_at"}
    return answer.json()


async def test_an_invitation_makes_an_account_that_its_person_takes_up(confirming, letterbox, address):
    invited = await confirming.post("/invite", headers=SECRET, json={"email": address, "data": {"name": "Bob"}})
    assert invited.status_code == 200, invited.text
    user = invited.json()
    assert user["invited_at"]
    assert "email_confirmed_at" not in user
    assert user["user_metadata"]["name"] == "Bob"
    await confirming.post_office.settled()
    [letter] = letterbox.letters
    assert letter.to == address
    [link] = re.findall(rf"{re.escape(SITE)}/auth/v1/verify\?\S+", letter.text)
    followed = await confirming.get(link)
    assert followed.status_code == 303
    assert followed.headers["location"].startswith(f"{SITE}#access_token=")
    assert "type=invite" in followed.headers["location"]
    again = await confirming.post("/invite", headers=SECRET, json={"email": address})
    assert (again.status_code, again.json()["code"]) == (422, "email_exists")


async def test_who_has_not_answered_is_invited_again_and_the_first_letter_is_worthless(confirming, letterbox, address):
    for name in ("Bob", "Robert"):
        answer = await confirming.post("/invite", headers=SECRET, json={"email": address, "data": {"name": name}})
        assert answer.json()["user_metadata"]["name"] == name
    await confirming.post_office.settled()
    codes = [re.search(r"\b\d{6}\b", letter.text)[0] for letter in letterbox.letters]
    answers = [
        await confirming.post("/verify", json={"type": "invite", "email": address, "token": code}) for code in codes
    ]
    assert [answer.status_code for answer in answers] in ([403, 200], [200, 403])


@pytest.mark.parametrize("type_", ["signup", "invite", "magiclink"])
async def test_a_link_makes_the_account_it_is_for(confirming, letterbox, address, type_):
    link = await generated(confirming, type=type_, email=address, password=PASSWORD, data={"name": "Bob"})
    assert link["verification_type"] == ("signup" if type_ == "magiclink" else type_)
    assert link["user_metadata"]["name"] == "Bob"
    assert link["redirect_to"] == SITE
    session = await confirming.post(
        "/verify", json={"type": link["verification_type"], "token_hash": link["hashed_token"]}
    )
    assert session.json()["user"]["id"] == link["id"]
    signed_in = await confirming.post("/token?grant_type=password", json={"email": address, "password": PASSWORD})
    assert signed_in.status_code == 200
    assert letterbox.letters == []


@pytest.mark.parametrize("type_", ["magiclink", "recovery"])
async def test_a_link_signs_in_whom_it_is_for_once(http, confirming, address, type_):
    account = await sign_up(http, address)
    link = await generated(confirming, type=type_, email=address, redirect_to="https://app.vently.example/welcome")
    assert link["redirect_to"] == "https://app.vently.example/welcome"
    followed = await confirming.get(link["action_link"])
    assert followed.headers["location"].startswith("https://app.vently.example/welcome#access_token=")
    again = await confirming.post("/verify", json={"type": type_, "email": address, "token": link["email_otp"]})
    assert (again.status_code, again.json()["code"]) == (403, "otp_expired")
    assert account.session["user"]["id"] == link["id"]


async def test_a_change_of_address_needs_both_links(http, confirming, address):
    await sign_up(http, address)
    new = f"new.{address}"
    links = [
        await generated(confirming, type=type_, email=address, new_email=new)
        for type_ in ("email_change_current", "email_change_new")
    ]
    first = await confirming.post("/verify", json={"type": "email_change", "token_hash": links[0]["hashed_token"]})
    assert first.status_code == 200
    assert "access_token" not in first.json()
    second = await confirming.post("/verify", json={"type": "email_change", "token_hash": links[1]["hashed_token"]})
    assert second.json()["user"]["email"] == new


async def test_links_lead_nowhere_else(confirming, address):
    link = await generated(confirming, type="magiclink", email=address, redirect_to="https://elsewhere.example")
    assert link["redirect_to"] == SITE


async def test_links_that_cannot_be_are_refused(http, confirming, address, alice):
    await sign_up(http, address)
    for wanted, status, code in (
        ({}, 400, "validation_failed"),
        ({"type": "phone_change", "email": address}, 400, "validation_failed"),
        ({"type": "magiclink"}, 400, "validation_failed"),
        ({"type": "magiclink", "email": "nonsense"}, 400, "validation_failed"),
        ({"type": "signup", "email": f"x.{address}"}, 400, "validation_failed"),
        ({"type": "signup", "email": f"x.{address}", "password": "12345"}, 422, "weak_password"),
        ({"type": "signup", "email": address, "password": PASSWORD}, 422, "email_exists"),
        ({"type": "invite", "email": address}, 422, "email_exists"),
        ({"type": "recovery", "email": f"x.{address}"}, 404, "user_not_found"),
        ({"type": "email_change_new", "email": f"x.{address}", "new_email": "y@example.com"}, 404, "user_not_found"),
        ({"type": "email_change_new", "email": address}, 400, "validation_failed"),
        ({"type": "email_change_new", "email": address, "new_email": alice.email}, 422, "email_exists"),
        ({"type": "magiclink", "email": address, "data": {"a": "\0"}}, 400, "validation_failed"),
    ):
        answer = await confirming.post("/admin/generate_link", headers=SECRET, json=wanted)
        assert (answer.status_code, answer.json()["code"]) == (status, code), (wanted, answer.text)
    for wanted in ({}, {"email": "nonsense"}, {"email": address, "data": []}):
        answer = await confirming.post("/invite", headers=SECRET, json=wanted)
        assert (answer.status_code, answer.json()["code"]) == (400, "validation_failed"), wanted
