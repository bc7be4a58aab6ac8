"""The form that edits an event: what it does not show stays as it is."""

from typing import Any

import msgspec
import pytest
from cast import Person

from vently.database.pool import Database
from vently.events import events, page_forms
from vently.events.shapes import Event
from vently.refusals import Invalid


async def saved(db: Database, organiser: Person, event: Any, **typed: str) -> Any:
    """The event after its form was sent, changed in what was typed."""
    stands = msgspec.convert(event, Event)
    form = {**page_forms.filled(stands), **typed}
    async with db.acting_as(organiser.viewer) as tx:
        done = await events.edit(tx, str(stands.id), page_forms.changes(form, stands), version=None)
    return msgspec.json.decode(done.body)


async def test_a_new_title_changes_nothing_else(db: Database, alice: Person) -> None:
    event = await alice.creates(
        # The second 02:30 of the night when clocks are set back.
        starts_at="2027-10-31T01:30:30Z",
        ends_at="2027-10-31T03:00:00Z",
        timezone="Europe/Berlin",
        categories=["jazz", "blues", "soul"],
        venue={"lat": 52.5, "lng": 13.4},
        online_url="https://example.org/stream",
    )
    after = await saved(db, alice, event, title="Another title")
    changed = {name for name in event if after[name] != event[name]}
    assert changed == {"title", "updated_at", "version"}


async def test_what_was_typed_counts(db: Database, alice: Person) -> None:
    event = await alice.creates(categories=["jazz", "blues"], venue={"name": "Cellar", "lat": 52.5, "lng": 13.4})
    after = await saved(db, alice, event, timezone="Europe/Berlin", category="soul", venue_city="Berlin")
    assert after["starts_at"] == "2027-03-01T17:00:00+00:00"
    assert after["categories"] == ["soul"]
    assert (after["venue"]["city"], after["venue"]["lat"]) == ("Berlin", None)


async def test_the_last_day_of_the_calendar_is_refused(db: Database, alice: Person) -> None:
    event = await alice.creates()
    with pytest.raises(Invalid) as refused:
        await saved(db, alice, event, all_day="1", starts_at="2027-03-01", ends_at="9999-12-31")
    assert [error.pointer for error in refused.value.errors] == ["/ends_at"]
