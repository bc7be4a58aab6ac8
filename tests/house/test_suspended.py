"""Whoever is banned, deleted or signed out elsewhere is out at once, though their token would count for an hour."""

import base64
import json
import re
import secrets
from typing import Any
from uuid import UUID

import httpx
import pytest
from cast import Person, Site

from vently.app import secret_key
from vently.database.pool import Database, Viewer
from vently.refusals import Unauthenticated
from vently.web import signing


def secret(site: Site) -> dict[str, str]:
    key = secret_key(signing.load(site.settings.secret, site.settings.data))
    return {"authorization": f"Bearer {key}"}


async def decides(site: Site, method: str, person: Person, body: dict[str, object]) -> None:
    path = f"/auth/v1/admin/users/{person.id}"
    answer = await site.client.request(method, path, json=body, headers=secret(site))
    assert answer.status_code == 200, answer.text


def claims(person: Person) -> dict[str, Any]:
    """What stands in their token."""
    payload = person.token.split(".")[1]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return found


def suspended(answer: httpx.Response) -> bool:
    return (answer.status_code, answer.json()["type"]) == (401, "/problems/suspended")


def ended(answer: httpx.Response) -> bool:
    return (answer.status_code, answer.json()["type"]) == (401, "/problems/session-ended")


async def test_a_session_ended_elsewhere_opens_nothing(alice: Person, bob: Person) -> None:
    event = await alice.creates()
    account = {"email": alice.email, "password": "correct horse battery"}
    elsewhere = (await alice.post("/auth/v1/token?grant_type=password", account)).json()["access_token"]
    there = Person(alice.site, "Alice elsewhere", alice.email, elsewhere, alice.id)
    assert (await there.patch(f"/api/events/{event['id']}", {"title": "From elsewhere"})).status_code == 200
    assert (await alice.post("/auth/v1/logout?scope=others")).status_code == 204
    assert ended(await there.get("/api/me"))
    assert ended(await there.get("/api/events"))
    assert ended(await there.patch(f"/api/events/{event['id']}", {"title": "Again"}))
    assert (await alice.get("/api/me")).status_code == 200
    assert (await bob.get("/api/me")).status_code == 200


async def test_a_session_at_aal2_ends_too(db: Database, alice: Person) -> None:
    """Whatever the token says of itself."""
    session = UUID(claims(alice)["session_id"])
    high = Viewer(alice.id, "authenticated", {**claims(alice), "aal": "aal2"}, session)
    async with db.acting_as(high):
        pass
    assert (await alice.post("/auth/v1/logout")).status_code == 204
    with pytest.raises(Unauthenticated, match="has ended"):
        async with db.acting_as(high):
            pass


async def test_a_banned_organisers_token_opens_nothing_also_when_the_ban_is_lifted(site: Site, alice: Person) -> None:
    event = await alice.creates()
    await decides(site, "PUT", alice, {"ban_duration": "1h"})
    assert suspended(await alice.get("/api/me"))
    assert suspended(await alice.get(f"/api/events/{event['id']}"))
    assert suspended(await alice.patch(f"/api/events/{event['id']}", {"title": "Mine for ever"}))
    assert suspended(await alice.post("/api/events", {"title": "Another", "starts_at": "2027-03-01T18:00:00Z"}))
    await decides(site, "PUT", alice, {"ban_duration": "none"})
    assert ended(await alice.get("/api/me"))


async def test_a_banned_administrator_administers_nothing(site: Site, root: Person) -> None:
    assert (await root.get("/api/admin/people")).status_code == 200
    await decides(site, "PUT", root, {"ban_duration": "1h"})
    assert suspended(await root.get("/api/admin/people"))


@pytest.mark.parametrize("soft", [True, False])
async def test_a_deleted_persons_token_opens_nothing(site: Site, bob: Person, soft: bool) -> None:
    await decides(site, "DELETE", bob, {"should_soft_delete": soft})
    answer = await bob.get("/api/me")
    assert suspended(answer) if soft else ended(answer)


async def test_a_banned_persons_browser_is_told_once_and_is_a_visitors_then(site: Site) -> None:
    email, transport = (
        f"two-{secrets.token_hex(5)}@example.org",
        httpx.ASGITransport(site.app, raise_app_exceptions=False),
    )
    async with httpx.AsyncClient(transport=transport, base_url=site.settings.site_url) as browser:

        async def sends(page: str, path: str, **fields: str) -> httpx.Response:
            token = re.search(r'name="_csrf" value="([^"]+)"', (await browser.get(page)).text)
            assert token
            return await browser.post(path, data={"_csrf": token[1], **fields})

        await sends("/sign-up", "/sign-up", name="Two", email=email, password="correct horse battery")
        assert (await browser.get("/me/profile")).status_code == 200
        [user] = (await site.client.get(f"/auth/v1/admin/users?filter={email}", headers=secret(site))).json()["users"]
        await decides(site, "PUT", Person(site, "Two", id=user["id"]), {"ban_duration": "1h"})
        told = await browser.get("/me/profile", headers={"accept": "text/html"})
        assert told.status_code == 401
        assert "This account is suspended." in told.text
        assert (await browser.get("/me/profile")).json()["detail"] != "This account is suspended."
        assert (await browser.get("/")).status_code == 200
