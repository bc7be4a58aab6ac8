"""Changes of address, showing once more that it is you, and letters about what happened to an account."""

import asyncio
import itertools
from collections.abc import AsyncIterator

import msgspec
import pytest
import pytest_asyncio
from auth_cast import API_KEY, PASSWORD, SITE
from mail_cast import MailedSite, mailed_site
from supabase import AsyncClient, AsyncClientOptions, acreate_client
from supabase_auth.errors import AuthApiError

from vently.database.embedded import Server

NEW_PASSWORD = "staple of the battery horse"
FIREFOX = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"}
NEWER_FIREFOX = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"}
IPHONE = {
    "User-Agent": "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Version/18.0 Mobile/15E148 Safari/604.1"
}

_numbers = itertools.count(1)


@pytest_asyncio.fixture(scope="module")
async def site(server: Server, database_name: str) -> AsyncIterator[MailedSite]:
    async with mailed_site(
        server.url("authenticator", database_name), lambda rules: msgspec.structs.replace(rules, anonymous=True)
    ) as site:
        yield site


@pytest.fixture
def new() -> str:
    """The address that Alice wants to have."""
    return f"alice.new{next(_numbers)}@example.com"


@pytest_asyncio.fixture
async def alice(site: MailedSite) -> str:
    """Alice's address; she has a confirmed account, and has signed in with Firefox."""
    address = f"alice.old{next(_numbers)}@example.com"
    made = await site.http.post("/signup", json={"email": address, "password": PASSWORD})
    assert made.status_code == 200, made.text
    code = (await site.letter(address)).code
    body = {"email": address, "token": code, "type": "signup"}
    assert (await site.http.post("/verify", json=body, headers=FIREFOX)).status_code == 200
    return address


@pytest_asyncio.fixture
async def client(site: MailedSite, alice: str) -> AsyncClient:
    """Supabase's own client, with Alice signed in."""
    client = await acreate_client(site.url, API_KEY, AsyncClientOptions(flow_type="implicit"))
    await client.auth.sign_in_with_password({"email": alice, "password": PASSWORD})
    await site.auth.post.settled()  # the letter about this new browser is not the one a test waits for
    return client


async def enter(site: MailedSite, email: str, headers: dict[str, str] = FIREFOX, password: str = PASSWORD) -> dict:
    body = {"email": email, "password": password}
    answer = await site.http.post("/token?grant_type=password", json=body, headers=headers)
    assert answer.status_code == 200, answer.text
    return {"Authorization": f"Bearer {answer.json()['access_token']}"}


async def subjects(site: MailedSite, to: str) -> list[str]:
    return [letter.subject for letter in await site.letters(to)]


@pytest.mark.parametrize("first", ["old", "new"])
async def test_both_addresses_confirm_before_the_change_is_made(site, client, alice, new, first):
    changed = await client.auth.update_user({"email": new})
    assert (changed.user.email, changed.user.new_email) == (alice, new)
    letters = [await site.letter(alice), await site.letter(new)]
    assert letters[0].query["token"] != letters[1].query["token"]
    if first == "new":
        letters.reverse()
    waiting = await site.follow(letters[0])
    assert waiting.page == SITE
    assert waiting.fragment["message"].startswith("Confirmation link accepted.")
    assert (await client.auth.get_user()).user.email == alice
    assert "error" in (await site.follow(letters[0])).fragment  # the same one twice is not both

    landed = await site.follow(letters[1])
    assert landed.fragment["type"] == "email_change"
    me = (await client.auth.get_user()).user
    assert (me.email, me.new_email) == (new, None)
    assert me.user_metadata["email"] == new
    assert me.identities[0].identity_data["email"] == new
    await enter(site, new)
    assert "The address of your Vently account was changed" in await subjects(site, alice)


async def test_the_codes_of_both_letters_do_as_well(site, client, alice, new):
    await client.auth.update_user({"email": new})
    of_old, of_new = (await site.letter(alice)).code, (await site.letter(new)).code
    waiting = await client.auth.verify_otp({"email": new, "token": of_new, "type": "email_change"})
    assert waiting.session is None
    entered = await client.auth.verify_otp({"email": alice, "token": of_old, "type": "email_change"})
    assert entered.user.email == new


async def test_of_both_confirmed_at_once_one_makes_the_change(site, client, alice, new):
    await client.auth.update_user({"email": new})
    letters = [await site.letter(alice), await site.letter(new)]
    landed = await asyncio.gather(*(site.follow(letter) for letter in letters))
    assert sorted("access_token" in each.fragment for each in landed) == [False, True]
    assert (await client.auth.get_user()).user.email == new


async def test_an_address_that_is_too_old_does_not_count_as_confirmed(site, owner, client, alice, new):
    await client.auth.update_user({"email": new})
    letter = await site.letter(alice)
    await owner.execute(
        "update auth.one_time_tokens set created_at = created_at - interval '2 hours' where relates_to = $1", alice
    )
    assert "error" in (await site.follow(letter)).fragment
    assert "message" in (await site.follow(await site.letter(new))).fragment
    assert (await client.auth.get_user()).user.email == alice


async def test_an_address_somebody_has_is_refused_before_and_after(site, client, alice, new):
    await client.auth.update_user({"email": new})
    letters = [await site.letter(alice), await site.letter(new)]
    body = {"email": new, "password": PASSWORD}
    await site.http.post("/signup", json=body)
    with pytest.raises(AuthApiError) as refused:
        await client.auth.update_user({"email": new})
    assert (refused.value.code, refused.value.status) == ("email_exists", 422)
    await site.follow(letters[0])
    assert (await site.follow(letters[1])).fragment["error_code"] == "email_exists"
    assert (await client.auth.get_user()).user.email == alice


