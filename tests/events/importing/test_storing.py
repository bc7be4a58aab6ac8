"""Importing into a community: as its organiser, all or nothing, and the second time nothing."""

from datetime import UTC, datetime
from uuid import UUID

import pytest
from msgspec.structs import replace

from vently.events.importing import ReadEvent, Reading, ReadVenue, read, read_many
from vently.events.imports import import_events
from vently.refusals import NotAllowed


@pytest.fixture
async def circle(dana):
    """Dana's community."""
    return UUID((await dana.get(f"/api/communities/{dana.community}")).json()["id"])


@pytest.fixture
def imports(db, dana, circle):
    """Imports into it, as Dana unless told otherwise; gives the counts."""

    async def importing(reading, *, dry_run=False, who=None):
        async with db.acting_as((who or dana).viewer) as tx:
            report = await import_events(tx, circle, reading, dry_run=dry_run)
        return report.created, report.updated, report.unchanged, len(report.refused)

    return importing


def gig(**fields):
    usual = {
        "uid": "gig@test", "line": 2, "title": "A gig", "timezone": "UTC", "description": "Loud.",
        "starts_at": datetime(2027, 3, 1, 18, tzinfo=UTC), "ends_at": datetime(2027, 3, 1, 20, tzinfo=UTC),
    }  # fmt: skip
    return ReadEvent(**{**usual, **fields})


def reading(*events):
    return Reading(tuple(events), (), len(events))


async def events_of(dana, query="from=1970-01-01"):
    found, path = [], f"/api/events?community={dana.community}&limit=100&{query}"
    cursor = ""
    while cursor is not None:
        page = (await dana.get(path + (f"&cursor={cursor}" if cursor else ""))).json()
        found += page["items"]
        cursor = page["next"]
    return found


async def test_a_calendar_comes_in_once_and_its_table_changes_no_more_than_it_knows(
    imports, dana, places, calendar_file, table_file
):
    calendar, table = (read(path, places=places) for path in (calendar_file, table_file))
    assert await imports(calendar, dry_run=True) == (466, 0, 0, 0)
    assert await events_of(dana) == []
    assert await imports(calendar) == (466, 0, 0, 0)
    assert await imports(calendar) == (0, 0, 466, 0)
    known = sum(1 for event in table.events if event.venue and event.online)
    assert await imports(table) == (0, known, 466 - known, 0)  # the table alone knows which are hybrid
    assert await imports(table) == (0, 0, 466, 0)
    assert await imports(calendar) == (0, 0, 466, 0)
    stored = await events_of(dana, "from=2025-01-01&to=2025-12-31")
    assert len({event["id"] for event in stored}) == len(stored) == 466
    coast = next(event for event in stored if event["title"] == "Test Coast")
    assert coast["categories"] == ["accessibility", "performance", "testing"]
    assert (coast["venue"]["city"], coast["timezone"], coast["all_day"]) == ("Gothenburg", "Europe/Stockholm", True)


async def test_the_table_alone_gives_the_same_events_and_the_calendar_adds_none(
    imports, dana, places, calendar_file, table_file
):
    assert await imports(read(table_file, places=places)) == (466, 0, 0, 0)
    assert await imports(read(calendar_file, places=places)) == (0, 0, 466, 0)
    both = read_many([table_file, calendar_file], places=places)
    assert await imports(both) == (0, 0, 466, 0)
    assert len(await events_of(dana)) == 466


async def test_an_older_sequence_never_overwrites_and_a_newer_one_does(imports, dana):
    await imports(reading(gig(sequence=2)))
    assert await imports(reading(gig(sequence=1, title="Old"))) == (0, 0, 1, 0)
    assert await imports(reading(gig(sequence=3, title="New", description=None))) == (0, 1, 0, 0)
    event = (await events_of(dana))[0]
    assert (event["title"], event["description"]) == ("New", "")


async def test_an_earlier_last_modified_never_overwrites_and_a_later_one_does(imports, dana):
    await imports(reading(gig(last_modified=datetime(2026, 5, 2, tzinfo=UTC))))
    assert await imports(reading(gig(title="Old", last_modified=datetime(2026, 5, 1, tzinfo=UTC)))) == (0, 0, 1, 0)
    assert await imports(reading(gig(title="New", last_modified=datetime(2026, 5, 3, tzinfo=UTC)))) == (0, 1, 0, 0)
    assert (await events_of(dana))[0]["title"] == "New"


