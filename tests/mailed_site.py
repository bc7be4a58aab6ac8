"""The site with a mail server, on a port of its own under the name localhost: there browsers take passkeys."""

import asyncio
import json
import secrets
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import uvicorn
from browsing import Browser
from cast import Site
from lifespan import living
from postbox import Postbox, listening
from programs import needs_node_program, needs_program

from vently.app import create

PASSWORD = "correct horse battery"


@dataclass
class Mailed:
    """The site; `address` is where people see it."""

    app: Any
    address: str
    postbox: Postbox

    def browser(self, **more: Any) -> Browser:
        return Browser(self.app, self.address, **more)

    async def signed_up(self, name: str = "Bob") -> "Somebody":
        """With an account whose address is confirmed, signed in in a browser."""
        email, before = f"{name.lower()}-{secrets.token_hex(5)}@example.org", len(self.postbox.letters)
        browser = await self.browser().opens("/sign-up")
        await browser.sends("/sign-up", name=name, email=email, password=PASSWORD)
        letter = await self.postbox.letter(email, after=before)
        await browser.sends("/sign-in/code", code=letter.code)
        assert browser.cookie("vently_access"), browser.text
        return Somebody(self, email, browser)


@dataclass
class Somebody:
    """A person and their browser."""

    site: Mailed
    email: str
    browser: Browser

    async def elsewhere(self, **more: Any) -> Browser:
        """Another browser, after the password was given there."""
        browser = await self.site.browser(**more).opens("/sign-in")
        return await browser.sends("/sign-in", email=self.email, password=PASSWORD)


@asynccontextmanager
async def mailed_site(site: Site, data: Path, listens: socket.socket, **more: Any) -> AsyncIterator[Mailed]:
    """The app once more, over the same database, with a mail server."""
    address = f"http://localhost:{listens.getsockname()[1]}"
    with listening() as postbox:
        settings = msgspec.structs.replace(
            site.settings, data=data, site_url=address, smtp_url=postbox.url, mail_sender="Vently <hello@example.org>"
        )
        app = create(
            msgspec.structs.replace(settings, **{k: v(address) if callable(v) else v for k, v in more.items()})
        )
        async with living(app):
            server = uvicorn.Server(uvicorn.Config(app, lifespan="off", log_config=None))
            serving = asyncio.create_task(server.serve(sockets=[listens]))
            while not server.started:
                await asyncio.sleep(0.01)
            yield Mailed(app, address, postbox)
            server.should_exit = True
            await serving


async def drives(script: Path, site: Mailed, **given: str) -> dict[str, Any]:
    """Runs one of the scripts that drive Chromium, and gives what it saw."""
    told = {
        "base": site.address,
        "chromium": needs_program("chromium", "chromium"),
        "modules": str(needs_node_program("playwright-core/index.mjs").parents[1]),
        **given,
    }
    process = await asyncio.create_subprocess_exec(
        needs_program("node", "nodejs"),
        str(script),
        json.dumps(told),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(), 180)
    assert process.returncode == 0, err.decode()
    seen: dict[str, Any] = json.loads(out)
    return seen


def free_port() -> socket.socket:
    listens = socket.socket()
    listens.bind(("127.0.0.1", 0))
    return listens
