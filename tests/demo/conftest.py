"""A database and an app of the demo's own: what it loads would stand in other tests' way."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import httpx
import pytest
from cast import Person, Site

from vently.app import create
from vently.database.embedded import Server
from vently.database.pool import Database
from vently.demo import load
from vently.demo.load import Loaded
from vently.settings import Settings

TEMPLATE = "vently_template"


@pytest.fixture
async def empty_database(server: Server, database_name: str) -> AsyncIterator[str]:
    """Nobody lives there."""
    async with fresh_database(server, f"{database_name}_empty") as name:
        yield name


@asynccontextmanager
async def fresh_database(server: Server, name: str) -> AsyncIterator[str]:
    """A migrated database without a row."""
    owner = await asyncpg.connect(server.url("supabase_admin", "postgres"))
    try:
        await owner.execute(f"create database {name} template {TEMPLATE}")
        yield name
        await owner.execute(f"drop database {name} with (force)")
    finally:
        await owner.close()


@pytest.fixture(scope="session")
async def town_database(server: Server, database_name: str) -> AsyncIterator[str]:
    async with fresh_database(server, f"{database_name}_demo") as name:
        yield name


@pytest.fixture(scope="session")
async def town_db(server: Server, town_database: str) -> AsyncIterator[Database]:
    db = await Database.open(server.url("authenticator", town_database), site="http://vently.test")
    yield db
    await db.close()


@pytest.fixture(scope="session")
async def loaded(town_db: Database) -> Loaded:
    """What `vently demo` says it made."""
    made = await load.town(town_db)
    assert made
    return made


@pytest.fixture(scope="session")
async def town_site(
    server: Server, town_database: str, loaded: Loaded, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Site]:
    assert loaded.events
    settings = Settings(
        data=tmp_path_factory.mktemp("town"),
        database_url=server.url("authenticator", town_database),
        site_url="http://vently.test",
        rate_limits="off",
        worker="off",
    )
    app = create(settings)
    async with living(app):
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url=settings.site_url) as client:
            yield Site(app, client, settings)


@pytest.fixture
async def visitor(town_site: Site) -> Person:
    return Person(town_site, "visitor")


@pytest.fixture
async def bob(town_site: Site) -> Person:
    """Signs up in a town that is full of life already."""
    return await town_site.signs_up("Bob")


@asynccontextmanager
async def living(app: object) -> AsyncIterator[None]:
    """What a server does at start and end (the ASGI lifespan protocol)."""
    to_app: asyncio.Queue[dict[str, str]] = asyncio.Queue()
    from_app: asyncio.Queue[dict[str, str]] = asyncio.Queue()
    running = asyncio.create_task(app({"type": "lifespan", "state": {}}, to_app.get, from_app.put))
    for moment in ("startup", "shutdown"):
        await to_app.put({"type": f"lifespan.{moment}"})
        assert (await from_app.get())["type"] == f"lifespan.{moment}.complete"
        if moment == "startup":
            yield
    await running
