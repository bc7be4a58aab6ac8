"""Invoices and credit notes as buyers and sellers read them: listed, and on paper."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import msgspec

from vently.database.pool import Transaction, Viewer
from vently.database.queries import load
from vently.refusals import NotFound
from vently.tickets.issued.documents import PrintedInvoice
from vently.tickets.till import links
from vently.web.facts import Parts

sql = load(__package__)


class Kept(msgspec.Struct):
    """What an invoice says, as it was written."""

    content: dict[str, Any]


class Items(msgspec.Struct):
    """JSON that Postgres has ready."""

    items: str


@asynccontextmanager
async def opened(parts: Parts, viewer: Viewer, order: UUID | None, key: str | None) -> AsyncIterator[Transaction]:
    """A transaction as the viewer, to whom the link's key shows the order."""
    serial = links.opened_order(parts, order, key) if order and key else None
    async with parts.database.acting_as(viewer, link=f"order:{order}" if serial is not None else "") as tx:
        if serial is not None:
            await tx.execute(sql.check_order_link, order=order, serial=serial)
        yield tx


async def of_order(tx: Transaction, order: UUID, key: str | None) -> str:
    """A JSON array. Raises NotFound for who does not see the order."""
    suffix = f"?{urlencode({'order': order, 'key': key})}" if key else ""
    return (await tx.one(sql.list_invoices, Items, order=order, suffix=suffix)).items


async def printed(tx: Transaction, invoice: UUID) -> PrintedInvoice:
    """Raises NotFound for who does not see its order."""
    kept = await tx.maybe_one(sql.get_invoice, Kept, invoice=invoice)
    if kept is None:
        raise NotFound
    return msgspec.convert(kept.content, PrintedInvoice)
