"""Made-up worlds to measure in: an embedded server of their own, filled with events, people and places."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from vently.app import ROOMS
from vently.database import embedded
from vently.database.migrate import migrate
from vently.database.queries import parse

HERE = Path(__file__).parent
pick = parse((HERE / "world.sql").read_text()).pick


class World(msgspec.Struct, frozen=True):
    """Where it is, and what is worth asking for there."""

    url: str
    superuser_url: str
    large_city: str
    middle_city: str
    small_city: str
    community: str
    organizer_id: UUID
    organizer: str
    common_word: str
    middle_word: str
    rare_word: str
    talked_about: str
    event_id: UUID
    event_slug: str


@asynccontextmanager
async def world(data: Path, events: int) -> AsyncIterator[World]:
    """The world under `data`, made when it is not there, and its server running."""
    data.mkdir(parents=True, exist_ok=True)
    with embedded.running(data) as server:
        superuser = server.url("supabase_admin")
        await migrate(server.url("postgres"), rooms=ROOMS, platform_url=superuser)
        found = await _found(superuser, events)
        yield World(server.url("authenticator"), superuser, **found)


async def _found(url: str, events: int) -> dict[str, Any]:
    connection = await asyncpg.connect(url)
    try:
        if not await connection.fetchval("select count(*) from public.events"):
            await connection.execute("select set_config('bench.events', $1, false)", str(events))
            await connection.execute((HERE / "town.sql").read_text())
            await connection.execute("vacuum analyze")
        return dict(await connection.fetchrow(pick.text))
    finally:
        await connection.close()
