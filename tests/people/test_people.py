"""Profiles, organiser status, following; and nobody changes anybody else."""

import asyncio

import msgspec
import pytest
from cast import Person, Site


async def test_a_profile_is_made_at_sign_up_and_edited(bob: Person, visitor: Person) -> None:
    me = (await bob.get("/api/me")).json()
    assert (me["name"], me["email"], me["organizer"]["status"]) == ("Bob", bob.email, "none")
    edited = await bob.patch("/api/me", {"bio": "I like maps.", "city": "Ghent"})
    assert edited.json()["bio"] == "I like maps."
    seen = (await visitor.get(f"/api/people/{bob.handle}")).json()
    assert (seen["city"], "email" in seen) == ("Ghent", False)
    assert (await bob.patch("/api/me", {"city": None})).json()["city"] is None


async def test_two_of_one_name_get_two_handles(site: Site) -> None:
    people = await asyncio.gather(*(site.signs_up("Maria García") for _ in range(4)))
    assert len({person.handle for person in people}) == 4
    assert all(person.handle.startswith(("maria_garcia", "person_")) for person in people)


async def test_a_handle_is_taken_once_and_has_a_form(bob: Person, carol: Person) -> None:
    taken = await carol.patch("/api/me", {"handle": bob.handle})
    assert (taken.status_code, taken.json()["errors"][0]["pointer"]) == (409, "/handle")
    for wrong in ("A", "ab cd", "_x", "x" * 31, "é", ""):
        refused = await carol.patch("/api/me", {"handle": wrong})
        assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, "/handle"), wrong


async def test_following_counts_once_and_never_oneself(bob: Person, carol: Person) -> None:
    for _ in range(2):
        assert (await carol.put(f"/api/people/{bob.handle}/follow")).json()["followers"] == 1
    assert (await carol.get(f"/api/people/{bob.handle}")).json()["following"] is True
    assert (await carol.delete(f"/api/people/{bob.handle}/follow")).status_code == 204
    assert (await carol.get(f"/api/people/{bob.handle}")).json()["followers"] == 0
    assert (await bob.put(f"/api/people/{bob.handle}/follow")).status_code == 409
    assert (await bob.put("/api/people/nobody_of_that_name/follow")).status_code == 404


async def test_visitors_have_no_account(visitor: Person) -> None:
    for path in ("/api/me", "/api/events/anything/rsvps"):
        refused = await visitor.get(path)
        assert (refused.status_code, refused.headers["www-authenticate"]) == (401, "Bearer")


async def test_a_stale_profile_is_not_overwritten(bob: Person) -> None:
    tag = (await bob.get("/api/me")).headers["etag"]
    assert (await bob.patch("/api/me", {"bio": "one"}, headers={"if-match": tag})).status_code == 200
    assert (await bob.patch("/api/me", {"bio": "two"}, headers={"if-match": tag})).status_code == 412
    assert (await bob.get("/api/me")).json()["bio"] == "one"


async def test_root_is_platform_admin(root: Person, bob: Person) -> None:
    assert (await root.get("/api/me")).json()["platform_admin"] is True
    assert (await bob.get("/api/me")).json()["platform_admin"] is False


async def test_someone_without_letters_in_their_name_gets_a_handle(site: Site) -> None:
    person = await site.signs_up("张伟")
    assert person.handle.startswith("person_")
    assert (await person.get("/api/me")).json()["name"] == "张伟"


async def test_where_organisers_are_approved_by_hand_root_approves(
    site: Site, bob: Person, carol: Person, root: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(site.app.parts, "settings", msgspec.structs.replace(site.settings, organizer_approval="manual"))
    asked = await bob.post("/api/me/organizer", {"terms_accepted": True})
    assert asked.json()["organizer"]["status"] == "requested"
    event = {"title": "Too early", "starts_at": "2027-03-01T18:00:00Z"}
    assert (await bob.post("/api/events", event)).status_code == 403
    for stranger in (bob, carol):
        assert (await stranger.get("/api/admin/people")).status_code == 403
        assert (await stranger.patch(f"/api/admin/people/{bob.handle}", {"organizer": "approved"})).status_code == 403
    waiting = (await root.get("/api/admin/people", params={"organizer": "requested", "q": bob.handle})).json()["items"]
    assert [person["handle"] for person in waiting] == [bob.handle]
    assert (await root.patch(f"/api/admin/people/{bob.handle}", {"organizer": "approved"})).json()[
        "organizer"
    ] == "approved"
    assert (await bob.post("/api/events", event)).status_code == 201
    await root.patch(f"/api/admin/people/{bob.handle}", {"organizer": "none"})
    assert (await bob.post("/api/events", event)).status_code == 403


async def test_who_lost_the_status_asks_and_does_not_take(bob: Person, root: Person) -> None:
    await bob.post("/api/me/organizer", {"terms_accepted": True})
    await root.patch(f"/api/admin/people/{bob.handle}", {"organizer": "none"})
    again = await bob.post("/api/me/organizer", {"terms_accepted": True})
    assert again.json()["organizer"]["status"] == "requested"
