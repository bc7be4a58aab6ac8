"""The till: orders for one event that arrive together are sold in one transaction, first come, first served.

While a batch is at the database, the next one gathers: an idle till answers a lone buyer at once, a busy one sells many
with one commit. Several nodes stay correct because the database takes their batches in turn (till/rules.sql).
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import msgspec
import structlog

from vently.database.pool import TILLS, Database
from vently.database.queries import load
from vently.refusals import Conflict, FieldError, Invalid, NotAllowed, NotFound, Refusal, Unauthenticated, Unavailable

sql = load(__package__)
log = structlog.get_logger(__name__)

LARGEST_BATCH = 64
"""Carts of one transaction: beyond it a batch takes longer and is hardly cheaper."""
MOST_WAITING = 512
"""Carts that wait for one event on one node: some tenths of a second. Beyond it buyers are told to come again."""
AGAIN = 0
"""What the database says of a cart that only the next batch can judge."""


class Busy(Unavailable):
    """More people buy than can be served at once: try again in a moment. Nothing was taken."""

    type = "busy"
    title = "Too many buyers at once"


class Cart(msgspec.Struct, omit_defaults=True):
    """What `private.sell` reads of one buyer. `scope`, `key` and `fingerprint` are of exactly-once requests."""

    id: UUID
    attempt: UUID
    items: list[dict[str, Any]]
    place: int = -1
    viewer: UUID | None = None
    session: UUID | None = None
    aal: str | None = None
    name: str | None = None
    email: str | None = None
    address: str | None = None
    tax_id: str | None = None
    code: str | None = None
    access_code: str | None = None
    method: str | None = None
    scope: str | None = None
    key: str | None = None
    fingerprint: str | None = None


class Sold(msgspec.Struct):
    """What became of one cart: the order as JSON, or a refusal."""

    place: int
    status: int
    slug: str | None
    pointer: str | None
    sentence: str | None
    body: str | None
    replayed: bool


Waiting = tuple[Cart, asyncio.Future[Sold]]

_REFUSALS: dict[int, type[Refusal]] = {
    401: Unauthenticated,
    403: NotAllowed,
    404: NotFound,
    409: Conflict,
    422: Invalid,
}


class Till:
    """The tills of all events, as one node serves them."""

    def __init__(self, database: Database, *, provider: str, platform_fee: int = 0) -> None:
        """`provider` takes cards; `platform_fee` is in basis points."""
        self._database = database
        self._provider = provider
        self.platform_fee = platform_fee
        self._queues: dict[str, deque[Waiting]] = {}
        self._serving: set[asyncio.Task[None]] = set()
        self._turns = asyncio.Semaphore(TILLS)

    async def sell(self, event: str, cart: Cart) -> Sold:
        """Raises what the database refuses (sold out, limits, codes), and Busy when too many wait."""
        queue = self._queues.get(event)
        if queue is None:
            queue = self._queues[event] = deque()
            task = asyncio.create_task(self._serve(event, queue))
            self._serving.add(task)
            task.add_done_callback(self._serving.discard)
        elif len(queue) >= MOST_WAITING:
            raise Busy(headers={"retry-after": "1"})
        answer: asyncio.Future[Sold] = asyncio.get_running_loop().create_future()
        queue.append((cart, answer))
        return refused_or(await answer)

    async def close(self) -> None:
        """Serves who waits, then ends."""
        while self._serving:
            await asyncio.wait(self._serving)

    async def _serve(self, event: str, queue: deque[Waiting]) -> None:
        while queue:
            async with self._turns:
                batch = [queue.popleft() for _ in range(min(len(queue), LARGEST_BATCH))]
                # Whoever hung up while waiting buys nothing.
                batch = [waiting for waiting in batch if not waiting[1].done()]
                if batch:
                    queue.extendleft(reversed(await self._batch(event, batch)))
        del self._queues[event]

    async def _batch(self, event: str, batch: Sequence[Waiting]) -> list[Waiting]:
        """Sell to all of them; who must be judged in the next batch is given back."""
        try:
            sold = await self._sell(event, [cart for cart, _ in batch])
        except Unavailable as refused:
            for _, answer in batch:
                _tell(answer, refused)
            return []
        except Exception as error:  # noqa: BLE001 - whatever it met, each buyer is told
            if len(batch) == 1:
                _tell(batch[0][1], error)
                return []
            # One cart that the tables refuse must not cost the others theirs.
            log.warning("batch failed", carts=len(batch), reason=str(error))
            again: list[Waiting] = []
            for waiting in batch:
                again += await self._batch(event, [waiting])
            return again
        again = []
        for one in sold:
            waiting = batch[one.place]
            if one.status == AGAIN:
                again.append(waiting)
            elif not waiting[1].done():
                waiting[1].set_result(one)
        return again

    async def _sell(self, event: str, carts: list[Cart]) -> list[Sold]:
        for place, cart in enumerate(carts):
            cart.place = place
        async with self._database.selling() as tx:
            found = await tx.many(
                sql.sell,
                Sold,
                event=event,
                carts=carts,
                provider=self._provider,
                platform_fee=self.platform_fee,
            )
        return sorted(found, key=lambda one: one.place)


def refused_or(sold: Sold) -> Sold:
    """The order, or the refusal raised."""
    kind = _REFUSALS.get(sold.status)
    if kind is None:
        return sold
    where = [FieldError(sold.pointer, sold.sentence or "")] if sold.pointer else []
    headers = {"www-authenticate": "Bearer"} if kind is Unauthenticated else {}
    raise kind(sold.sentence or "", errors=where, type=sold.slug, headers=headers)


def _tell(answer: asyncio.Future[Sold], error: BaseException) -> None:
    if not answer.done():
        answer.set_exception(error)
