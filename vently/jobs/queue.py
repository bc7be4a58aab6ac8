"""The queue: asking for work inside a transaction, and what became of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from vently.database.pool import Transaction
from vently.database.queries import load

sql = load(__package__)

MANY = 1000
"""How many finished jobs are forgotten in one transaction."""


@dataclass(frozen=True, slots=True)
class Standing:
    """What became of a job: waiting, running, done, failed, or replaced by another of its kind and key."""

    id: UUID
    kind: str
    status: str
    attempt: int
    done: int | None
    total: int | None
    note: str | None
    created_at: datetime
    due_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    last_error: str | None


async def enqueue(
    tx: Transaction, kind: str, payload: dict[str, Any], *, at: datetime | None = None, key: str | None = None
) -> UUID:
    """Work for later, or none if the transaction is taken back. `payload` holds ids, nothing personal.

    Of one kind and key only one job waits: asking again gives its id and leaves its payload, and it begins after this
    transaction is done (which until then keeps others from asking for it). Once it runs, asking makes another.

    A transaction of the system's asks so; one of a person's cannot. There a trigger or guarded function of the room
    does `perform private.enqueue(kind, payload, at, key)`. `Jobs.nudge()` after the commit saves up to a second.
    """
    job: UUID = await tx.value(sql.enqueue, kind=kind, payload=payload, at=at, key=key)
    return job


async def enqueue_many(
    tx: Transaction,
    kind: str,
    payloads: Sequence[dict[str, Any]],
    *,
    at: datetime | None = None,
    keys: Sequence[str | None] | None = None,
) -> int:
    """As `enqueue`, a job for each payload, in one statement. How many jobs that is: of each key there is one."""
    given = list(keys) if keys is not None else None
    return await tx.execute(sql.enqueue_many, kind=kind, payloads=list(payloads), at=at, keys=given)


async def read(tx: Transaction, job: UUID) -> Standing:
    """As the system. Raises NotFound a week after it finished (90 days if it failed), for then it is forgotten."""
    return await tx.one(sql.read_job, Standing, id=job)


async def forget(tx: Transaction) -> int:
    """How many of the oldest were forgotten: `MANY` at most, and then there may be more."""
    return await tx.execute(sql.forget_jobs, most=MANY)
