"""What the pretend provider remembers, in a table of ours, and how its webhooks reach us."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx

from vently.database.queries import load
from vently.web.facts import Parts

sql = load(__package__)

HOOK = "/hooks/payments/pretend"


class Memory:
    """On every node and across restarts (`outside/payments/pretend.py` says what of)."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def outcome(self, attempt: UUID) -> tuple[str, int, str] | None:
        async with self._parts.database.acting_as_system() as tx:
            found = await tx.maybe_one(sql.pretended_outcome, _Decided, attempt=attempt)
        return (found.outcome, found.amount, found.currency) if found else None

    async def keep(self, attempt: UUID, outcome: str, amount: int, currency: str) -> tuple[str, int, str]:
        async with self._parts.database.acting_as_system() as tx:
            stands = await tx.one(
                sql.pretend_outcome, _Decided, attempt=attempt, outcome=outcome, amount=amount, currency=currency
            )
        return stands.outcome, stands.amount, stands.currency

    async def refunds(self, attempt: UUID) -> dict[UUID, int]:
        async with self._parts.database.acting_as_system() as tx:
            found = await tx.value(sql.pretended_refunds, attempt=attempt)
        return {UUID(refund): amount for refund, amount in (found or {}).items()}

    async def give_back(self, attempt: UUID, refund: UUID, amount: int) -> bool:
        async with self._parts.database.acting_as_system() as tx:
            given: bool = await tx.value(sql.pretend_refund, attempt=attempt, refund=str(refund), amount=amount)
        return given


class Messenger:
    """Takes a signed webhook to our own address, within the process."""

    def __init__(self, app: Any) -> None:
        self._transport = httpx.ASGITransport(app, raise_app_exceptions=False)

    async def __call__(self, body: bytes, headers: dict[str, str]) -> None:
        async with httpx.AsyncClient(transport=self._transport, base_url="http://vently") as client:
            await client.post(HOOK, content=body, headers={"content-type": "application/json", **headers})


@dataclass(frozen=True, slots=True)
class _Decided:
    outcome: str
    amount: int
    currency: str
