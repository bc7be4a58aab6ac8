"""A node that takes cards by Stripe, over its fake, on a real port; its database is that of the other node."""

import asyncio
import dataclasses
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import msgspec
import uvicorn
from cast import Person, Site
from fake_stripe import FakeStripe
from lifespan import living
from paying import Books, orders
from selling import Sale

from vently.app import create
from vently.tickets.payments import reconciling

PAGE = {"accept": "text/html"}


@dataclass
class Shop:
    """What it sells is `sale`; webhooks of `fake` come to its port."""

    site: Site
    fake: FakeStripe
    sale: Sale

    def here(self, person: Person) -> Person:
        """The same person, asking this node."""
        return dataclasses.replace(person, site=self.site)

    async def orders(self, person: Person, /, **items: int) -> Books:
        return await orders(self.sale, self.here(person), **items)

    async def goes_to_pay(self, books: Books) -> httpx.Response:
        """By the latest attempt."""
        return await self.site.client.get(f"/checkout/{(await books.attempt()).id}", headers=PAGE)

    async def session(self, books: Books) -> str:
        """Once its buyer went to pay."""
        answer = await self.goes_to_pay(books)
        assert answer.status_code == 303, answer.text
        reference = (await books.attempt()).reference
        assert reference is not None
        assert answer.headers["location"].endswith(reference)
        return reference

    async def reconciles(self, *waited: Books) -> dict[str, int]:
        """The reconciler's turn, once time has passed for these."""
        for books in waited:
            await books.ages(120)
        return await reconciling.reconcile(self.site.app.parts)

    async def tells(self, event: Any, **signed: Any) -> httpx.Response:
        """One webhook, over the wire."""
        body, headers = self.fake.signed(event, **signed)
        return await self.site.client.post("/hooks/payments/stripe", content=body, headers=headers)


@asynccontextmanager
async def opened(site: Site, sale: Sale) -> AsyncIterator[Shop]:
    async with FakeStripe.running() as fake:
        settings = msgspec.structs.replace(
            site.settings,
            stripe_secret_key=fake.key,
            stripe_webhook_secret=fake.secret,
            stripe_api_base=fake.address,
            platform_fee_percent=10,
        )
        app = create(settings)
        async with living(app), _listening(app) as address, httpx.AsyncClient(base_url=address, timeout=60) as client:
            fake.listen(f"{address}/hooks/payments/stripe")
            yield Shop(Site(app, client, settings), fake, sale)
            fake.losing = True
            await fake.settled()


@asynccontextmanager
async def _listening(app: Any) -> AsyncIterator[str]:
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, lifespan="off", log_config=None))
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        await serving
