"""A second factor in the house: whoever has one is nobody without it, wherever they ask."""

from typing import Any

import asyncpg
import httpx
import pyotp
import pytest
from cast import Person, Site

from vently.database.connections import opening
from vently.database.embedded import Server
from vently.database.pool import Database, Viewer
from vently.refusals import Unauthenticated


async def secures(person: Person) -> str:
    """Their account gets a second factor; the token of a session at AAL2 comes back, and the old one stays theirs."""
    factor = (await person.post("/auth/v1/factors", {"factor_type": "totp", "friendly_name": "phone"})).json()
    challenge = (await person.post(f"/auth/v1/factors/{factor['id']}/challenge", {})).json()
    body = {"challenge_id": challenge["id"], "code": pyotp.TOTP(factor["totp"]["secret"]).now()}
    answer = await person.post(f"/auth/v1/factors/{factor['id']}/verify", body)
    assert answer.status_code == 200, answer.text
    return answer.json()["access_token"]


def below(answer: httpx.Response) -> None:
    told = answer.json()
    assert (answer.status_code, told["type"]) == (401, "/problems/insufficient-aal"), answer.text
    assert told["detail"].startswith("Give your second factor first")
    assert 'error="insufficient_user_authentication"' in answer.headers["www-authenticate"]


async def test_a_token_without_the_second_factor_is_refused_everywhere(alice: Person) -> None:
    event = await alice.creates("A gig")
    assert (await alice.get("/api/me")).status_code == 200
    raised = await secures(alice)
    below(await alice.get("/api/me"))
    below(await alice.get(f"/api/events/{event['id']}"))
    below(await alice.get("/api/events"))
    below(await alice.post("/api/events", {"title": "x", "starts_at": "2027-03-01T18:00:00Z"}))
    below(await alice.patch("/api/me", {"bio": "x"}))
    alice.token = raised
    assert (await alice.get("/api/me")).status_code == 200
    assert (await alice.get(f"/api/events/{event['id']}")).status_code == 200


async def test_a_factor_that_is_not_verified_asks_nothing(bob: Person) -> None:
    assert (await bob.post("/auth/v1/factors", {"factor_type": "totp"})).status_code == 200
    assert (await bob.get("/api/me")).status_code == 200


async def test_alices_factor_asks_nothing_of_bob_or_visitors(alice: Person, bob: Person, visitor: Person) -> None:
    event = await alice.creates("A gig")
    await secures(alice)
    for somebody in (bob, visitor):
        assert (await somebody.get(f"/api/events/{event['id']}")).status_code == 200


async def test_without_the_last_factor_the_first_is_enough_again(carol: Person) -> None:
    carol.token = await secures(carol)
    (factor,) = (await carol.get("/auth/v1/user")).json()["factors"]
    assert (await carol.delete(f"/auth/v1/factors/{factor['id']}")).status_code == 200
    answer = await carol.site.client.post(
        "/auth/v1/token?grant_type=password", json={"email": carol.email, "password": "correct horse battery"}
    )
    carol.token = answer.json()["access_token"]
    assert (await carol.get("/api/me")).status_code == 200


async def test_a_session_whose_factor_is_gone_is_below_the_others_at_once(alice: Person) -> None:
    """Its token says aal2 for up to an hour."""
    alice.token = await secures(alice)
    second = (await alice.post("/auth/v1/factors", {"factor_type": "totp", "friendly_name": "tablet"})).json()
    challenge = (await alice.post(f"/auth/v1/factors/{second['id']}/challenge", {})).json()
    body = {"challenge_id": challenge["id"], "code": pyotp.TOTP(second["totp"]["secret"]).now()}
    alice.token = (await alice.post(f"/auth/v1/factors/{second['id']}/verify", body)).json()["access_token"]
    assert (await alice.get("/api/me")).status_code == 200
    assert (await alice.delete(f"/auth/v1/factors/{second['id']}")).status_code == 200
    below(await alice.get("/api/me"))


async def test_a_browser_is_led_to_the_page_that_asks(site: Site, bob: Person) -> None:
    await secures(bob)
    cookies = {"cookie": f"vently_access={bob.token}", "accept": "text/html"}
    answer = await site.client.get("/?q=jazz", headers=cookies)
    assert answer.status_code == 303, answer.text
    assert answer.headers["location"] == "/sign-in/second-factor?next=%2F%3Fq%3Djazz"
    page = await site.client.get(answer.headers["location"], headers=cookies)
    assert page.status_code == 200, page.text


# In the database, whoever opens the transaction


@pytest.mark.parametrize(
    "claims", [{}, {"aal": "aal1"}, {"aal": None}, {"aal": "AAL2"}, {"aal": ["aal2"]}, {"aal": "aal3x"}]
)
async def test_nothing_but_aal2_counts(db: Database, alice: Person, claims: dict[str, Any]) -> None:
    await secures(alice)
    viewer = alice.viewer
    with pytest.raises(Unauthenticated) as refused:
        async with db.acting_as(Viewer(viewer.id, viewer.role, viewer.claims | claims)):
            pytest.fail("let in")
    assert refused.value.type == "insufficient-aal"


async def test_the_data_api_can_ask_before_every_request(server: Server, database_name: str, alice: Person) -> None:
    """PostgREST calls its `db_pre_request` after taking role and claims, as any role."""
    await secures(alice)
    low, high = alice.viewer, Viewer(alice.id, "authenticated", alice.viewer.claims | {"aal": "aal2"})
    postgrest = await asyncpg.connect(server.url("authenticator", database_name))
    try:
        for viewer in (high, Viewer(role="anon"), Viewer(role="service_role")):
            await postgrest.execute(f"{opening(viewer, '')}; select private.check_viewer(); commit")
        with pytest.raises(asyncpg.PostgresError) as raised:
            await postgrest.execute(f"{opening(low, '')}; commit")
    finally:
        await postgrest.close()
    assert raised.value.sqlstate == "PT401"
