"""What Stripe would tell of an order's payment, event by event, without anybody having paid."""

import secrets
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from fake_stripe import FakeStripe

Event = dict[str, Any]


@dataclass
class Payment:
    """Of one attempt; every event is made once, and may be sent any number of times."""

    fake: FakeStripe
    attempt: UUID
    amount: int = 1250
    intent: str = field(default_factory=lambda: f"pi_{secrets.token_hex(12)}")
    name: str = field(default_factory=lambda: f"cs_test_{secrets.token_hex(12)}")

    def session(self, **fields: Any) -> Any:
        return {
            "id": self.name,
            "object": "checkout.session",
            "status": "complete",
            "payment_status": "paid",
            "expires_at": 2_000_000_000,
            "amount_total": self.amount,
            "currency": "eur",
            "client_reference_id": str(self.attempt),
            "metadata": {"attempt": str(self.attempt)},
            "payment_intent": self.intent,
            **fields,
        }

    def paid(self, **fields: Any) -> Event:
        return self.fake.event("checkout.session.completed", self.session(**fields))

    def at_the_bank(self) -> Event:
        return self.fake.event("checkout.session.completed", self.session(payment_status="unpaid"))

    def bank_paid(self) -> Event:
        return self.fake.event("checkout.session.async_payment_succeeded", self.session())

    def bank_refused(self) -> Event:
        return self.fake.event("checkout.session.async_payment_failed", self.session(payment_status="unpaid"))

    def expired(self) -> Event:
        over = self.session(status="expired", payment_status="unpaid", payment_intent=None)
        return self.fake.event("checkout.session.expired", over)

    def declined(self) -> Event:
        intent = {
            "id": self.intent,
            "object": "payment_intent",
            "status": "requires_payment_method",
            "amount": self.amount,
            "currency": "eur",
            "metadata": {"attempt": str(self.attempt)},
            "last_payment_error": {"message": "Your card was declined."},
        }
        return self.fake.event("payment_intent.payment_failed", intent)

    def disputed(self, dispute: str, status: str) -> Event:
        kind = "created" if status == "needs_response" else "closed"
        about = {
            "id": dispute,
            "object": "dispute",
            "status": status,
            "amount": self.amount,
            "currency": "eur",
            "payment_intent": self.intent,
        }
        return self.fake.event(f"charge.dispute.{kind}", about)
