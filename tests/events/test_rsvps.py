"""Answers within the capacity, and the queue that moves up by itself."""

import asyncio

from cast import Person, Site


async def test_fifty_places_go_to_fifty_of_two_hundred(site: Site, alice: Person) -> None:
    event = await alice.creates(capacity=50)
    people = await asyncio.gather(*(site.signs_up(f"Guest {number}") for number in range(200)))
    answers = await asyncio.gather(*(person.answers(event) for person in people))
    assert {answer.status_code for answer in answers} == {200}
    statuses = [answer.json()["status"] for answer in answers]
    assert (statuses.count("going"), statuses.count("waitlisted")) == (50, 150)
    counts = (await alice.get(f"/api/events/{event['id']}")).json()["rsvps"]
    assert counts == {"going": 50, "interested": 0, "waitlisted": 150}
    positions = sorted(answer.json()["position"] for answer in answers if answer.json()["position"])
    assert positions[-1] == 150


async def test_the_queue_moves_up_by_itself(alice: Person, bob: Person, carol: Person, dana: Person) -> None:
    event = await alice.creates(capacity=1)
    assert (await bob.answers(event)).json() == {"status": "going", "guests": 0, "position": None}
    assert (await carol.answers(event)).json() == {"status": "waitlisted", "guests": 0, "position": 1}
    assert (await dana.answers(event)).json() == {"status": "waitlisted", "guests": 0, "position": 2}
    assert (await carol.answers(event)).json()["position"] == 1  # asking again keeps the place
    await bob.answers(event, "declined")
    assert (await carol.get(f"/api/events/{event['id']}")).json()["viewer_rsvp"]["status"] == "going"
    assert (await dana.answers(event)).json()["position"] == 1
    await alice.patch(f"/api/events/{event['id']}", {"capacity": 2})
    assert (await dana.get(f"/api/events/{event['id']}")).json()["viewer_rsvp"]["status"] == "going"
    below = await alice.patch(f"/api/events/{event['id']}", {"capacity": 1})
    assert (below.status_code, below.json()["errors"][0]["pointer"]) == (422, "/capacity")


async def test_guests_take_places_too(alice: Person, bob: Person, carol: Person) -> None:
    event = await alice.creates(capacity=3)
    assert (await bob.answers(event, guests=1)).json()["status"] == "going"
    assert (await carol.answers(event, guests=1)).json()["status"] == "waitlisted"
    too_many = await bob.answers(event, guests=2 + 1)
    assert (too_many.status_code, too_many.json()["type"].rsplit("/", 1)[-1]) == (409, "event-full")
    assert (await bob.answers(event, guests=0)).json()["status"] == "going"
    assert (await carol.get(f"/api/events/{event['id']}")).json()["viewer_rsvp"]["status"] == "going"
    counts = (await alice.get(f"/api/events/{event['id']}")).json()["rsvps"]
    assert counts == {"going": 3, "interested": 0, "waitlisted": 0}


async def test_organisers_see_all_answers_and_strangers_none(alice: Person, bob: Person, carol: Person) -> None:
    event = await alice.creates()
    await bob.answers(event)
    path = f"/api/events/{event['id']}/rsvps"
    assert [row["person"]["handle"] for row in (await alice.get(path)).json()["items"]] == [bob.handle]
    assert (await carol.get(path)).json()["items"] == []
    await carol.answers(event)
    assert {row["person"]["handle"] for row in (await carol.get(path)).json()["items"]} == {bob.handle, carol.handle}


async def test_the_outbox_tells_of_every_change(alice: Person, bob: Person, db) -> None:
    event = await alice.creates(status="draft")
    await alice.post(f"/api/events/{event['id']}/publication")
    await bob.answers(event)
    comment = (await bob.post(f"/api/events/{event['id']}/comments", {"body": "Hello"})).json()
    await bob.patch(f"/api/comments/{comment['id']}", {"body": "Hello all"})
    await bob.delete(f"/api/comments/{comment['id']}")
    await alice.post(f"/api/events/{event['id']}/cancellation")
    from vently.database.queries import parse

    sql = parse("-- name: kinds\nselect array_agg(kind order by id) from private.outbox where topic = :topic")
    async with db.acting_as_system() as tx:
        kinds = await tx.value(sql.kinds, topic=f"event:{event['id']}")
    assert kinds == [
        "event.created", "event.updated", "rsvp.changed", "comment.created", "comment.updated", "comment.deleted",
        "event.cancelled",
    ]  # fmt: skip
