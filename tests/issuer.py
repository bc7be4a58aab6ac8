"""A real OpenID provider (npm's `oidc-provider`), and somebody who signs in there without a browser."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl, urljoin, urlsplit

import httpx
from programs import needs_node_program, needs_program

CLIENT_ID = "vently"
CLIENT_SECRET = "a secret of the tests"


@dataclass(frozen=True)
class Issuer:
    url: str

    async def signs_in(self, address: str, login: str) -> str:
        """Opens `address`, says who one is, and gives the address the provider sends the browser back to."""
        async with httpx.AsyncClient(timeout=30) as browser:
            form = await self._wander(browser, address)
            if not form.startswith(self.url):
                return form
            answer = await browser.post(form, data={"prompt": "login", "login": login, "password": "any"})
            return await self._wander(browser, urljoin(form, answer.headers["location"]))

    async def declines(self, address: str) -> str:
        async with httpx.AsyncClient(timeout=30) as browser:
            form = await self._wander(browser, address)
            return await self._wander(browser, f"{form}/abort")

    async def _wander(self, browser: httpx.AsyncClient, address: str) -> str:
        """As far as the provider sends one; the last address, which may be another site's, is not opened."""
        while address.startswith(self.url):
            answer = await browser.get(address)
            if "location" not in answer.headers:
                assert answer.status_code == 200, answer.text
                break
            address = urljoin(address, answer.headers["location"])
        return address


def parameters(address: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(address).query))


@contextmanager
def issuing(*redirect_uris: str, slim: bool = False) -> Iterator[Issuer]:
    needs_node_program("oidc-provider/package.json")
    program = subprocess.Popen(
        [needs_program("node", "nodejs"), "issuer.mjs", json.dumps({"redirect_uris": redirect_uris, "slim": slim})],
        cwd=Path(__file__).parent,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert program.stdout is not None
        url = program.stdout.readline().strip()
        assert url, "the provider did not start"
        yield Issuer(url)
    finally:
        program.terminate()
        program.wait(10)
        program.stdout.close()
