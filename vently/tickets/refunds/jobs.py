"""Jobs of refunds: sending money back, refunding a cancelled event, and saying aloud what somebody must look at."""

from typing import Any
from uuid import UUID

import msgspec
import structlog

from vently.database.queries import load
from vently.jobs.job import Every, Job
from vently.tickets.refunds import cancelled, sending
from vently.web.facts import Parts

sql = load(__package__)
log = structlog.get_logger(__name__)


class Told(msgspec.Struct):
    """What the log says of a refund or a dispute."""

    order_id: UUID
    status: str
    amount: int
    currency: str
    note: str | None


async def send_refunds(parts: Parts, _: Job) -> None:
    await sending.send_due(parts)


async def look_for_refunds(parts: Parts, _: Job) -> None:
    await cancelled.look_for_events(parts)


async def report_refund(parts: Parts, job: Job) -> None:
    """A buyer is owed money, or got it twice: whoever runs this Vently has to know."""
    async with parts.database.acting_as_system() as tx:
        told = await tx.maybe_one(sql.told_refund, Told, refund=UUID(job.payload["refund_id"]))
    if told is not None:
        log.error("refund needs a hand", refund=job.payload["refund_id"], **_said(told))


async def report_dispute(parts: Parts, job: Job) -> None:
    async with parts.database.acting_as_system() as tx:
        told = await tx.maybe_one(sql.told_dispute, Told, dispute=UUID(job.payload["dispute_id"]))
    if told is not None:
        log.warning("payment disputed", dispute=job.payload["dispute_id"], **_said(told))


def _said(told: Told) -> dict[str, Any]:
    return {name: str(value) for name, value in msgspec.structs.asdict(told).items()}


HANDLERS: dict[str, Any] = {
    "send refunds": send_refunds,
    "refund event": cancelled.refund_event,
    "look for refunds": look_for_refunds,
    "report refund": report_refund,
    "report dispute": report_dispute,
}
TIMETABLE: list[Every] = [Every(10, "send refunds"), Every(300, "look for refunds")]
