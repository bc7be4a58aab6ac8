"""Webhooks of payment providers: believed when signed, taken once, in any order."""

from collections.abc import Mapping

import structlog

from vently.database.pool import Transaction
from vently.database.queries import load
from vently.jobs import queue
from vently.outside.payments import Notice, Payments, Refused
from vently.refusals import NotFound, Refusal
from vently.tickets.payments import settling
from vently.web.facts import Parts

sql = load(__package__)
log = structlog.get_logger(__name__)

LARGEST = 1_000_000
"""Bytes of a webhook."""


class NotBelieved(Refusal):
    """This webhook is not to be believed. Nothing came of it."""

    type = "webhook-refused"
    title = "Webhook refused"


class NotOurs(NotFound):
    """This is about a payment or an account that is not known here. Nothing came of it."""

    type = "not-ours"


async def receive(parts: Parts, provider: str, body: bytes, headers: Mapping[str, str]) -> None:
    """Raises NotFound, NotBelieved and NotOurs; told again then, it is looked at again."""
    payments: Payments = parts.other["payments"]
    if provider != payments.name:
        raise NotFound
    try:
        notice = payments.read(body, headers)
    except Refused as refused:
        log.warning("webhook refused", provider=provider, reason=str(refused))
        raise NotBelieved(str(refused)) from None
    async with parts.database.acting_as_system() as tx:
        # The notice is kept in the same transaction as what it does: either both are, or it is told again.
        if not await tx.value(sql.take_notice, provider=provider, id=notice.id, kind=notice.kind):
            return
        outcome = await _effect(tx, provider, notice)
        await tx.execute(sql.note_outcome, provider=provider, id=notice.id, outcome=outcome)
    settling.nudge(parts)


async def _effect(tx: Transaction, provider: str, notice: Notice) -> str:
    match notice.kind:
        case "paid" | "failed" | "expired" | "declined":
            return await _attempted(tx, provider, notice)
        case "refund" | "dispute":
            return await _gone_back(tx, provider, notice)
        case "account":
            return await _account(tx, notice)
        case _:
            if notice.account is not None and not await tx.value(sql.knows_account, account=notice.account):
                raise NotOurs
            return "ignored"


async def _attempted(tx: Transaction, provider: str, notice: Notice) -> str:
    attempt = notice.attempt
    if attempt is None:
        return "not ours"  # sold by the same account, and not by Vently
    if notice.kind == "paid":
        return await settling.paid(
            tx,
            attempt,
            provider=provider,
            payment=notice.payment,
            amount=notice.amount,
            currency=notice.currency,
            reference=notice.reference,
        )
    if not await tx.value(sql.knows_attempt, attempt=attempt, provider=provider):
        raise NotOurs
    if notice.kind == "declined":
        await tx.execute(sql.note_attempt, attempt=attempt, note=f"declined: {notice.reason}"[:500])
        return "noted"
    return await settling.closed(tx, attempt, notice.kind, notice.reason)


async def _gone_back(tx: Transaction, provider: str, notice: Notice) -> str:
    if notice.refund is not None and notice.refund.refund is not None:
        told = notice.refund
        await tx.value(
            sql.note_refund, refund=told.refund, reference=told.reference, status=told.status, note=told.reason
        )
        return "refund noted"
    if notice.dispute is not None:
        # Told of before its payment was, it waits for that: the job finds it.
        dispute = {
            "provider": provider,
            "payment": notice.payment,
            "reference": notice.dispute.reference,
            "status": notice.dispute.status,
            "amount": notice.dispute.amount,
            "currency": notice.currency,
        }
        if await tx.value(sql.note_dispute, dispute=dispute):
            return "dispute noted"
        await queue.enqueue(tx, "hear of dispute", dispute)
        return "dispute kept"
    if notice.refund is not None:
        log.warning("refunded at the provider, not by Vently", payment=notice.payment, amount=notice.refund.amount)
    return "ignored"


async def _account(tx: Transaction, notice: Notice) -> str:
    """The provider is asked what holds now: notices of an account may come in any order."""
    if not await tx.value(sql.knows_account, account=notice.account):
        raise NotOurs
    await queue.enqueue(tx, "ask about account", {"account": notice.account}, key=notice.account)
    return "asked"
