"""Signing up and in by pages, by password and by mail, as a browser without JavaScript does it."""

import pytest
from mailed_site import PASSWORD, Mailed, Somebody

from vently.web.form_pages import ours


@pytest.fixture
async def bob(mailed: Mailed) -> Somebody:
    return await mailed.signed_up()


async def test_sign_up_is_confirmed_by_the_code_of_a_mail(mailed: Mailed) -> None:
    browser = await mailed.browser().opens("/sign-up?next=/communities")
    await browser.sends("/sign-up", name="Erna", email="Erna.New@example.org", password=PASSWORD)
    assert browser.path == "/sign-in/code"
    assert "Erna.New@example.org" in browser.text
    assert browser.cookie("vently_access") is None
    await browser.sends("/sign-in/code", code="000000")
    assert (browser.status, "wrong or has expired" in browser.text) == (422, True)
    letter = await mailed.postbox.letter("erna.new@example.org")
    await browser.sends("/sign-in/code", code=f" {letter.code[:3]} {letter.code[3:]} ")
    assert (browser.status, browser.path) == (200, "/communities")
    assert (await browser.opens("/me")).status == 200


async def test_sign_up_is_confirmed_by_the_link_of_a_mail(mailed: Mailed) -> None:
    browser = await mailed.browser().opens("/sign-up")
    await browser.sends("/sign-up", name="Emil", email="emil@example.org", password=PASSWORD)
    letter = await mailed.postbox.letter("emil@example.org")
    await browser.opens(letter.link)
    assert browser.path == "/"
    assert (await browser.opens("/me")).status == 200


async def test_a_link_opened_in_another_browser_confirms_and_says_what_is_next(mailed: Mailed) -> None:
    browser = await mailed.browser().opens("/sign-up")
    await browser.sends("/sign-up", name="Else", email="else@example.org", password=PASSWORD)
    other = await mailed.browser().opens((await mailed.postbox.letter("else@example.org")).link)
    assert (other.status, other.cookie("vently_access")) == (200, None)
    assert "that is done: sign in here" in other.text
    await (await other.opens("/sign-in")).sends("/sign-in", email="else@example.org", password=PASSWORD)
    assert (await other.opens("/me")).status == 200


async def test_a_weak_password_is_refused_with_its_reasons(mailed: Mailed) -> None:
    browser = await mailed.browser().opens("/sign-up")
    await browser.sends("/sign-up", name="Bob", email="weak@example.org", password="password1")
    assert (browser.status, browser.path) == (422, "/sign-up")
    assert "commonly used" in browser.text.lower() or "common password" in browser.text.lower()
    assert 'value="weak@example.org"' in browser.page
    assert "password1" not in browser.page


async def test_an_address_that_is_taken_is_not_given_away(mailed: Mailed, bob: Somebody) -> None:
    browser = await mailed.browser().opens("/sign-up")
    await browser.sends("/sign-up", name="Mallory", email=bob.email, password="another good phrase")
    taken = browser.text.replace(bob.email, "…")
    fresh = await mailed.browser().opens("/sign-up")
    await fresh.sends("/sign-up", name="Mallory", email="nobody.yet@example.org", password="another good phrase")
    assert taken == fresh.text.replace("nobody.yet@example.org", "…")


async def test_who_has_not_confirmed_signs_in_with_the_code_first(mailed: Mailed) -> None:
    browser = await mailed.browser().opens("/sign-up")
    await browser.sends("/sign-up", name="Ida", email="ida@example.org", password=PASSWORD)
    other = await mailed.browser().opens("/sign-in?next=/me")
    await other.sends("/sign-in", email="ida@example.org", password=PASSWORD)
    assert (other.path, "Confirm your address first" in other.text) == ("/sign-in/code", True)
    await other.sends("/sign-in/code", code=(await mailed.postbox.letter("ida@example.org")).code)
    assert (other.status, other.path) == (200, "/me")


