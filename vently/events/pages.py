"""Pages of events: discover, one event with answers and comments, my events."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from vently.communities import communities
from vently.database.pool import Database, Transaction, Viewer
from vently.events import comments, discovery, events, rsvps
from vently.events.shapes import (
    Comment,
    CommentChanges,
    CommentFilters,
    Event,
    EventFilters,
    NewComment,
    NewRsvp,
)
from vently.people import profiles
from vently.refusals import Conflict, Invalid
from vently.web import cursors, facts, flashes, forms, lists, pages
from vently.web.answers import Answer, redirect
from vently.web.form_pages import as_shape, typed, wrong
from vently.web.prose import markdown
from vently.web.query import parse
from vently.web.routes import get, post
from vently.web.words import Reference

Short = Annotated[str, Meta(max_length=200)]


class Discover(msgspec.Struct):
    """The inputs of the discover page; empty ones count as not given."""

    q: Short = ""
    city: Short = ""
    when: Literal["", "today", "week", "month", "past"] = ""
    category: Short = ""
    online: Literal["", "1"] = ""
    sort: Literal["", "soonest", "relevance", "popular"] = ""
    cursor: Annotated[str, Meta(max_length=2000)] = ""


@get("/")
async def discover(request: Any, viewer: Viewer, db: Database, query: Discover) -> Answer:
    """What is on"""
    filters = _filters(query)
    after = cursors.read(request, "discover", _stable(query), query.cursor or None, tuple[float, str])
    async with db.reading_as(viewer) as tx:
        found = await discovery.search(tx, filters, after)
        facets = await discovery.facets(tx, datetime.now(UTC))
    return await pages.page(
        request,
        "events/discover.html",
        events=msgspec.json.decode(found.items, type=list[Event]),
        next=lists.after(request, "discover", _stable(query), found),
        filters={**msgspec.structs.asdict(query), "online": bool(query.online)},
        categories=[{"slug": f.name, "name": f.name, "count": f.count} for f in facets if f.kind == "category"],
        cities=[{"name": f.name, "count": f.count} for f in facets if f.kind == "city"],
    )


@get("/events/{event}")
async def show_event(request: Any, viewer: Viewer, db: Database, event: Reference) -> Answer:
    """One event"""
    return await _event_page(request, viewer, db, event)


class AnswerForm(msgspec.Struct):
    """Which button was pressed."""

    status: Literal["going", "interested", "declined"]
    guests: Annotated[int, Meta(ge=0, le=10)] = 0


@post("/events/{event}/rsvp", signed_in=True)
async def answer(request: Any, viewer: Viewer, db: Database, event: Reference) -> Answer:
    """Answer an event"""
    form = await forms.read(request, AnswerForm)
    try:
        async with db.acting_as(viewer, link=event) as tx:
            given = await rsvps.answer(tx, event, NewRsvp(form.status, form.guests))
    except Conflict as refused:
        flashes.leave(request, "error", refused.detail)
        return redirect(f"/events/{event}")
    said = {
        "going": "You’re going. See you there!",
        "interested": "Noted: you’re interested.",
        "declined": "Noted: you can’t make it.",
        "waitlisted": f"It is full. You are number {given.position} in line.",
    }
    flashes.leave(request, "ok", said[given.status])
    return redirect(f"/events/{event}")


class CommentForm(msgspec.Struct):
    """A comment as typed."""

    body: Annotated[str, Meta(max_length=5000)] = ""
    reply_to: UUID | None = None


@post("/events/{event}/comments", signed_in=True)
async def comment(request: Any, viewer: Viewer, db: Database, event: Reference) -> Answer:
    """Say something"""
    form = await forms.read(request, CommentForm)
    try:
        async with db.acting_as(viewer, link=event) as tx:
            await comments.create(tx, event, _checked(NewComment(form.body, form.reply_to)))
    except Invalid as refused:
        sent = typed(await forms.fields(request))
        return await _event_page(request, viewer, db, event, form=sent, errors=wrong(refused), status=422)
    return redirect(f"/events/{event}#talk")


@post("/comments/{comment}", signed_in=True)
async def edit_comment(request: Any, viewer: Viewer, db: Database, comment: UUID) -> Answer:
    """Change what one said"""
    form = await forms.read(request, CommentForm)
    async with db.acting_as(viewer) as tx:
        stands = msgspec.json.decode((await comments.read(tx, comment)).body, type=Comment)
        await comments.edit(tx, comment, _checked(CommentChanges(form.body)), version=None)
    return redirect(f"/events/{stands.event_id}#comment-{comment}")


@post("/comments/{comment}/deletion", signed_in=True)
async def delete_comment(request: Any, viewer: Viewer, db: Database, comment: UUID) -> Answer:
    """Take back what one said"""
    async with db.acting_as(viewer) as tx:
        stands = msgspec.json.decode((await comments.read(tx, comment)).body, type=Comment)
        await comments.delete(tx, comment)
    flashes.leave(request, "ok", "The comment is gone.")
    return redirect(f"/events/{stands.event_id}#talk")


@post("/events/{event}/publication", signed_in=True)
async def publish(request: Any, viewer: Viewer, db: Database, event: Reference) -> Answer:
    """Publish a draft"""
    return await _act(request, viewer, db, event, events.publish, "It is out. Tell people!")


@post("/events/{event}/cancellation", signed_in=True)
async def cancel(request: Any, viewer: Viewer, db: Database, event: Reference) -> Answer:
    """Cancel an event"""
    return await _act(request, viewer, db, event, events.cancel, "The event is cancelled.")


@post("/events/{event}/deletion", signed_in=True)
async def delete(request: Any, viewer: Viewer, db: Database, event: Reference) -> Answer:
    """Delete an event"""
    async with db.acting_as(viewer, link=event) as tx:
        await events.delete(tx, event, version=None)
    flashes.leave(request, "ok", "The event is deleted.")
    return redirect("/me")


@get("/me", signed_in=True)
async def mine(request: Any, viewer: Viewer, db: Database) -> Answer:
    """My events"""
    now = datetime.now(UTC)
    async with db.acting_as(viewer) as tx:
        me = msgspec.json.decode((await profiles.me(tx)).body, type=profiles.Me)
        upcoming = await discovery.answered(tx, now, now + timedelta(days=36_500))
        past = await discovery.answered(tx, now - timedelta(days=3650), now)
        hosting = await discovery.hosted(tx, now - timedelta(days=30))
        belongs = await communities.mine(tx)
    shown = {"handle": me.handle, "name": me.name, "email": me.email, "bio": me.bio, "city": me.city}
    return await pages.page(
        request,
        "events/mine.html",
        upcoming=upcoming,
        past=past[::-1],
        hosting=hosting,
        communities=belongs,
        me={**shown, "organizer_status": me.organizer.status},
    )


async def _event_page(
    request: Any,
    viewer: Viewer,
    db: Database,
    event: str,
    *,
    form: dict[str, str] | None = None,
    errors: dict[str, str] | None = None,
    status: int = 200,
) -> Answer:
    # Addresses of events are passed on with parameters of others' (`?fbclid=…`): those are not ours to refuse.
    cursor = dict(parse(request.scope["query_string"])).get("cursor")
    talk = f"talk of {event}"
    after = cursors.read(request, talk, None, cursor, tuple[float, str])
    async with db.acting_as(viewer, link=event) as tx:
        found = msgspec.json.decode((await events.read(tx, event)).body, type=Event)
        rights = await events.rights(tx, found.id) if viewer.id else events.Rights(False, False)
        said = await comments.thread(tx, event, CommentFilters(100), after)
        going = await rsvps.going(tx, found.id) if viewer.id else []
        me = await profiles.portrait(tx) if viewer.id else None
        # What is sold stands in a room above.
        box = await facts.of(request).parts.other["ticket_box"](tx, viewer, found.id, request)
    return await pages.page(
        request,
        "events/event.html",
        status=status,
        viewer=me,
        event=found,
        description_html=markdown(found.description) if found.description else "",
        comments=_threads(msgspec.json.decode(said.items, type=list[Comment]), me.handle if me else None, rights),
        next=lists.after(request, talk, None, said),
        continued=cursor is not None,
        can={
            "edit": rights.runs,
            "publish": rights.runs and found.status == "draft",
            "cancel": rights.runs and found.status in ("published", "postponed"),
            "delete": rights.runs,
            "comment": viewer.id is not None and found.status != "draft",
        },
        attendees=going,
        ticket_box=box,
        form=form or {},
        errors=errors or {},
    )


def _threads(thread: list[Comment], handle: str | None, rights: events.Rights) -> list[dict[str, Any]]:
    """Comments with their replies below them; a reply to a reply stands under the same comment."""
    shown: dict[UUID, dict[str, Any]] = {}
    tops: list[dict[str, Any]] = []
    for one in thread:
        own = one.author is not None and one.author.handle == handle
        card = {
            **msgspec.structs.asdict(one),
            "edited": one.version > 1,
            "mine": own,
            "removable": own or rights.runs or rights.moderates,
            "replies": [],
        }
        parent = shown.get(one.reply_to) if one.reply_to else None
        (parent["replies"] if parent else tops).append(card)
        shown[one.id] = parent or card
    return tops


async def _act(
    request: Any,
    viewer: Viewer,
    db: Database,
    event: str,
    verb: Callable[[Transaction, str], Awaitable[Any]],
    said: str,
) -> Answer:
    try:
        async with db.acting_as(viewer, link=event) as tx:
            await verb(tx, event)
    except Conflict as refused:
        flashes.leave(request, "error", refused.detail)
    else:
        flashes.leave(request, "ok", said)
    return redirect(f"/events/{event}")


def _checked(value: Any) -> Any:
    """Through the same type that the API reads. Raises Invalid."""
    return as_shape(type(value), msgspec.to_builtins(value))


def _filters(query: Discover) -> EventFilters:
    today = datetime.now(UTC).date()
    until = {"today": today, "week": today + timedelta(days=6), "month": today + timedelta(days=30)}.get(query.when)
    past = query.when == "past"
    return EventFilters(
        q=query.q.strip() or None,
        from_=None if past else datetime.now(UTC).isoformat(timespec="seconds"),
        to=datetime.now(UTC).isoformat(timespec="seconds") if past else until.isoformat() if until else None,
        city=query.city.strip() or None,
        category=query.category.strip() or None,
        online=True if query.online else None,
        sort="latest" if past else query.sort or "soonest",
        limit=24,
    )


def _stable(query: Discover) -> dict[str, Any]:
    """What a cursor is bound to: the inputs, not the moment they were sent."""
    return {name: value for name, value in msgspec.structs.asdict(query).items() if name != "cursor"}


ROUTES = [discover, show_event, answer, comment, edit_comment, delete_comment, publish, cancel, delete, mine]
