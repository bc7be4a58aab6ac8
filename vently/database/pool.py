"""The pool and the transaction: every statement runs as a viewer, and row-level security decides what they see."""

import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

import asyncpg

from vently.database import errors
from vently.database.connections import (
    SYSTEM,
    VISITOR,
    Viewer,
    leave_nothing,
    opening,
    opening_for_visitors,
    roll_back,
    selling,
    teach_types,
    visiting,
)
from vently.database.queries import Query
from vently.refusals import NotFound, Unavailable

__all__ = ["SYSTEM", "VISITOR", "Database", "Document", "Listing", "Transaction", "Viewer", "spent"]

T = TypeVar("T")
TILLS = 4
"""Connections of the till: batches of so many events at once."""

spent: ContextVar[list[float] | None] = ContextVar("database_seconds", default=None)
"""Seconds a request waited for the database, one entry a round trip; the web shell sets and sums it."""


@dataclass(frozen=True, slots=True)
class Document:
    """One resource as JSON that Postgres has ready, and the version that `If-Match` compares."""

    body: str
    version: int


@dataclass(frozen=True, slots=True)
class Listing:
    """A page of a list as JSON that Postgres has ready, and where its last item stands."""

    items: str
    more: bool
    last_key: Any
    last_id: UUID | None


class Transaction:
    """Statements of one transaction. Errors of the driver become refusals here."""

    def __init__(self, connection: Any, sentences: dict[str, str]) -> None:
        self._connection = connection
        self._sentences = sentences

    async def maybe_one(self, query: Query, type_: type[T], **parameters: Any) -> T | None:
        with self._translated():
            row = await self._connection.fetchrow(query.text, *query.arguments(parameters))
        return None if row is None else type_(**row)

    async def one(self, query: Query, type_: type[T], **parameters: Any) -> T:
        """Raises NotFound when there is no row."""
        found = await self.maybe_one(query, type_, **parameters)
        if found is None:
            raise NotFound
        return found

    async def many(self, query: Query, type_: type[T], **parameters: Any) -> list[T]:
        with self._translated():
            rows = await self._connection.fetch(query.text, *query.arguments(parameters))
        return [type_(**row) for row in rows]

    async def value(self, query: Query, **parameters: Any) -> Any:
        """The first column of the first row, or None."""
        with self._translated():
            return await self._connection.fetchval(query.text, *query.arguments(parameters))

    async def execute(self, query: Query, **parameters: Any) -> int:
        """How many rows were touched."""
        with self._translated():
            status = await self._connection.execute(query.text, *query.arguments(parameters))
        count = status.rsplit(" ", 1)[-1]
        return int(count) if count.isdigit() else 0

    async def script(self, text: str) -> None:
        """Several statements without parameters in one round trip."""
        with self._translated():
            await self._connection.execute(text)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        started = time.perf_counter()
        try:
            yield
        except Exception as error:
            refused = errors.refusal(error, self._sentences)
            if refused is None:
                raise
            raise refused from error
        finally:
            if (waits := spent.get()) is not None:
                waits.append(time.perf_counter() - started)


