"""Dana runs a community; people follow, join, ask, leave; admins give roles; strangers cannot."""

import asyncio

from cast import Person


async def test_founding_makes_an_owner_and_an_address(dana: Person, visitor: Person) -> None:
    made = await dana.founds("Café Zürich — Lesekreis", city="Zürich", country="Switzerland")
    assert made["slug"].startswith("cafe-zurich-lesekreis")
    assert made["membership"] == {"role": "owner", "status": "active"}
    assert made["counts"] == {"members": 1, "followers": 0}
    seen = (await visitor.get(f"/api/communities/{made['slug']}")).json()
    assert (seen["membership"], seen["following"]) == (None, False)


async def test_a_slug_is_taken_once(dana: Person, bob: Person) -> None:
    refused = await bob.post("/api/communities", {"name": "Same", "slug": dana.community})
    assert refused.status_code == 409
    assert refused.json()["errors"] == [{"pointer": "/slug", "detail": "is taken; choose another"}]
    again = await asyncio.gather(*(person.founds("One name for two") for person in (bob, dana)))
    assert again[0]["slug"] != again[1]["slug"]


async def test_bob_follows_and_joins_and_leaves(dana: Person, bob: Person) -> None:
    path = f"/api/communities/{dana.community}"
    for _ in range(2):
        assert (await bob.put(f"{path}/follow")).json()["following"] is True
        assert (await bob.put(f"{path}/membership")).json() == {"role": "member", "status": "active"}
    assert (await bob.get(path)).json()["counts"] == {"members": 2, "followers": 1}
    assert {row["person"]["handle"] for row in (await bob.get(f"{path}/members")).json()["items"]} == {
        dana.handle, bob.handle,
    }  # fmt: skip
    assert (await bob.delete(f"{path}/membership")).status_code == 204
    assert (await bob.delete(f"{path}/follow")).status_code == 204
    assert (await bob.get(path)).json()["counts"] == {"members": 1, "followers": 0}
    assert (await bob.get(f"{path}/members")).json()["items"] == []


async def test_where_admins_approve_a_request_waits(dana: Person, bob: Person, carol: Person) -> None:
    made = await dana.founds("By request", join="request")
    path = f"/api/communities/{made['slug']}"
    assert (await bob.put(f"{path}/membership")).json() == {"role": "member", "status": "requested"}
    waiting = (await dana.get(f"{path}/members", params={"status": "requested"})).json()["items"]
    assert [row["person"]["handle"] for row in waiting] == [bob.handle]
    assert (await carol.patch(f"{path}/members/{bob.handle}", {"status": "active"})).status_code == 404
    approved = await dana.patch(f"{path}/members/{bob.handle}", {"status": "active", "role": "organizer"})
    assert (approved.status_code, approved.json()["role"]) == (200, "organizer")
    event = await bob.post(
        "/api/events", {"title": "Ours", "starts_at": "2027-05-05T10:00:00Z", "community": made["slug"]}
    )
    assert event.status_code == 201


async def test_where_people_are_invited_nobody_walks_in(dana: Person, bob: Person) -> None:
    made = await dana.founds("By invitation", join="invite")
    refused = await bob.put(f"/api/communities/{made['slug']}/membership")
    assert (refused.status_code, refused.json()["type"]) == (403, "/problems/invite-only")


async def test_the_banned_stay_out(dana: Person, bob: Person) -> None:
    path = f"/api/communities/{dana.community}"
    await bob.put(f"{path}/membership")
    assert (await dana.patch(f"{path}/members/{bob.handle}", {"status": "banned"})).json()["status"] == "banned"
    assert (await bob.put(f"{path}/membership")).status_code == 403
    await bob.delete(f"{path}/membership")  # a ban cannot be left
    assert (await bob.put(f"{path}/membership")).status_code == 403


async def test_the_last_owner_stays_and_admins_make_no_owners(dana: Person, bob: Person) -> None:
    path = f"/api/communities/{dana.community}"
    refused = await dana.delete(f"{path}/membership")
    assert (refused.status_code, refused.json()["type"]) == (409, "/problems/last-owner")
    await bob.put(f"{path}/membership")
    await dana.patch(f"{path}/members/{bob.handle}", {"role": "admin"})
    assert (await bob.patch(f"{path}/members/{bob.handle}", {"role": "owner"})).status_code == 403
    assert (await bob.delete(f"{path}/members/{dana.handle}")).status_code == 403
    assert (await bob.delete(path)).status_code == 403
    await dana.patch(f"{path}/members/{bob.handle}", {"role": "owner"})
    assert (await dana.delete(f"{path}/membership")).status_code == 204


async def test_two_owners_who_leave_at_once_leave_one(dana: Person, bob: Person) -> None:
    path = f"/api/communities/{dana.community}"
    await bob.put(f"{path}/membership")
    await dana.patch(f"{path}/members/{bob.handle}", {"role": "owner"})
    answers = await asyncio.gather(dana.delete(f"{path}/membership"), bob.delete(f"{path}/membership"))
    assert sorted(answer.status_code for answer in answers) == [204, 409]


async def test_carol_cannot_edit_or_close(dana: Person, carol: Person) -> None:
    path = f"/api/communities/{dana.community}"
    assert (await carol.patch(path, {"name": "Carol's"})).status_code == 403
    assert (await carol.delete(path)).status_code == 403
    assert (await dana.patch(path, {"description": "**Read** with us", "join": "request"})).json()["join"] == "request"
    assert (await dana.patch(path, {"lat": 47.0})).status_code == 422
    assert (await dana.delete(path)).status_code == 204
    assert (await dana.get(path)).status_code == 404


async def test_an_event_for_members_is_seen_by_members_alone(dana: Person, bob: Person, carol: Person) -> None:
    event = await dana.creates("Inner circle", community=dana.community, visibility="members")
    await bob.put(f"/api/communities/{dana.community}/membership")
    listed = {"community": dana.community}
    assert (await bob.get(f"/api/events/{event['slug']}")).status_code == 200
    assert len((await bob.get("/api/events", params=listed)).json()["items"]) == 1
    await bob.post(f"/api/events/{event['slug']}/comments", {"body": "Between us"})
    for path in ("", "/comments", "/calendar.ics"):
        assert (await carol.get(f"/api/events/{event['slug']}{path}")).status_code == 404
    assert (await carol.answers(event)).status_code == 404
    assert (await carol.get("/api/events", params=listed)).json()["items"] == []
    await bob.delete(f"/api/communities/{dana.community}/membership")
    assert (await bob.get(f"/api/events/{event['slug']}")).status_code == 404


async def test_communities_are_found_by_name_and_walked(dana: Person, visitor: Person) -> None:
    mark = dana.community[-8:]
    for number in range(5):
        await dana.founds(f"Walk {mark} {number}")
    first = (await visitor.get("/api/communities", params={"q": f"walk {mark}", "limit": 3})).json()
    rest = (
        await visitor.get("/api/communities", params={"q": f"walk {mark}", "limit": 3, "cursor": first["next"]})
    ).json()
    names = [item["name"] for item in first["items"] + rest["items"]]
    assert (names, rest["next"]) == ([f"Walk {mark} {number}" for number in range(5)], None)
