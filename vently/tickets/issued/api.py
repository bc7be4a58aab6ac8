"""Issued tickets over HTTP: code, PDF, calendar, handing on."""

from typing import Any
from uuid import UUID

import msgspec

from vently.database.pool import Database, Transaction, Viewer
from vently.tickets.issued import issued, transfers
from vently.tickets.issued.calendars import MEDIA_TYPE
from vently.tickets.issued.documents import tickets_pdf
from vently.tickets.issued.shapes import MyTickets, NewTransfer, Ticket, TicketKey, Tickets, Transfer
from vently.tickets.till import links
from vently.web import conditional, cursors, facts, lists
from vently.web.answers import Answer, created
from vently.web.idempotency import once
from vently.web.routes import get, post

TAG = "Tickets"
PDF = "application/pdf"
_LIST = "my tickets"


@get("/api/tickets", answers=Tickets, signed_in=True, may=(422,), tag=TAG)
async def list_tickets(request: Any, viewer: Viewer, db: Database, query: MyTickets) -> Answer:
    """My tickets: what is to come first; bought, handed on to me, or to my confirmed address"""
    after = cursors.read(request, _LIST, query, query.cursor, tuple[float, UUID])
    async with db.acting_as(viewer) as tx:
        found = await issued.mine(tx, query.limit, after)
    return lists.answer(request, found.items, lists.after(request, _LIST, query, found))


@get("/api/tickets/{ticket}", answers=Ticket, may=(404,), tag=TAG)
async def read_ticket(request: Any, viewer: Viewer, ticket: UUID, query: TicketKey) -> Answer:
    """One ticket; its code is for whoever has it: the holder, the buyer until it is handed on, or by its link's key"""
    parts = facts.of(request).parts
    async with issued.opened(parts, viewer, ticket, query.key) as tx:
        found = await issued.read(tx, parts, ticket)
    return conditional.answer(request, msgspec.json.encode(found))


@get("/api/tickets/{ticket}.pdf", media_type=PDF, may=(404, 409), tag=TAG)
async def print_ticket(request: Any, viewer: Viewer, ticket: UUID, query: TicketKey) -> Answer:
    """One ticket on paper"""
    parts = facts.of(request).parts
    async with issued.opened(parts, viewer, ticket, query.key) as tx:
        row = await issued.printed(tx, ticket)
    return _pdf(await tickets_pdf(issued.papers(parts, [row])), "ticket")


@get("/api/tickets/orders/{order}.pdf", media_type=PDF, may=(404, 409), tag=TAG)
async def print_order(request: Any, viewer: Viewer, order: UUID, query: TicketKey) -> Answer:
    """All tickets of an order on paper, but those handed on"""
    parts = facts.of(request).parts
    opens = bool(query.key) and links.opened_order(parts, order, query.key or "") is not None
    async with parts.database.acting_as(viewer, link=f"order:{order}" if opens else "") as tx:
        rows = await issued.printed_of_order(tx, parts, order, query.key)
    return _pdf(await tickets_pdf(issued.papers(parts, rows)), "tickets")


@get("/api/tickets/{ticket}/calendar.ics", media_type="text/calendar", may=(404, 409), tag=TAG)
async def read_ticket_calendar(request: Any, viewer: Viewer, ticket: UUID, query: TicketKey) -> Answer:
    """The event of a ticket as a calendar entry (RFC 5545)"""
    async with issued.opened(facts.of(request).parts, viewer, ticket, query.key) as tx:
        row = await issued.printed(tx, ticket)
    return Answer(issued.calendar_of(row), media_type=MEDIA_TYPE)


@post("/api/tickets/{ticket}/transfer", answers=Transfer, once=True, may=(404, 409), tag=TAG)
async def hand_on_ticket(request: Any, viewer: Viewer, ticket: UUID, query: TicketKey, data: NewTransfer) -> Answer:
    """Hand a ticket on: the code before it opens no door any more, the taker gets one by mail"""
    parts = facts.of(request).parts

    async def hand_on(tx: Transaction) -> Answer:
        before = await issued.read(tx, parts, ticket)
        await transfers.hand_on(tx, ticket, data)
        return created(transfers.told(before, data), lists.parent(request))

    return await once(request, viewer, hand_on, link=issued.link_of(parts, ticket, query.key))


def _pdf(content: bytes, name: str) -> Answer:
    return Answer(content, headers={"content-disposition": f'inline; filename="{name}.pdf"'}, media_type=PDF)


ROUTES = [
    list_tickets,
    read_ticket,
    print_ticket,
    print_order,
    read_ticket_calendar,
    hand_on_ticket,
]
