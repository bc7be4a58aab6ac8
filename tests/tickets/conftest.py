"""The cast has something to sell."""

import pytest
from cast import Person
from selling import Sale, on_sale

from vently.database.pool import Database


@pytest.fixture
async def sale(alice: Person, db: Database) -> Sale:
    """An event with free tickets and others for 12.50 EUR, a hundred of each."""
    return await on_sale(db, alice, await alice.creates("A gig"), {"free": (0, 100), "paid": (1250, 100)})
