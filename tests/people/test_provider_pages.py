"""Signing in with another site by pages, and linking an account there: against a real OpenID provider."""

import html
import re
import secrets
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from browsing import Browser
from cast import Site
from issuer import CLIENT_ID, CLIENT_SECRET, Issuer, issuing
from mailed_site import Mailed, drives, free_port, mailed_site


@pytest.fixture(scope="module")
def listens() -> socket.socket:
    return free_port()


@pytest.fixture(scope="module")
def issuer(listens: socket.socket) -> Issuer:
    with issuing(f"http://localhost:{listens.getsockname()[1]}/auth/v1/callback") as running:
        yield running


@pytest.fixture(scope="module")
async def offering(
    site: Site, issuer: Issuer, listens: socket.socket, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Mailed]:
    provider = {
        "oidc_issuer": issuer.url,
        "oidc_client_id": CLIENT_ID,
        "oidc_client_secret": CLIENT_SECRET,
        "oidc_label": "Town hall",
    }
    async with mailed_site(site, tmp_path_factory.mktemp("offering"), listens, **provider) as running:
        yield running


def way_out(browser: Browser) -> str:
    """The address in the page that goes on by itself."""
    return browser.page.partition('content="0;url=')[2].partition('"')[0]


async def travels(browser: Browser, issuer: Issuer, login: str) -> None:
    """To the other site and back."""
    url = way_out(browser)
    if "/auth/v1/authorize" in url:
        url = (await browser.http.get(url)).headers["location"]
    back = urlsplit(await issuer.signs_in(url, login))
    await browser.opens(f"{back.path}?{back.query}")


async def test_signing_in_with_another_site(offering: Mailed, issuer: Issuer) -> None:
    browser = await offering.browser().opens("/sign-in?next=/communities")
    assert "Go on with Town hall" in browser.text
    await browser.sends("/sign-in/provider", provider="oidc")
    await travels(browser, issuer, f"elsewhere-{secrets.token_hex(4)}@example.com")
    assert (browser.status, browser.path) == (200, "/communities")
    await browser.opens("/me/security")
    assert "Town hall" in browser.text
    assert "Your password now" not in browser.text
    await browser.sends("/me/security/password", password="a quite different phrase")
    assert "Your new password counts" in browser.text


async def test_a_browser_goes_there_and_back(offering: Mailed, issuer: Issuer) -> None:
    """No policy of ours stops it on its way, with scripts or without."""
    login = f"elsewhere-{secrets.token_hex(4)}@example.com"
    seen = await drives(Path(__file__).with_name("provider.mjs"), offering, issuer=issuer.url, login=login)
    assert seen == {"complaints": [], "script": 1, "plain": 1}


async def test_who_says_no_there_is_told_here(offering: Mailed, issuer: Issuer) -> None:
    browser = await offering.browser().opens("/sign-in")
    await browser.sends("/sign-in/provider", provider="oidc")
    there = (await browser.http.get(way_out(browser))).headers["location"]
    back = urlsplit(await issuer.declines(there))
    await browser.opens(f"{back.path}?{back.query}")
    assert (browser.status, "you said no there" in browser.text) == (400, True), browser.path


async def test_another_site_that_is_not_offered(offering: Mailed) -> None:
    browser = await offering.browser().opens("/sign-in")
    for provider in ("google", "email", "../x", "javascript:alert(1)"):
        await browser.opens("/sign-in")
        await browser.sends("/sign-in/provider", provider=provider)
        assert browser.status == 422


async def test_a_callback_counts_only_where_it_was_begun(offering: Mailed, issuer: Issuer) -> None:
    """Login CSRF: the victim is sent to the end of the attacker's own journey."""
    mallory, victim = await offering.browser().opens("/sign-in"), await offering.browser().opens("/sign-in")
    await mallory.sends("/sign-in/provider", provider="oidc")
    await victim.sends("/sign-in/provider", provider="oidc")
    there = (await mallory.http.get(way_out(mallory))).headers["location"]
    back = urlsplit(await issuer.signs_in(there, "mallory@example.com"))
    landing = await mallory.http.get(f"{back.path}?{back.query}")
    code = urlsplit(landing.headers["location"])
    await victim.opens(f"{code.path}?{code.query}")
    assert (victim.status, victim.cookie("vently_access")) == (400, None)
    assert "another browser" in victim.text


async def test_linking_and_unlinking(offering: Mailed, issuer: Issuer) -> None:
    bob, login = await offering.signed_up(), f"bob-{secrets.token_hex(4)}@example.com"
    browser = await bob.browser.opens("/me/security")
    await browser.sends("/me/security/identities", provider="oidc")
    await travels(browser, issuer, login)
    assert (browser.path, "Linked." in browser.text, login in browser.text) == ("/me/security", True, True)
    assert browser.text.count("since ") == 1, "no session came of it"
    other = await offering.browser().opens("/sign-in?next=/me/profile")
    await other.sends("/sign-in/provider", provider="oidc")
    await travels(other, issuer, login)
    assert bob.email in other.text
    await browser.opens("/me/security")
    action = next(action for action in browser.forms if action.startswith("/me/security/identities/"))
    await browser.sends(action)
    assert "Unlinked." in browser.text


async def test_who_opens_anothers_link_is_asked_first(offering: Mailed, issuer: Issuer) -> None:
    carol, bob = await offering.signed_up(), await offering.signed_up()
    token = carol.browser.cookie("vently_access")
    asked = await carol.browser.http.get(
        "/auth/v1/user/identities/authorize?provider=oidc&skip_http_redirect=true",
        headers={"authorization": f"Bearer {token}"},
    )
    by_hand = await bob.browser.http.get(asked.json()["url"], headers={"sec-fetch-site": "none"})
    assert by_hand.headers["location"].startswith(f"{offering.address}/sign-in/link?")
    page = await bob.browser.opens(by_hand.headers["location"].removeprefix(offering.address))
    assert (page.status, "Go on only if that was you" in page.text) == (200, True)
    onwards = re.search(r'href="(/auth/v1/authorize[^"]+)"', page.page)
    assert onwards
    there = await bob.browser.http.get(html.unescape(onwards[1]), headers={"sec-fetch-site": "same-origin"})
    assert there.headers["location"].startswith(issuer.url)


async def test_the_only_way_in_is_not_unlinked(offering: Mailed, issuer: Issuer) -> None:
    browser = await offering.browser().opens("/sign-in")
    await browser.sends("/sign-in/provider", provider="oidc")
    await travels(browser, issuer, f"only-{secrets.token_hex(4)}@example.com")
    await browser.opens("/me/security")
    action = next(action for action in browser.forms if action.startswith("/me/security/identities/"))
    await browser.sends(action)
    assert "your only way to sign in" in browser.text
