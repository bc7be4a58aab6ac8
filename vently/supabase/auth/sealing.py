"""Sealing: what a dump of the database must not show is a JWE (RFC 7516) there, bound to the place it is kept in."""

import hashlib
import hmac

from joserfc import jwe
from joserfc.errors import JoseError
from joserfc.jwe import JWERegistry
from joserfc.jwk import OctKey
from joserfc.registry import HeaderParameter, is_str

LONGEST = 64 * 1024


class SealBrokenError(Exception):
    """It was sealed with another key, for another place, or has been changed."""


class Sealing:
    """One key for all of sign-in's secrets; `place` names the row and column, so that none counts elsewhere."""

    def __init__(self, key: bytes) -> None:
        """`key`: 32 bytes."""
        self._key = OctKey.import_key(hmac.digest(key, b"seal", hashlib.sha256))
        self._marking = hmac.digest(key, b"mark", hashlib.sha256)
        self._registry = JWERegistry(
            header_registry={"place": HeaderParameter("Where it is kept", is_str, True)},
            algorithms=["dir", "A256GCM"],
        )

    def seal(self, text: str, place: str) -> str:
        header = {"alg": "dir", "enc": "A256GCM", "place": place}
        return jwe.encrypt_compact(header, text.encode(), self._key, registry=self._registry)

    def open(self, sealed: str, place: str) -> str:
        """Raises SealBrokenError."""
        try:
            found = jwe.decrypt_compact(sealed, self._key, registry=self._registry)
        except (JoseError, ValueError, TypeError) as error:
            raise SealBrokenError(f"{place} cannot be unsealed") from error
        if found.protected.get("place") != place or found.plaintext is None:
            raise SealBrokenError(f"{place} cannot be unsealed")
        return found.plaintext.decode()

    def mark(self, text: str, place: str) -> str:
        """A keyed hash (HMAC-SHA256, hex): for secrets too short to be kept as a plain hash."""
        return hmac.new(self._marking, f"{place}\0{text}".encode(), hashlib.sha256).hexdigest()