class Database:
    """Connections that log in as a role which, outside of `acting_as`, can read nothing; some that are visitors; and
    a few of the till.
    """

    def __init__(self, pool: Any, visitors: Any, tills: Any, sentences: dict[str, str], site: str) -> None:
        self._pool = pool
        self._visitors = visitors
        self._tills = tills
        self._sentences = sentences
        self._site = site

    @classmethod
    async def open(cls, url: str, *, site: str = "", size: int = 10, pooler: bool = False) -> "Database":
        """`site`: where people find Vently, for the addresses inside JSON that Postgres builds.
        `pooler`: a transaction-mode pooler stands between, so no prepared statement is kept.
        """
        some = 0 if pooler else size // 2  # behind such a pooler a connection cannot stay anybody
        cache = {"statement_cache_size": 0} if pooler else {}
        pool = await asyncpg.create_pool(
            url, min_size=1, max_size=size - some, init=teach_types, reset=leave_nothing, **cache
        )
        async with pool.acquire() as connection, connection.transaction():
            sentences = {row["name"]: row["sentence"] for row in await connection.fetch(errors.SENTENCES)}
        visitors = some and await asyncpg.create_pool(
            url, min_size=0, max_size=some, init=visiting(site), reset=leave_nothing
        )
        tills = not pooler and await asyncpg.create_pool(
            url, min_size=0, max_size=TILLS, init=selling(site), reset=leave_nothing
        )
        return cls(pool, visitors, tills, sentences, site)

    @classmethod
    def closed(cls) -> "Database":
        """A database that is not open yet: every use of it is refused as Unavailable."""
        return cls(None, None, None, {}, "")

    async def close(self) -> None:
        for pool in (self._pool, self._visitors, self._tills):
            if pool:
                await pool.close()

    @asynccontextmanager
    async def acting_as(self, viewer: Viewer, *, link: str = "") -> AsyncIterator[Transaction]:
        """One transaction as the viewer. `link` is the id or slug they hold, which opens unlisted events."""
        if self._visitors and viewer == VISITOR:
            pool, words = self._visitors, opening_for_visitors(link)
        else:
            pool, words = self._pool, opening(viewer, self._site, link)
        async with self._transaction(pool, words) as tx:
            yield tx

    @asynccontextmanager
    async def reading_as(self, viewer: Viewer) -> AsyncIterator[Transaction]:
        """For reading alone. A visitor's statement takes one round trip: on a connection that is a visitor's for life,
        whose plans hold (another role would have them made anew), and by itself, which reads as READ COMMITTED does.
        """
        if self._visitors and viewer == VISITOR:
            async with self._connection(self._visitors) as connection:
                yield Transaction(connection, self._sentences)
        else:
            async with self.acting_as(viewer) as tx:
                yield tx

    @asynccontextmanager
    async def acting_as_system(self) -> AsyncIterator[Transaction]:
        """One transaction past row-level security: only for webhooks, jobs, privacy and the till."""
        async with self._transaction(self._pool, opening(SYSTEM, self._site)) as tx:
            yield tx

    @asynccontextmanager
    async def selling(self) -> AsyncIterator[Transaction]:
        """Past row-level security, for the till's one statement: a transaction by itself, in one round trip. (A round
        trip waits for its turn among the requests at hand, and the others wait for the event's row meanwhile.)
        """
        if self._tills:
            async with self._connection(self._tills) as connection:
                yield Transaction(connection, self._sentences)
        else:
            async with self.acting_as_system() as tx:
                yield tx

    @asynccontextmanager
    async def acting_as_role(self, role: str) -> AsyncIterator[Transaction]:
        """One transaction as a platform role: `supabase_auth_admin`, for `supabase/auth` alone."""
        async with self._transaction(self._pool, opening(Viewer(role=role), self._site)) as tx:
            yield tx

    async def ping(self) -> None:
        """Raises Unavailable when the database does not answer."""
        async with self._transaction(self._pool, "begin") as tx:
            await tx.script("select 1")

    @asynccontextmanager
    async def _transaction(self, pool: Any, words: str) -> AsyncIterator[Transaction]:
        async with self._connection(pool) as connection:
            tx = Transaction(connection, self._sentences)
            try:
                await tx.script(words)
                yield tx
            except BaseException:
                await roll_back(connection)
                raise
            await tx.script("commit")

    @asynccontextmanager
    async def _connection(self, pool: Any) -> AsyncIterator[Any]:
        if pool is None:
            raise Unavailable("The server is still starting; try again in a moment.")
        try:
            connection = await pool.acquire(timeout=10)
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            raise Unavailable("The database is not reachable right now; try again in a moment.") from error
        try:
            yield connection
        finally:
            await pool.release(connection)