async def test_among_equals_what_a_file_does_not_say_stays(imports, dana):
    await imports(reading(gig(venue=ReadVenue(city="Berlin"), online=True, url="https://gig.test")))
    assert await imports(reading(gig(title="The gig", description=None))) == (0, 1, 0, 0)
    event = (await events_of(dana))[0]
    assert (event["title"], event["description"], event["website"]) == ("The gig", "Loud.", "https://gig.test")
    assert (event["venue"]["city"], event["online"]) == ("Berlin", True)


async def test_an_event_that_moves_online_leaves_its_place(imports, dana):
    await imports(reading(gig(venue=ReadVenue(city="Berlin"))))
    await imports(reading(gig(online=True)))
    event = (await events_of(dana))[0]
    assert (event["venue"], event["online"]) == (None, True)
    await imports(reading(gig(venue=ReadVenue(city="Berlin"))))
    event = (await events_of(dana))[0]
    assert (event["venue"]["city"], event["online"]) == ("Berlin", False)


async def test_what_was_edited_here_survives_the_same_file(imports, dana):
    await imports(reading(gig()))
    event = (await events_of(dana))[0]
    await dana.patch(f"/api/events/{event['id']}", {"title": "Dana's own words"})
    assert await imports(reading(gig())) == (0, 0, 1, 0)
    assert (await events_of(dana))[0]["title"] == "Dana's own words"


async def test_cancelled_in_the_calendar_is_cancelled_here(imports, dana):
    await imports(reading(gig()))
    assert await imports(reading(gig(status="cancelled"))) == (0, 1, 0, 0)
    assert (await events_of(dana))[0]["status"] == "cancelled"
    assert await imports(reading(gig(status="cancelled"))) == (0, 0, 1, 0)


async def test_private_entries_are_for_members(imports, dana, visitor):
    await imports(reading(gig(private=True), gig(uid="open@test", title="Open")))
    seen = (await visitor.get(f"/api/events?community={dana.community}&from=2027-01-01")).json()["items"]
    assert [event["title"] for event in seen] == ["Open"]
    assert len(await events_of(dana)) == 2


async def test_namesakes_get_addresses_of_their_own(imports, dana):
    many = [gig(uid=f"{n}@test", title="Weekly meetup", url=f"https://gig.test/{n}") for n in range(30)]
    assert await imports(reading(*many)) == (30, 0, 0, 0)
    assert len({event["slug"] for event in await events_of(dana)}) == 30


async def test_carol_cannot_import_into_danas_community(imports, carol, dana):
    with pytest.raises(NotAllowed):
        await imports(reading(gig()), who=carol)
    assert await events_of(dana) == []


async def test_what_only_the_database_refuses_is_named_and_the_rest_comes_in(db, dana, circle):
    several = [gig(uid=f"{n}@test", title=f"Gig {n}", line=n) for n in range(9)]
    several[4] = replace(several[4], timezone="Nowhere/At_all")
    several[7] = replace(several[7], title="x" * 201)
    async with db.acting_as(dana.viewer) as tx:
        report = await import_events(tx, circle, reading(*several))
    assert (report.created, report.updated, report.unchanged) == (7, 0, 0)
    assert [(entry.line, entry.uid) for entry in report.refused] == [(4, "4@test"), (7, "7@test")]
    assert "title" in report.refused[1].reason


async def test_two_imports_at_once_take_turns(imports):
    import asyncio

    many = reading(*(gig(uid=f"{n}@test", title=f"Gig {n}") for n in range(40)))
    assert sorted(await asyncio.gather(imports(many), imports(many))) == [(0, 0, 40, 0), (40, 0, 0, 0)]


async def test_a_broken_off_import_leaves_nothing(db, dana, circle):
    class PowerCut(BaseException):
        pass

    async def importing():
        async with db.acting_as(dana.viewer) as tx:
            await import_events(tx, circle, reading(gig()))
            raise PowerCut

    with pytest.raises(PowerCut):
        await importing()
    assert await events_of(dana) == []
