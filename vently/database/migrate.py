"""Bring a database up to date in one transaction: the platform where it is missing, new migrations, changed rules."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import asyncpg

from vently.database.schema import (
    FORGET_RULES,
    HISTORY,
    MIGRATIONS,
    RECORD_RULES,
    TURN,
    CannotMigrate,
    Room,
    Schema,
    Text,
)

__all__ = ["CannotMigrate", "Report", "Room", "migrate", "plan"]

PLATFORM = Path(__file__).parents[1] / "supabase" / "platform.sql"
PLATFORM_MARK = "Made by Vently"

WAIT_FOR_OTHERS = "120s"
"""How long a node waits while another one migrates."""
WAIT_FOR_TABLES = "10s"
"""How long one statement waits for a table that requests are using. Requests queue behind it meanwhile."""
LONGEST_STATEMENT = "300s"

History = Mapping[tuple[str, str], str]
OnStep = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Report:
    """What was done, or would be."""

    platform: bool
    migrations: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()

    @property
    def changed(self) -> bool:
        return bool(self.platform or self.migrations or self.rules)


async def migrate(
    owner_url: str,
    *,
    rooms: Sequence[Room],
    platform_url: str | None = None,
    on_step: OnStep | None = None,
    migrations: Path = MIGRATIONS,
) -> Report:
    """Apply what is missing, as the role that owns the tables.

    `platform_url` is a superuser's, for a plain Postgres only.
    Raises CannotMigrate, and then nothing was changed (except that a missing platform may have been made).
    """
    tell = on_step or (lambda _: None)
    schema = Schema.read(migrations, rooms)
    platform = await _make_platform(platform_url, tell) if platform_url else False
    async with _connected(owner_url) as connection:
        pending = compare(schema, await _history(connection))
        if pending.migrations or pending.rules:
            async with connection.transaction():
                await _take_turn(connection)
                pending = compare(schema, await _history(connection))
                if pending.migrations or pending.rules:
                    await _apply(connection, schema, pending, tell)
    return Report(platform, tuple(text.name for text in pending.migrations), tuple(text.name for text in pending.rules))


async def plan(
    owner_url: str, *, rooms: Sequence[Room], platform_url: str | None = None, migrations: Path = MIGRATIONS
) -> Report:
    """What `migrate` would do, without doing it."""
    platform = False
    if platform_url:
        async with _connected(platform_url) as connection:
            platform = await connection.fetchval("select to_regclass('auth.users') is null")
            if platform:
                owner_url = platform_url  # the owner's role may not exist yet
    async with _connected(owner_url) as connection:
        pending = compare(Schema.read(migrations, rooms), await _history(connection))
    return Report(platform, tuple(text.name for text in pending.migrations), tuple(text.name for text in pending.rules))


def compare(schema: Schema, history: History) -> Schema:
    """What is still to be applied. All rules run when any text changed or a migration waits. Raises CannotMigrate."""
    known = {text.name for text in schema.migrations}
    applied = {name for kind, name in history if kind == "migration"}
    if newer := sorted(applied - known):
        raise CannotMigrate(
            f"This database is newer than this Vently, which does not know the migration {newer[-1]}:"
            " install the newer Vently."
        )
    for text in schema.migrations:
        if history.get(("migration", text.name), text.sha256) != text.sha256:
            raise CannotMigrate(
                f"The migration {text.name} was changed after it had been applied:"
                " put its text back and write a new one."
            )
    waiting = tuple(text for text in schema.migrations if text.name not in applied)
    if waiting and applied and waiting[0].name < max(applied):
        raise CannotMigrate(
            f"The migration {waiting[0].name} comes before {max(applied)}, which has been applied:"
            " give it a later timestamp."
        )
    changed = {text.name: text.sha256 for text in schema.rules} != {
        name: digest for (kind, name), digest in history.items() if kind == "rules"
    }
    return Schema(waiting, schema.rules if changed or waiting else ())


async def _apply(connection: Any, schema: Schema, pending: Schema, tell: OnStep) -> None:
    await connection.execute(
        f"set local lock_timeout = '{WAIT_FOR_TABLES}'; set local statement_timeout = '{LONGEST_STATEMENT}'"
    )
    await _run(connection, "history.sql", HISTORY)
    await _run(connection, "forget_rules.sql", FORGET_RULES)
    for text in pending.migrations:
        tell(f"migration {text.name}")
        await _run(connection, f"migrations/{text.name}.sql", text.sql)
        await _record(connection, text)
    await _run(connection, "forget_rules.sql", FORGET_RULES)
    for text in pending.rules:
        tell(f"rules of {text.name}")
        await _run(connection, f"{text.name}/rules.sql", text.sql)
        await _record(connection, text)
    await _run(connection, "record_rules.sql", RECORD_RULES)
    gone = "delete from private.schema_history where kind = 'rules' and name <> all ($1::text[])"
    await connection.execute(gone, [text.name for text in schema.rules])


async def _record(connection: Any, text: Text) -> None:
    await connection.execute(
        "insert into private.schema_history (kind, name, sha256) values ($1, $2, $3)"
        " on conflict (kind, name) do update set sha256 = excluded.sha256, applied_at = excluded.applied_at",
        text.kind,
        text.name,
        text.sha256,
    )


async def _history(connection: Any) -> History:
    # Asked of the catalogue itself: to_regclass() may answer from a cache older than the lock that was waited for.
    there = "select exists (select from pg_tables where schemaname = 'private' and tablename = 'schema_history')"
    try:
        if not await connection.fetchval(there):
            return {}
        rows = await connection.fetch("select kind, name, sha256 from private.schema_history")
    except asyncpg.InsufficientPrivilegeError as error:
        raise CannotMigrate(_sentence(error)) from error
    return {(row["kind"], row["name"]): row["sha256"] for row in rows}


async def _make_platform(url: str, tell: OnStep) -> bool:
    """Whether there was none before. Leaves a Supabase project alone, and a platform that is up to date."""
    sql = PLATFORM.read_text(encoding="utf-8")
    mark = f"{PLATFORM_MARK}: platform.sql {sha256(sql.encode()).hexdigest()[:16]}"
    async with _connected(url) as connection, connection.transaction():
        await connection.execute(f"set local lock_timeout = '{WAIT_FOR_TABLES}'")
        missing, marked = await connection.fetchrow(
            "select to_regclass('auth.users') is null,"
            " coalesce(obj_description(to_regnamespace('auth'), 'pg_namespace'), '')"
        )
        if not missing and not marked.startswith(PLATFORM_MARK):
            tell("platform: left to Supabase")
        elif marked == mark:
            await _run(connection, "platform.sql", "select realtime.keep_partitions()")
        else:
            tell("platform")
            await _run(connection, "platform.sql", f"{sql}\ncomment on schema auth is '{mark}'")
    return bool(missing)


@asynccontextmanager
async def _connected(url: str) -> AsyncIterator[Any]:
    try:
        connection = await asyncpg.connect(url, timeout=30, statement_cache_size=0)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise CannotMigrate(f"The database cannot be reached ({error}): check that it runs and its URL.") from error
    try:
        yield connection
    finally:
        await connection.close()


async def _take_turn(connection: Any) -> None:
    try:
        await connection.execute(f"set local lock_timeout = '{WAIT_FOR_OTHERS}'")
        await connection.execute(f"select pg_advisory_xact_lock({TURN})")
    except asyncpg.LockNotAvailableError as error:
        raise CannotMigrate(
            f"Another node has been migrating for more than {WAIT_FOR_OTHERS}: see what it waits for, then try again."
        ) from error


async def _run(connection: Any, name: str, sql: str) -> None:
    try:
        await connection.execute(f"{sql}\n; select")  # asyncpg stumbles over a text of comments alone
    except asyncpg.PostgresError as error:
        raise CannotMigrate(f"{name}{_line(sql, error)}: {_sentence(error)}") from error
    if not connection.is_in_transaction():
        raise CannotMigrate(f"{name} ends the transaction it runs in: take its commit or rollback out.")


def _line(sql: str, error: asyncpg.PostgresError) -> str:
    position = error.position
    return f", line {sql.count(chr(10), 0, int(position) - 1) + 1}" if position else ""


def _sentence(error: asyncpg.PostgresError) -> str:
    match error:
        case asyncpg.LockNotAvailableError() | asyncpg.DeadlockDetectedError():
            return "requests are using what it changes; nothing was changed, so try again in a moment."
        case asyncpg.QueryCanceledError():
            return f"a statement took longer than {LONGEST_STATEMENT}; nothing was changed."
        case asyncpg.InsufficientPrivilegeError():
            return f"{error}: let VENTLY_OWNER_URL log in as the role that owns the tables (`postgres` on Supabase)."
        case _:
            return str(error)
