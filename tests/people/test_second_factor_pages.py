"""The second factor on pages: adding an app, being asked for it whichever way one came, recovery codes, removing it."""

import re
import time

import pyotp
import pytest
from browsing import Browser
from mailed_site import PASSWORD, Mailed, Somebody


@pytest.fixture
async def bob(mailed: Mailed) -> Somebody:
    return await mailed.signed_up()


async def adds_an_app(browser: Browser) -> tuple[pyotp.TOTP, list[str]]:
    """The app, and the recovery codes that were shown."""
    await browser.opens("/me/security")
    await browser.sends("/me/security/authenticator", name="My phone")
    assert browser.status == 200, browser.text
    assert "<svg" in browser.page
    app = pyotp.TOTP(browser.forms["/me/security/authenticator/code"]["secret"])
    await browser.sends("/me/security/authenticator/code", code=app.now())
    assert "Recovery codes" in browser.text, browser.text
    return app, re.findall(r"<li><code>([^<]+)</code>", browser.page)


def next_code(app: pyotp.TOTP) -> str:
    """Of the coming half minute, which is taken too: a code counts once, and the one before was just spent."""
    return app.at(time.time() + 30)


async def test_an_app_is_added_and_asked_for_from_then_on(bob: Somebody) -> None:
    app, codes = await adds_an_app(bob.browser)
    assert len(codes) == len(set(codes)) == 10
    await bob.browser.opens("/me/security")
    assert "My phone" in bob.browser.text
    assert "10 recovery codes left" in bob.browser.text
    other = await bob.elsewhere()
    assert other.path == "/sign-in/second-factor"
    assert other.cookie("vently_access") is None
    assert (await other.opens("/me")).status == 401
    await other.opens("/sign-in/second-factor")
    await other.sends("/sign-in/second-factor", code="000000")
    assert (other.status, "That code is not right" in other.text) == (422, True)
    await other.sends("/sign-in/second-factor", code=next_code(app))
    assert (other.status, other.path, other.cookie("vently_pending")) == (200, "/", None)
    assert (await other.opens("/me")).status == 200


async def test_somebody_with_much_to_say_about_themselves_signs_in(bob: Somebody) -> None:
    """Their token is longer than browsers keep in one cookie."""
    about = {"data": {"life": "x" * 3900}}
    headers = {"authorization": f"Bearer {bob.browser.cookie('vently_access')}"}
    assert (await bob.browser.http.put("/auth/v1/user", json=about, headers=headers)).status_code == 200
    other = await bob.elsewhere()
    lengths = {cookie.name: len(cookie.value or "") for cookie in other.http.cookies.jar}
    assert lengths["vently_access"] + lengths["vently_access_rest"] > 5000
    assert max(lengths.values()) < 4000
    assert (await other.opens("/me")).status == 200
    app, _ = await adds_an_app(other)
    third = await bob.elsewhere()
    await third.sends("/sign-in/second-factor", code=next_code(app))
    assert (await third.opens("/me")).status == 200


async def test_the_secret_is_shown_again_after_a_wrong_first_code(bob: Somebody) -> None:
    await bob.browser.opens("/me/security")
    await bob.browser.sends("/me/security/authenticator", name="My phone")
    shown = bob.browser.forms["/me/security/authenticator/code"]
    await bob.browser.sends("/me/security/authenticator/code", code="000000")
    assert bob.browser.status == 422
    again = bob.browser.forms["/me/security/authenticator/code"]
    assert (again["secret"], again["factor"]) == (shown["secret"], shown["factor"])
    await bob.browser.sends("/me/security/authenticator/code", code=pyotp.TOTP(again["secret"]).now())
    assert "Recovery codes" in bob.browser.text


async def test_an_app_begun_and_left_is_begun_anew(bob: Somebody) -> None:
    for _ in range(12):
        await bob.browser.opens("/me/security")
        await bob.browser.sends("/me/security/authenticator", name="My phone")
        assert bob.browser.status == 200
    assert (await bob.elsewhere()).path == "/"


@pytest.mark.parametrize("by", ["code", "link"])
async def test_who_comes_by_mail_is_asked_too(mailed: Mailed, bob: Somebody, by: str) -> None:
    app, _ = await adds_an_app(bob.browser)
    browser, before = await mailed.browser().opens("/sign-in?next=/communities"), len(mailed.postbox.letters)
    await browser.sends("/sign-in/mail", email=bob.email)
    letter = await mailed.postbox.letter(bob.email, after=before)
    await (browser.sends("/sign-in/code", code=letter.code) if by == "code" else browser.opens(letter.link))
    assert (browser.path, browser.cookie("vently_access")) == ("/sign-in/second-factor", None)
    await browser.sends("/sign-in/second-factor", code=next_code(app))
    assert browser.path == "/communities"


