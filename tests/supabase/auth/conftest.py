"""A site with nothing but sign-in, on a real port, over this worker's database; and the people who use it."""

import asyncio
import itertools
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import httpx
import pytest
import pytest_asyncio
import uvicorn
from auth_cast import API_KEY, NEW_VERSION, SECRET_KEY, SITE, Account, sign_up
from cast import SECRET
from factor_cast import App, Door
from litestar import Litestar
from litestar.datastructures import State
from supabase import AsyncClient, acreate_client

from vently.database.embedded import Server
from vently.database.pool import Database
from vently.outside.mail import Post
from vently.outside.mail.folder import FolderMailer
from vently.supabase.auth.api import mount, well_known
from vently.supabase.auth.auth import Auth
from vently.supabase.auth.factors import totp
from vently.supabase.auth.rules import Rules
from vently.supabase.auth.sealing import Sealing
from vently.web import signing


@dataclass(frozen=True)
class Served:
    url: str
    auth: Auth


@pytest_asyncio.fixture(scope="session")
async def owner(server: Server, database_name: str) -> AsyncIterator[asyncpg.Connection]:
    """The superuser's connection, for what only a test may do: turning back clocks, looking under the carpet."""
    connection = await asyncpg.connect(server.url("supabase_admin", database_name))
    yield connection
    await connection.close()


@pytest_asyncio.fixture(scope="session")
async def served(
    server: Server,
    database_name: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> AsyncIterator[Served]:
    database = await Database.open(server.url("authenticator", database_name))
    auth = Auth(
        database,
        Rules(site_url=SITE, limited=False, secret_key=SECRET_KEY),
        sealing=Sealing(signing.load(SECRET, Path()).key("sealing of sign-in")),
        post=Post(FolderMailer(tmp_path_factory.mktemp("mail"), "Vently <hello@vently.example>")),
    )
    await auth.keys.load()
    app = Litestar([mount(auth), well_known(auth)], openapi_config=None, state=State())
    listening = socket.socket(proto=socket.IPPROTO_TCP)  # only then asyncio sends at once (TCP_NODELAY)
    listening.bind(("127.0.0.1", 0))
    serves = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off"))
    serving = asyncio.create_task(serves.serve(sockets=[listening]))
    yield Served(f"http://127.0.0.1:{listening.getsockname()[1]}", auth)
    serves.should_exit = True
    await serving
    await database.close()


@pytest.fixture(scope="session")
def auth(served: Served) -> Auth:
    return served.auth


@pytest_asyncio.fixture(scope="session")
async def http(served: Served) -> AsyncIterator[httpx.AsyncClient]:
    """A client that speaks the new version, like Supabase's own."""
    async with httpx.AsyncClient(base_url=f"{served.url}/auth/v1", headers=NEW_VERSION, timeout=30) as client:
        yield client


@pytest_asyncio.fixture
async def supabase(served: Served) -> AsyncClient:
    """Supabase's own client, unmodified."""
    return await acreate_client(served.url, API_KEY)


_numbers = itertools.count(1)


@pytest.fixture
def email() -> str:
    return f"alice{next(_numbers)}@example.com"


@pytest_asyncio.fixture
async def alice(http: httpx.AsyncClient, email: str) -> Account:
    return await sign_up(http, email)


@pytest_asyncio.fixture
async def bob(http: httpx.AsyncClient) -> Account:
    return await sign_up(http, f"bob{next(_numbers)}@example.com")


@pytest_asyncio.fixture(scope="session")
async def alice_for_all(http: httpx.AsyncClient) -> Account:
    """One Alice for the many tests that change nothing about her."""
    return await sign_up(http, "alice.for.all@example.com")


@pytest.fixture
def door(http: httpx.AsyncClient, alice: Account, monkeypatch: pytest.MonkeyPatch) -> Door:
    """Alice's. Time stands still for codes, so that no test runs into the next thirty seconds."""
    step = totp.current_step()
    monkeypatch.setattr(totp, "current_step", lambda: step)
    return Door(http, alice.session)


@pytest_asyncio.fixture
async def secured(door: Door) -> tuple[Door, str, App]:
    """Alice with a verified app, at AAL2; the code of the step before now is spent."""
    factor = await door.enrols()
    app = App(factor["totp"]["secret"])
    await door.raises(factor["id"], app.code(-1))
    return door, factor["id"], app