async def test_a_change_under_way_is_sent_again_and_replaced_by_another(site, client, alice, new):
    await client.auth.update_user({"email": "typo." + new})
    stale = [await site.letter(alice), await site.letter("typo." + new)]
    await client.auth.update_user({"email": new})
    for letter in stale:
        assert "error" in (await site.follow(letter)).fragment
    await client.auth.resend({"type": "email_change", "email": new})
    await client.auth.resend({"type": "email_change", "email": alice})
    await site.follow(await site.letter(alice))
    await site.follow(await site.letter(new))
    assert (await client.auth.get_user()).user.email == new


async def test_a_new_password_ends_a_change_under_way(site, client, alice, new):
    await client.auth.update_user({"email": new})
    letters = [await site.letter(alice), await site.letter(new)]
    await client.auth.update_user({"password": NEW_PASSWORD})
    for letter in letters:
        assert "error" in (await site.follow(letter)).fragment
    assert (await client.auth.get_user()).user.new_email is None


async def test_open_links_to_the_old_address_die_with_the_change(site, client, alice, new):
    await site.http.post("/recover", json={"email": alice})
    recovery = await site.letter(alice)
    await client.auth.update_user({"email": new})
    await site.follow(await site.letter(alice))
    await site.follow(await site.letter(new))
    assert "error" in (await site.follow(recovery)).fragment


async def test_who_is_anonymous_becomes_somebody_by_confirming_an_address(site, new):
    client = await acreate_client(site.url, API_KEY, AsyncClientOptions(flow_type="implicit"))
    before = (await client.auth.sign_in_anonymously()).user
    await client.auth.update_user({"email": new})
    entered = await client.auth.verify_otp(
        {"email": new, "token": (await site.letter(new)).code, "type": "email_change"}
    )
    assert entered.user.id == before.id
    assert (entered.user.email, entered.user.is_anonymous) == (new, False)
    assert entered.user.app_metadata["providers"] == ["email"]
    assert [each.provider for each in entered.user.identities] == ["email"]
    await client.auth.update_user({"password": PASSWORD})
    await enter(site, new)


async def test_two_people_cannot_both_come_to_have_an_address(site, new):
    async def somebody() -> str:
        made = (await site.http.post("/signup", json={})).json()
        headers = {"Authorization": f"Bearer {made['access_token']}"}
        await site.http.put("/user", json={"email": new}, headers=headers)
        return (await site.letter(new)).link

    links = [await somebody(), await somebody()]
    landed = [await site.follow(link) for link in links]
    assert sorted("access_token" in each.fragment for each in landed) == [False, True]


# Showing once more that it is you


async def test_a_day_old_session_changes_the_password_with_a_code_only(site, owner, client, alice):
    await owner.execute(
        "update auth.sessions set created_at = now() - interval '25 hours' where user_id = $1",
        (await client.auth.get_user()).user.id,
    )
    with pytest.raises(AuthApiError) as refused:
        await client.auth.update_user({"password": NEW_PASSWORD})
    assert refused.value.code == "reauthentication_needed"
    await client.auth.reauthenticate()
    letter = await site.letter(alice)
    wrong = f"{(int(letter.code) + 1) % 1_000_000:06}"
    with pytest.raises(AuthApiError) as refused:
        await client.auth.update_user({"password": NEW_PASSWORD, "nonce": wrong})
    assert (refused.value.code, refused.value.status) == ("reauthentication_not_valid", 422)
    await client.auth.update_user({"password": NEW_PASSWORD, "nonce": letter.code})
    await enter(site, alice, password=NEW_PASSWORD)
    with pytest.raises(AuthApiError) as refused:
        await client.auth.update_user({"password": PASSWORD, "nonce": letter.code})
    assert refused.value.code == "reauthentication_not_valid"


async def test_a_code_of_reauthentication_signs_nobody_in(site, client, alice):
    await client.auth.reauthenticate()
    code = (await site.letter(alice)).code
    for kind in ("email", "magiclink", "recovery", "signup", "email_change", "reauthentication"):
        body = {"email": alice, "token": code, "type": kind}
        assert (await site.http.post("/verify", json=body)).status_code in {400, 403}


async def test_reauthentication_is_for_those_who_are_signed_in_and_have_an_address(site):
    assert (await site.http.get("/reauthenticate")).status_code == 401
    made = (await site.http.post("/signup", json={})).json()
    answer = await site.http.get("/reauthenticate", headers={"Authorization": f"Bearer {made['access_token']}"})
    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")


# Letters about what happened


async def test_a_sign_in_with_a_browser_never_seen_before_is_told(site, alice):
    many = len(await site.letters(alice))
    await enter(site, alice)
    await enter(site, alice, NEWER_FIREFOX)
    assert len(await site.letters(alice)) == many
    await enter(site, alice, IPHONE)
    letter = await site.letter(alice)
    assert letter.subject == "New sign-in to your Vently account"
    assert "Safari on iPhone" in letter.text
    assert letter.link == f"{SITE}/me/security"
    await enter(site, alice, IPHONE)
    assert len(await site.letters(alice)) == many + 1


async def test_what_a_browser_calls_itself_does_not_come_into_a_letter(site, alice):
    await enter(site, alice, {"User-Agent": "<script>alert(1)</script> see https://evil.example Android"})
    letter = await site.letter(alice)
    assert "An app on Android" in letter.text
    assert "evil" not in letter.text + letter.html


async def test_a_changed_password_is_told(site, client, alice):
    await client.auth.update_user({"password": NEW_PASSWORD})
    letter = await site.letter(alice)
    assert letter.subject == "Your Vently password was changed"
    assert letter.link == f"{SITE}/sign-in/forgotten"
