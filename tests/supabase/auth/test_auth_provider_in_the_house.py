"""Signing in by an account elsewhere inside the whole app: cookies come through, and so do answers that are posted."""

import asyncio
from collections.abc import AsyncIterator
from urllib.parse import urlencode

import httpx
import msgspec
import pytest
import pytest_asyncio
from issuer import CLIENT_ID, CLIENT_SECRET, Issuer, issuing
from provider_cast import NAME, in_fragment, in_query

from vently.app import create

SITE = "http://offering.test"
FROM_ELSEWHERE = {"Origin": "https://appleid.apple.com", "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}


@pytest_asyncio.fixture(scope="module")
async def offering(site) -> AsyncIterator[tuple[httpx.AsyncClient, Issuer]]:
    """The app with an issuer in its settings, and that issuer."""
    with issuing(f"{SITE}/auth/v1/callback") as issuer:
        client = {"oidc_client_id": CLIENT_ID, "oidc_client_secret": CLIENT_SECRET, "oidc_name": NAME}
        app = create(msgspec.structs.replace(site.settings, site_url=SITE, oidc_issuer=issuer.url, **client))
        ending = asyncio.Event()
        started = asyncio.Event()

        async def receive() -> dict[str, str]:
            if not started.is_set():
                return {"type": "lifespan.startup"}
            await ending.wait()
            return {"type": "lifespan.shutdown"}

        async def send(_: dict[str, str]) -> None:
            started.set()

        living = asyncio.create_task(app({"type": "lifespan", "state": {}}, receive, send))
        await started.wait()
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=SITE) as browser:
            yield browser, issuer
        ending.set()
        await living


@pytest.mark.parametrize("posted", [False, True])
async def test_a_token_of_a_provider_opens_the_api(offering, email: str, posted: bool):
    browser, issuer = offering
    asked = urlencode({"provider": NAME, "redirect_to": f"{SITE}/welcome"})
    set_out = await browser.get(f"/auth/v1/authorize?{asked}")
    assert set_out.status_code == 302, set_out.text
    back = await issuer.signs_in(set_out.headers["location"], email)
    if posted:
        answer = await browser.post("/auth/v1/callback", data=in_query(back), headers=FROM_ELSEWHERE)
    else:
        answer = await browser.get(back)
    landed = answer.headers["location"]
    assert landed.startswith(f"{SITE}/welcome#"), landed
    token = in_fragment(landed)["access_token"]
    me = await browser.get("/api/me", headers={"Authorization": f"Bearer {token}"})
    assert me.status_code == 200
    assert me.json()["name"] == email.partition("@")[0]
