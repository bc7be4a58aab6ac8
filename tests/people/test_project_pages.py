"""Pages of a node whose people sign in at a project: another Vently stands in for it, over the network."""

import time
from collections.abc import AsyncIterator

import msgspec
import pyotp
import pytest
from browsing import Browser
from cast import Site
from lifespan import living
from mailed_site import PASSWORD, Mailed, free_port

from vently.app import create


class Node:
    """Speaks with the project for its browsers."""

    def __init__(self, app: object, address: str) -> None:
        self.app = app
        self.address = address

    def browser(self) -> Browser:
        return Browser(self.app, self.address)


@pytest.fixture
async def node(site: Site, mailed: Mailed, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Node]:
    settings = msgspec.structs.replace(
        site.settings,
        data=tmp_path_factory.mktemp("node"),
        site_url="http://node.vently.test",
        supabase_url=mailed.address,
        supabase_publishable_key="sb_publishable_of_the_project",
    )
    app = create(settings)
    async with living(app):
        yield Node(app, settings.site_url)


async def test_signing_up_and_in_at_a_project(node: Node, mailed: Mailed) -> None:
    browser, before = await node.browser().opens("/sign-up"), len(mailed.postbox.letters)
    assert "passkey" not in browser.page
    await browser.sends("/sign-up", name="Ilse", email="ilse@example.org", password=PASSWORD)
    assert browser.path == "/sign-in/code"
    await browser.sends("/sign-in/code", code=(await mailed.postbox.letter("ilse@example.org", after=before)).code)
    assert (await browser.opens("/me")).status == 200
    await browser.opens("/me/security")
    assert (browser.status, "Firefox on Linux This one" in browser.text) == (200, True)
    assert "Passkeys" not in browser.text
    await browser.sends("/me/security/password", current_password="not it", password="a quite different phrase")
    assert "This is not your password" in browser.text
    await browser.sends("/me/security/password", current_password=PASSWORD, password="a quite different phrase")
    assert "Your new password counts" in browser.text
    assert browser.text.count("since ") == 1, "what proved the old password has gone again"

    await browser.sends("/me/security/authenticator", name="My phone")
    app = pyotp.TOTP(browser.forms["/me/security/authenticator/code"]["secret"])
    await browser.sends("/me/security/authenticator/code", code=app.now())
    assert (browser.path, "Recovery codes" in browser.text) == ("/me/security", False)
    other = await node.browser().opens("/sign-in")
    await other.sends("/sign-in", email="ilse@example.org", password="a quite different phrase")
    assert (other.path, "ecovery code" in other.text) == ("/sign-in/second-factor", False)
    await other.sends("/sign-in/second-factor", code=app.at(time.time() + 30))
    assert (await other.opens("/me")).status == 200


async def test_a_project_that_is_silent_is_told_of_and_nobody_is_signed_out(site: Site, mailed: Mailed) -> None:
    gone = free_port()
    address = f"http://127.0.0.1:{gone.getsockname()[1]}"
    gone.close()
    settings = msgspec.structs.replace(
        site.settings, site_url="http://node.vently.test", supabase_url=address, supabase_publishable_key="sb_x"
    )
    app = create(settings)
    async with living(app):
        browser = Browser(app, settings.site_url)
        browser.http.cookies.set("vently_refresh", "something")
        assert (await browser.opens("/")).status == 200
        assert browser.cookie("vently_refresh") == "something"
        assert (await browser.opens("/sign-in")).status == 503
        assert mailed.address not in browser.text
