"""Rate limits on pages count the person who sits at them, not the server that asks for them."""

from collections.abc import AsyncIterator

import pytest
from cast import Site
from mailed_site import Mailed, free_port, mailed_site


@pytest.fixture
async def limited(site: Site, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Mailed]:
    async with mailed_site(site, tmp_path_factory.mktemp("limited"), free_port(), rate_limits="on") as running:
        yield running


async def test_who_asks_too_often_waits_and_others_do_not(limited: Mailed) -> None:
    asks = await limited.browser(address="203.0.113.99").opens("/sign-in/forgotten")
    for turn in range(60):
        await asks.opens("/sign-in/forgotten")
        await asks.sends("/sign-in/forgotten", email=f"nobody{turn}@example.org")
        if asks.status != 200:
            break
    assert (asks.status, "Wait a little" in asks.text) == (429, True)
    assert turn >= 20
    other = await limited.browser(address="203.0.113.98").opens("/sign-in/forgotten")
    await other.sends("/sign-in/forgotten", email="nobody@example.org")
    assert (other.status, other.path) == (200, "/sign-in/code")
