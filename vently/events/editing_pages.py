"""Pages that create and edit an event."""

from datetime import UTC, datetime
from typing import Any

import msgspec

from vently.communities import communities
from vently.database.pool import Database, Transaction, Viewer
from vently.events import discovery, events, page_forms
from vently.events.shapes import Event
from vently.refusals import Conflict, Invalid, NotAllowed, Refusal
from vently.web import flashes, forms, pages
from vently.web.answers import Answer, redirect
from vently.web.form_pages import typed, wrong
from vently.web.routes import get, post
from vently.web.words import Reference, Slug


class Wish(msgspec.Struct):
    """`community`: the one that the new event is for."""

    community: Slug | None = None


@get("/events/new", signed_in=True)
async def new_event(request: Any, viewer: Viewer, db: Database, query: Wish) -> Answer:
    """An empty form"""
    return await _form(request, viewer, db, {"community": query.community or "", "visibility": "public"})


@post("/events/new", signed_in=True)
async def create_event(request: Any, viewer: Viewer, db: Database) -> Answer:
    """Save as draft, or publish"""
    sent = typed(await forms.fields(request))
    try:
        async with db.acting_as(viewer) as tx:
            made = _decoded((await events.create(tx, page_forms.new_event(sent))).body)
    except (Invalid, Conflict, NotAllowed) as refused:
        return await _form(request, viewer, db, sent, refused=refused)
    flashes.leave(request, "ok", "Saved as a draft." if made.status == "draft" else "It is out. Tell people!")
    return redirect(f"/events/{made.slug}")


@get("/events/{event}/edit", signed_in=True)
async def edit_event(request: Any, viewer: Viewer, db: Database, event: Reference) -> Answer:
    """The form of an event that stands"""
    async with db.acting_as(viewer, link=event) as tx:
        found = await _editable(tx, event)
    return await _form(request, viewer, db, page_forms.filled(found), event=found)


@post("/events/{event}/edit", signed_in=True)
async def save_event(request: Any, viewer: Viewer, db: Database, event: Reference) -> Answer:
    """Save changes"""
    sent = typed(await forms.fields(request))
    async with db.acting_as(viewer, link=event) as tx:
        found = await _editable(tx, event)
    try:
        async with db.acting_as(viewer, link=event) as tx:
            saved = _decoded((await events.edit(tx, event, page_forms.changes(sent, found), version=None)).body)
    except (Invalid, Conflict, NotAllowed) as refused:
        return await _form(request, viewer, db, sent, event=found, refused=refused)
    flashes.leave(request, "ok", "Saved.")
    return redirect(f"/events/{saved.slug}")


async def _editable(tx: Transaction, event: str) -> Event:
    found = _decoded((await events.read(tx, event)).body)
    if not (await events.rights(tx, found.id)).runs:
        raise NotAllowed("Only those who run this event may change it.")
    return found


async def _form(
    request: Any,
    viewer: Viewer,
    db: Database,
    form: dict[str, str],
    *,
    event: Event | None = None,
    refused: Refusal | None = None,
) -> Answer:
    async with db.acting_as(viewer) as tx:
        mine = [found for found in await communities.mine(tx) if found.role in ("organizer", "admin", "owner")]
        facets = await discovery.facets(tx, datetime.now(UTC))
    return await pages.page(
        request,
        "events/edit.html",
        status=refused.status if refused else 200,
        event=event,
        form=form,
        errors=wrong(refused) if refused else {},
        communities=mine,
        categories=[{"slug": facet.name, "name": facet.name} for facet in facets if facet.kind == "category"],
    )


def _decoded(body: str) -> Event:
    return msgspec.json.decode(body, type=Event)


ROUTES = [new_event, create_event, edit_event, save_event]
