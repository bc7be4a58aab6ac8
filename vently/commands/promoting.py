"""`vently people promote` and `demote`: who administers the platform, decided by whoever runs it."""

import asyncio
from collections.abc import Awaitable, Callable

from vently.commands.connecting import database
from vently.database.pool import Transaction
from vently.people import profiles
from vently.settings import Settings


def promote(settings: Settings, email: str) -> None:
    """Raises NotFound and Conflict."""
    asyncio.run(_decide(settings, email, profiles.promote))


def demote(settings: Settings, email: str) -> None:
    """Raises NotFound and Conflict."""
    asyncio.run(_decide(settings, email, profiles.demote))


async def _decide(settings: Settings, email: str, verb: Callable[[Transaction, str], Awaitable[None]]) -> None:
    async with database(settings) as db, db.acting_as_system() as tx:
        await verb(tx, email)
