"""Refunds as people ask for them: of an order, by who runs the event or by the buyer as its policy allows."""

from datetime import datetime
from uuid import UUID

import msgspec

from vently.database.pool import Transaction
from vently.database.queries import load
from vently.tickets.refunds.shapes import NewRefund, Progress, Refund
from vently.tickets.till import links
from vently.web.facts import Parts

sql = load(__package__)


class Given(msgspec.Struct):
    """What was taken back; `refund` is none where no money goes back."""

    refund: UUID | None
    tickets: list[UUID]
    currency: str


class Returnable(msgspec.Struct):
    """A valid ticket, and what comes back for it alone."""

    id: UUID
    type: str
    name: str | None
    amount: int
    used: bool
    handed_on: bool


class Terms(msgspec.Struct):
    """What a buyer may give back alone. `by_organizer`: nothing; `late`: nothing any more; `until` none: always."""

    currency: str
    method: str
    event: UUID
    by_organizer: bool
    until: datetime | None
    late: bool
    disputed: bool
    tickets: list[Returnable]

    @property
    def returnable(self) -> list[Returnable]:
        if self.by_organizer or self.late or self.disputed:
            return []
        return [ticket for ticket in self.tickets if not ticket.used and not ticket.handed_on]


class Link:
    """The key of an order's link in hand: what to open the transaction with, and to check once it is open."""

    def __init__(self, parts: Parts, order: UUID, key: str | None) -> None:
        self._order = order
        self._serial = links.opened_order(parts, order, key) if key else None
        self.words = f"order:{order}" if self._serial is not None else ""

    async def check(self, tx: Transaction) -> None:
        """A link from before the buyer's address was corrected opens nothing."""
        if self._serial is not None:
            await tx.execute(sql.check_link, order=self._order, serial=self._serial)


async def request(tx: Transaction, order: UUID, new: NewRefund) -> Refund:
    """Raises NotFound, NotAllowed (the policy leaves it to the organiser), Conflict (given back, used, too late)."""
    given = await tx.one(
        sql.request_refund, Given, order=order, tickets=new.tickets, amount=new.amount, reason=new.reason
    )
    if given.refund is not None:
        return msgspec.json.decode(await read(tx, given.refund), type=Refund)
    return Refund(None, order, "succeeded", 0, given.currency, given.tickets, new.reason, None)


async def read(tx: Transaction, refund: UUID) -> str:
    """JSON. Raises NotFound."""
    return (await tx.one(sql.get_refund, _Body, refund=refund)).body


async def listed(tx: Transaction, order: UUID) -> str:
    """A JSON array, the latest first. Raises NotFound for who does not see the order."""
    return (await tx.one(sql.list_refunds, _Items, order=order)).items


async def terms(tx: Transaction, order: UUID) -> Terms | None:
    """For a buyer's page. None for who does not see the order."""
    found = await tx.value(sql.give_back_terms, order=order)
    return None if found is None else msgspec.convert(found, Terms)


async def settle(tx: Transaction, refund: UUID, outcome: str) -> str:
    """The organiser sent it by hand, or wants it tried again; gives the refund as JSON. Raises Conflict."""
    return await read(tx, await tx.value(sql.settle_refund, refund=refund, outcome=outcome))


async def progress(tx: Transaction, event: UUID) -> Progress:
    """Of what the viewer sees: only who runs the event gets numbers that mean something."""
    return await tx.one(sql.progress, Progress, event=event)


def nudge(parts: Parts) -> None:
    """There is money to send: after the transaction that says so, and only to save a second."""
    if (jobs := parts.other.get("jobs")) is not None:
        jobs.nudge()


class _Body(msgspec.Struct):
    body: str


class _Items(msgspec.Struct):
    items: str
