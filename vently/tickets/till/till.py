"""The till: orders that arrive together are sold in one transaction, first come, first served.

While batches are at the database, the next one gathers: an idle till answers a lone buyer at once, a busy one sells
many with one commit. An event is in two batches of a node at most: while one is written, the answers of the other go
out; and an event whose row somebody holds keeps no other waiting. Several nodes stay correct because the database takes
their batches in turn (till/rules.sql).
"""

import asyncio
from collections import Counter, deque
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

LARGEST_BATCH = 32
"""Carts of one transaction: beyond it a batch takes longer and is hardly cheaper."""
BATCHES = TILLS
"""At the database at once: what waits meanwhile makes the next batch larger and cheaper."""
BATCHES_OF_AN_EVENT = 2
MOST_WAITING = 512
"""Carts that wait on one node: some tenths of a second. Beyond it buyers are told to come again."""
AGAIN = 0
"""What the database says of a cart that only the next batch can judge."""


class Busy(Unavailable):
    """More people buy than can be served at once: try again in a moment. Nothing was taken."""

    type = "busy"
    title = "Too many buyers at once"


class Cart(msgspec.Struct, omit_defaults=True):
    """What `private.sell` reads of one buyer. `scope`, `key` and `fingerprint` are of exactly-once requests."""

    event: str
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
        self._waiting: deque[Waiting] = deque()
        self._events: Counter[str] = Counter()
        """In how many batches each is now."""
        self._batches: set[asyncio.Task[None]] = set()

    async def sell(self, cart: Cart) -> Sold:
        """Raises what the database refuses (sold out, limits, codes), and Busy when too many wait."""
        if len(self._waiting) >= MOST_WAITING:
            raise Busy(headers={"retry-after": "1"})
        answer: asyncio.Future[Sold] = asyncio.get_running_loop().create_future()
        self._waiting.append((cart, answer))
        self._begin()
        return refused_or(await answer)

    async def close(self) -> None:
        """Serves who waits, then ends."""
        while self._batches:
            await asyncio.wait(self._batches)

    def _begin(self) -> None:
        """A batch for whoever waits, if one may begin now."""
        while len(self._batches) < BATCHES and (batch := self._next()):
            events = {cart.event for cart, _ in batch}
            self._events.update(events)
            task = asyncio.create_task(self._serve(batch, events))
            self._batches.add(task)
            task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._batches.discard(task)
        self._begin()

    def _next(self) -> list[Waiting]:
        """Those who came first, of events that may be in one more. Whoever hung up while waiting buys nothing."""
        batch: list[Waiting] = []
        passed: list[Waiting] = []
        while self._waiting and len(batch) < LARGEST_BATCH:
            waiting = self._waiting.popleft()
            if self._events[waiting[0].event] >= BATCHES_OF_AN_EVENT:
                passed.append(waiting)
            elif not waiting[1].done():
                batch.append(waiting)
        self._waiting.extendleft(reversed(passed))
        return batch

    async def _serve(self, batch: list[Waiting], events: set[str]) -> None:
        try:
            again = await self._batch(batch)
        finally:
            self._events.subtract(events)
            self._events += Counter()  # forgets those at zero
        self._waiting.extendleft(reversed(again))

    async def _batch(self, batch: Sequence[Waiting], *, last: bool = False) -> list[Waiting]:
        """Sell to all of them; who must be judged in the next batch is given back."""
        try:
            sold = await self._sell([cart for cart, _ in batch])
        except Unavailable as refused:
            for _, answer in batch:
                _tell(answer, refused)
            return []
        except Exception as error:  # noqa: BLE001 - whatever it met, each buyer is told
            if last:
                _tell(batch[0][1], error)
                return []
            # One cart that the tables refuse must not cost the others theirs; and one whose key another batch kept just
            # now is told so when it asks again.
            log.warning("batch failed", carts=len(batch), reason=str(error))
            again: list[Waiting] = []
            for waiting in batch:
                again += await self._batch([waiting], last=True)
            return again
        again = []
        for one in sold:
            waiting = batch[one.place]
            if one.status == AGAIN:
                again.append(waiting)
            elif not waiting[1].done():
                waiting[1].set_result(one)
        return again

    async def _sell(self, carts: list[Cart]) -> list[Sold]:
        for place, cart in enumerate(carts):
            cart.place = place
        async with self._database.selling() as tx:
            found = await tx.many(
                sql.sell,
                Sold,
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
