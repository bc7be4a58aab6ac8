"""The page on which organisers say how an event is paid, and who sells."""

from typing import Any

import msgspec

from vently.database.pool import Database, Transaction, Viewer
from vently.refusals import Conflict, Invalid, NotAllowed, Refusal
from vently.tickets.types import selling_forms, settings
from vently.tickets.types.selling import shown_to_run
from vently.tickets.types.shapes import Sale
from vently.web import flashes, forms, money, pages
from vently.web.answers import Answer, redirect
from vently.web.form_pages import typed, wrong
from vently.web.routes import get, post
from vently.web.words import Reference


@get("/events/{event}/sale", signed_in=True)
async def show_sale(request: Any, viewer: Viewer, db: Database, event: Reference) -> Answer:
    """How the event sells"""
    return await _settings(request, viewer, db, event)


@post("/events/{event}/sale", signed_in=True)
async def save_sale(request: Any, viewer: Viewer, db: Database, event: Reference) -> Answer:
    """Change how the event sells"""
    sent = typed(await forms.fields(request))
    try:
        async with db.acting_as(viewer, link=event) as tx:
            await shown_to_run(tx, viewer, event)
            stands = await _sale(tx, viewer, event)
            patch = selling_forms.sale_changes(sent, stands)
            await settings.edit(tx, viewer, event, patch, version=None)
    except (Invalid, Conflict, NotAllowed) as refused:
        return await _settings(request, viewer, db, event, sent=sent, refused=refused)
    flashes.leave(request, "ok", "Saved.")
    return redirect(f"/events/{event}/ticket-types")


async def _settings(
    request: Any,
    viewer: Viewer,
    db: Database,
    event: str,
    *,
    sent: dict[str, str] | None = None,
    refused: Refusal | None = None,
) -> Answer:
    async with db.acting_as(viewer, link=event) as tx:
        shown, found = await shown_to_run(tx, viewer, event)  # who runs it but is no admin may not say who sells
        sale = await _sale(tx, viewer, event) if found.currency else None
    if sale is None:
        return redirect(f"/events/{event}/ticket-types")
    return await pages.page(
        request,
        "tickets/sale.html",
        status=refused.status if refused else 200,
        event=shown,
        sale=sale,
        currencies=sorted(money.currencies()),
        form=selling_forms.filled_sale(sale) if sent is None else sent,
        errors=wrong(refused) if refused else {},
    )


async def _sale(tx: Transaction, viewer: Viewer, event: str) -> Sale:
    return msgspec.json.decode((await settings.read(tx, viewer, event)).body, type=Sale)


ROUTES = [show_sale, save_sale]
