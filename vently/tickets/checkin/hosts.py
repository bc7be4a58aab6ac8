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


class NoSuchPerson(NotFound):
    """Nobody has this handle, or they do not help at this event."""

    type = "no-such-person"


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
    """Naming somebody twice changes nothing. Raises NotYours, and NoSuchPerson."""
    await _runs(tx, event)
    await tx.execute(sql.name_host, handle=handle, role=role, **split(event))
    if (made := await tx.maybe_one(sql.get_host, Document, handle=handle, **split(event))) is None:
        raise NoSuchPerson
    return made


async def let_go(tx: Transaction, event: str, handle: str) -> None:
    """Raises NotYours, and NoSuchPerson for who does not help here."""
    await _runs(tx, event)
    if not await tx.execute(sql.remove_host, handle=handle, **split(event)):
        raise NoSuchPerson


async def _runs(tx: Transaction, event: str) -> None:
    mine = await tx.value(sql.runs_event, **split(event))
    if mine is None:
        raise NotFound
    if not mine:
        raise NotYours
