"""Pages of tickets: mine, and one to show at the door."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec

from vently.database.pool import Database, Viewer
from vently.tickets.orders import held, orders
from vently.tickets.orders.shapes import Key, Mine
from vently.tickets.till import links
from vently.tickets.till.shapes import Order
from vently.web import cursors, facts, lists, pages
from vently.web.answers import Answer
from vently.web.routes import get

_LIST = "orders of my page"


@get("/me/tickets", signed_in=True)
async def my_tickets(request: Any, viewer: Viewer, db: Database, query: Mine) -> Answer:
    """My tickets, and the orders they came by"""
    after = cursors.read(request, _LIST, None, query.cursor, tuple[None, UUID])
    async with db.acting_as(viewer) as tx:
        evenings = await held.mine(tx)
        found = await orders.mine(tx, query.limit, after[1] if after else None)
    now = datetime.now(UTC)
    return await pages.page(
        request,
        "tickets/my_tickets.html",
        upcoming=[one for one in evenings if one.event.ends_at >= now],
        past=[one for one in reversed(evenings) if one.event.ends_at < now],
        orders=msgspec.json.decode(found.items, type=list[Order]),
        next=lists.after(request, _LIST, None, found),
    )


@get("/tickets/{ticket}")
async def show_ticket(request: Any, viewer: Viewer, db: Database, ticket: UUID, query: Key) -> Answer:
    """One ticket, for the door"""
    parts = facts.of(request).parts
    serial = links.opened_ticket(parts, ticket, query.key) if query.key else None
    async with db.acting_as(viewer, link=f"ticket:{ticket}:{serial}" if serial is not None else "") as tx:
        found = await held.one(tx, ticket)
    return await pages.page(
        request,
        "tickets/ticket.html",
        ticket=found,
        event=found.event,
        opens=found.opens,
        qr=held.picture(parts, found),
        key=f"?key={query.key}" if serial is not None else "",
    )


ROUTES = [my_tickets, show_ticket]
