"""The embedded server, a migrated template database cloned for each worker, the app over it, and the cast."""

import asyncio
import fcntl
import os
import secrets
from collections.abc import AsyncIterator, Iterator
from typing import Any

import asyncpg
import httpx
import pytest
import structlog
from cast import SECRET, Person, Site
from lifespan import living

from vently.app import ROOMS, create
from vently.database import embedded
from vently.database.embedded import Server
from vently.database.migrate import migrate
from vently.database.pool import Database
from vently.settings import Settings
from vently.web import logs

TEMPLATE = "vently_template"


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One embedded server, shared by the workers of a run; the last to leave stops it."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    with embedded.running(shared / "house", settings={"fsync": "off", "full_page_writes": "off"}) as running:
        yield running


@pytest.fixture(scope="session")
async def database_name(server: Server) -> AsyncIterator[str]:
    """This worker's own database, cloned from the migrated template."""
    name = f"vently_{os.environ.get('PYTEST_XDIST_WORKER', 'alone')}"
    await _make_template(server)
    await _administer(server, f"create database {name} template {TEMPLATE}")
    yield name
    await _administer(server, f"drop database {name} with (force)")


@pytest.fixture(scope="session")
async def site(server: Server, database_name: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    """The whole app over this worker's database, spoken to as a browser or client would."""
    settings = Settings(
        data=tmp_path_factory.mktemp("data"),
        database_url=server.url("authenticator", database_name),
        owner_url=server.url("postgres", database_name),
        platform_url=server.url("supabase_admin", database_name),
        secret=SECRET,
        site_url="http://vently.test",
        rate_limits="off",
        worker="off",  # a test does the jobs it has made
    )
    logs.set_up(os.environ.get("VENTLY_LOG_LEVEL", "critical"), "console")
    structlog.configure(cache_logger_on_first_use=False)  # tests of the logs set up their own
    app = create(settings)
    async with living(app):
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url=settings.site_url) as client:
            yield Site(app, client, settings)


@pytest.fixture
async def db(site: Site) -> Database:
    """The app's own pool: `acting_as` anyone."""
    return site.app.parts.database


@pytest.fixture
async def visitor(site: Site) -> Person:
    """Somebody without an account."""
    return Person(site, "visitor")


@pytest.fixture
async def alice(site: Site) -> Person:
    """Organises."""
    alice = await site.signs_up("Alice")
    assert (await alice.post("/api/me/organizer", {"terms_accepted": True})).status_code == 200
    return alice


@pytest.fixture
async def bob(site: Site) -> Person:
    """Attends."""
    return await site.signs_up("Bob")


@pytest.fixture
async def carol(site: Site) -> Person:
    """A stranger."""
    return await site.signs_up("Carol")


@pytest.fixture
async def dana(site: Site) -> Person:
    """Runs a community, as its `community`."""
    dana = await site.signs_up("Dana")
    dana.community = (await dana.founds(f"Dana's circle {secrets.token_hex(4)}"))["slug"]
    return dana


@pytest.fixture
async def root(site: Site, db: Database) -> Person:
    """Runs the platform."""
    from vently.people import profiles

    root = await site.signs_up("Root")
    async with db.acting_as_system() as tx:
        await profiles.promote(tx, root.email)
    return root


async def _make_template(server: Server) -> None:
    """Once a run: whoever comes first makes it, the others wait."""
    with (server.data / "template.lock").open("w") as lock:
        await asyncio.to_thread(fcntl.flock, lock, fcntl.LOCK_EX)
        known = await _administer(server, f"select 1 from pg_database where datname = '{TEMPLATE}'")
        if not known:
            making = f"{TEMPLATE}_making"
            await _administer(server, f"drop database if exists {making}")
            await _administer(server, f"create database {making}")
            await migrate(
                server.url("postgres", making), rooms=ROOMS, platform_url=server.url("supabase_admin", making)
            )
            await _administer(server, f"alter database {making} rename to {TEMPLATE}")


async def _administer(server: Server, statement: str) -> list[Any]:
    connection = await asyncpg.connect(server.url("supabase_admin", "postgres"))
    try:
        rows: list[Any] = await connection.fetch(statement)
        return rows
    finally:
        await connection.close()
