"""The demo town as people find it."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from vently.demo import crowd, dates
from vently.demo.settling import viewer
from vently.events import events
from vently.outside.places.offline import OfflinePlaces
from vently.refusals import NotFound

NOW = datetime.now(UTC)


async def everything(person, **filters):
    """The whole list by cursor."""
    found, cursor = [], None
    while True:
        page = (
            await person.get("/api/events", params={"limit": 100, **filters, **({"cursor": cursor} if cursor else {})})
        ).json()
        found += page["items"]
        if not (cursor := page["next"]):
            return found


async def test_the_town_is_full_of_life(visitor, loaded):
    upcoming = await everything(visitor)
    soon = [event for event in upcoming if event["starts_at"] < (NOW + timedelta(days=10)).isoformat()]
    later = [event for event in upcoming if event["starts_at"] > (NOW + timedelta(days=45)).isoformat()]
    past = await everything(visitor, **{"from": "2020-01-01", "to": (NOW - timedelta(days=1)).date().isoformat()})
    assert loaded.people >= 80
    assert loaded.communities >= 10
    assert len(upcoming) > 140
    assert len(soon) > 30
    assert 10 < len(later) < 60
    assert 5 < len(past) < 20
    assert len({event["category"] for event in upcoming}) > 15
    assert sum(event["online"] for event in upcoming) >= 5
    assert len({event["venue"]["city"] for event in upcoming if event["venue"]}) >= 4


async def test_its_texts_read_as_they_were_meant_to(visitor):
    for event in await everything(visitor):
        assert not set("{}") & set(event["title"] + event["description"]), event["title"]
        assert len(event["description"]) > 80, event["title"]
        assert event["timezone"] in ("Europe/Vienna", "Europe/Ljubljana")


async def test_capacities_hold_and_waiting_lists_are_real(visitor):
    limited = [event for event in await everything(visitor) if event["capacity"]]
    assert all(event["rsvps"]["going"] <= event["capacity"] for event in limited)
    assert sum(event["rsvps"]["waitlisted"] > 0 for event in limited) >= 4
    assert sum(event["rsvps"]["going"] == event["capacity"] - 1 for event in limited) >= 3


async def test_a_full_event_puts_bob_at_the_end_of_its_queue(bob, visitor):
    full = max(await everything(visitor), key=lambda event: event["rsvps"]["waitlisted"])
    answer = (await bob.answers(full)).json()
    assert answer["status"] == "waitlisted"
    assert answer["position"] > 1


async def test_visitors_see_neither_drafts_nor_what_is_for_members_or_by_link(visitor, bob, town_db):
    for person in (visitor, bob):
        assert {event["visibility"] for event in await everything(person)} == {"public"}
        assert not [event for event in await everything(person) if event["title"] in ("Kitchen concert", "Rehearsal")]
    rehearsal = (await of_member(town_db, "helga", "Rehearsal"))[0]
    assert (await visitor.get(f"/api/events/{rehearsal['slug']}")).status_code == 404
    assert (await bob.get(f"/api/events/{rehearsal['slug']}/comments")).status_code == 404
    breakfast = (await of_member(town_db, "rosa", "Neighbourhood"))[0]
    assert (await visitor.get(f"/api/events/{breakfast['slug']}")).json()["rsvps"]["going"] > 5


async def test_members_see_what_is_for_them_and_those_who_still_wait_do_not(town_db):
    assert await of_member(town_db, "helga", "Rehearsal")
    assert not await of_member(town_db, crowd.waiting("choir")[0], "Rehearsal")


async def test_a_draft_is_seen_by_its_host_alone(town_db):
    draft = (await of_member(town_db, "amina", "Kitchen concert"))[0]
    assert draft["status"] == "draft"
    async with town_db.acting_as(viewer("paolo")) as tx:
        with pytest.raises(NotFound):
            await events.read(tx, draft["slug"])


async def test_communities_are_open_by_request_and_by_invitation(visitor, bob):
    found = {one["slug"]: one for one in (await visitor.get("/api/communities")).json()["items"]}
    assert Counter(one["join"] for one in found.values()) == {"open": 10, "request": 1, "invite": 1}
    assert all(one["counts"]["members"] > 10 and one["counts"]["followers"] > 4 for one in found.values())
    assert (await bob.put("/api/communities/chor-querbeet/membership")).json()["status"] == "requested"
    assert (await bob.put("/api/communities/the-long-table/membership")).status_code == 403


async def test_people_talk_and_are_answered(visitor):
    answered = 0
    for event in (await everything(visitor))[:40]:
        said = (await visitor.get(f"/api/events/{event['slug']}/comments", params={"limit": 100})).json()["items"]
        first = {comment["id"]: comment for comment in said if not comment["reply_to"]}
        replies = [comment for comment in said if comment["reply_to"]]
        assert all(comment["reply_to"] in first for comment in replies)
        answered += any(comment["author"] == event["organizer"] for comment in replies)
    assert answered > 10


async def test_one_event_was_cancelled(visitor):
    cancelled = [event for event in await everything(visitor) if event["status"] == "cancelled"]
    assert [event["title"] for event in cancelled] == ["Open-air sketching on the market"]
    assert cancelled[0]["rsvps"]["going"] > 5


async def test_nobody_can_sign_in_as_them(town_site):
    for password in ("", "mira", "nobody's password"):
        answer = await town_site.client.post(
            "/auth/v1/token",
            params={"grant_type": "password"},
            json={"email": "mira@demo.vently.example", "password": password},
        )
        assert answer.status_code == 400, answer.text


def test_the_same_day_gives_the_same_town():
    places, today = OfflinePlaces(), datetime(2027, 3, 3, tzinfo=UTC).date()
    first, again = dates.occasions(today, places), dates.occasions(today, places)
    assert first == again
    assert [crowd.answers(one) for one in first] == [crowd.answers(one) for one in again]


@pytest.mark.parametrize("day", ["2026-12-31", "2027-03-27", "2027-10-30", "2028-02-29"])
def test_hours_on_the_clock_stay_when_the_clock_changes(day):
    for occasion in dates.occasions(datetime.fromisoformat(day).date(), OfflinePlaces()):
        local = occasion.event.starts_at.strftime("%a %H:%M").lower()
        if "Sunday walk" in occasion.event.title:
            assert local == "sun 08:20"


async def of_member(db, person, title):
    """Events of that title which this person sees, straight from the database."""
    async with db.acting_as(viewer(person)) as tx:
        rows = await tx._connection.fetch(
            "select row_to_json(c)::text as body from public.event_cards c where title like $1", f"{title}%"
        )
    return [msgspec.json.decode(row["body"]) for row in rows]


async def test_some_events_sell_tickets_and_one_is_nearly_sold_out(visitor):
    selling = [event for event in await everything(visitor) if event["tickets"]]
    assert len(selling) >= 5
    assert any(event["tickets"]["from_amount"] == 0 for event in selling)
    dance = min((one for one in selling if one["title"].startswith("Balfolk")), key=lambda one: one["starts_at"])
    assert dance["tickets"] == {"from_amount": 700, "currency": "EUR", "available": 12, "sold_out": False}
    kinds = (await visitor.get(f"/api/events/{dance['slug']}/ticket-types")).json()["items"]
    assert [(kind["name"], kind["available"]) for kind in kinds] == [("Standard", 2), ("Reduced", 12)]
