"""The pool and the transaction: every statement runs as a viewer, and row-level security decides what they see."""

import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, TypeVar
from uuid import UUID

import asyncpg
import msgspec

from vently.database import errors
from vently.database.queries import Query
from vently.refusals import NotFound, Unavailable

T = TypeVar("T")

spent: ContextVar[list[float] | None] = ContextVar("database_seconds", default=None)
"""Seconds a request waited for the database, one entry a round trip; the web shell sets and sums it."""

ROLES = {"anon": "3s", "authenticated": "8s", "service_role": "60s", "supabase_auth_admin": "8s"}
"""Roles a node may take, and the statement timeout of each (`set role` does not apply a role's own settings)."""


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who asks: the claims of a verified access token, or nobody."""

    id: UUID | None = None
    role: str = "anon"
    claims: dict[str, Any] = field(default_factory=dict)
    session_id: UUID | None = None


VISITOR = Viewer(role="anon", claims={"role": "anon"})
SYSTEM = Viewer(role="service_role", claims={"role": "service_role"})


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
    """A pool of connections that logs in as a role which, outside `acting_as`, can read nothing."""

    def __init__(self, pool: Any, sentences: dict[str, str], site: str) -> None:
        self._pool = pool
        self._sentences = sentences
        self._site = site

    @classmethod
    async def open(cls, url: str, *, site: str = "", size: int = 10, pooler: bool = False) -> "Database":
        """`site`: where people find Vently, for the addresses inside JSON that Postgres builds.
        `pooler`: a transaction-mode pooler stands between, so no prepared statement is kept.
        """
        cache = {"statement_cache_size": 0} if pooler else {}
        pool = await asyncpg.create_pool(
            url, min_size=1, max_size=size, init=_teach_types, reset=_leave_nothing, **cache
        )
        async with pool.acquire() as connection, connection.transaction():
            sentences = {row["name"]: row["sentence"] for row in await connection.fetch(errors.SENTENCES)}
        return cls(pool, sentences, site)

    @classmethod
    def closed(cls) -> "Database":
        """A database that is not open yet: every use of it is refused as Unavailable."""
        return cls(None, {}, "")

    async def close(self) -> None:
        await self._pool.close()

    @asynccontextmanager
    async def acting_as(self, viewer: Viewer, *, link: str = "") -> AsyncIterator[Transaction]:
        """One transaction as the viewer. `link` is the id or slug they hold, which opens unlisted events."""
        async with self._transaction(_opening(viewer, self._site, link)) as tx:
            yield tx

    @asynccontextmanager
    async def acting_as_system(self) -> AsyncIterator[Transaction]:
        """One transaction past row-level security: only for webhooks, jobs, privacy and the till."""
        async with self._transaction(_opening(SYSTEM, self._site)) as tx:
            yield tx

    @asynccontextmanager
    async def acting_as_role(self, role: str) -> AsyncIterator[Transaction]:
        """One transaction as a platform role: `supabase_auth_admin`, for `supabase/auth` alone."""
        async with self._transaction(_opening(Viewer(role=role), self._site)) as tx:
            yield tx

    async def ping(self) -> None:
        """Raises Unavailable when the database does not answer."""
        async with self._transaction("begin") as tx:
            await tx.script("select 1")

    @asynccontextmanager
    async def _transaction(self, opening: str) -> AsyncIterator[Transaction]:
        if self._pool is None:
            raise Unavailable("The server is still starting; try again in a moment.")
        try:
            connection = await self._pool.acquire(timeout=10)
        except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
            raise Unavailable("The database is not reachable right now; try again in a moment.") from error
        try:
            tx = Transaction(connection, self._sentences)
            try:
                await tx.script(opening)
                yield tx
            except BaseException:
                await _roll_back(connection)
                raise
            await tx.script("commit")
        finally:
            await self._pool.release(connection)


def _opening(viewer: Viewer, site: str, link: str = "") -> str:
    """Begin, role and claims in one round trip: the simple protocol takes several statements but no parameters."""
    timeout = ROLES[viewer.role]
    claims = msgspec.json.encode(viewer.claims).decode()
    settings = {
        "statement_timeout": timeout,
        "request.jwt.claims": claims,
        "request.jwt.claim.sub": str(viewer.id or ""),
        "request.jwt.claim.role": viewer.role,
        "request.jwt.claim.email": str(viewer.claims.get("email") or ""),
        "vently.link": link,
        "vently.site": site,
    }
    pairs = ", ".join(f"set_config({_quoted(name)}, {_quoted(value)}, true)" for name, value in settings.items())
    return f"begin; set local role {viewer.role}; select {pairs}"


def _quoted(text: str) -> str:
    """A literal (standard_conforming_strings is on: only the quote needs doubling). NUL cannot stand in a literal."""
    return "'" + text.replace("\0", "").replace("'", "''") + "'"


async def _roll_back(connection: Any) -> None:
    """Whatever keeps it from rolling back, the connection is thrown away: what went wrong before is what is told."""
    try:
        await connection.execute("rollback")
    except BaseException as error:
        with suppress(asyncpg.InterfaceError):  # the pool has let go of a connection that the server closed
            connection.terminate()
        if not isinstance(error, Exception):
            raise


async def _leave_nothing(connection: Any) -> None:
    """Release without asyncpg's reset query (figures: 31 % of a list): a transaction leaves nothing behind."""
    if connection.is_in_transaction():
        await connection.execute("rollback")


async def _teach_types(connection: Any) -> None:
    """In a transaction: behind a transaction-mode pooler, what is prepared outside of one may meet another server."""
    async with connection.transaction():
        for name in ("json", "jsonb"):
            await connection.set_type_codec(
                name,
                schema="pg_catalog",
                encoder=lambda value: msgspec.json.encode(value).decode(),
                decoder=msgspec.json.decode,
            )
        await connection.set_type_codec("uuid", schema="pg_catalog", encoder=str, decoder=UUID)
