"""Signing out of the pages, whatever has become of the session."""

import re
import secrets

import httpx
from cast import Site


async def test_a_session_that_was_ended_elsewhere_is_left_as_any_other(site: Site) -> None:
    email = f"two-{secrets.token_hex(5)}@example.org"
    account = {"email": email, "password": "correct horse battery"}
    transport = httpx.ASGITransport(site.app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url=site.settings.site_url) as browser:

        async def token(page: str) -> str:
            found = re.search(r'name="_csrf" value="([^"]+)"', (await browser.get(page)).text)
            assert found
            return found[1]

        await browser.post("/sign-up", data={"_csrf": await token("/sign-up"), "name": "Two", **account})
        elsewhere = (await browser.post("/auth/v1/token?grant_type=password", json=account)).json()["access_token"]
        seen_before = await token("/me")
        ended = await browser.post("/auth/v1/logout", headers={"authorization": f"Bearer {elsewhere}"})
        assert ended.status_code == 204
        left = await browser.post("/sign-out", data={"_csrf": seen_before})
        assert (left.status_code, left.headers["location"]) == (303, "/")
        assert (await browser.get("/me")).status_code == 401


async def test_a_browser_whose_session_was_ended_elsewhere_is_told_once_and_is_a_visitors_then(site: Site) -> None:
    account = {"email": f"two-{secrets.token_hex(5)}@example.org", "password": "correct horse battery"}
    transport = httpx.ASGITransport(site.app, raise_app_exceptions=False)
    page = {"accept": "text/html"}
    async with httpx.AsyncClient(transport=transport, base_url=site.settings.site_url) as browser:
        form = re.search(r'name="_csrf" value="([^"]+)"', (await browser.get("/sign-up")).text)
        assert form
        await browser.post("/sign-up", data={"_csrf": form[1], "name": "Two", **account})
        elsewhere = (await browser.post("/auth/v1/token?grant_type=password", json=account)).json()["access_token"]
        await browser.post("/auth/v1/logout", headers={"authorization": f"Bearer {elsewhere}"})
        assert (await browser.get("/nothing-here", headers=page)).status_code == 404
        there = await browser.get("/?q=jazz", headers=page)
        assert (there.status_code, there.headers["location"]) == (303, "/?q=jazz")
        told = await browser.get("/?q=jazz", headers=page)
        assert (told.status_code, "You have been signed out." in told.text) == (200, True)
        again = await browser.get("/", headers=page)
        assert (again.status_code, "You have been signed out." in again.text) == (200, False)
