"""The reconciler: asks the provider about every attempt left open, so that no payment and no hold is forgotten."""

import asyncio
from uuid import UUID

import msgspec
import structlog

from vently.database.queries import load
from vently.outside.payments import Payments, PaymentsRefused, PaymentsUnavailable, Standing
from vently.refusals import Unavailable
from vently.tickets.payments import settling
from vently.web.facts import Parts

sql = load(__package__)
log = structlog.get_logger(__name__)

BATCH = 50
"""Attempts claimed at once: as many as are asked about within a few seconds."""
AT_ONCE = 8
MANY = 1000


class Left(msgspec.Struct):
    """An attempt left open; `over`: its order is, so that it is to be closed."""

    id: UUID
    reference: str
    over: bool


class Event(msgspec.Struct):
    """One with holds past their time."""

    id: UUID


async def reconcile(parts: Parts) -> dict[str, int]:
    """Looks after all that are due; how many ended which way. Other nodes that do the same take others."""
    await _close_pretended(parts)
    outcomes: dict[str, int] = {}
    turns = asyncio.Semaphore(AT_ONCE)
    batch = await _claimed(parts)
    while batch:
        for outcome in await asyncio.gather(*(_ask(parts, one, turns) for one in batch)):
            outcomes[outcome] = outcomes.get(outcome, 0) + 1
        if outcomes.get("unanswered", 0) >= BATCH:
            break  # the provider is away: what is left is due again later
        batch = await _claimed(parts) if len(batch) == BATCH else []
    if outcomes:
        log.info("attempts asked about", **outcomes)
    return outcomes


async def lapse_holds(parts: Parts) -> int:
    """Ends every hold past its time, a transaction for each event; how many."""
    async with parts.database.acting_as_system() as tx:
        events = await tx.many(sql.lapsing_events, Event, most=MANY)
    return sum([await _lapse(parts, event.id) for event in events])


async def _lapse(parts: Parts, event: UUID) -> int:
    ended, last = 0, MANY
    try:
        while last == MANY:
            async with parts.database.acting_as_system() as tx:
                last = await tx.value(sql.lapse_holds, event=event)
            ended += last
    except Unavailable as busy:  # a rush ends holds by itself; the other events must not wait for it
        log.warning("holds not ended", event_id=str(event), reason=busy.detail)
    return ended


async def forget_notices(parts: Parts) -> int:
    """Those of more than thirty days: no provider tells that long."""
    gone, last = 0, MANY
    while last == MANY:
        async with parts.database.acting_as_system() as tx:
            last = await tx.execute(sql.forget_notices, most=MANY)
        gone += last
    return gone


async def _close_pretended(parts: Parts) -> None:
    """Since a real provider takes the money there is nobody to ask about attempts of the pretender."""
    provider: Payments = parts.other["payments"]
    async with parts.database.acting_as_system() as tx:
        await tx.execute(sql.close_pretended, provider=provider.name)


async def _claimed(parts: Parts) -> list[Left]:
    """Whoever claims has them until the next time they are due."""
    provider: Payments = parts.other["payments"]
    async with parts.database.acting_as_system() as tx:
        return await tx.many(sql.claim_attempts, Left, provider=provider.name, most=BATCH)


async def _ask(parts: Parts, left: Left, turns: asyncio.Semaphore) -> str:
    provider: Payments = parts.other["payments"]
    try:
        async with turns:
            standing = await (provider.close(left.reference) if left.over else provider.look_up(left.reference))
    except PaymentsUnavailable as error:
        log.warning("attempt not looked up", attempt=str(left.id), reason=str(error))
        return "unanswered"
    except PaymentsRefused as refused:
        return await _unknown(parts, left, refused)
    try:
        return await settling.apply(parts, left.id, standing)
    except Unavailable as busy:
        log.warning("attempt not settled", attempt=str(left.id), reason=busy.detail)
        return "busy"


async def _unknown(parts: Parts, left: Left, refused: PaymentsRefused) -> str:
    """It is not there, so nobody can pay by it; for anything else it is asked again, and the operator can read why."""
    if refused.code == "resource_missing":
        gone = Standing(reference=left.reference, status="expired")
        log.warning("attempt unknown to the provider", attempt=str(left.id), reference=left.reference)
        return await settling.apply(parts, left.id, gone)
    async with parts.database.acting_as_system() as tx:
        await tx.execute(sql.note_attempt, attempt=left.id, note=refused.sentence[:500])
    return "refused"
