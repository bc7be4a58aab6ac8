"""Where the clients' stories happen: the running Vently, the letters it sends, the issuer next door."""

import asyncio
import email
import email.policy
import re
import secrets
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import asyncpg
import httpx
from issuer import Issuer
from terminal import Terminal

APP = "https://app.example.org"
"""Where the program of the clients is, as far as Vently knows."""

PASSWORD = "correct horse battery"


@dataclass(frozen=True)
class Letter:
    to: str
    text: str

    @property
    def code(self) -> str:
        return str(re.findall(r"\b\d{6}\b", self.text)[-1])

    @property
    def link(self) -> str:
        return str(re.findall(r"http\S+/auth/v1/verify\?\S+", self.text)[0])


@dataclass
class Letterbox:
    """An SMTP server's handler that keeps every letter."""

    url: str = ""
    letters: list[Letter] = field(default_factory=list)

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        assert isinstance(message, EmailMessage)
        body = message.get_body(("plain",))
        assert body
        self.letters.append(Letter(envelope.rcpt_tos[0], body.get_content()))
        return "250 OK"

    async def letter_to(self, address: str, number: int = 1) -> Letter:
        """The first, or whichever, that came to an address. Waits for it."""
        until = time.monotonic() + 20
        while len(found := [letter for letter in self.letters if letter.to == address]) < number:
            assert time.monotonic() < until, f"no letter to {address}"
            await asyncio.sleep(0.02)
        return found[number - 1]


@dataclass(frozen=True)
class Place:
    address: str
    publishable_key: str
    secret_key: str
    letterbox: Letterbox
    issuer: Issuer
    terminal: Terminal

    async def follows(self, link: str) -> str:
        """Opens an address in a browser; where that leads."""
        async with httpx.AsyncClient(timeout=30, trust_env=False) as browser:
            answer = await browser.get(link)
        assert answer.status_code in {302, 303}, answer.text
        return answer.headers["location"]

    async def signs_in_elsewhere(self, url: str, login: str) -> str:
        """From the address that a client opens, over the issuer's form, to where the browser is left at last."""
        return await self._elsewhere(url, lambda there: self.issuer.signs_in(there, login))

    async def declines_elsewhere(self, url: str) -> str:
        """The same, by who will not sign in there."""
        return await self._elsewhere(url, self.issuer.declines)

    async def _elsewhere(self, url: str, answer: Callable[[str], Awaitable[str]]) -> str:
        async with httpx.AsyncClient(timeout=30, trust_env=False) as browser:
            there = await browser.get(url)
            assert there.status_code == 302, there.text
            landing = await browser.get(await answer(there.headers["location"]))
        assert landing.status_code in {302, 303}, landing.text
        return landing.headers["location"]


async def later(place: Place, table: str, seconds: int, column: str = "updated_at") -> None:
    """As if so many seconds had passed since the last change."""
    lines = (place.terminal.data / "postgres/cluster/postmaster.pid").read_text().splitlines()
    owner = await asyncpg.connect(host=lines[4], port=int(lines[3]), user="supabase_admin", database="vently")
    await owner.execute(f"update {table} set {column} = {column} - interval '{seconds} seconds'")
    await owner.close()


def somebody() -> str:
    return f"{secrets.token_hex(6)}@example.org"


def in_query(address: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(address).query))


def in_fragment(address: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(address).fragment))
