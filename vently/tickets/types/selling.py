"""Whose sale it is: an event as its ticket types need it, and whether the viewer runs it."""

from uuid import UUID

import msgspec

from vently.database.pool import Transaction, Viewer
from vently.database.queries import load
from vently.events import events
from vently.events.shapes import Event
from vently.refusals import Conflict, FieldError, Invalid, NotAllowed, NotFound
from vently.web import money
from vently.web.references import split

sql = load(__package__)


class NotOpen(Conflict):
    """This event sells nothing yet: add a ticket type first, or say in which currency it sells (PATCH …/sale)."""

    type = "not-on-sale"
    title = "Nothing for sale"


class Selling(msgspec.Struct, frozen=True):
    """An event: in which currency it sells, if it does, and whether the viewer runs it."""

    id: UUID
    slug: str
    currency: str | None
    runs: bool


async def seen(tx: Transaction, viewer: Viewer, event: str) -> Selling:
    """Raises NotFound for what the viewer does not see."""
    statement = sql.get_selling_to_visitors if viewer.id is None else sql.get_selling
    return await tx.one(statement, Selling, **split(event))


async def run(tx: Transaction, viewer: Viewer, event: str) -> Selling:
    """Raises NotAllowed for all who do not run it."""
    found = await seen(tx, viewer, event)
    if not found.runs:
        raise NotAllowed("Only those who run this event may see and change how it sells.")
    return found


async def run_by_id(tx: Transaction, viewer: Viewer, event: UUID | None) -> Selling:
    """Of the event that something found belongs to; None: nothing was found."""
    if event is None:
        raise NotFound
    return await run(tx, viewer, str(event))


async def shown_to_run(tx: Transaction, viewer: Viewer, event: str) -> tuple[Event, Selling]:
    """For pages, with all that an event shows. Raises NotFound and NotAllowed."""
    found = await run(tx, viewer, event)
    return msgspec.json.decode((await events.read(tx, event)).body, type=Event), found


async def opened(tx: Transaction, selling: Selling, currency: str) -> None:
    """The first price decides in which currency the event sells. Raises Invalid for another, or none of today."""
    known = selling.currency
    if known is None:
        if not money.known(currency):
            raise Invalid.at("/price/currency", "is no currency of today (ISO 4217)")
        await tx.execute(sql.open_till, event=selling.id, currency=currency)
        known = await tx.value(sql.get_currency, event=selling.id)
    if currency != known:
        raise Invalid.at("/price/currency", f"is not {known}, in which this event sells")


def same_currency(selling: Selling, currency: str | None, pointer: str) -> None:
    """Raises Invalid for an amount in another currency than the event's."""
    if currency is not None and currency != selling.currency:
        raise Invalid.at(pointer, f"is not {selling.currency}, in which this event sells")


def not_below(quantity: int, taken: int) -> None:
    """Raises Invalid below what is gone. The caller is at the till; the table's constraint judges last."""
    if quantity < taken:
        said = f"must not be below the {taken} that are sold and held"
        raise Invalid(said, errors=[FieldError("/quantity", said)])
