"""The test app as uvicorn runs it, for what only a real server shows."""

import asyncio
import os

from litestar import Request
from shell_app import ROUTES, app

from vently.web.answers import Answer
from vently.web.routes import get


@get("/api/slow")
async def take_time(request: Request) -> Answer:
    await asyncio.sleep(0.8)
    return Answer({"done": True, "path": request.url.path})


def made():
    return app(routes=[*ROUTES, take_time], drain_seconds=float(os.environ.get("DRAIN", "0")))
