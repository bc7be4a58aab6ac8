"""`vently people promote`: the first administrator of a platform, whom nobody above them can name."""

import asyncio

from vently.commands.connecting import database
from vently.people import profiles
from vently.settings import Settings


def run(settings: Settings, email: str) -> None:
    """Raises NotFound and Conflict."""
    asyncio.run(_promote(settings, email))


async def _promote(settings: Settings, email: str) -> None:
    async with database(settings) as db, db.acting_as_system() as tx:
        await profiles.promote(tx, email)
