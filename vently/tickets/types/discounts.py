"""Discounts: codes that take something off, within their limits."""

from typing import Any

from vently.database.pool import Document, Listing, Transaction, Viewer
from vently.database.queries import load
from vently.refusals import NotFound, Stale
from vently.tickets.types import selling
from vently.tickets.types.selling import Selling
from vently.tickets.types.shapes import DiscountChanges, DiscountFilters, NewDiscount
from vently.web.merge_patch import changes

sql = load(__package__)


async def listed(tx: Transaction, viewer: Viewer, event: str, filters: DiscountFilters, after: Any) -> Listing:
    """One page, for those who run the event; `after` is (…, id) of the last one seen."""
    found = await selling.run(tx, viewer, event)
    _, last = after or (None, None)
    return await tx.one(sql.list_discounts, Listing, event=found.id, after_id=last, count=filters.limit)


async def read(tx: Transaction, viewer: Viewer, event: str, code: str) -> Document:
    return await _document(tx, await selling.run(tx, viewer, event), code)


async def add(tx: Transaction, viewer: Viewer, event: str, new: NewDiscount) -> Document:
    """Raises Conflict for a code that the event has already, NotOpen before it sells anything."""
    found = await selling.run(tx, viewer, event)
    if found.currency is None:
        raise selling.NotOpen
    selling.same_currency(found, new.currency, "/currency")
    await tx.execute(
        sql.add_discount,
        event=found.id,
        code=new.code,
        percent=new.percent,
        amount=new.amount,
        max_uses=new.max_uses,
        valid_from=new.valid_from,
        valid_until=new.valid_until,
    )
    return await _document(tx, found, new.code)


async def edit(
    tx: Transaction, viewer: Viewer, event: str, code: str, patch: DiscountChanges, *, version: int | None
) -> Document:
    """Raises Stale when it is not at `version`."""
    found = await selling.run(tx, viewer, event)
    if not await tx.execute(sql.change_discount, event=found.id, code=code, version=version, changes=changes(patch)):
        raise await _why_not(tx, found, code)
    return await _document(tx, found, code)


async def remove(tx: Transaction, viewer: Viewer, event: str, code: str, *, version: int | None) -> None:
    """What was sold with it stays as it is."""
    found = await selling.run(tx, viewer, event)
    if not await tx.execute(sql.remove_discount, event=found.id, code=code, version=version):
        raise await _why_not(tx, found, code)


async def _why_not(tx: Transaction, found: Selling, code: str) -> Exception:
    stands = await tx.maybe_one(sql.get_discount, Document, event=found.id, code=code)
    return NotFound() if stands is None else Stale()


async def _document(tx: Transaction, found: Selling, code: str) -> Document:
    return await tx.one(sql.get_discount, Document, event=found.id, code=code)
