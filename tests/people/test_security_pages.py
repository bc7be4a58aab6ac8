"""The page of an account's security: password, address, sessions; and sessions over the API."""

import pytest
from cast import Person, Site
from mailed_site import PASSWORD, Mailed, Somebody

from vently.supabase.browsers import in_words

IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko)"
    " Version/18.5 Mobile/15E148 Safari/604.1"
)


@pytest.fixture
async def bob(mailed: Mailed) -> Somebody:
    return await mailed.signed_up()


async def test_a_new_password_needs_the_one_before(bob: Somebody) -> None:
    browser = await bob.browser.opens("/me/security")
    for wrong, said in (("", "is needed"), ("not the password", "This is not your password")):
        await browser.sends("/me/security/password", current_password=wrong, password="a quite different phrase")
        assert (browser.status, said in browser.text) == (422, True)
    await browser.sends("/me/security/password", current_password=PASSWORD, password="12345678")
    assert (browser.status, "easy to guess" in browser.text) == (422, True)
    other = await bob.elsewhere()
    await browser.sends("/me/security/password", current_password=PASSWORD, password="a quite different phrase")
    assert (browser.path, "Your new password counts" in browser.text) == ("/me/security", True)
    assert (await other.opens("/me/security")).status == 401
    assert "This session was ended" in other.text
    assert other.cookie("vently_refresh") is None


async def test_both_addresses_confirm_a_change(mailed: Mailed, bob: Somebody) -> None:
    browser, wanted, before = bob.browser, f"new-{bob.email}", len(mailed.postbox.letters)
    await browser.opens("/me/security")
    await browser.sends("/me/security/email", email="not an address")
    assert browser.status == 422
    await browser.sends("/me/security/email", email=wanted)
    assert f"Waiting for {wanted}" in browser.text
    old, new = [await mailed.postbox.letter(to, after=before) for to in (bob.email, wanted)]
    await browser.sends("/me/security/email/code", address=wanted, email_code="000000")
    assert browser.status == 422
    await browser.sends("/me/security/email/code", address=wanted, email_code=new.code)
    assert "The other address has to confirm" in browser.text
    await browser.sends("/me/security/email/code", address=bob.email, email_code=old.code)
    assert "Your new address counts now" in browser.text
    assert f'class="lead">{wanted}<' in browser.page
    assert "This one" in browser.text
    assert browser.text.count("since ") == 1, "no session came of it"
    assert (await mailed.browser().opens("/me/security")).status == 401
    assert wanted in (await browser.opens("/me/profile")).text


async def test_both_links_confirm_a_change(mailed: Mailed, bob: Somebody) -> None:
    browser, wanted, before = bob.browser, f"new-{bob.email}", len(mailed.postbox.letters)
    await browser.opens("/me/security")
    await browser.sends("/me/security/email", email=wanted)
    for to, said in ((bob.email, "One address has confirmed"), (wanted, "Your new address counts now")):
        await browser.opens((await mailed.postbox.letter(to, after=before)).link)
        assert (browser.path, said in browser.text) == ("/me/security", True), browser.text
    assert f'class="lead">{wanted}<' in browser.page
    assert browser.text.count("since ") == 1


async def test_a_session_is_known_by_its_browser_and_ended_from_another(bob: Somebody) -> None:
    phone = await bob.elsewhere(agent=IPHONE)
    assert (await phone.opens("/me")).status == 200
    await bob.browser.opens("/me/security")
    assert "Safari on iPhone" in bob.browser.text
    assert "Firefox on Linux This one" in bob.browser.text
    assert "203.0.113.7" in bob.browser.text
    ends = [action for action in bob.browser.forms if action.startswith("/me/security/sessions/")]
    assert len(ends) == 1
    await bob.browser.sends(ends[0])
    assert "Signed out there" in bob.browser.text
    assert "Safari on iPhone" not in bob.browser.text
    assert (await phone.opens("/me/security")).status == 401
    assert (await phone.opens("/me")).status == 401


async def test_everywhere_else_is_signed_out_at_once(bob: Somebody) -> None:
    others = [await bob.elsewhere() for _ in range(3)]
    await bob.browser.opens("/me/security")
    await bob.browser.sends("/me/security/sessions")
    assert bob.browser.text.count("since ") == 1
    assert [(await other.opens("/me/security")).status for other in others] == [401] * 3
    assert (await bob.browser.opens("/me/security")).status == 200


async def test_sessions_over_the_api(site: Site, bob_and_carol: tuple[Person, Person]) -> None:
    bob, carol = bob_and_carol
    again = await site.client.post(
        "/auth/v1/token?grant_type=password", json={"email": bob.email, "password": PASSWORD}
    )
    listed = (await bob.get("/api/me/sessions")).json()
    assert [session["current"] for session in listed["items"]] == [True, False]
    assert listed["items"][0]["aal"] == "aal1"
    other = listed["items"][1]["id"]
    assert (await carol.delete(f"/api/me/sessions/{other}")).status_code == 404
    assert len((await bob.get("/api/me/sessions")).json()["items"]) == 2
    assert (await bob.delete(f"/api/me/sessions/{other}")).status_code == 204
    assert (await bob.delete(f"/api/me/sessions/{other}")).status_code == 404
    spent = await site.client.post(
        "/auth/v1/token?grant_type=refresh_token", json={"refresh_token": again.json()["refresh_token"]}
    )
    assert spent.status_code == 400
    assert len((await carol.get("/api/me/sessions")).json()["items"]) == 1


@pytest.fixture
async def bob_and_carol(site: Site) -> tuple[Person, Person]:
    return await site.signs_up("Bob"), await site.signs_up("Carol")


@pytest.mark.parametrize(
    ("agent", "words"),
    [
        (IPHONE, "Safari on iPhone"),
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/140.0 Safari/537.36 Edg/140.0", "Edge on Windows"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Version/18.0 Safari/605.1.15", "Safari on Mac"),
        ("Mozilla/5.0 (Linux; Android 15) SamsungBrowser/28 Chrome/130 Mobile", "Samsung Internet on Android"),
        ("Mozilla/5.0 (X11; CrOS x86_64) AppleWebKit/537.36 Chrome/140 Safari/537.36", "Chrome on ChromeOS"),
        ("Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0", "Firefox on Linux"),
        ("Dalvik/2.1.0 (Linux; U; Android 14)", "An app on Android"),
        ("python-httpx/0.28", "A program (python-httpx)"),
        ("", "Unknown browser"),
        (None, "Unknown browser"),
        ("<script>", "Unknown browser"),
    ],
)  # fmt: skip
def test_browsers_in_words(agent: str | None, words: str) -> None:
    assert in_words(agent) == words
