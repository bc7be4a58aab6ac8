"""Scratch servers shaped like a hosted project's: the packaged Postgres 18 and Debian's Postgres 15."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from programs import needs_debian_file
from scratch import PACKAGED, Scratch, scratch_server


@pytest.fixture(scope="session")
def postgres_18() -> Iterator[Scratch]:
    with scratch_server(PACKAGED) as server:
        yield server


@pytest.fixture(scope="session")
def postgres_15() -> Iterator[Scratch]:
    needs_debian_file("/usr/lib/postgresql/15/bin/initdb", "postgresql-15")
    needs_debian_file("/usr/share/postgresql/15/extension/plpgsql_check.control", "postgresql-15-plpgsql-check")
    with scratch_server(Path("/usr/lib/postgresql/15/bin")) as server:
        yield server


@pytest.fixture(params=["postgres_15", "postgres_18"])
def scratch(request: pytest.FixtureRequest) -> Scratch:
    """The oldest and the newest Postgres that Vently runs on."""
    server: Scratch = request.getfixturevalue(request.param)
    return server
