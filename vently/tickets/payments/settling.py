"""Settling: what a provider says of an attempt becomes so here, once."""

from uuid import UUID

import structlog

from vently.database.pool import Transaction
from vently.database.queries import load
from vently.outside.payments import Payments, Standing
from vently.web.facts import Parts

sql = load(__package__)
log = structlog.get_logger(__name__)

REPORTED = frozenset({"too_late", "paid_twice", "wrong_amount", "paid_again", "nothing"})
"""Outcomes that an operator should hear of."""


async def apply(parts: Parts, attempt: UUID, standing: Standing) -> str:
    """In a transaction of its own. Says what came of it: `open`, `closed`, or as `private.settle_payment` does."""
    if standing.status == "open":
        return "open"
    provider: Payments = parts.other["payments"]
    async with parts.database.acting_as_system() as tx:
        if standing.status == "paid":
            outcome = await paid(
                tx,
                attempt,
                provider=provider.name,
                payment=standing.payment,
                amount=standing.amount,
                currency=standing.currency,
                reference=standing.reference,
            )
        else:
            outcome = await closed(tx, attempt, standing.status)
    nudge(parts)
    return outcome


async def paid(
    tx: Transaction,
    attempt: UUID,
    *,
    provider: str,
    payment: str | None,
    amount: int,
    currency: str,
    reference: str | None,
) -> str:
    """Money came: its order is paid, or the money goes back. Raises NotFound for an attempt that is none of ours."""
    outcome: str = await tx.value(
        sql.settle_payment,
        attempt=attempt,
        provider=provider,
        payment=payment,
        amount=amount,
        currency=currency,
        reference=reference,
    )
    if outcome in REPORTED:
        log.warning("payment not used", attempt=str(attempt), outcome=outcome)
    return outcome


async def closed(tx: Transaction, attempt: UUID, ending: str, why: str | None = None) -> str:
    """It cannot be paid any more. What was paid before stays so."""
    await tx.value(sql.close_attempt, attempt=attempt, ending=ending, why=why or None)
    return "closed"


def nudge(parts: Parts) -> None:
    """There may be letters to send."""
    if (jobs := parts.other.get("jobs")) is not None:
        jobs.nudge()


async def by_hand(tx: Transaction, order: UUID, method: str) -> None:
    """As who runs the event. Raises NotFound, NotAllowed, and Conflict when it is paid, or over and gone."""
    await tx.value(sql.settle_by_hand, order=order, method=method)
