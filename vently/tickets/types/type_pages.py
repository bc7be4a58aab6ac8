"""Pages that add and edit a ticket type."""

from typing import Any
from uuid import UUID

import msgspec

from vently.database.pool import Database, Transaction, Viewer
from vently.refusals import Conflict, Invalid, NotAllowed, Refusal
from vently.tickets.types import pools, selling, selling_forms, ticket_types
from vently.tickets.types.selling import shown_to_run
from vently.tickets.types.shapes import Pool, TicketType
from vently.web import flashes, forms, money, pages
from vently.web.answers import Answer, redirect
from vently.web.form_pages import typed, wrong
from vently.web.routes import get, post
from vently.web.words import Reference


@get("/events/{event}/ticket-types/new", signed_in=True)
async def new_ticket_type(request: Any, viewer: Viewer, db: Database, event: Reference) -> Answer:
    """An empty form"""
    async with db.acting_as(viewer, link=event) as tx:
        found = await selling.run(tx, viewer, event)
    return await _form(request, viewer, db, event, selling_forms.blank(found.currency))


@post("/events/{event}/ticket-types", signed_in=True)
async def create_ticket_type(request: Any, viewer: Viewer, db: Database, event: Reference) -> Answer:
    """Sell something"""
    sent = typed(await forms.fields(request))
    try:
        async with db.acting_as(viewer, link=event) as tx:
            shown, found = await shown_to_run(tx, viewer, event)
            new = selling_forms.new_type(sent, found.currency, shown.timezone)
            await ticket_types.add(tx, viewer, event, new)
    except (Invalid, Conflict) as refused:
        return await _form(request, viewer, db, event, sent, refused=refused)
    flashes.leave(request, "ok", f"“{new.name}” is on the list.")
    return redirect(f"/events/{event}/ticket-types")


@get("/events/{event}/ticket-types/{ticket_type}", signed_in=True)
async def edit_ticket_type(request: Any, viewer: Viewer, db: Database, event: Reference, ticket_type: UUID) -> Answer:
    """The form of one that stands"""
    async with db.acting_as(viewer, link=event) as tx:
        shown, _ = await shown_to_run(tx, viewer, event)
        kind = await _kind(tx, viewer, ticket_type)
    return await _form(request, viewer, db, event, selling_forms.filled(kind, shown.timezone), kind=kind)


@post("/events/{event}/ticket-types/{ticket_type}", signed_in=True)
async def save_ticket_type(request: Any, viewer: Viewer, db: Database, event: Reference, ticket_type: UUID) -> Answer:
    """Save changes"""
    sent = typed(await forms.fields(request))
    async with db.acting_as(viewer, link=event) as tx:
        shown, _ = await shown_to_run(tx, viewer, event)
        kind = await _kind(tx, viewer, ticket_type)
    try:
        async with db.acting_as(viewer, link=event) as tx:
            patch = selling_forms.type_changes(sent, kind, shown.timezone)
            await ticket_types.edit(tx, viewer, ticket_type, patch, version=None)
    except (Invalid, Conflict) as refused:
        return await _form(request, viewer, db, event, sent, kind=kind, refused=refused)
    flashes.leave(request, "ok", "Saved.")
    return redirect(f"/events/{event}/ticket-types")


async def _form(
    request: Any,
    viewer: Viewer,
    db: Database,
    event: str,
    form: dict[str, str],
    *,
    kind: TicketType | None = None,
    refused: Refusal | None = None,
) -> Answer:
    async with db.acting_as(viewer, link=event) as tx:
        shown, found = await shown_to_run(tx, viewer, event)
        shared = msgspec.json.decode(await pools.listed(tx, viewer, event), type=list[Pool])
    return await pages.page(
        request,
        "tickets/ticket_type.html",
        status=refused.status if refused else 200,
        event=shown,
        kind=kind,
        currency=found.currency,
        currencies=sorted(money.currencies()) if found.currency is None else [],
        pools=shared,
        form=form,
        errors=wrong(refused) if refused else {},
    )


async def _kind(tx: Transaction, viewer: Viewer, ticket_type: UUID) -> TicketType:
    kind = msgspec.json.decode((await ticket_types.read(tx, viewer, ticket_type)).body, type=TicketType)
    if kind.quantity is None:
        raise NotAllowed("Only those who run this event may change what it sells.")
    return kind


ROUTES = [new_ticket_type, create_ticket_type, edit_ticket_type, save_ticket_type]