@pytest.mark.parametrize("by", ["code", "link"])
async def test_signing_in_by_mail(mailed: Mailed, bob: Somebody, by: str) -> None:
    browser, before = await mailed.browser().opens("/sign-in?next=/communities"), len(mailed.postbox.letters)
    await browser.sends("/sign-in/mail", email=bob.email)
    assert browser.path == "/sign-in/code"
    letter = await mailed.postbox.letter(bob.email, after=before)
    await (browser.sends("/sign-in/code", code=letter.code) if by == "code" else browser.opens(letter.link))
    assert (browser.status, browser.path) == (200, "/communities")
    assert (await browser.opens("/me")).status == 200


async def test_mail_to_nobody_looks_like_mail_to_somebody(mailed: Mailed, bob: Somebody) -> None:
    for first, action in (("/sign-in", "/sign-in/mail"), ("/sign-in/forgotten", "/sign-in/forgotten")):
        known = await (await mailed.browser().opens(first)).sends(action, email=bob.email)
        unknown = await (await mailed.browser().opens(first)).sends(action, email="nobody@example.org")
        assert (known.status, known.path) == (unknown.status, unknown.path) == (200, "/sign-in/code")
        assert known.text.replace(bob.email, "…") == unknown.text.replace("nobody@example.org", "…")


@pytest.mark.parametrize("by", ["code", "link"])
async def test_a_forgotten_password_is_chosen_anew(mailed: Mailed, bob: Somebody, by: str) -> None:
    browser, before = await mailed.browser().opens("/sign-in/forgotten?next=/communities"), len(mailed.postbox.letters)
    await browser.sends("/sign-in/forgotten", email=bob.email)
    letter = await mailed.postbox.letter(bob.email, after=before)
    await (browser.sends("/sign-in/code", code=letter.code) if by == "code" else browser.opens(letter.link))
    assert browser.path == "/sign-in/new-password"
    await browser.sends("/sign-in/new-password", password=PASSWORD)
    assert (browser.status, "password you have already" in browser.text) == (422, True)
    await browser.sends("/sign-in/new-password", password="a quite different phrase")
    assert (browser.path, "Your new password counts" in browser.text) == ("/communities", True)
    assert (await browser.opens("/sign-in/new-password")).path == "/me/security"  # once only
    assert (await bob.elsewhere()).status == 422
    other = await mailed.browser().opens("/sign-in")
    await other.sends("/sign-in", email=bob.email, password="a quite different phrase")
    assert (await other.opens("/me")).status == 200
    assert (await bob.browser.opens("/me/security")).status == 401  # signed out everywhere else


@pytest.mark.parametrize("again", ["button", "form"])
async def test_who_asks_twice_may_open_the_newest_link(mailed: Mailed, bob: Somebody, again: str) -> None:
    """The second mail may never come, when it is too soon: then the newest is the first."""
    browser, before = await mailed.browser().opens("/sign-in/forgotten"), len(mailed.postbox.letters)
    await browser.sends("/sign-in/forgotten", email=bob.email)
    if again == "button":
        await browser.sends("/sign-in/code/again")
        assert "unless one was sent within the last minute" in browser.text
    else:
        await (await browser.opens("/sign-in/forgotten")).sends("/sign-in/forgotten", email=bob.email)
    await browser.opens((await mailed.postbox.newest(bob.email, after=before)).link)
    assert browser.path == "/sign-in/new-password"


async def test_a_code_is_of_use_only_in_the_browser_that_asked(mailed: Mailed, bob: Somebody) -> None:
    browser, before = await mailed.browser().opens("/sign-in"), len(mailed.postbox.letters)
    await browser.sends("/sign-in/mail", email=bob.email)
    letter = await mailed.postbox.letter(bob.email, after=before)
    mallory = await mailed.browser().opens(letter.link)
    assert mallory.cookie("vently_access") is None
    assert (await mailed.browser().opens("/sign-in/code")).path == "/sign-in"
    await browser.opens(letter.link)
    assert browser.cookie("vently_access") is None
    assert "no longer" in browser.text or "used already" in browser.text or "expired" in browser.text


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ("error=access_denied&error_code=otp_expired&error_description=Call+555", "wrong or has expired"),
        ("error=access_denied", "you said no there"),
        ("error=x&error_description=<b>Call+555</b>", "That did not work. Try again."),
        ("code=made-up", "One more step"),
        ("", "One more step"),
    ],
)
async def test_what_a_callback_says_is_in_our_words(mailed: Mailed, asked: str, said: str) -> None:
    browser = await mailed.browser().opens(f"/sign-in/callback?{asked}")
    assert said in browser.text
    assert "555" not in browser.page


