"""What a request to buy becomes for the till."""

import secrets
import time
from typing import Any
from uuid import UUID

import msgspec

from vently.database.pool import Viewer
from vently.refusals import FieldError, Invalid
from vently.tickets.till.shapes import NewBuyer, NewItem, NewOrder
from vently.tickets.till.till import Cart
from vently.web import idempotency


class Placed(msgspec.Struct):
    """Of an order's JSON, its id."""

    id: UUID


def cart(request: Any, viewer: Viewer, data: NewOrder) -> Cart:
    """As the request asks for it, exactly once when it has a key. Raises Invalid as `filled` does."""
    made = filled(viewer, data)
    if (key := idempotency.key_of(request)) is not None:
        made.key = key
        made.fingerprint = idempotency.fingerprint(request)
        made.scope = str(viewer.id) if viewer.id else f"visitor:{made.fingerprint}"
    return made


def filled(viewer: Viewer, data: NewOrder) -> Cart:
    """Raises Invalid for what needs no look into the database."""
    buyer = data.buyer or NewBuyer()
    email = buyer.email or str(viewer.claims.get("email") or "") or None
    wrong = [
        FieldError(f"/items/{place}/attendees", f"names more than the {item.quantity} of this item")
        for place, item in enumerate(data.items)
        if len(item.attendees) > item.quantity
    ]
    if email is None:
        wrong.append(FieldError("/buyer/email", "is where the tickets go"))
    if viewer.id is None and buyer.name is None:
        wrong.append(FieldError("/buyer/name", "is needed from whoever is not signed in"))
    if wrong:
        raise Invalid(errors=wrong)
    return Cart(
        data.event,
        uuid7(),
        uuid7(),
        [_item(item) for item in data.items],
        viewer=viewer.id,
        session=viewer.session_id,
        aal=viewer.claims.get("aal"),
        name=buyer.name,
        email=email,
        address=buyer.address,
        tax_id=buyer.tax_id,
        code=data.discount_code,
        access_code=data.access_code,
        method=data.method,
    )


def uuid7() -> UUID:
    """RFC 9562, version 7: the milliseconds first, so that rows made together lie together."""
    moment = time.time_ns() // 1_000_000
    chance = secrets.randbits(74)
    return UUID(int=moment << 80 | 7 << 76 | (chance >> 62) << 64 | 2 << 62 | chance & (1 << 62) - 1)


def _item(item: NewItem) -> dict[str, Any]:
    made: dict[str, Any] = {"ticket_type": item.ticket_type, "quantity": item.quantity}
    if item.price is not None:
        made |= {"price": item.price.amount, "currency": item.price.currency}
    if item.attendees:
        made["attendees"] = item.attendees
    return made
