"""Addresses of events: events of one name at the same moment each get their own."""

import asyncio

from cast import Person


async def test_events_of_one_name_made_at_once_all_stand(alice: Person) -> None:
    made = await asyncio.gather(*(alice.creates("The one name") for _ in range(12)))
    assert len({event["slug"] for event in made}) == len(made)
