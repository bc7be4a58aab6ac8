"""Sales, attendees and orders over HTTP, for who runs the event."""

from typing import Any

from vently.database.pool import Database, Viewer
from vently.tickets.sales import csv_export, desk
from vently.tickets.sales.shapes import (
    AttendeeChoice,
    AttendeeFilters,
    Attendees,
    OfEvent,
    OrderFilters,
    OrderRows,
    Sales,
)
from vently.web import conditional, cursors, lists
from vently.web.answers import Answer
from vently.web.routes import get
from vently.web.words import Reference

TAG = "Sales"


@get("/api/tickets/sales", answers=Sales, signed_in=True, may=(403, 404), tag=TAG)
async def read_sales(request: Any, viewer: Viewer, db: Database, query: OfEvent) -> Answer:
    """What an event sold: totals, by ticket type, by day of its time zone, by discount code, by way to pay"""
    async with db.acting_as(viewer) as tx:
        body = await desk.sales(tx, await desk.at(tx, query.event))
    return conditional.answer(request, body)


@get("/api/events/{event}/attendees", answers=Attendees, signed_in=True, may=(403, 404, 422), tag=TAG)
async def list_attendees(
    request: Any, viewer: Viewer, db: Database, event: Reference, query: AttendeeFilters
) -> Answer:
    """Who comes: a ticket each, those of the newest orders first"""
    name = f"attendees of {event}"
    after = cursors.read(request, name, query, query.cursor, tuple[str, str])
    async with db.acting_as(viewer) as tx:
        found = await desk.attendees(tx, await desk.at(tx, event), query, after, query.limit)
    return lists.answer(request, found.items, lists.after(request, name, query, found))


@get(
    "/api/events/{event}/attendees.csv",
    signed_in=True,
    may=(403, 404, 413, 422),
    media_type="text/csv",
    tag=TAG,
)
async def export_attendees(viewer: Viewer, db: Database, event: Reference, query: AttendeeChoice) -> Answer:
    """The same as a spreadsheet (UTF-8, RFC 4180), with a column for each question

    A cell that a spreadsheet would take for a formula has an apostrophe before it.
    """
    async with db.acting_as(viewer) as tx:
        whose = await desk.at(tx, event)
        body = await csv_export.attendees(tx, whose, query)
    file = {"content-disposition": f'attachment; filename="attendees-{whose.slug}.csv"'}
    return Answer(body, headers=file, media_type="text/csv; charset=utf-8")


@get("/api/events/{event}/orders", answers=OrderRows, signed_in=True, may=(403, 404, 422), tag=TAG)
async def list_event_orders(
    request: Any, viewer: Viewer, db: Database, event: Reference, query: OrderFilters
) -> Answer:
    """Orders of an event, the newest first"""
    name = f"orders of {event}"
    after = cursors.read(request, name, query, query.cursor, tuple[str, str])
    async with db.acting_as(viewer) as tx:
        found = await desk.orders(tx, await desk.at(tx, event), query, after)
    return lists.answer(request, found.items, lists.after(request, name, query, found))


ROUTES = [read_sales, list_attendees, export_attendees, list_event_orders]
