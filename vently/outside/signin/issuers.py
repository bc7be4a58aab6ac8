"""Issuers: what an OpenID provider publishes of itself, its addresses and its keys, kept for a while."""

import asyncio
import ipaddress
import time
from typing import Any
from urllib.parse import urlsplit

import httpx
import msgspec

from vently.outside.signin import ProviderRefused
from vently.outside.signin.asking import asking, json_of

FRESH_FOR = 3600.0
"""Seconds that metadata and keys are used without asking again."""

ASK_AGAIN_AFTER = 30.0
"""Seconds between two questions for a key we do not know: whoever invents key ids must not make us ask all day."""

REST = 5.0
"""Seconds an issuer that failed is left alone: those who wait in line must not each wait for it again."""


class Metadata(msgspec.Struct, frozen=True):
    """OpenID Connect Discovery 1.0, section 3, as far as we use it."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None = None
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)
    id_token_signing_alg_values_supported: tuple[str, ...] = ()
    authorization_response_iss_parameter_supported: bool = False


class Issuer:
    """One OpenID provider. Raises ProviderRefused when it cannot be reached and nothing of it is known."""

    def __init__(self, url: str, label: str, wire: httpx.AsyncBaseTransport | None = None) -> None:
        if not _is_safe(url):
            raise ValueError(f"The issuer {url} is not usable: give its https address (http only on this machine).")
        self.url = url
        self._label = label
        self._wire = wire
        self._asking = asyncio.Lock()
        self._metadata: Metadata | None = None
        self._keys: dict[str, Any] | None = None
        self._metadata_at = self._keys_at = self._failed_at = float("-inf")
        self._failure = ""

    async def metadata(self) -> Metadata:
        async with self._asking:
            now = time.monotonic()
            if now - self._metadata_at > FRESH_FOR and now - self._failed_at > REST:
                try:
                    self._metadata = await self._read_metadata()
                    self._metadata_at = time.monotonic()
                except ProviderRefused as error:
                    self._failed_at, self._failure = time.monotonic(), error.sentence
            if self._metadata is None:
                raise ProviderRefused(self._failure)
            # What it said before is better than nothing while it is down.
            return self._metadata

    async def keys(self, kid: str | None) -> list[dict[str, Any]]:
        """Its keys of that id; all of them when a token names none. Asked for again when the id is not known."""
        metadata = await self.metadata()
        async with self._asking:
            age = time.monotonic() - self._keys_at
            found = _named(self._keys, kid)
            if age > FRESH_FOR or (not found and age > ASK_AGAIN_AFTER):
                # Set first, so that an issuer that is down is not asked at every turn.
                self._keys_at = time.monotonic()
                try:
                    self._keys = await self._read_keys(metadata.jwks_uri)
                except ProviderRefused:
                    if self._keys is None:
                        self._keys_at = float("-inf")
                        raise
                found = _named(self._keys, kid)
            return found

    async def _read_metadata(self) -> Metadata:
        async with asking(self._label, self._wire) as client:
            url = f"{self.url.rstrip('/')}/.well-known/openid-configuration"
            metadata = msgspec.convert(await json_of(client, url), Metadata)
        if metadata.issuer != self.url:
            raise ProviderRefused(
                f"{self._label} is set up here with another issuer than it names itself: write it exactly as it does."
            )
        endpoints = (metadata.authorization_endpoint, metadata.token_endpoint, metadata.jwks_uri)
        if not all(map(_is_safe, (*endpoints, metadata.userinfo_endpoint or self.url))):
            raise ProviderRefused(f"{self._label} is to be spoken to over https only.")
        return metadata

    async def _read_keys(self, url: str) -> dict[str, Any]:
        async with asking(self._label, self._wire) as client:
            keys = msgspec.convert(await json_of(client, url), dict[str, Any])
            msgspec.convert(keys["keys"], list[dict[str, Any]])
            return keys


def _named(keys: dict[str, Any] | None, kid: str | None) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = keys["keys"] if keys else []
    return [key for key in found if kid is None or key.get("kid") == kid]


def _is_safe(url: str) -> bool:
    """https; on this machine, http as well."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        _ = parts.port
    except ValueError:
        return False
    if not host or parts.username is not None or parts.fragment:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(host))


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
