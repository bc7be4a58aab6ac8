"""Answers to events: going, interested, declined; the database seats people within the capacity and keeps the queue."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from vently.database.pool import Listing, Transaction
from vently.database.queries import load
from vently.events.shapes import Answer, AttendeeFilters, NewRsvp, PersonName, Rsvp
from vently.refusals import NotFound
from vently.web.references import split

sql = load(__package__)


class Answered(msgspec.Struct):
    """Which event was answered, and how that was taken."""

    event_id: UUID
    status: Answer
    guests: int


async def answer(tx: Transaction, event: str, new: NewRsvp) -> Rsvp:
    """Going, or waitlisted when it is full. Raises Conflict when it was cancelled."""
    done = await tx.maybe_one(
        sql.answer_event, Answered, status=new.status, guests=new.guests, answers=new.answers, **split(event)
    )
    if done is None:
        raise NotFound
    if done.status != "waitlisted":
        return Rsvp(done.status, done.guests, None)
    return await tx.one(sql.get_answer, Rsvp, event_id=done.event_id)


async def attendees(tx: Transaction, event: str, filters: AttendeeFilters, after: Any) -> Listing:
    """Organisers see all answers; those going see who else goes; others see their own."""
    key, last = after or (None, None)
    return await tx.one(
        sql.list_answers,
        Listing,
        status=filters.status,
        count=filters.limit,
        after_key=datetime.fromisoformat(key) if key else None,
        after_id=last,
        **split(event),
    )


async def going(tx: Transaction, event_id: UUID) -> list[PersonName]:
    """The first few who go, as far as the viewer may see."""
    return await tx.many(sql.list_going, PersonName, event_id=event_id)
