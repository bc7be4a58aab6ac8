"""What is known about the request at hand, and the parts of the house a handler may reach through it."""

import secrets
import time
from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from vently.database.pool import Database, Viewer
from vently.refusals import Unavailable

if TYPE_CHECKING:
    from jinja2 import Environment

    from vently.settings import Settings
    from vently.web.signing import Signer


class TokenRefused(Exception):
    """A verifier raises it (or a subclass) for a token that does not count; `str()` is the sentence for the client."""


class Verifier(Protocol):
    async def __call__(self, token: str, /) -> dict[str, Any]: ...


@dataclass(slots=True)
class Session:
    """What a refresh gives: tokens for the cookies. `expires_in` is seconds."""

    access_token: str
    refresh_token: str
    expires_in: int


class Refresher(Protocol):
    async def __call__(self, refresh_token: str, /) -> Session | None: ...


@dataclass(slots=True)
class Parts:
    """What app.py joins and every request can reach. The lifespan sets `open_database`."""

    settings: "Settings"
    signer: "Signer"
    verify: Verifier
    refresh: Refresher | None = None
    publishable_keys: frozenset[str] = frozenset()
    templates: "Environment | None" = None
    portray: Callable[[Viewer], Awaitable[Any]] | None = None
    """The profile of who is signed in, for the head of a page."""
    openapi: bytes = b"{}"
    open_database: Database | None = None
    draining: bool = False
    readiness: list[Callable[[], Awaitable[str | None]]] = field(default_factory=list)
    """Each gives the reason why the node may not be sent requests yet, or None."""
    other: dict[str, Any] = field(default_factory=dict)

    @property
    def database(self) -> Database:
        if self.open_database is None:
            raise Unavailable("The server is still starting; try again in a moment.")
        return self.open_database


@dataclass(slots=True)
class Facts:
    """One request. Lives in its scope as `scope["vently"]`."""

    parts: Parts
    request_id: str
    started: float = field(default_factory=time.perf_counter)
    nonce: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    viewer: Viewer | None = None
    token: str = ""
    """The access token of the viewer's cookies, to speak with sign-in in their name."""
    address: str = ""
    user_agent: str = ""
    body: bytes = b""
    personal: bool = False
    csrf: str = ""
    cookies_to_set: list[str] = field(default_factory=list)
    spans: dict[str, float] = field(default_factory=dict)

    def add(self, span: str, seconds: float) -> None:
        """Time for `Server-Timing`."""
        self.spans[span] = self.spans.get(span, 0.0) + seconds


current: ContextVar["Facts | None"] = ContextVar("request_facts", default=None)


def of(request: Any) -> Facts:
    """The facts of a Litestar request or an ASGI scope."""
    scope = getattr(request, "scope", request)
    found: Facts = scope["vently"]
    return found
