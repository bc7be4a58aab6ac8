"""Supabase mode: a Supabase project signs people in, and its access tokens are verified here."""

import asyncio
import re
from typing import Any

import httpx
from joserfc.jwk import OctKey

from vently.settings import SettingsError
from vently.supabase import jwks
from vently.supabase.project_keys import ProjectKeys
from vently.supabase.tokens import BadToken, Expected, SigningKey, read

AUTH = "/auth/v1"
KEYS = "/.well-known/jwks.json"
LEGACY = "HS256"
_SHAPE_OF_TOKEN = re.compile(r"[\w-]+\.[\w-]+\.[\w-]+", re.ASCII)
SHORTEST_SECRET = 32
"""Characters: Supabase makes longer ones, and shorter ones can be guessed (RFC 7518, 3.2)."""


class Project:
    """Verifies the tokens of the Supabase project at `url`.

    `hs256_secret` is the project's legacy JWT secret; without it such tokens are refused. `issuer` is what the tokens
    say, where that is not the address. Raises SettingsError for a secret that anybody may know.
    """

    def __init__(
        self,
        url: str,
        *,
        issuer: str | None = None,
        hs256_secret: str = "",
        client: httpx.AsyncClient | None = None,
    ) -> None:
        self.url = url.rstrip("/")
        self.issuer = issuer or self.url + AUTH
        self._client = client or httpx.AsyncClient(timeout=jwks.SECONDS)
        self._closes_client = client is None
        self._expected = Expected(self.issuer)
        self._legacy = _legacy_key(hs256_secret) if hs256_secret else None
        self.keys = ProjectKeys(keys_url(url), self._client)
        self._keeping: asyncio.Task[None] | None = None

    async def verify(self, token: str) -> dict[str, Any]:
        """The claims. Raises BadToken, and Unavailable when the project has never said which keys it has."""
        unverified = read(token)
        return self._expected.claims(unverified, await self._key(unverified.algorithm, unverified.kid))

    async def open(self) -> None:
        """Begin to keep the project's keys. It need not answer: a node starts without it too."""
        self.keys.warm()
        self._keeping = asyncio.create_task(self.keys.keep_fresh())

    async def close(self) -> None:
        if self._keeping:
            self._keeping.cancel()
        self.keys.close()
        if self._closes_client:
            await self._client.aclose()

    async def _key(self, algorithm: str, kid: str | None) -> SigningKey | None:
        """A public key never stands in for the secret: whoever says HS256 gets the secret or nothing."""
        if algorithm == LEGACY:
            return self._legacy
        if kid is None:
            raise BadToken("The access token does not name its key.")
        return await self.keys.find(kid)


def keys_url(url: str) -> str:
    """Where a project publishes its keys."""
    return url.rstrip("/") + AUTH + KEYS


def _legacy_key(secret: str) -> SigningKey:
    if len(secret) < SHORTEST_SECRET:
        raise SettingsError(
            f"SUPABASE_JWT_SECRET has only {len(secret)} characters and can be guessed: copy the legacy JWT secret "
            "from the project's settings, or leave it empty."
        )
    try:
        if not _is_known_to_others(secret):
            return SigningKey(LEGACY, OctKey.import_key(secret))
    except ValueError:  # joserfc knows further forms of public keys
        pass
    raise SettingsError(
        "SUPABASE_JWT_SECRET is a key that others have too, not the legacy JWT secret: leave it empty, "
        "the project's public keys are fetched from SUPABASE_URL."
    )


def _is_known_to_others(secret: str) -> bool:
    """Whether it is a public key or certificate as text, a JSON Web Key, or an API key that is shown to browsers."""
    if any(mark in secret for mark in ("-----BEGIN", "---- BEGIN", "ssh-", "ecdsa-sha2-", "sb_publishable_")):
        return True
    return secret.lstrip().startswith("{") or _SHAPE_OF_TOKEN.fullmatch(secret) is not None
