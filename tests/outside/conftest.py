"""Stripe over its fake, and a payment of Bob's there."""

from collections.abc import AsyncIterator

import pytest
from fake_stripe import FakeStripe
from payment_places import AtStripe, at_stripe, checkout
from stripe._http_client import HTTPClient


@pytest.fixture
async def place() -> AsyncIterator[AtStripe]:
    async with at_stripe() as place:
        yield place


@pytest.fixture
def fake(place: AtStripe) -> FakeStripe:
    return place.fake


@pytest.fixture
async def payment(place: AtStripe) -> str:
    """Bob has paid 50 euros."""
    asked = checkout()
    await place.payments.start(asked)
    await place.pays(asked)
    return str(place.fake.session(str(asked.attempt))["payment_intent"])


@pytest.fixture
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before the SDK tries again."""
    monkeypatch.setattr(HTTPClient, "INITIAL_DELAY", 0.01)
