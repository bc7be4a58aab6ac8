"""Signing keys as a process holds them: one signs, all verify, and the public halves are the JWKS."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from joserfc.jwk import ECKey

ALGORITHM = "ES256"
CURVE = "P-256"


class KeysUnusableError(Exception):
    """The signing keys cannot be used; the sentence says what to do."""


@dataclass(frozen=True, slots=True)
class Keys:
    """The first key signs; every key verifies, so that a key can be changed without ending anyone's session."""

    signing: ECKey
    by_id: dict[str, ECKey]
    public: dict[str, Any]
    """The JSON Web Key Set (RFC 7517) for `/.well-known/jwks.json`."""

    @classmethod
    def of(cls, keys: Sequence[ECKey]) -> "Keys":
        """Raises ValueError for keys that are not ours."""
        if not keys or any(key.curve_name != CURVE or not key.kid for key in keys) or not keys[0].is_private:
            raise ValueError(f"each key must be on {CURVE} and have a kid, and the first be private")
        # Only the public halves verify, so that nothing but `signing` ever holds a secret.
        halves = {str(key.kid): ECKey.import_key(_published(key)) for key in keys}
        return cls(keys[0], halves, {"keys": [_published(key) for key in keys]})


def make() -> ECKey:
    """A new key, with a name of its own."""
    return ECKey.generate_key(CURVE, {"kid": secrets.token_hex(8)}, private=True, auto_kid=False)


def written(key: ECKey) -> str:
    """As a JSON Web Key, with its private half when it has one: only ever to be sealed."""
    return msgspec.json.encode(key.as_dict(private=key.is_private)).decode()


def without_private_half(key: ECKey) -> ECKey:
    return ECKey.import_key(_published(key))


def parse(text: str, kid: str) -> ECKey:
    """What `written` wrote. Raises ValueError, KeyError, TypeError or JoseError."""
    key = ECKey.import_key(msgspec.json.decode(text, type=dict[str, Any]))
    if key.kid != kid or key.curve_name != CURVE:
        raise ValueError(f"it is not the key {kid}")
    return key


def _published(key: ECKey) -> dict[str, Any]:
    point = key.as_dict(private=False)
    return {
        "kty": "EC",
        "crv": CURVE,
        "x": point["x"],
        "y": point["y"],
        "kid": key.kid,
        "alg": ALGORITHM,
        "use": "sig",
        "key_ops": ["verify"],
    }
