"""The fake Stripe's webhooks: signed as the real ones, and late, lost, doubled or shuffled when told to be."""

import asyncio
import json
import random
import secrets
import time
from typing import Any

import httpx
from fake_stripe_objects import Object
from stripe import WebhookSignature


class Webhooks:
    """`copies` of each are sent, unless `losing` them, or `holding` them until `release`."""

    def __init__(self) -> None:
        self.secret = f"whsec_{secrets.token_hex(12)}"
        self.skew = 0.0
        self.events: list[Object] = []
        """Everything there was to tell, told or not."""
        self.copies = 1
        self.resends: tuple[float, ...] = (0.05, 0.2, 0.5)
        """Seconds before a webhook that was not answered with 2xx is sent again; Stripe's are hours."""
        self.losing = False
        self.holding = False
        self.chance = random.Random(4)
        self._endpoint = ""
        self._held: list[Object] = []
        self._sending: set[asyncio.Task[None]] = set()
        self._hands = asyncio.Semaphore(8)
        self._post = httpx.AsyncClient(timeout=10)

    def now(self) -> float:
        return time.time() + self.skew

    def listen(self, url: str) -> None:
        """From now on events are sent there."""
        self._endpoint = url

    async def release(self, *, shuffled: bool = False) -> None:
        """Send what was held back, and wait for it."""
        held, self._held = self._held, []
        if shuffled:
            self.chance.shuffle(held)
        for event in held:
            self._begin(event)
        await self.settled()

    async def settled(self) -> None:
        """Returns once no webhook is on its way."""
        while self._sending:
            await asyncio.wait(set(self._sending))

    def signed(
        self, event: Object | bytes, *, at: float | None = None, secret: str | None = None
    ) -> tuple[bytes, dict[str, str]]:
        """A webhook's body and headers; with another time or secret, a stale or forged one."""
        body = event if isinstance(event, bytes) else json.dumps(event).encode()
        header = WebhookSignature.generate_signature_header(
            body.decode(), secret or self.secret, int(self.now() if at is None else at)
        )
        return body, {"Content-Type": "application/json", "Stripe-Signature": header}

    async def send(self, event: Object) -> httpx.Response:
        """Once, now, whatever the switches say."""
        body, headers = self.signed(event)
        return await self._post.post(self._endpoint, content=body, headers=headers)

    def event(self, kind: str, about: Object, *, account: str | None = None, livemode: bool = False) -> Object:
        """An event as Stripe would write it; of another account or mode when told."""
        event = {
            "id": f"evt_{secrets.token_hex(12)}",
            "object": "event",
            "api_version": "2026-10-28.endive",
            "created": int(self.now()),
            "livemode": livemode,
            "type": kind,
            "pending_webhooks": 1,
            "request": {"id": None, "idempotency_key": None},
            "data": {"object": shown(about)},
        }
        return event | ({"account": account} if account else {})

    def _emit(self, kind: str, about: Object, account: str | None) -> None:
        event = self.event(kind, about, account=account)
        self.events.append(event)
        if not self._endpoint or self.losing:
            return
        for _ in range(self.copies):
            if self.holding:
                self._held.append(event)
            else:
                self._begin(event)

    def _begin(self, event: Object) -> None:
        task = asyncio.create_task(self._send(event))
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)

    async def _send(self, event: Object) -> None:
        for pause in (*self.resends, None):
            try:
                async with self._hands:
                    answer = await self.send(event)
                if answer.is_success:
                    return
            except httpx.TransportError:
                pass  # as good as no answer
            if pause is not None:
                await asyncio.sleep(pause)


def shown(one: Any) -> Any:
    """Without what only the fake keeps, and as it is at this moment."""
    if isinstance(one, dict):
        return {name: shown(value) for name, value in one.items() if not name.startswith("_")}
    return [shown(each) for each in one] if isinstance(one, list) else one
