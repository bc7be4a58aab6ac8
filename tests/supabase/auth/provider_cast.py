"""A browser for the sign-in tests: it opens addresses of our site and of the provider, and keeps cookies."""

import hashlib
import secrets
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit

import httpx
from auth_cast import SITE
from issuer import Issuer

NAME = "keycloak"
"""Of the provider here: Supabase's Python client refuses names it does not know."""
CALLBACK = f"{SITE}/auth/v1/callback"


def challenged() -> tuple[str, dict[str, str]]:
    """A verifier, and the parameters of its challenge."""
    verifier = secrets.token_urlsafe(48)
    digest = hashlib.sha256(verifier.encode()).digest()
    challenge = urlsafe_b64encode(digest).rstrip(b"=").decode()
    return verifier, {"code_challenge": challenge, "code_challenge_method": "s256"}


def in_query(address: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(address).query))


def in_fragment(address: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(address).fragment))


class _OurSite(httpx.AsyncBaseTransport):
    """Our site's name leads to the port it is served on."""

    def __init__(self, url: str) -> None:
        self._url = httpx.URL(url)
        self._wire = httpx.AsyncHTTPTransport()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        there = request.url.copy_with(scheme="http", host=self._url.host, port=self._url.port)
        return await self._wire.handle_async_request(
            httpx.Request(request.method, there, headers=request.headers, stream=request.stream)
        )


@dataclass
class Browser:
    served_url: str
    issuer: Issuer
    client: httpx.AsyncClient = field(init=False)

    def __post_init__(self) -> None:
        self.client = httpx.AsyncClient(mounts={SITE: _OurSite(self.served_url)}, timeout=30)

    def authorize(self, **asked: str) -> str:
        return f"{SITE}/auth/v1/authorize?{urlencode({'provider': NAME, **asked})}"

    async def sets_out(self, address: str) -> str:
        """The provider's address that ours sends us to; or where it sends us instead."""
        answer = await self.opens(address)
        assert answer.status_code == 302, answer.text
        return answer.headers["location"]

    async def opens(self, address: str) -> httpx.Response:
        return await self.client.get(address.replace(self.served_url, SITE))

    async def is_back(self, address: str, login: str) -> str:
        """The address of our callback, with the provider's answer; it is not opened yet."""
        back = await self.issuer.signs_in(await self.sets_out(address), login)
        assert back.startswith(CALLBACK), back
        return back

    async def lands(self, callback: str) -> str:
        """Where our callback sends us."""
        answer = await self.opens(callback)
        assert answer.status_code == 302, answer.text
        assert answer.headers["cache-control"] == "no-store"
        return answer.headers["location"]

    async def signs_in(self, login: str, **asked: str) -> str:
        return await self.lands(await self.is_back(self.authorize(**asked), login))

    async def follows(self, address: str, login: str) -> str:
        return await self.lands(await self.is_back(urljoin(SITE, address), login))
