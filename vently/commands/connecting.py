"""The database as a command reaches it: the embedded one runs meanwhile, unless another one is named."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from vently.refusals import NotFound, Unavailable
from vently.settings import Settings

if TYPE_CHECKING:
    from vently.database.pool import Database


@contextmanager
def reachable(settings: Settings, *, made_before: bool = False) -> Iterator[Settings]:
    """Settings that name a running database. `made_before`: refuse to begin a new data folder."""
    if not settings.embedded:
        yield settings
        return
    from vently.database import embedded

    if made_before and not (settings.data / "postgres" / "cluster").exists():
        raise NotFound(
            f"There is no Vently in {settings.data}: name its folder with --data, or begin with `vently up`."
        )
    pg_bin = Path(settings.pg_bin) if settings.pg_bin else None
    with embedded.running(settings.data, pg_bin=pg_bin) as server:
        yield msgspec.structs.replace(
            settings,
            database_url=server.url("authenticator"),
            owner_url=server.url("postgres"),
            platform_url=server.url("supabase_admin"),
        )


@contextmanager
def ready(settings: Settings, *, made_before: bool = False) -> Iterator[Settings]:
    """`reachable`, and the embedded one up to date. Somebody else's is migrated when they say so."""
    with reachable(settings, made_before=made_before) as found:
        if settings.embedded:
            from vently.commands import migrating

            migrating.migrate(found, quiet=True)
        yield found


@asynccontextmanager
async def database(settings: Settings, *, size: int = 2) -> AsyncIterator["Database"]:
    """Open while the command works. Raises Unavailable."""
    from vently.database import inspection
    from vently.database.pool import Database

    found = await inspection.look(settings.database_url)
    if not found.migrated:
        raise Unavailable("The database has no tables of Vently's yet: run `vently migrate` first.")
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
