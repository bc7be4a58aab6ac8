"""The cast has something to sell, a door to keep, and a desk to look at."""

from collections.abc import AsyncIterator

import asyncpg
import pytest
from browsing import Browser
from cast import Person, Site
from counter import Counter
from gates import Gate
from selling import Sale, on_sale
from shop import Shop, opened
from stripe._http_client import HTTPClient

from vently.database.pool import Database
from vently.tickets.issued.codes import Codes


@pytest.fixture
async def sale(alice: Person, db: Database) -> Sale:
    """An event with free tickets and others for 12.50 EUR, a hundred of each."""
    return await on_sale(db, alice, await alice.creates("A gig"), {"free": (0, 100), "paid": (1250, 100)})


@pytest.fixture
async def gate(site: Site, sale: Sale) -> Gate:
    """The door of the sale's event."""
    parts = site.app.parts
    return Gate(sale, parts.other.setdefault("codes", Codes(parts.signer.key("ticket codes"))))


@pytest.fixture
async def counter(site: Site, sale: Sale) -> AsyncIterator[Counter]:
    """The sale with what payments and refunds make of it."""
    connection = await asyncpg.connect(site.settings.platform_url)
    yield Counter(sale, connection)
    await connection.close()


@pytest.fixture
async def shop(site: Site, sale: Sale) -> AsyncIterator[Shop]:
    """The same event, sold on a node that takes cards by Stripe."""
    async with opened(site, sale) as shop:
        yield shop


@pytest.fixture
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before Stripe's SDK tries again."""
    monkeypatch.setattr(HTTPClient, "INITIAL_DELAY", 0.01)
    monkeypatch.setattr(HTTPClient, "MAX_DELAY", 0.02)


@pytest.fixture
async def guest(site: Site) -> Browser:
    return Browser(site.app, site.settings.site_url)


@pytest.fixture
async def bobs(site: Site, bob: Person) -> Browser:
    """Bob, signed in on a browser."""
    browser = Browser(site.app, site.settings.site_url)
    browser.http.cookies.set("vently_access", bob.token)
    return browser
