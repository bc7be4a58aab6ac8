"""The pretender's memory in Postgres keeps to the same contract as the one of the tests."""

import pytest
from cast import Site
from payment_places import AtPretender
from test_payments_contract import *  # noqa: F403 - the same tests again

from vently.tickets.payments.pretending import Memory


@pytest.fixture
async def place(site: Site) -> AtPretender:
    return AtPretender(Memory(site.app.parts))
