"""Who runs an event: its organiser, or in a community those with the role; and what remains of a role one lost."""

from typing import Any

from cast import Person


async def bobs_event(dana: Person, bob: Person, **fields: Any) -> Any:
    """Bob has no organiser status of his own, but organises in Dana's community."""
    path = f"/api/communities/{dana.community}"
    await bob.put(f"{path}/membership")
    await dana.patch(f"{path}/members/{bob.handle}", {"role": "organizer"})
    return await bob.creates("Bob's evening", community=dana.community, **fields)


async def test_bob_runs_nothing_in_a_community_that_banned_him(dana: Person, bob: Person, carol: Person) -> None:
    event = await bobs_event(dana, bob)
    draft = await bob.creates("Next time", community=dana.community, status="draft")
    path = f"/api/events/{event['id']}"
    await carol.answers(event)
    assert len((await bob.get(f"{path}/rsvps")).json()["items"]) == 1
    comment = (await carol.post(f"{path}/comments", {"body": "See you"})).json()
    await dana.patch(f"/api/communities/{dana.community}/members/{bob.handle}", {"status": "banned"})
    assert (await bob.patch(path, {"title": "Ruined"})).status_code == 403
    assert (await bob.patch(path, {"community": None})).status_code == 403
    assert (await bob.delete(path)).status_code == 403
    assert (await bob.delete(f"/api/comments/{comment['id']}")).status_code == 403
    assert (await bob.get(f"{path}/rsvps")).json()["items"] == []
    assert (await bob.get(f"/api/events/{draft['id']}")).status_code == 404
    assert (await dana.post(f"/api/events/{draft['id']}/publication")).status_code == 201


async def test_a_role_in_a_community_does_not_make_an_organiser_elsewhere(dana: Person, bob: Person) -> None:
    event = await bobs_event(dana, bob)
    alone = await bob.patch(f"/api/events/{event['id']}", {"community": None})
    assert (alone.status_code, alone.json()["type"].rsplit("/", 1)[-1]) == (403, "not-allowed")
    await bob.post("/api/me/organizer", {"terms_accepted": True})
    assert (await bob.patch(f"/api/events/{event['id']}", {"community": None})).status_code == 200


async def test_an_organiser_whose_status_was_taken_back_publishes_nothing_more(alice: Person, root: Person) -> None:
    out, draft = await alice.creates(), await alice.creates(status="draft")
    await root.patch(f"/api/admin/people/{alice.handle}", {"organizer": "none"})
    assert (await alice.post(f"/api/events/{draft['id']}/publication")).status_code == 403
    assert (await alice.patch(f"/api/events/{out['id']}", {"title": "Still mine"})).status_code == 200
    assert (await alice.post(f"/api/events/{out['id']}/cancellation")).status_code == 201


async def test_being_interested_does_not_show_who_goes(alice: Person, bob: Person, carol: Person) -> None:
    event = await alice.creates()
    await bob.answers(event)
    await carol.answers(event, "interested")
    seen = (await carol.get(f"/api/events/{event['id']}/rsvps")).json()["items"]
    assert [row["person"]["handle"] for row in seen] == [carol.handle]
