"""The database as a command line reaches it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from vently.database.pool import Database
from vently.settings import Settings


@asynccontextmanager
async def database(settings: Settings, *, size: int = 2) -> AsyncIterator[Database]:
    """Open while the command works."""
    opened = await Database.open(
        settings.database_url,
        site=settings.site_url,
        size=size,
        pooler=settings.database_pooler == "transaction",
    )
    try:
        yield opened
    finally:
        await opened.close()
