"""Orders over HTTP, after they were placed: `/api/tickets/orders`."""

from typing import Any
from uuid import UUID

from vently.database.pool import Database, Viewer
from vently.tickets.orders import orders
from vently.tickets.orders.shapes import Key, Mine, OrderChanges, Orders
from vently.tickets.till import links
from vently.tickets.till.shapes import Order
from vently.web import conditional, cursors, facts, lists
from vently.web.answers import Answer, nothing
from vently.web.conditional import wanted_version
from vently.web.routes import delete, get, patch

TAG = "Tickets"
_LIST = "my orders"


@get("/api/tickets/orders", answers=Orders, signed_in=True, may=(422,), tag=TAG)
async def list_orders(request: Any, viewer: Viewer, db: Database, query: Mine) -> Answer:
    """My orders, the latest first: of my account, and those placed as a guest with my confirmed address"""
    after = cursors.read(request, _LIST, query, query.cursor, tuple[None, UUID])
    async with db.acting_as(viewer) as tx:
        found = await orders.mine(tx, query.limit, after[1] if after else None)
    return lists.answer(request, found.items, lists.after(request, _LIST, query, found))


@get("/api/tickets/orders/{order}", answers=Order, may=(404,), versioned=True, tag=TAG)
async def read_order(request: Any, viewer: Viewer, order: UUID, query: Key) -> Answer:
    """One order: for its buyer, for who runs the event, and for guests with the key of its link"""
    async with orders.opened(facts.of(request).parts, viewer, order, query.key) as tx:
        found = await orders.read(tx, order)
    return conditional.answer(request, found.body.encode(), version=found.version)


@patch("/api/tickets/orders/{order}", answers=Order, may=(404, 409), versioned=True, tag=TAG)
async def correct_order(request: Any, viewer: Viewer, order: UUID, query: Key, data: OrderChanges) -> Answer:
    """Correct the buyer or the attendees; a new address gets the tickets again, and ends the old link and codes"""
    parts = facts.of(request).parts
    async with orders.opened(parts, viewer, order, query.key) as tx:
        await orders.correct(tx, order, data, version=wanted_version(request))
        found = await orders.read(tx, order)
        serial = (await orders.standing(tx, order)).link_serial
    body = found.body.encode()
    if query.key and links.opened_order(parts, order, query.key) is not None:
        body = links.with_link(parts, found.body, order, serial)  # theirs may be worthless now
    return conditional.answer(request, body, version=found.version)


@delete("/api/tickets/orders/{order}", may=(404, 409), versioned=True, tag=TAG)
async def give_back_order(request: Any, viewer: Viewer, order: UUID, query: Key) -> Answer:
    """Give back what an order holds and has not paid"""
    async with orders.opened(facts.of(request).parts, viewer, order, query.key) as tx:
        await orders.give_back(tx, order, version=wanted_version(request))
    return nothing()


ROUTES = [list_orders, read_order, correct_order, give_back_order]
