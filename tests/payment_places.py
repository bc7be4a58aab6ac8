"""Who takes payments in tests: the pretender, or Stripe over its fake; with buyers, and a box for webhooks."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol
from uuid import UUID, uuid4

from fake_stripe import FakeStripe
from fake_stripe_wire import Answer, Request, serving

from vently.outside.payments import Checkout, Line, Notice, Payments, RefundAsked
from vently.outside.payments.pretend import Ledger, Pretend
from vently.outside.payments.stripe import Stripe


def checkout(**changed: Any) -> Checkout:
    """Two tickets of 25 euros."""
    words: dict[str, Any] = {
        "attempt": uuid4(),
        "order": uuid4(),
        "opened_at": datetime.now(UTC),
        "amount": 5_000,
        "currency": "EUR",
        "title": "Jazz in the park",
        "lines": [Line("Standing", 2, 2_500)],
        "email": "bob@example.com",
        "success_url": "https://vently.example/orders/1?paid",
        "cancel_url": "https://vently.example/orders/1",
    }
    return Checkout(**words | changed)


def refund_of(payment: str, amount: int = 1_000, **more: str) -> RefundAsked:
    return RefundAsked(refund=uuid4(), payment=payment, amount=amount, currency="EUR", **more)


class Place(Protocol):
    """A provider, and what buyers do there. `notices` is what it told us, read and in order."""

    payments: Payments

    async def pays(self, asked: Checkout) -> None: ...
    async def declines(self, asked: Checkout) -> None: ...
    async def leaves_it(self, asked: Checkout) -> None:
        """Never comes back, until it is closed."""

    async def notices(self) -> list[Notice]: ...


@dataclass
class Memory:
    """The pretender's ledger, for one process. Nothing in it waits, so each step is one."""

    outcomes: dict[UUID, tuple[str, int, str]] = field(default_factory=dict)
    given: dict[UUID, dict[UUID, int]] = field(default_factory=dict)

    async def outcome(self, attempt: UUID) -> tuple[str, int, str] | None:
        return self.outcomes.get(attempt)

    async def keep(self, attempt: UUID, outcome: str, amount: int, currency: str) -> tuple[str, int, str]:
        if self.outcomes.get(attempt, ("",))[0] not in {"paid", "abandoned"}:
            self.outcomes[attempt] = (outcome, amount, currency)
        return self.outcomes[attempt]

    async def refunds(self, attempt: UUID) -> dict[UUID, int]:
        return self.given.get(attempt, {})

    async def give_back(self, attempt: UUID, refund: UUID, amount: int) -> bool:
        given = self.given.setdefault(attempt, {})
        outcome, paid, _ = self.outcomes.get(attempt, ("", 0, ""))
        if refund in given:
            return True
        if outcome != "paid" or sum(given.values()) + amount > paid:
            return False
        given[refund] = amount
        return True


class AtPretender:
    def __init__(self, ledger: Ledger | None = None) -> None:
        self.heard: list[tuple[bytes, dict[str, str]]] = []
        self.payments = Pretend(
            b"a key of the tests", self._hear, ledger or Memory(), site_url="https://vently.example"
        )

    async def _hear(self, body: bytes, headers: dict[str, str]) -> None:
        self.heard.append((body, headers))

    async def pays(self, asked: Checkout) -> None:
        await self.payments.decide(asked.attempt, "paid", amount=asked.amount, currency=asked.currency)

    async def declines(self, asked: Checkout) -> None:
        await self.payments.decide(asked.attempt, "declined", amount=asked.amount, currency=asked.currency)

    async def leaves_it(self, asked: Checkout) -> None:
        await self.payments.decide(asked.attempt, "abandoned", amount=asked.amount, currency=asked.currency)

    async def notices(self) -> list[Notice]:
        return [self.payments.read(body, headers) for body, headers in self.heard]


class AtStripe:
    def __init__(self, fake: FakeStripe, box: "Box") -> None:
        self.fake = fake
        self.box = box
        self.payments = Stripe(fake.key, fake.secret, api_base=fake.address)

    async def pays(self, asked: Checkout) -> None:
        await self.fake.pay(str(asked.attempt))

    async def declines(self, asked: Checkout) -> None:
        await self.fake.decline(str(asked.attempt))

    async def leaves_it(self, asked: Checkout) -> None:
        await self.fake.expire(str(asked.attempt))

    async def notices(self) -> list[Notice]:
        await self.fake.settled()
        return [self.payments.read(request.body, request.headers) for request in self.box.got]


class Box:
    """Where webhooks arrive. `answers`: statuses of the next ones; 200 after that."""

    def __init__(self) -> None:
        self.got: list[Request] = []
        self.answers: list[int | None] = []

    async def take(self, request: Request) -> Answer | None:
        status = self.answers.pop(0) if self.answers else 200
        if status == 200:
            self.got.append(request)
        await asyncio.sleep(0)
        return None if status is None else Answer(status, b"")


@asynccontextmanager
async def at_stripe() -> AsyncIterator[AtStripe]:
    box = Box()
    async with FakeStripe.running() as fake, serving(box.take) as address:
        fake.listen(f"{address}/hooks/payments/stripe")
        place = AtStripe(fake, box)
        try:
            yield place
        finally:
            await place.payments.aclose()
