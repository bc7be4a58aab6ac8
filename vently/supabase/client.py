"""Client of Supabase Auth's HTTP: where `/auth/v1` stands, and how it is asked.

The pages sign people in through it in both modes: onto this very app when sign-in is ours, over the network when it is
a Supabase project's. What can be asked stands in `conversation.py`.
"""

import asyncio
import time
from http import HTTPStatus
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any

import httpx
import msgspec

from vently.refusals import Unavailable
from vently.supabase.accounts import Offer
from vently.supabase.auth.errors import AuthError

VERSION = "2024-01-01"
OFFER_SECONDS = 60
PATIENCE = httpx.Timeout(10, connect=3)


class Asker(msgspec.Struct, frozen=True):
    """Whose browser is behind a call: rate limits and the list of sessions are about it, not about this server."""

    address: str = ""
    user_agent: str = ""
    token: str = ""
    request_id: str = ""


class SignIn:
    """Sign-in, wherever it stands. `ours`: this Vently serves it."""

    def __init__(self, http: httpx.AsyncClient, *, ours: bool, key: str, place: str) -> None:
        self.ours = ours
        self.place = place
        """How a browser calls `/auth/v1`."""
        self._http = http
        self._key = key
        self._offer: tuple[float, Offer] = (0, Offer())

    @classmethod
    def within(cls, app: Any, site_url: str) -> "SignIn":
        """Of this app itself, without the network."""
        return cls(_client(f"{site_url}/auth/v1", _Within(app)), ours=True, key="", place="/auth/v1")

    @classmethod
    def at(cls, project_url: str, key: str, transport: httpx.AsyncBaseTransport | None = None) -> "SignIn":
        """Of a Supabase project; `key` is its publishable (or anon) key."""
        place = f"{project_url.rstrip('/')}/auth/v1"
        return cls(_client(place, transport), ours=False, key=key, place=place)

    async def close(self) -> None:
        await self._http.aclose()

    async def offer(self) -> Offer:
        """What can be chosen there, asked once a minute; when it does not answer, what was known before."""
        asked, known = self._offer
        if not asked or time.monotonic() - asked > OFFER_SECONDS:
            try:
                answered = await self.ask("GET", "/settings", Asker())
            except (Unavailable, AuthError):
                if not asked:
                    raise
            else:
                told = {**answered, "passkeys": self.ours, "recovery_codes": self.ours}
                known = msgspec.convert(told, Offer, strict=False)
            self._offer = time.monotonic(), known
        return known

    async def ask(
        self, method: str, path: str, asker: Asker, body: Any = None, query: dict[str, str] | None = None
    ) -> Any:
        """The JSON of the answer, None when it is empty. Raises AuthError for a refusal, Unavailable for silence."""
        request = self._http.build_request(
            method,
            path,
            params={name: value for name, value in (query or {}).items() if value},
            json=body,
            headers=self._headers(asker),
            extensions={"asker": asker, "timeout": PATIENCE.as_dict()},
        )
        try:
            answer = await self._http.send(request)
        except (httpx.HTTPError, httpx.InvalidURL):
            raise Unavailable("Sign-in does not answer; try again in a moment.") from None
        return _read(answer)

    def _headers(self, asker: Asker) -> dict[str, str]:
        wanted = {
            "apikey": self._key,
            "authorization": f"Bearer {asker.token}" if asker.token else "",
            "user-agent": _plain(asker.user_agent) or "Vently",
            "x-request-id": asker.request_id,
            # A project that lets it count (with a secret key) limits rates by it.
            "sb-forwarded-for": "" if self.ours else asker.address,
        }
        return {name: value for name, value in wanted.items() if value}


class _Within(httpx.AsyncBaseTransport):
    """Onto an ASGI app, as the person whose request is being answered."""

    def __init__(self, app: Any) -> None:
        self._app = app

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        asker: Asker = request.extensions["asker"]
        inside = httpx.ASGITransport(self._app, raise_app_exceptions=False, client=(asker.address or "127.0.0.1", 0))
        # A task has a context of its own: what is noted about the inner request stays apart from the page's.
        return await asyncio.create_task(inside.handle_async_request(request))


def _client(place: str, transport: httpx.AsyncBaseTransport | None) -> httpx.AsyncClient:
    """One client serves everybody, so it keeps no cookies."""
    return httpx.AsyncClient(
        base_url=place,
        transport=transport,
        headers={"x-supabase-api-version": VERSION, "accept": "application/json"},
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=[])),
        timeout=PATIENCE,
        trust_env=transport is None,
    )


def _read(answer: httpx.Response) -> Any:
    if answer.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise Unavailable("Sign-in does not work at the moment; try again in a while.")
    told = _json(answer)
    if answer.is_success:
        return told
    raise _refusal(answer, told if isinstance(told, dict) else {})


def _json(answer: httpx.Response) -> Any:
    if not answer.content:
        return None
    try:
        return msgspec.json.decode(answer.content)
    except (msgspec.DecodeError, UnicodeDecodeError):
        if answer.is_success:
            raise Unavailable("Sign-in gave an answer that is none; try again in a moment.") from None
        return None


def _refusal(answer: httpx.Response, told: dict[str, Any]) -> AuthError:
    """From the body of either version, or OAuth's."""
    code = told.get("error_code") or told.get("code") or told.get("error")
    message = told.get("message") or told.get("msg") or told.get("error_description")
    weak = told.get("weak_password")
    error = AuthError(
        str(code or "unexpected_failure"),
        str(message or "Sign-in refused this."),
        answer.status_code,
        reasons=[str(reason) for reason in weak.get("reasons") or []] if isinstance(weak, dict) else None,
    )
    if after := answer.headers.get("retry-after"):
        error.headers["retry-after"] = after
    return error


def _plain(header: str) -> str:
    return "".join(letter for letter in header if letter.isascii() and letter.isprintable())[:512]
