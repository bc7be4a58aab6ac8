"""A JSON Web Key Set (RFC 7517) fetched from elsewhere: which of its keys may verify, and why the others may not."""

import asyncio
from collections.abc import Container
from dataclasses import dataclass, field
from typing import Any

import httpx
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey

from vently.supabase.tokens import SigningKey, strict_object

SECONDS = 5
"""For the whole answer, however slowly it trickles."""
LARGEST = 65_536
"""Bytes of an answer; a project with a dozen RSA keys has a tenth of that."""
MOST_KEYS = 64
SHORTEST_RSA, LONGEST_RSA = 2048, 8192
"""Bits: fewer can be factored (RFC 7518, 3.3), more cost time at every request."""

_SECRETS = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
_KINDS: dict[tuple[str, str | None], tuple[str, type[ECKey | OKPKey | RSAKey], tuple[str, ...]]] = {
    ("EC", "P-256"): ("ES256", ECKey, ("crv", "x", "y")),
    ("OKP", "Ed25519"): ("EdDSA", OKPKey, ("crv", "x")),
    ("RSA", None): ("RS256", RSAKey, ("n", "e")),
}


class KeysNotFetched(Exception):
    """There was no key set; `str()` says what there was, as the end of a sentence about the project."""


@dataclass(frozen=True, slots=True)
class FetchedKeys:
    usable: dict[str, SigningKey] = field(default_factory=dict)
    """By kid."""
    ignored: list[str] = field(default_factory=list)
    """What is wrong with each of the others."""


async def fetch(client: httpx.AsyncClient, url: str) -> FetchedKeys:
    """Raises KeysNotFetched."""
    return parse(await fetch_document(client, url))


async def fetch_document(client: httpx.AsyncClient, url: str) -> bytes:
    """A small public document, from just that address: no redirect is followed. Raises KeysNotFetched."""
    # Never unpacked: a few bytes could become a great many.
    headers = {"accept": "application/json", "accept-encoding": "identity"}
    try:
        async with (
            asyncio.timeout(SECONDS),
            client.stream("GET", url, headers=headers, follow_redirects=False) as answer,
        ):
            if answer.status_code != httpx.codes.OK:
                raise KeysNotFetched(f"answers {answer.status_code} at {url}")
            return await _read(answer, url)
    except TimeoutError:
        raise KeysNotFetched(f"does not answer within {SECONDS} seconds at {url}") from None
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise KeysNotFetched(f"does not answer at {url} ({error or type(error).__name__})") from error


async def _read(answer: httpx.Response, url: str) -> bytes:
    read = b""
    async for chunk in answer.aiter_raw():
        read += chunk
        if len(read) > LARGEST:
            raise KeysNotFetched(f"sends more than {LARGEST} bytes at {url}")
    return read


def parse(document: bytes) -> FetchedKeys:
    """Raises KeysNotFetched for what is no key set; a key that may not verify is left out."""
    try:
        jwks = strict_object(document).get("keys")
    except ValueError as error:
        raise KeysNotFetched(f"sends no JSON object ({error})") from error
    if not isinstance(jwks, list) or len(jwks) > MOST_KEYS:
        raise KeysNotFetched("sends no list of keys, or one that is too long")
    found = FetchedKeys()
    for jwk in jwks:
        try:
            kid, key = _key(jwk, found.usable)
            found.usable[kid] = key
        except (ValueError, TypeError, KeyError, JoseError) as error:
            found.ignored.append(str(error))
    return found


def _key(jwk: Any, others: Container[str]) -> tuple[str, SigningKey]:
    """Raises ValueError for a key that may not verify the signature of a token."""
    if not isinstance(jwk, dict):
        raise ValueError("it is no object")  # noqa: TRY004 - sent from elsewhere
    kid, kty, crv = jwk.get("kid"), jwk.get("kty"), jwk.get("crv")
    if not isinstance(kid, str) or not kid:
        raise ValueError("it has no kid")
    if kid in others:
        raise ValueError(f"there is another one with the kid {kid!r}")
    if not _SECRETS.isdisjoint(jwk):
        raise ValueError(f"{kid!r} shows a secret, which anybody may have read")
    kind = next((kind for names, kind in _KINDS.items() if names == (kty, crv)), None)
    if kind is None:
        raise ValueError(f"{kid!r} is of a kind that is not taken here")
    algorithm, kind_of_key, parts = kind
    operations = jwk.get("key_ops", ["verify"])
    if jwk.get("alg", algorithm) != algorithm or jwk.get("use", "sig") != "sig" or "verify" not in operations:
        raise ValueError(f"{kid!r} is not for verifying {algorithm}")
    # Made of the numbers alone: whatever else it says of itself has been judged here.
    key = kind_of_key.import_key({"kty": str(kty), **{part: jwk[part] for part in parts}})
    if isinstance(key, RSAKey) and not SHORTEST_RSA <= key.raw_value.key_size <= LONGEST_RSA:
        raise ValueError(f"{kid!r} has {key.raw_value.key_size} bits")
    return kid, SigningKey(algorithm, key)
