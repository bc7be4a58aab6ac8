"""A site that sends real mail: sign-in on a real port, an SMTP server beside it, and the letters that came."""

import asyncio
import email
import email.policy
import re
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import httpx
import uvicorn
from aiosmtpd.controller import Controller
from auth_cast import NEW_VERSION, PASSWORD, SECRET_KEY, SITE
from cast import SECRET
from litestar import Litestar
from litestar.datastructures import State

from vently.database.pool import Database
from vently.outside.mail import Post
from vently.outside.mail.smtp import SmtpMailer
from vently.supabase.auth.api import mount, well_known
from vently.supabase.auth.auth import Auth
from vently.supabase.auth.links import sign_up
from vently.supabase.auth.rules import Rules
from vently.supabase.auth.sealing import Sealing
from vently.web import signing


@dataclass(frozen=True)
class Letter:
    """What somebody finds in their mailbox."""

    message: EmailMessage

    @property
    def to(self) -> str:
        return str(self.message["To"])

    @property
    def subject(self) -> str:
        return str(self.message["Subject"])

    @property
    def text(self) -> str:
        return self.message.get_body(("plain",)).get_content()

    @property
    def html(self) -> str:
        return self.message.get_body(("html",)).get_content()

    @property
    def code(self) -> str:
        return re.search(r"^.*: (\d{6})\s*$", self.text, re.MULTILINE)[1]

    @property
    def link(self) -> str:
        return re.search(r"^(https?://\S+)\s*$", self.text, re.MULTILINE)[1]

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.link).query))


@dataclass
class Mailbox:
    letters: list[Letter] = field(default_factory=list)

    async def handle_DATA(self, _server, _session, envelope):  # noqa: N802
        self.letters.append(Letter(email.message_from_bytes(envelope.content, policy=email.policy.default)))
        return "250 OK"


class _Listening(Controller):
    """On a port the system picks."""

    def _trigger_server(self):
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


@dataclass
class MailedSite:
    url: str
    auth: Auth
    http: httpx.AsyncClient
    mailbox: Mailbox

    async def letters(self, to: str) -> list[Letter]:
        """Everything that was sent to an address, once nothing is under way."""
        await self.auth.post.settled()
        return [letter for letter in self.mailbox.letters if letter.to == to]

    async def letter(self, to: str) -> Letter:
        """The newest."""
        return (await self.letters(to))[-1]

    async def signs_up(self, address: str) -> str:
        """A new account, confirmed by the link of its letter; gives the address."""
        made = await self.http.post("/signup", json={"email": address, "password": PASSWORD})
        assert made.status_code == 200, made.text
        assert "access_token" in (await self.follow(await self.letter(address))).fragment
        await self.auth.post.settled()
        return address

    async def follow(self, link: str | Letter) -> "Landing":
        """Open a link of a letter, as a browser does, up to the first page that is not sign-in's. What was asked for
        before has been done by then.
        """
        await self.auth.post.settled()
        url = link.link if isinstance(link, Letter) else link
        answer = await self.http.get(f"{self.url}/auth/v1/verify?{urlsplit(url).query}", follow_redirects=False)
        assert answer.status_code == 303, answer.text
        return Landing(answer.headers["Location"])


@dataclass(frozen=True)
class Landing:
    """Where a link led to."""

    url: str

    @property
    def page(self) -> str:
        return self.url.partition("#")[0].partition("?")[0]

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.url).query))

    @property
    def fragment(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.url).fragment))


@asynccontextmanager
async def mailed_site(
    database_url: str, rules: Callable[[Rules], Rules] = lambda same: same
) -> AsyncIterator[MailedSite]:
    mailbox = Mailbox()
    unhurried, sign_up.ANSWER_SECONDS = sign_up.ANSWER_SECONDS, 0  # a test of its own sees to it
    smtp = _Listening(mailbox, hostname="127.0.0.1", port=0)
    smtp.start()
    database = await Database.open(database_url)
    auth = Auth(
        database,
        rules(Rules(site_url=SITE, autoconfirm=False, limited=False, secret_key=SECRET_KEY)),
        sealing=Sealing(signing.load(SECRET, Path()).key("sealing of sign-in")),
        post=Post(SmtpMailer(f"smtp://127.0.0.1:{smtp.port}", "Vently <hello@vently.example>"), lag=0),
    )
    await auth.keys.load()
    app = Litestar([mount(auth), well_known(auth)], openapi_config=None, state=State())
    listening = socket.socket(proto=socket.IPPROTO_TCP)  # known as TCP: asyncio does not hold small answers back
    listening.bind(("127.0.0.1", 0))
    serves = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off"))
    serving = asyncio.create_task(serves.serve(sockets=[listening]))
    url = f"http://127.0.0.1:{listening.getsockname()[1]}"
    async with httpx.AsyncClient(base_url=f"{url}/auth/v1", headers=NEW_VERSION, timeout=30) as http:
        yield MailedSite(url, auth, http, mailbox)
    serves.should_exit = True
    await serving
    await auth.post.close(5)
    await database.close()
    smtp.stop()
    sign_up.ANSWER_SECONDS = unhurried
