"""Events over HTTP: `/api/events` and what belongs to an event."""

from typing import Any
from uuid import UUID

import msgspec

from vently.database.pool import Database, Transaction, Viewer
from vently.events import calendars, comments, discovery, events, rsvps
from vently.events.shapes import (
    AttendeeFilters,
    Attendees,
    CalendarFilters,
    Comment,
    CommentChanges,
    CommentFilters,
    Comments,
    Event,
    EventChanges,
    EventFilters,
    Events,
    NewComment,
    NewEvent,
    NewRsvp,
    Rsvp,
)
from vently.web import conditional, cursors, lists
from vently.web.answers import Answer, created, nothing
from vently.web.conditional import wanted_version
from vently.web.idempotency import once
from vently.web.routes import delete, get, patch, post, put
from vently.web.words import Reference

TAG = "Events"


@get("/api/events", answers=Events, may=(422,), tag=TAG)
async def list_events(request: Any, viewer: Viewer, db: Database, query: EventFilters) -> Answer:
    """Find events"""
    after = cursors.read(request, "events", query, query.cursor, tuple[float, str])
    async with db.reading_as(viewer) as tx:
        found = await discovery.search(tx, query, after)
    return lists.answer(request, found.items, lists.after(request, "events", query, found))


@post("/api/events", answers=Event, signed_in=True, once=True, may=(403, 409), tag=TAG)
async def create_event(request: Any, viewer: Viewer, data: NewEvent) -> Answer:
    """Create an event, as a draft or published at once"""

    async def make(tx: Transaction) -> Answer:
        made = await events.create(tx, data)
        return created(made.body.encode(), lists.location(request, made.body, "/api/events"))

    return await once(request, viewer, make)


@get("/api/events/{event}", answers=Event, may=(404,), versioned=True, tag=TAG)
async def read_event(request: Any, viewer: Viewer, db: Database, event: Reference) -> Answer:
    """One event"""
    found = await events.seen(db, viewer, event)
    return conditional.answer(request, found.body.encode(), version=found.version)


@get("/api/events/{event}/calendar.ics", media_type="text/calendar", may=(404,), tag=TAG)
async def read_calendar(viewer: Viewer, db: Database, event: Reference) -> Answer:
    """One event as a calendar (RFC 5545)"""
    found = msgspec.json.decode((await events.seen(db, viewer, event)).body, type=Event)
    return Answer(calendars.calendar([found], found.title), media_type=calendars.MEDIA_TYPE)


@get("/api/events.ics", media_type="text/calendar", may=(422,), tag=TAG)
async def list_calendar(viewer: Viewer, db: Database, query: CalendarFilters) -> Answer:
    """Events as a calendar to subscribe to: the soonest 100 that fit"""
    filters = EventFilters(**msgspec.structs.asdict(query), limit=100)
    async with db.reading_as(viewer) as tx:
        listing = await discovery.search(tx, filters, None)
    found = msgspec.json.decode(listing.items, type=list[Event])
    return Answer(calendars.calendar(found), media_type=calendars.MEDIA_TYPE)


@patch("/api/events/{event}", answers=Event, signed_in=True, may=(403, 404, 409), versioned=True, tag=TAG)
async def edit_event(request: Any, viewer: Viewer, db: Database, event: Reference, data: EventChanges) -> Answer:
    """Change an event (those who run it)"""
    async with db.acting_as(viewer, link=event) as tx:
        found = await events.edit(tx, event, data, version=wanted_version(request))
    return conditional.answer(request, found.body.encode(), version=found.version)


@delete("/api/events/{event}", signed_in=True, may=(403, 404), versioned=True, tag=TAG)
async def delete_event(request: Any, viewer: Viewer, db: Database, event: Reference) -> Answer:
    """Delete an event with its answers and comments (those who run it)"""
    async with db.acting_as(viewer, link=event) as tx:
        await events.delete(tx, event, version=wanted_version(request))
    return nothing()


@post("/api/events/{event}/publication", answers=Event, signed_in=True, once=True, may=(403, 404, 409), tag=TAG)
async def publish_event(request: Any, viewer: Viewer, event: Reference) -> Answer:
    """Publish a draft"""

    async def publish(tx: Transaction) -> Answer:
        return created((await events.publish(tx, event)).body.encode(), lists.parent(request))

    return await once(request, viewer, publish, link=event)


