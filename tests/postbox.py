"""A mail server of the tests: what came, and the codes and links in it."""

import asyncio
import email
import email.policy
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Any
from urllib.parse import urlsplit

from aiosmtpd.controller import Controller


@dataclass(frozen=True)
class Letter:
    """One mail."""

    message: EmailMessage

    @property
    def text(self) -> str:
        body = self.message.get_body(("plain",))
        assert body is not None
        return str(body.get_content())

    @property
    def code(self) -> str:
        found = re.search(r"^.*: (\d{6})\s*$", self.text, re.MULTILINE)
        assert found, self.text
        return found[1]

    @property
    def link(self) -> str:
        """As a path of the site."""
        found = re.search(r"^(https?://\S+/auth/v1/verify\S+)\s*$", self.text, re.MULTILINE)
        assert found, self.text
        parts = urlsplit(found[1])
        return f"{parts.path}?{parts.query}"


@dataclass
class Postbox:
    """Takes every letter. `url` is how to reach it."""

    url: str = ""
    letters: list[Letter] = field(default_factory=list)

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        self.letters.append(Letter(email.message_from_bytes(envelope.content, policy=email.policy.default)))
        return "250 OK"

    async def letter(self, to: str, *, after: int = 0) -> Letter:
        """The first one with a link to somebody, after so many letters."""
        for _ in range(500):
            for letter in self.letters[after:]:
                if letter.message["To"] == to and "/auth/v1/verify" in letter.text:
                    return letter
            await asyncio.sleep(0.02)
        raise AssertionError(f"no letter to {to}: {[str(each.message['Subject']) for each in self.letters]}")

    async def newest(self, to: str, *, after: int = 0) -> Letter:
        """The last one with a link, once no other can be under way: letters are begun within a fifth of a second."""
        await self.letter(to, after=after)
        await asyncio.sleep(1)
        there = [each for each in self.letters[after:] if each.message["To"] == to and "/auth/v1/verify" in each.text]
        return there[-1]


class _Listening(Controller):
    """On a port the system picks."""

    def _trigger_server(self) -> None:
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


@contextmanager
def listening() -> Iterator[Postbox]:
    postbox = Postbox()
    server = _Listening(postbox, hostname="127.0.0.1", port=0)
    server.start()
    postbox.url = f"smtp://127.0.0.1:{server.port}"
    try:
        yield postbox
    finally:
        server.stop()
