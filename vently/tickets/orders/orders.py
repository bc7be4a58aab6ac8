"""Orders as their buyers have them: reading, listing, correcting, giving a hold back."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import msgspec

from vently.database.pool import Document, Listing, Transaction, Viewer
from vently.database.queries import load
from vently.tickets.orders.shapes import OrderChanges
from vently.tickets.till import links
from vently.web.facts import Parts
from vently.web.merge_patch import changes

sql = load(__package__)


class Standing(msgspec.Struct):
    """What the page of an order shows beside it. `event`: for who has its tickets; `attempt`: the last to pay."""

    link_serial: int
    number: str
    event: dict[str, Any] | None
    seller: str | None
    bank_details: str | None
    attempt: UUID | None


@asynccontextmanager
async def opened(parts: Parts, viewer: Viewer, order: UUID, key: str | None) -> AsyncIterator[Transaction]:
    """A transaction as the viewer, to whom the link's key shows the order: the one since its address was corrected."""
    serial = links.opened_order(parts, order, key) if key else None
    async with parts.database.acting_as(viewer, link=f"order:{order}" if serial is not None else "") as tx:
        if serial is not None:
            await tx.execute(sql.check_link, order=order, serial=serial)
        yield tx


async def read(tx: Transaction, order: UUID) -> Document:
    """Raises NotFound for who is neither its buyer, nor runs its event, nor holds its link."""
    return await tx.one(sql.get_order, Document, order=order)


async def standing(tx: Transaction, order: UUID) -> Standing:
    """Raises NotFound, as `read` does."""
    return await tx.one(sql.get_standing, Standing, order=order)


async def is_mine(tx: Transaction, viewer: Viewer, order: UUID) -> bool:
    """Bought by the viewer, or opened by its link; of an order that the viewer sees."""
    return viewer.id is None or bool(await tx.value(sql.is_mine, order=order))


async def mine(tx: Transaction, count: int, after: UUID | None) -> Listing:
    """Of my account, and those a guest placed with my confirmed address; the latest first."""
    return await tx.one(sql.list_orders, Listing, count=count, after_id=after)


async def give_back(tx: Transaction, order: UUID, *, version: int | None = None) -> None:
    """What it holds goes back on sale. Raises Conflict when it is paid or over."""
    await tx.value(sql.give_back, order=order, version=version)


async def correct(tx: Transaction, order: UUID, patch: OrderChanges, *, version: int | None = None) -> None:
    """A new address makes the old link worthless and has the tickets mailed again. Raises Conflict when it is over."""
    buyer: dict[str, Any] = changes(patch.buyer) if patch.buyer else {}
    attendees = [{"ticket": str(one.ticket), **_said(changes(one))} for one in patch.attendees or []]
    await tx.value(sql.correct_order, order=order, buyer=buyer, attendees=attendees, version=version)


def _said(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if name != "ticket"}
