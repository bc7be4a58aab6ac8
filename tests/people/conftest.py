"""A site that sends mail."""

from collections.abc import AsyncIterator

import pytest
from cast import Site
from mailed_site import Mailed, free_port, mailed_site


@pytest.fixture(scope="session")
async def mailed(site: Site, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Mailed]:
    async with mailed_site(site, tmp_path_factory.mktemp("mailed"), free_port()) as running:
        yield running
