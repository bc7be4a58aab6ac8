"""Attempts to pay: a checkout of the provider's for each, and a new one when the last has failed."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
import structlog

from vently.database.pool import Transaction
from vently.database.queries import load
from vently.outside.payments import Checkout, Line, Payments, PaymentsRefused, PaymentsUnavailable
from vently.refusals import Conflict, Unavailable
from vently.tickets.payments import settling
from vently.web.facts import Parts

sql = load(__package__)
log = structlog.get_logger(__name__)

DONE, BACK = "done", "back"
"""Where buyers come back from the provider to, after `/checkout/{attempt}/`."""


class NotAnswering(Unavailable):
    """Whoever takes the payment does not answer just now. Nothing was charged; try again in a moment."""

    type = "payments-unavailable"
    title = "Payments are not available right now"

    def __init__(self) -> None:
        super().__init__(headers={"retry-after": "10"})


class StillPaying(Conflict):
    """A bank is still at work on the last try to pay: wait for its answer before trying again."""

    type = "payment-under-way"
    title = "A payment is under way"


class Begun(msgspec.Struct):
    """`state`: begun, moved (go to `attempt`), again (a new one is needed), paid or over; `sentence` says why not."""

    attempt: UUID
    order_id: UUID
    link_serial: int
    state: str
    sentence: str | None


class Asked(msgspec.Struct):
    """An attempt, and what it is for."""

    attempt: UUID
    provider: str
    status: str
    reference: str | None
    opened_at: datetime
    amount: int
    currency: str
    account: str | None
    order_id: UUID
    order_status: str
    link_serial: int
    platform_fee: int
    email: str
    expires_at: datetime | None
    title: str
    slug: str
    lines: list[dict[str, Any]]


class Opened(msgspec.Struct):
    """The attempt to pay by; `to_close`: the provider must close it before there is another."""

    attempt: UUID
    to_close: bool


class MustClose(Exception):
    """There is a checkout that may still be paid: the transaction ends here, for the provider is asked to close it."""

    def __init__(self, attempt: UUID) -> None:
        super().__init__(attempt)
        self.attempt = attempt


async def asked(parts: Parts, attempt: UUID) -> Asked:
    """Raises NotFound."""
    async with parts.database.acting_as_system() as tx:
        return await tx.one(sql.get_checkout, Asked, attempt=attempt)


async def begin(parts: Parts, attempt: UUID) -> Begun:
    """A buyer goes to pay: from now on the attempt counts as begun. Raises NotFound."""
    provider: Payments = parts.other["payments"]
    async with parts.database.acting_as_system() as tx:
        return await tx.one(sql.begin_attempt, Begun, attempt=attempt, provider=provider.name)


async def start(parts: Parts, found: Asked) -> str | None:
    """The provider's checkout of an attempt that was begun, and where it is. None: it ended meanwhile.

    Its reference is kept before anybody is sent there, so that no payment is missed. Raises NotAnswering and
    PaymentsRefused.
    """
    provider: Payments = parts.other["payments"]
    try:
        started = await provider.start(checkout(parts, found))
    except PaymentsUnavailable as error:
        log.warning("checkout not started", attempt=str(found.attempt), reason=str(error))
        raise NotAnswering from None
    async with parts.database.acting_as_system() as tx:
        stands = await tx.value(sql.keep_reference, attempt=found.attempt, reference=started.reference)
    return started.url if stands else None


def checkout(parts: Parts, found: Asked) -> Checkout:
    """The same whenever it is asked for."""
    here = f"{parts.settings.site_url}/checkout/{found.attempt}"
    return Checkout(
        attempt=found.attempt,
        order=found.order_id,
        opened_at=found.opened_at,
        amount=found.amount,
        currency=found.currency,
        title=found.title,
        lines=[Line(line["name"], line["quantity"], line["amount"]) for line in found.lines],
        email=found.email,
        success_url=f"{here}/{DONE}",
        cancel_url=f"{here}/{BACK}",
        account=found.account,
        platform_fee=found.platform_fee,
    )


async def renew(parts: Parts, opening: Callable[[], AbstractAsyncContextManager[Transaction]], order: UUID) -> str:
    """See to it that who bought has an attempt to pay by: `open`, or `paid` when the last one turns out to be.

    `opening` gives a transaction as the viewer. Raises Conflict, NotFound, NotAllowed, NotAnswering.
    """
    try:
        async with opening() as tx:
            await opened(parts, tx, order)
    except MustClose as must:
        if (outcome := await close(parts, must.attempt)) != "closed":
            return outcome
    else:
        return "open"
    try:
        async with opening() as tx:
            await opened(parts, tx, order)
    except MustClose:
        pass  # another tab was as quick: its attempt is there to pay by
    return "open"


async def opened(parts: Parts, tx: Transaction, order: UUID) -> UUID:
    """Within the viewer's transaction. Raises MustClose when the provider must be asked first."""
    provider: Payments = parts.other["payments"]
    found = await tx.one(sql.open_attempt, Opened, order=order, provider=provider.name)
    if found.to_close:
        raise MustClose(found.attempt)
    return found.attempt


async def close(parts: Parts, attempt: UUID) -> str:
    """Ask the provider to close it, and do what it says: paid after all, or over. Raises StillPaying, NotAnswering."""
    provider: Payments = parts.other["payments"]
    found = await asked(parts, attempt)
    if found.reference is None or found.provider != provider.name:
        raise NotAnswering
    try:
        standing = await provider.close(found.reference)
    except (PaymentsUnavailable, PaymentsRefused) as error:
        log.warning("checkout not closed", attempt=str(attempt), reason=str(error))
        raise NotAnswering from None
    if standing.status == "open":
        raise StillPaying
    return await settling.apply(parts, attempt, standing)
