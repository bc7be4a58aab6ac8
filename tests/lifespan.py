"""An ASGI app as a server starts and ends it, without the server."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any


@asynccontextmanager
async def living(app: Any) -> AsyncIterator[None]:
    """What a server does at start and end (the ASGI lifespan protocol)."""
    to_app: asyncio.Queue[dict[str, str]] = asyncio.Queue()
    from_app: asyncio.Queue[dict[str, str]] = asyncio.Queue()
    running = asyncio.create_task(app({"type": "lifespan", "state": {}}, to_app.get, from_app.put))
    for moment in ("startup", "shutdown"):
        await to_app.put({"type": f"lifespan.{moment}"})
        told = await from_app.get()
        assert told["type"] == f"lifespan.{moment}.complete", told
        if moment == "startup":
            yield
    await running
