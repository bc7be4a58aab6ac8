"""Roles stand in tokens for clients to see; the database alone decides, so that an old token is worth nothing."""

import asyncio

import msgspec
import pytest
from cast import Person, Site

from vently.people import profiles
from vently.refusals import Conflict
from vently.web import signing

PASSWORD = "correct horse battery"


def claims(token: str) -> dict:
    return msgspec.json.decode(signing.decode(token.split(".")[1]))


async def signs_in(person: Person) -> str:
    body = {"email": person.email, "password": PASSWORD}
    answer = await person.site.client.post("/auth/v1/token?grant_type=password", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()["access_token"]


async def roles(person: Person) -> list[str] | None:
    """In the next token."""
    return claims(await signs_in(person))["app_metadata"].get("roles")


@pytest.fixture
async def rita(site: Site, db) -> Person:
    """A platform admin beside Root."""
    rita = await site.signs_up("Rita")
    async with db.acting_as_system() as tx:
        await profiles.promote(tx, rita.email)
    return rita


async def test_a_role_shows_in_the_next_token_and_is_gone_from_the_one_after(alice, bob, root, rita, db):
    assert await roles(bob) is None
    assert await roles(alice) == ["event_organizer"]
    assert await roles(rita) == ["platform_admin"]
    assert (await rita.post("/api/me/organizer", {"terms_accepted": True})).status_code == 200
    assert await roles(rita) == ["event_organizer", "platform_admin"]
    async with db.acting_as_system() as tx:
        await profiles.demote(tx, rita.email)
    assert await roles(rita) == ["event_organizer"]
    taken = await root.patch(f"/api/admin/people/{rita.handle}", {"organizer": "none"})
    assert taken.status_code == 200, taken.text
    assert await roles(rita) == []


async def test_a_demoted_admins_token_is_refused_at_once(rita, db):
    rita.token = await signs_in(rita)
    assert (await rita.get("/api/admin/people")).status_code == 200
    async with db.acting_as_system() as tx:
        await profiles.demote(tx, rita.email)
    assert claims(rita.token)["app_metadata"]["roles"] == ["platform_admin"]
    assert (await rita.get("/api/admin/people")).status_code == 403
    assert (await rita.get("/api/me")).json()["platform_admin"] is False


async def test_an_organiser_who_is_none_any_more_publishes_nothing_with_the_old_token(alice, root):
    alice.token = await signs_in(alice)
    await alice.creates()
    assert (await root.patch(f"/api/admin/people/{alice.handle}", {"organizer": "none"})).status_code == 200
    assert claims(alice.token)["app_metadata"]["roles"] == ["event_organizer"]
    event = {"title": "A gig", "starts_at": "2027-03-01T18:00:00Z", "status": "published"}
    assert (await alice.post("/api/events", event)).status_code == 403


async def test_what_carol_says_of_herself_makes_her_nothing(carol):
    boast = {"roles": ["platform_admin", "event_organizer"], "app_metadata": {"roles": ["platform_admin"]}}
    change = {"data": boast, "app_metadata": {"roles": ["platform_admin"]}, "role": "service_role"}
    answer = await carol.asks("PUT", "/auth/v1/user", change)
    assert answer.status_code == 200, answer.text
    carol.token = await signs_in(carol)
    told = claims(carol.token)
    assert told["user_metadata"]["roles"] == boast["roles"]
    assert "roles" not in told["app_metadata"]
    assert told["role"] == "authenticated"
    assert (await carol.get("/api/admin/people")).status_code == 403
    event = {"title": "A gig", "starts_at": "2027-03-01T18:00:00Z", "status": "published"}
    assert (await carol.post("/api/events", event)).status_code == 403


async def test_two_roles_at_once_are_both_shown(site, db):
    people = [await site.signs_up("Zoe") for _ in range(5)]

    async def promoted(person: Person) -> None:
        async with db.acting_as_system() as tx:
            await profiles.promote(tx, person.email)

    await asyncio.gather(
        *(promoted(person) for person in people),
        *(person.post("/api/me/organizer", {"terms_accepted": True}) for person in people),
    )
    assert [await roles(person) for person in people] == [["event_organizer", "platform_admin"]] * 5
    async with db.acting_as_system() as tx:
        for person in people:
            await profiles.demote(tx, person.email)


async def test_the_last_platform_admin_stays_also_when_two_go_at_once(db, root, rita):
    async def demoted(person: Person) -> str:
        try:
            async with db.acting_as_system() as tx:
                await profiles.demote(tx, person.email)
        except Conflict as refused:
            return refused.detail
        return ""

    # Other tests leave their admins behind: all but these two go first.
    async with db.acting_as_system() as tx:
        await tx.script(f"delete from public.platform_admins where person_id not in ('{root.id}', '{rita.id}')")
    answers = await asyncio.gather(demoted(root), demoted(rita))
    assert sorted(map(bool, answers)) == [False, True]
    assert "the only platform admin" in "".join(answers)
    assert "is no platform admin." in await demoted(root if not answers[0] else rita)
