"""Invoices over HTTP: of an order, and on paper."""

from typing import Any
from uuid import UUID

from vently.database.pool import Viewer
from vently.tickets.invoices import invoices
from vently.tickets.invoices.shapes import InvoiceKey, Invoices, OrderKey
from vently.tickets.issued.documents import invoice_pdf
from vently.web import facts, lists
from vently.web.answers import Answer
from vently.web.routes import get

TAG = "Tickets"
PDF = "application/pdf"


@get("/api/tickets/orders/{order}/invoices", answers=Invoices, may=(404,), tag=TAG)
async def list_invoices(request: Any, viewer: Viewer, order: UUID, query: OrderKey) -> Answer:
    """The invoice of an order and its credit notes; none while it is not paid, and none for what is free"""
    async with invoices.opened(facts.of(request).parts, viewer, order, query.key) as tx:
        items = await invoices.of_order(tx, order, query.key)
    return lists.answer(request, items, None)


@get("/api/tickets/invoices/{invoice}.pdf", media_type=PDF, may=(404,), tag=TAG)
async def print_invoice(request: Any, viewer: Viewer, invoice: UUID, query: InvoiceKey) -> Answer:
    """An invoice or credit note on paper: the same for ever"""
    async with invoices.opened(facts.of(request).parts, viewer, query.order, query.key) as tx:
        content = await invoices.printed(tx, invoice)
    headers = {"content-disposition": f'inline; filename="{content.number}.pdf"'}
    return Answer(await invoice_pdf(content), headers=headers, media_type=PDF)


ROUTES = [list_invoices, print_invoice]
