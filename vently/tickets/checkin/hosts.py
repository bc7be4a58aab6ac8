"""Who helps at an event: named by who runs it."""

from datetime import datetime
from typing import Any

from vently.database.pool import Document, Listing, Transaction
from vently.database.queries import load
from vently.refusals import NotAllowed, NotFound
from vently.tickets.checkin.shapes import HostFilters
from vently.web.references import split

sql = load(__package__)


class NotYours(NotAllowed):
    """Only who runs this event says who helps at it."""

    type = "not-yours"


async def named(tx: Transaction, event: str, filters: HostFilters, after: Any) -> Listing:
    """Who runs the event sees all of them, a helper sees themselves. Raises NotYours for others."""
    key, last = after or (None, None)
    listing = await tx.one(
        sql.list_hosts,
        Listing,
        count=filters.limit,
        after_key=datetime.fromisoformat(key) if key else None,
        after_id=last,
        **split(event),
    )
    if listing.items == "[]":
        await _runs(tx, event)
    return listing


async def name(tx: Transaction, event: str, handle: str, role: str) -> Document:
    """Naming somebody twice changes nothing. Raises NotYours, and NotFound for an unknown handle."""
    await _runs(tx, event)
    await tx.execute(sql.name_host, handle=handle, role=role, **split(event))
    return await tx.one(sql.get_host, Document, handle=handle, **split(event))


async def let_go(tx: Transaction, event: str, handle: str) -> None:
    """Raises NotFound when they do not help here."""
    await _runs(tx, event)
    if not await tx.execute(sql.remove_host, handle=handle, **split(event)):
        raise NotFound("Nobody of that name helps at this event.")


async def _runs(tx: Transaction, event: str) -> None:
    mine = await tx.value(sql.runs_event, **split(event))
    if mine is None:
        raise NotFound
    if not mine:
        raise NotYours
