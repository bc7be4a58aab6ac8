"""A `vently up` as somebody runs it for people: it sends mail by SMTP, and takes a certified OpenID issuer's word."""

import itertools
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

import pytest
import pytest_asyncio
from aiosmtpd.controller import Controller
from issuer import CLIENT_ID, CLIENT_SECRET, Issuer, issuing
from place import APP, PASSWORD, Letterbox, Place
from speakers import Opens, Speaker, javascript, python
from terminal import Terminal

Arrives = Callable[..., Awaitable[Speaker]]
Joins = Callable[..., Awaitable[Speaker]]

_addresses = itertools.count(1)


@pytest.fixture(scope="session")
def port() -> int:
    """Known before anything starts: the issuer is told where people come back to."""
    return free_port()


@pytest.fixture(scope="session")
def letterbox() -> Iterator[Letterbox]:
    letterbox = Letterbox()
    server = Controller(letterbox, hostname="127.0.0.1", port=free_port())
    server.start()
    letterbox.url = f"smtp://127.0.0.1:{server.port}"
    yield letterbox
    server.stop()


@pytest.fixture(scope="session")
def issuer(port: int) -> Iterator[Issuer]:
    with issuing(f"http://127.0.0.1:{port}/auth/v1/callback") as issuer:
        yield issuer


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory, port: int, letterbox: Letterbox, issuer: Issuer) -> Iterator[Place]:
    terminal = Terminal(
        tmp_path_factory.mktemp("place"),
        environment={
            "VENTLY_SMTP_URL": letterbox.url,
            "VENTLY_REDIRECT_URLS": f"{APP}/**",
            "VENTLY_ANONYMOUS_SIGN_INS": "on",
            "VENTLY_OIDC_ISSUER": issuer.url,
            "VENTLY_OIDC_CLIENT_ID": CLIENT_ID,
            "VENTLY_OIDC_CLIENT_SECRET": CLIENT_SECRET,
            "VENTLY_OIDC_NAME": "keycloak",
        },
    )
    with terminal.up("--port", port) as running:
        keys = json.loads(terminal.types("keys", "api", "--json").stdout)
        yield Place(running.address, keys["publishable_key"], keys["secret_key"], letterbox, issuer, terminal)


@pytest_asyncio.fixture(scope="session", params=[javascript, python], ids=["supabase-js", "supabase-py"])
async def opens(request: pytest.FixtureRequest, place: Place) -> AsyncIterator[Opens]:
    """Opens clients, each from an address of its own, so that limits are in force and none is met by chance."""

    def headers() -> dict[str, str]:
        number = next(_addresses)
        return {"X-Forwarded-For": f"10.9.{number // 250}.{number % 250}"}

    async with request.param(place.address, headers) as opens:
        yield opens


@pytest.fixture
def arrives(opens: Opens, place: Place) -> Arrives:
    """Somebody opens the program."""

    async def arrives(flow: str = "implicit") -> Speaker:
        return await opens(place.publishable_key, flow)

    return arrives


@pytest.fixture
def joins(arrives: Arrives, place: Place) -> Joins:
    """Somebody signs up, and confirms the address with the code of the letter."""

    async def joins(email: str, flow: str = "implicit") -> Speaker:
        client = await arrives(flow)
        await client.call("auth.signUp", {"email": email, "password": PASSWORD, "options": {"data": {"name": "Alice"}}})
        code = (await place.letterbox.letter_to(email)).code
        await client.call("auth.verifyOtp", {"type": "signup", "email": email, "token": code})
        return client

    return joins


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])
