"""The organiser's desk as pages: sales, attendees, orders."""

from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

from vently.database.pool import Database, Viewer
from vently.tickets.sales import desk
from vently.tickets.sales.shapes import Attendee, AttendeeChoice, OrderFilters, OrderRow, Sales
from vently.web import cursors, lists, pages
from vently.web.answers import Answer
from vently.web.routes import get
from vently.web.words import Reference

PAGE = 50
Short = Annotated[str, Meta(max_length=200)]
Cursor = Annotated[str, Meta(max_length=2000)]


@get("/events/{event}/sales", signed_in=True)
async def show_sales(request: Any, viewer: Viewer, db: Database, event: Reference) -> Answer:
    """What the event sold"""
    async with db.acting_as(viewer, link=event) as tx:
        told = msgspec.json.decode(await desk.sales(tx, await desk.at(tx, event)), type=Sales)
    return await pages.page(request, "tickets/sales.html", event=told.event, sales=told)


class Choice(msgspec.Struct):
    """The inputs of the list of attendees; empty ones count as not given."""

    q: Short = ""
    ticket_type: Short = ""
    status: Literal["", "valid", "held", "void", "refunded"] = ""
    cursor: Cursor = ""


@get("/events/{event}/attendees", signed_in=True)
async def show_attendees(request: Any, viewer: Viewer, db: Database, event: Reference, query: Choice) -> Answer:
    """Who comes"""
    name, inputs = f"attendees page of {event}", _inputs(query)
    after = cursors.read(request, name, inputs, query.cursor or None, tuple[str, str])
    choice = AttendeeChoice(query.q.strip() or None, _id(query.ticket_type), query.status or "valid")
    async with db.acting_as(viewer, link=event) as tx:
        found = await desk.at(tx, event)
        listing = await desk.attendees(tx, found, choice, after, PAGE)
        types = await desk.types(tx, found)
    return await pages.page(
        request,
        "tickets/attendees.html",
        event=found,
        attendees=msgspec.json.decode(listing.items, type=list[Attendee]),
        next=lists.after(request, name, inputs, listing),
        types=types,
        filters={**inputs, "cursor": query.cursor},
    )


class OrderChoice(msgspec.Struct):
    """The inputs of the list of orders."""

    q: Short = ""
    status: Literal["", "pending", "paid", "expired", "cancelled", "refunded", "partially_refunded"] = ""
    method: Literal["", "free", "card", "transfer", "door"] = ""
    cursor: Cursor = ""


@get("/events/{event}/orders", signed_in=True)
async def show_orders(request: Any, viewer: Viewer, db: Database, event: Reference, query: OrderChoice) -> Answer:
    """Its orders"""
    name, inputs = f"orders page of {event}", _inputs(query)
    after = cursors.read(request, name, inputs, query.cursor or None, tuple[str, str])
    filters = OrderFilters(query.q.strip() or None, query.status or None, query.method or None, PAGE)
    async with db.acting_as(viewer, link=event) as tx:
        found = await desk.at(tx, event)
        listing = await desk.orders(tx, found, filters, after)
    return await pages.page(
        request,
        "tickets/orders.html",
        event=found,
        orders=msgspec.json.decode(listing.items, type=list[OrderRow]),
        next=lists.after(request, name, inputs, listing),
        filters={**inputs, "cursor": query.cursor},
    )


def _inputs(query: Any) -> dict[str, Any]:
    """What a cursor is bound to."""
    return {name: value for name, value in msgspec.structs.asdict(query).items() if name != "cursor"}


def _id(text: str) -> UUID | None:
    """A type that is none is no filter."""
    try:
        return UUID(text)
    except ValueError:
        return None


ROUTES: list[Any] = [show_sales, show_attendees, show_orders]