async def test_a_forgotten_password_does_not_get_past_the_second_factor(mailed: Mailed, bob: Somebody) -> None:
    app, _ = await adds_an_app(bob.browser)
    browser, before = await mailed.browser().opens("/sign-in/forgotten"), len(mailed.postbox.letters)
    await browser.sends("/sign-in/forgotten", email=bob.email)
    await browser.sends("/sign-in/code", code=(await mailed.postbox.letter(bob.email, after=before)).code)
    assert browser.path == "/sign-in/second-factor"
    assert (await browser.opens("/sign-in/new-password")).status == 401
    await browser.opens("/sign-in/second-factor")
    await browser.sends("/sign-in/second-factor", code=next_code(app))
    assert browser.path == "/sign-in/new-password"
    await browser.sends("/sign-in/new-password", password="a quite different phrase")
    assert "Your new password counts" in browser.text


async def test_a_recovery_code_gets_in_once(bob: Somebody) -> None:
    _, codes = await adds_an_app(bob.browser)
    other = await bob.elsewhere()
    await other.sends("/sign-in/second-factor/recovery", recovery_code="made-up")
    assert other.status == 422
    await other.sends("/sign-in/second-factor/recovery", recovery_code=codes[3])
    assert other.path == "/me/security"
    assert "9 recovery codes left" in other.text
    third = await bob.elsewhere()
    await third.sends("/sign-in/second-factor/recovery", recovery_code=codes[3])
    assert (third.status, third.cookie("vently_access")) == (422, None)


async def test_new_recovery_codes_take_the_place_of_the_old(bob: Somebody) -> None:
    _, codes = await adds_an_app(bob.browser)
    await bob.browser.opens("/me/security")
    await bob.browser.sends("/me/security/recovery-codes")
    fresh = re.findall(r"<li><code>([^<]+)</code>", bob.browser.page)
    assert len(fresh) == 10
    assert not set(fresh) & set(codes)
    other = await bob.elsewhere()
    await other.sends("/sign-in/second-factor/recovery", recovery_code=codes[0])
    assert other.status == 422
    await other.sends("/sign-in/second-factor/recovery", recovery_code=fresh[0])
    assert other.path == "/me/security"


async def test_an_app_is_removed(bob: Somebody) -> None:
    await adds_an_app(bob.browser)
    await bob.browser.opens("/me/security")
    action = next(action for action in bob.browser.forms if action.endswith("/removal"))
    await bob.browser.sends(action)
    assert "Removed." in bob.browser.text
    assert "My phone" not in re.sub(r'value="[^"]*"', "", bob.browser.page)
    other = await bob.elsewhere()
    assert other.path == "/"
    assert (await other.opens("/me")).status == 200


async def test_the_first_step_alone_opens_nothing(bob: Somebody) -> None:
    """The token of the first step, put where a session belongs: pages ask for the second factor."""
    app, _ = await adds_an_app(bob.browser)
    other = await bob.elsewhere()
    held = (other.cookie("vently_pending") or "").split(".", 3)[-1]
    forged = bob.site.browser()
    forged.http.cookies.set("vently_access", held)
    await forged.opens("/me/security")
    assert forged.path.startswith("/sign-in/second-factor")
    token = forged.forms["/sign-in/second-factor"]["_csrf"]
    for path in ("/me/security/recovery-codes", "/me/security/factors/x/removal", "/me/security/authenticator"):
        answer = await forged.http.post(path, data={"_csrf": token, "name": "Mine"})
        assert answer.status_code == 303, path
        assert answer.headers["location"].startswith("/sign-in/second-factor"), path
    await forged.sends("/sign-in/second-factor", code=next_code(app))
    assert (await forged.opens("/me/security")).status == 200


async def test_who_stopped_at_the_second_factor_is_seen(bob: Somebody) -> None:
    await adds_an_app(bob.browser)
    await bob.elsewhere(agent="curl/8")
    await bob.browser.opens("/me/security")
    assert "A program (curl) Second factor not given" in bob.browser.text


async def test_somebody_else_signs_in_instead(bob: Somebody) -> None:
    await adds_an_app(bob.browser)
    other = await bob.elsewhere()
    await other.sends("/sign-in/second-factor/cancellation")
    assert (other.path, other.cookie("vently_pending")) == ("/sign-in", None)
    assert (await other.opens("/sign-in/second-factor")).path == "/sign-in"


async def test_password_and_address_change_only_with_the_second_factor(bob: Somebody) -> None:
    await adds_an_app(bob.browser)
    await bob.browser.opens("/me/security")
    await bob.browser.sends("/me/security/password", current_password=PASSWORD, password="a quite different phrase")
    assert "Your new password counts" in bob.browser.text
