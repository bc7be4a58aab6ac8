"""The test app as uvicorn runs it, for what only a real server shows."""

import asyncio
import os

from litestar import Request
from shell_app import ROUTES, app, change_thing, create_thing, list_things, read_thing, take_upload

from vently.web import logs
from vently.web.answers import Answer
from vently.web.routes import get

logs.set_up("error", "json")


@get("/api/slow")
async def take_time(request: Request) -> Answer:
    await asyncio.sleep(0.8)
    return Answer({"done": True, "path": request.url.path})


def made():
    return app(routes=[*ROUTES, take_time], drain_seconds=float(os.environ.get("DRAIN", "0")))


def described():
    """Without the routes that break on purpose."""
    return app(routes=[list_things, create_thing, read_thing, change_thing, take_upload])