async def test_signing_in_changes_every_cookie_and_token(mailed: Mailed, bob: Somebody) -> None:
    """What somebody planted in a browser before (fixation) does not count in it afterwards."""
    browser = await mailed.browser().opens("/sign-in")
    planted, form = browser.cookie("vently_csrf"), browser.forms["/sign-in"]["_csrf"]
    await browser.sends("/sign-in", email=bob.email, password=PASSWORD)
    assert browser.cookie("vently_csrf") not in (None, planted)
    answer = await browser.http.post("/sign-out", data={"_csrf": form})
    assert answer.status_code == 403
    for cookie in browser.answer.headers.get_list("set-cookie") if browser.answer else []:
        assert "HttpOnly" in cookie
        assert "SameSite=Lax" in cookie


@pytest.mark.parametrize("action", ["/sign-in", "/sign-up", "/sign-in/mail", "/sign-in/forgotten", "/sign-in/code"])
async def test_nobody_is_signed_in_by_a_form_of_another_site(mailed: Mailed, bob: Somebody, action: str) -> None:
    browser = mailed.browser()
    sent = {"email": bob.email, "password": PASSWORD, "name": "Bob", "code": "123456"}
    assert (await browser.http.post(action, data=sent)).status_code == 403
    mallorys = (await mailed.browser().opens("/sign-in")).forms["/sign-in"]["_csrf"]
    assert (await browser.http.post(action, data={**sent, "_csrf": mallorys})).status_code == 403
    assert not browser.http.cookies


ELSEWHERE = [
    "//evil.example", "/\\evil.example", "\\\\evil.example", "https://evil.example", "javascript:alert(1)", "evil",
    "/\t/evil.example", "/\n/evil.example", "\r\n//evil.example", "/ok\r\nset-cookie: a=b", "/\x00", " //evil.example",
    "http:evil.example", "///evil.example", "/\u2028/evil", "/path\\..\\..\\evil", "@evil.example", "/" + "a" * 3000,
]  # fmt: skip


@pytest.mark.parametrize("goal", ELSEWHERE)
async def test_nobody_is_led_to_another_site(mailed: Mailed, bob: Somebody, goal: str) -> None:
    assert ours(goal) == "/"
    browser = await mailed.browser().opens("/sign-in")
    form = browser.forms["/sign-in"]
    sent = {**form, "email": bob.email, "password": PASSWORD, "next": goal}
    answer = await browser.http.post("/sign-in", data=sent)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")


@pytest.mark.parametrize("goal", ["/me", "/events/x?y=1&z=%2F%2Fevil", "/%2F/evil.example", "/communities#new"])
def test_paths_of_ours_are_kept(goal: str) -> None:
    assert ours(goal) == goal


async def test_a_tampered_flow_or_pending_cookie_is_none(mailed: Mailed) -> None:
    browser = await mailed.browser().opens("/sign-in/forgotten")
    await browser.sends("/sign-in/forgotten", email="x@example.org")
    value = browser.cookie("vently_flow") or ""
    for forged in (value[:-4] + "AAAA", "x", "", value[:20]):
        other = mailed.browser()
        other.http.cookies.set("vently_flow", forged)
        other.http.cookies.set("vently_pending", f"{forged}.9999999999.Lw.a.b.c")
        assert (await other.opens("/sign-in/code")).path == "/sign-in"
        assert (await other.opens("/sign-in/second-factor")).path == "/sign-in"
