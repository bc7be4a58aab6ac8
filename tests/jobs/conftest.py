"""A database for the queue alone: jobs of these tests are not taken by the app's own worker."""

import secrets
from collections.abc import AsyncIterator

import asyncpg
import pytest
from queues import Queue

from vently.database.embedded import Server
from vently.database.pool import Database


@pytest.fixture(scope="session")
async def queues_database(server: Server, database_name: str) -> AsyncIterator[str]:
    assert database_name  # so the template is there
    name = f"jobs_{secrets.token_hex(6)}"
    administrator = await asyncpg.connect(server.url("supabase_admin", "postgres"))
    await administrator.execute(f"create database {name} template vently_template")
    yield name
    await administrator.execute(f"drop database {name} with (force)")
    await administrator.close()


@pytest.fixture
async def queued(server: Server, queues_database: str) -> AsyncIterator[Queue]:
    """An empty queue."""
    owner = await asyncpg.connect(server.url("supabase_admin", queues_database))
    await owner.execute("truncate private.jobs")
    url = server.url("authenticator", queues_database)
    database = await Database.open(url, size=20)
    yield Queue(database, owner, url)
    await database.close()
    await owner.close()
