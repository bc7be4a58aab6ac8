"""Sending refunds: the provider is asked under the refund's id, past any transaction, until it says what it did."""

import asyncio
from uuid import UUID

import msgspec
import structlog

from vently.database.queries import load
from vently.outside.payments import Payments, PaymentsRefused, PaymentsUnavailable, RefundAsked, RefundStanding
from vently.web.facts import Parts

sql = load(__package__)
log = structlog.get_logger(__name__)

AT_ONCE = 8
"""Refunds one worker asks about at the same time."""

OURS_TO_MEND = frozenset({"key_unknown"})
"""Refusals that are about our account with the provider, not about the refund: it waits until that is mended."""


class Due(msgspec.Struct):
    """A refund claimed for a while. `asked`: the provider may have heard of it before."""

    id: UUID
    payment: str
    account: str | None
    amount: int
    currency: str
    reference: str | None
    asked: bool


async def send_due(parts: Parts) -> int:
    """Everything that is due now; how many. Ends early when the provider answers nothing."""
    payments: Payments = parts.other["payments"]
    sent = 0
    while True:
        async with parts.database.acting_as_system() as tx:
            due = await tx.many(sql.claim_refunds, Due, provider=payments.name, most=AT_ONCE)
        outcomes = await asyncio.gather(*(_send(parts, payments, one) for one in due))
        sent += sum(outcomes)
        if len(due) < AT_ONCE or not any(outcomes):
            return sent


async def _send(parts: Parts, payments: Payments, due: Due) -> bool:
    """Whether the provider said anything."""
    try:
        standing = await _standing(payments, due)
    except PaymentsUnavailable as error:
        log.warning("refund waits", refund=str(due.id), reason=str(error))
        return False
    except PaymentsRefused as refused:
        if refused.code in OURS_TO_MEND:
            log.error("refund waits", refund=str(due.id), reason=refused.sentence)  # noqa: TRY400 - the sentence says it
            return False
        # Nothing was made: no reference. It can be tried again, or the money sent by hand.
        await _note(parts, due.id, None, "failed", refused.sentence)
        return True
    await _note(parts, due.id, standing.reference, standing.status, standing.reason)
    return True


async def _standing(payments: Payments, due: Due) -> RefundStanding:
    if due.asked:
        # Providers forget idempotency keys (Stripe after a day), so whatever may have been made is looked for first.
        try:
            found = await payments.look_up_refund(due.reference, due.id, due.payment)
        except PaymentsRefused as refused:
            raise PaymentsUnavailable(refused.sentence) from refused
        if found is not None:
            return found
    return await payments.refund(
        RefundAsked(refund=due.id, payment=due.payment, amount=due.amount, currency=due.currency, account=due.account)
    )


async def _note(parts: Parts, refund: UUID, reference: str | None, status: str, note: str) -> None:
    async with parts.database.acting_as_system() as tx:
        await tx.value(sql.note_refund, refund=refund, reference=reference, status=status, note=note)
