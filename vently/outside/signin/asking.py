"""Asking a provider over HTTP: within a time and a size, at the one address, and nothing but JSON."""

import asyncio
import functools
import ssl
import warnings
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx
import msgspec
from authlib.common.errors import AuthlibBaseError  # type: ignore[import-untyped]
from authlib.deprecate import AuthlibDeprecationWarning  # type: ignore[import-untyped]

from vently.outside.signin import ProviderRefused

with warnings.catch_warnings():
    # Authlib would rather stand on httpx2; the house has httpx.
    warnings.simplefilter("ignore", AuthlibDeprecationWarning)
    from authlib.integrations.httpx_client import AsyncOAuth2Client  # type: ignore[import-untyped]

SECONDS = 8.0
"""For one question from first to last byte: a person is waiting, and a provider may drip."""

LARGEST = 256 * 1024
"""Bytes of an answer; Google's key set has 2,000."""

LONGEST_TOKEN = 16_384


class _TooLargeError(httpx.TransportError):
    pass


class Bounded(httpx.AsyncBaseTransport):
    """Reads an answer whole, within SECONDS and LARGEST, so that no provider can hold or fill us."""

    def __init__(self, wire: httpx.AsyncBaseTransport) -> None:
        self._wire = wire

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        async with asyncio.timeout(SECONDS):
            answer = await self._wire.handle_async_request(request)
            try:
                return httpx.Response(answer.status_code, headers=_plain(answer), content=await _read(answer))
            finally:
                await answer.aclose()

    async def aclose(self) -> None:
        await self._wire.aclose()


@functools.cache
def _trust() -> ssl.SSLContext:
    """Reading the certificates of the world takes longer than asking."""
    return httpx.create_ssl_context()


@asynccontextmanager
async def asking(
    whom: str, wire: httpx.AsyncBaseTransport | None, client_id: str = "", client_secret: str = "", **more: Any
) -> AsyncIterator[AsyncOAuth2Client]:
    """A client of `whom` (the provider's label). What goes wrong inside becomes ProviderRefused."""
    client = AsyncOAuth2Client(
        client_id,
        client_secret,
        transport=Bounded(wire or httpx.AsyncHTTPTransport(verify=_trust())),
        headers={"Accept": "application/json", "Accept-Encoding": "identity", "User-Agent": "Vently"},
        timeout=SECONDS,
        follow_redirects=False,
        trust_env=False,
        **more,
    )
    try:
        yield client
    except AuthlibBaseError as error:
        said = error.error if isinstance(error.error, str) else ""
        raise ProviderRefused(f"{whom} did not accept our request{f' ({said[:100]})' if said else ''}.") from error
    except (httpx.TransportError, TimeoutError) as error:
        raise ProviderRefused(f"{whom} cannot be reached just now: try again in a while.") from error
    except (
        httpx.HTTPError,
        httpx.InvalidURL,
        ValueError,
        TypeError,
        KeyError,
        AttributeError,
        RecursionError,
    ) as error:
        raise ProviderRefused(f"{whom} gave an answer that cannot be understood.") from error
    finally:
        if wire is None:
            await client.aclose()


async def token_of(client: AsyncOAuth2Client, url: str, **parameters: str) -> dict[str, Any]:
    """The token endpoint's answer; `access_token` is in it, and is text."""
    token = await client.fetch_token(url, grant_type="authorization_code", **parameters)
    return {**token, "access_token": text_of(token, "access_token")}


async def json_of(client: AsyncOAuth2Client, url: str, bearer: str | None = None, **query: str) -> Any:
    """The JSON at `url`. Raises ValueError for any answer but 200, redirects among them."""
    headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
    # No auth of Authlib's: it would look for a token of its own.
    answer = await client.get(url, headers=headers, params=query or None, auth=None)
    if answer.status_code != httpx.codes.OK:
        raise ValueError(f"status {answer.status_code}")
    return msgspec.json.decode(answer.content)


def text_of(mapping: Mapping[str, Any], name: str) -> str:
    value = mapping.get(name)
    if not isinstance(value, str) or not 0 < len(value) <= LONGEST_TOKEN:
        raise ValueError(f"{name} is missing")
    return value


def maybe_text(mapping: Mapping[str, Any], name: str) -> str | None:
    value = mapping.get(name)
    return value if isinstance(value, str) and 0 < len(value) <= LONGEST_TOKEN else None


def code_of(whom: str, answer: Mapping[str, str]) -> str:
    """The code in the callback's parameters, or what the provider says instead of one."""
    if error := answer.get("error"):
        # Of the address, so anybody's words: short, and printable.
        said = "".join(filter(str.isprintable, answer.get("error_description", "")))[:200]
        code = error if error.isascii() and error.replace("_", "").isalnum() and len(error) <= 40 else "server_error"  # noqa: PLR2004
        raise ProviderRefused(said or f"{whom} did not let you in.", code=code)
    code = answer.get("code", "")
    if not code or len(code) > LONGEST_TOKEN:
        raise ProviderRefused(f"{whom} sent you back without a code: start again.", code="invalid_request")
    return code


def _plain(answer: httpx.Response) -> httpx.Headers:
    headers = answer.headers.copy()
    if headers.pop("content-encoding", "identity").lower() != "identity":
        raise _TooLargeError("an answer we did not ask to be packed")
    for name in ("content-length", "transfer-encoding", "set-cookie"):
        headers.pop(name, None)
    return headers


async def _read(answer: httpx.Response) -> bytes:
    body = bytearray()
    assert isinstance(answer.stream, httpx.AsyncByteStream)  # noqa: S101 - a wire's answers are
    async for piece in answer.stream:
        body += piece
        if len(body) > LARGEST:
            raise _TooLargeError(f"more than {LARGEST} bytes")
    return bytes(body)
