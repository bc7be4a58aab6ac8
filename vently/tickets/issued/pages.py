"""The form that hands a ticket on."""

from typing import Any
from uuid import UUID

from vently.database.pool import Viewer
from vently.refusals import Conflict, Invalid
from vently.tickets.issued import issued, transfers
from vently.tickets.issued.shapes import NewTransfer, TicketKey
from vently.web import facts, flashes, forms
from vently.web.answers import Answer, redirect
from vently.web.form_pages import as_shape, typed
from vently.web.routes import post


@post("/tickets/{ticket}/transfer")
async def hand_on_by_form(request: Any, viewer: Viewer, ticket: UUID, query: TicketKey) -> Answer:
    """Hand a ticket on; whoever holds its link alone has nothing to come back to afterwards"""
    sent = typed(await forms.fields(request))
    parts = facts.of(request).parts
    back = f"/tickets/{ticket}?key={query.key}" if query.key else f"/tickets/{ticket}"
    async with issued.opened(parts, viewer, ticket, query.key) as tx:
        before = await issued.read(tx, parts, ticket)
    try:
        new = as_shape(
            NewTransfer, {"email": sent.get("email", "").strip(), "name": sent.get("name", "").strip() or None}
        )
        async with issued.opened(parts, viewer, ticket, query.key) as tx:
            await transfers.hand_on(tx, ticket, new)
    except Invalid as refused:
        flashes.leave(request, "error", " ".join(f"{_field(one.pointer)} {one.detail}." for one in refused.errors))
        return redirect(back)
    except Conflict as refused:
        flashes.leave(request, "error", refused.detail)
        return redirect(back)
    flashes.leave(request, "ok", f"Handed on to {new.email}. Their ticket is on its way by mail.")
    return redirect("/me/tickets" if viewer.id else f"/events/{before.event.slug}")


def _field(pointer: str) -> str:
    return "The e-mail address" if pointer == "/email" else "The name"


ROUTES = [hand_on_by_form]
