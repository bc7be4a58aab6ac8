"""Buying over HTTP: `POST /api/tickets/orders`."""

from typing import Any

import msgspec

from vently.database.pool import Viewer
from vently.tickets.till import carts, links
from vently.tickets.till.shapes import NewOrder, Order
from vently.tickets.till.till import Till
from vently.web import facts
from vently.web.answers import Answer
from vently.web.routes import post

TAG = "Tickets"


@post("/api/tickets/orders", answers=Order, once=True, direct=True, may=(403, 404, 409, 503), tag=TAG)
async def create_order(request: Any, viewer: Viewer, data: NewOrder) -> Answer:
    """Buy tickets: free ones are yours at once, others are held until you pay at `checkout_url`"""
    parts = facts.of(request).parts
    till: Till = parts.other["till"]
    sold = await till.sell(carts.cart(request, viewer, data))
    body = sold.body or "{}"
    order = msgspec.json.decode(body, type=carts.Placed)
    answer = Answer(
        links.with_link(parts, body, order.id),
        201,
        {"location": f"{parts.settings.site_url}/api/tickets/orders/{order.id}"},
    )
    return answer.add("idempotent-replayed", "true") if sold.replayed else answer


ROUTES = [create_order]
