"""Looking at a database from outside: what a login can do before it takes a role, and how the server is set."""

from datetime import datetime
from pathlib import Path

import asyncpg
import msgspec

from vently.refusals import Unavailable

LOOK = Path(__file__).with_suffix(".sql").read_text(encoding="utf-8")

_PATIENCE = 10
"""Seconds to wait for an answer."""


class Found(msgspec.Struct, frozen=True):
    """`owns` and `reads` name tables of the platform and of Vently; `becomes` roles that the login may take."""

    version: int
    login: str
    superuser: bool
    bypasses_rules: bool
    owns: list[str]
    reads: list[str]
    becomes: list[str]
    becomes_superuser: list[str]
    migrated: bool
    careless: list[str]
    encoding: str
    replica: bool
    clock: datetime


async def look(url: str) -> Found:
    """Raises Unavailable, with a sentence for whoever runs Vently."""
    try:
        connection = await asyncpg.connect(url, timeout=_PATIENCE, command_timeout=_PATIENCE, statement_cache_size=0)
        try:
            row = await connection.fetchrow(LOOK)
        finally:
            await connection.close(timeout=_PATIENCE)
    except (OSError, ValueError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        reason = str(error) or f"no answer within {_PATIENCE} seconds"
        raise Unavailable(
            f"The database cannot be reached ({reason}): check that it runs and what VENTLY_DATABASE_URL says."
        ) from error
    return Found(**row)