@post("/api/events/{event}/cancellation", answers=Event, signed_in=True, once=True, may=(403, 404, 409), tag=TAG)
async def cancel_event(request: Any, viewer: Viewer, event: Reference) -> Answer:
    """Cancel an event: everyone still sees it, as cancelled"""

    async def cancel(tx: Transaction) -> Answer:
        return created((await events.cancel(tx, event)).body.encode(), lists.parent(request))

    return await once(request, viewer, cancel, link=event)


@put("/api/events/{event}/rsvp", answers=Rsvp, signed_in=True, may=(404, 409), tag=TAG)
async def answer_event(viewer: Viewer, db: Database, event: Reference, data: NewRsvp) -> Answer:
    """Answer an event: going within its capacity, else waitlisted"""
    async with db.acting_as(viewer, link=event) as tx:
        return Answer(await rsvps.answer(tx, event, data))


@get("/api/events/{event}/rsvps", answers=Attendees, signed_in=True, may=(404,), tag=TAG)
async def list_answers(request: Any, viewer: Viewer, db: Database, event: Reference, query: AttendeeFilters) -> Answer:
    """Who answered, as far as the viewer may see"""
    name = f"answers to {event}"
    after = cursors.read(request, name, query, query.cursor, tuple[str, str])
    async with db.acting_as(viewer, link=event) as tx:
        found = await rsvps.attendees(tx, event, query, after)
    return lists.answer(request, found.items, lists.after(request, name, query, found))


@get("/api/events/{event}/comments", answers=Comments, may=(404, 422), tag=TAG)
async def list_comments(request: Any, viewer: Viewer, db: Database, event: Reference, query: CommentFilters) -> Answer:
    """Comments of an event, the oldest first"""
    name = f"comments of {event}"
    after = cursors.read(request, name, query, query.cursor, tuple[float, str])
    async with db.acting_as(viewer, link=event) as tx:
        found = await comments.thread(tx, event, query, after)
    return lists.answer(request, found.items, lists.after(request, name, query, found))


@post("/api/events/{event}/comments", answers=Comment, signed_in=True, once=True, may=(404,), tag=TAG)
async def create_comment(request: Any, viewer: Viewer, event: Reference, data: NewComment) -> Answer:
    """Comment on an event, or reply"""

    async def write(tx: Transaction) -> Answer:
        made = await comments.create(tx, event, data)
        return created(made.body.encode(), lists.location(request, made.body, "/api/comments"))

    return await once(request, viewer, write, link=event)


@get("/api/comments/{comment}", answers=Comment, may=(404,), versioned=True, tag=TAG)
async def read_comment(request: Any, viewer: Viewer, db: Database, comment: UUID) -> Answer:
    """One comment"""
    async with db.reading_as(viewer) as tx:
        found = await comments.read(tx, comment)
    return conditional.answer(request, found.body.encode(), version=found.version)


@patch("/api/comments/{comment}", answers=Comment, signed_in=True, may=(403, 404), versioned=True, tag=TAG)
async def edit_comment(request: Any, viewer: Viewer, db: Database, comment: UUID, data: CommentChanges) -> Answer:
    """Change one's comment"""
    async with db.acting_as(viewer) as tx:
        found = await comments.edit(tx, comment, data, version=wanted_version(request))
    return conditional.answer(request, found.body.encode(), version=found.version)


@delete("/api/comments/{comment}", signed_in=True, may=(403, 404), tag=TAG)
async def delete_comment(viewer: Viewer, db: Database, comment: UUID) -> Answer:
    """Remove a comment (its author, who runs the event, moderators)"""
    async with db.acting_as(viewer) as tx:
        await comments.delete(tx, comment)
    return nothing()


ROUTES = [
    list_events,
    create_event,
    read_event,
    read_calendar,
    list_calendar,
    edit_event,
    delete_event,
    publish_event,
    cancel_event,
    answer_event,
    list_answers,
    list_comments,
    create_comment,
    read_comment,
    edit_comment,
    delete_comment,
]
