"""How an event sells: its currency, ways to pay, times and refunds, and who the seller is."""

from typing import Any

from vently.database.pool import Document, Transaction, Viewer
from vently.database.queries import load
from vently.refusals import Invalid, NotAllowed, NotFound, Stale
from vently.tickets.types import selling
from vently.tickets.types.selling import Selling
from vently.tickets.types.shapes import SaleChanges
from vently.web import money
from vently.web.merge_patch import changes

sql = load(__package__)


async def read(tx: Transaction, viewer: Viewer, event: str) -> Document:
    """Raises NotFound for an event that sells nothing."""
    found = await selling.seen(tx, viewer, event)
    if found.currency is None:
        raise NotFound("This event sells nothing.")
    return await _document(tx, found)


async def edit(tx: Transaction, viewer: Viewer, event: str, patch: SaleChanges, *, version: int | None) -> Document:
    """A currency opens the sale. Raises Conflict for another once tickets were ordered, Stale when not at `version`."""
    found = await selling.run(tx, viewer, event)
    given = changes(patch)
    seller = changes(given.pop("seller")) if "seller" in given else {}
    if (currency := given.get("currency")) is not None:
        await _open(tx, found, currency)
    elif found.currency is None:
        raise selling.NotOpen
    await tx.execute(sql.take_till, event=found.id)
    if version is not None and (await _document(tx, found)).version != version:
        raise Stale
    if found.currency is not None:
        await _check_digits(tx, found, currency)
    await tx.execute(sql.change_till, event=found.id, changes=given)
    if seller:
        await _introduce(tx, found, seller)
    return await _document(tx, found)


async def _open(tx: Transaction, found: Selling, currency: str) -> None:
    if not money.known(currency):
        raise Invalid.at("/currency", "is no currency of today (ISO 4217)")
    await tx.execute(sql.open_till, event=found.id, currency=currency)


async def _check_digits(tx: Transaction, found: Selling, currency: str | None) -> None:
    """1250 is 12.50 EUR but 1,250 JPY: no price may become another by the way."""
    if currency is None or found.currency is None or money.decimals(currency) == money.decimals(found.currency):
        return
    if await tx.value(sql.any_priced, event=found.id):
        said = f"counts in other units than {found.currency}: take prices and amounts away first"
        raise Invalid.at("/currency", said)


async def _introduce(tx: Transaction, found: Selling, seller: dict[str, Any]) -> None:
    if not await tx.execute(sql.change_seller, event=found.id, changes=seller):
        raise NotAllowed("Only admins of the community may change who sells.")


async def _document(tx: Transaction, found: Selling) -> Document:
    return await tx.one(sql.get_sale, Document, event=found.id, runs=found.runs)
