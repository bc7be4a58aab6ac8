"""Access tokens (RFC 7519) as Supabase Auth writes them: what is asked of each, whoever signs it (RFC 8725)."""

import json
import re
from dataclasses import dataclass
from typing import Any, NamedTuple, NoReturn

from joserfc import jwt
from joserfc.errors import ExpiredTokenError, InvalidClaimError, JoseError
from joserfc.jwk import Key
from joserfc.jws import JWSRegistry
from joserfc.util import urlsafe_b64decode

AUDIENCE = "authenticated"
ROLE = "authenticated"
"""The role of everybody who has an account; other roles are no person's, and their tokens are not taken."""

LONGEST = 16_384
"""Characters of a token that is looked at; one with the largest `user_metadata` allowed has half of that."""

LONGEST_HEADER = 1024
"""The same of its header, which is read before anything is known of who wrote it."""

ALGORITHMS = {"ES256": "ES256", "RS256": "RS256", "EdDSA": "Ed25519", "HS256": "HS256"}
"""As headers name them → as joserfc does, which reads EdDSA as Ed25519 alone (RFC 9864)."""

_MODELS = {name: JWSRegistry.algorithms[model] for name, model in ALGORITHMS.items()}
_HEADER = frozenset({"alg", "kid", "typ"})
"""All a header may hold: no `jku`, `x5u`, `jwk`, `crit`, `b64` or `zip` of a stranger."""

_SHAPE = re.compile(r"([\w-]+)\.([\w-]+)\.([\w-]+)", re.ASCII)
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
_NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")
_LAST_SECOND = 253_402_300_799
"""Of the year 9999: a token may not outlive the calendar."""


class BadToken(Exception):
    """A token that does not count; `str()` is the sentence for whoever sent it."""


class Expired(BadToken):
    pass


class SigningKey(NamedTuple):
    """A key, and the one algorithm it signs with: a header never chooses."""

    algorithm: str
    key: Key


@dataclass(frozen=True, slots=True)
class Unverified:
    """A token taken apart. Nothing in it is true before `Expected.claims` says so; `kid` tells which key to ask."""

    algorithm: str
    kid: str | None
    signed: bytes
    signature: bytes
    payload: bytes


def read(token: str) -> Unverified:
    """Take a token apart. Raises BadToken for whatever is not the compact form of one."""
    shape = _SHAPE.fullmatch(token) if len(token) <= LONGEST else None
    if shape is None or shape.end(1) > LONGEST_HEADER:
        raise BadToken("The access token is malformed.")
    head, body, signature = (part.encode() for part in shape.groups())
    try:
        header = strict_object(urlsafe_b64decode(head))
        payload, signature = urlsafe_b64decode(body), urlsafe_b64decode(signature)
    except ValueError:
        raise BadToken("The access token is malformed.") from None
    algorithm, kid = header.get("alg"), header.get("kid")
    if not _HEADER.issuperset(header) or header.get("typ", "JWT") != "JWT" or not isinstance(algorithm, str):
        raise BadToken("The access token has a header that is not taken here.")
    if "kid" in header and (not isinstance(kid, str) or not kid):
        raise BadToken("The access token does not name its key.")
    return Unverified(algorithm, kid, token[: shape.end(2)].encode(), signature, payload)


class Expected:
    """What the claims of a person's token must say."""

    def __init__(self, issuer: str) -> None:
        self._claims = _Claims(
            iss={"essential": True, "value": issuer},
            aud={"essential": True, "value": AUDIENCE},
            role={"essential": True, "value": ROLE},
            exp={"essential": True},
            sub={"essential": True},
        )

    def claims(self, token: Unverified, signed_by: SigningKey | None) -> dict[str, Any]:
        """Of a token signed by that key. Raises BadToken."""
        if signed_by is None:
            raise BadToken("The access token is signed with a key that is not known here.")
        if token.algorithm != signed_by.algorithm:
            raise BadToken("The access token is signed with an algorithm that is not its key's.")
        try:
            model = _MODELS[signed_by.algorithm]
            model.check_key(signed_by.key)
            if not model.verify(token.signed, token.signature, signed_by.key):
                raise BadToken("The access token's signature is not right.")
            claims = strict_object(token.payload)
            self._claims.validate(claims)
        except ExpiredTokenError as error:
            raise Expired("The access token has expired; sign in again or refresh it.") from error
        except (JoseError, ValueError) as error:
            raise BadToken("The access token has claims that are not taken here.") from error
        return claims


def strict_object(raw: bytes) -> dict[str, Any]:
    """JSON (RFC 8259) without its loose ends: UTF-8, no name twice, no NaN, only text that Postgres can hold too.

    Raises ValueError.
    """
    text = raw.decode()
    try:
        found = json.loads(text, object_pairs_hook=_each_once, parse_constant=_no_number)
        if "\\u" in text:  # what UTF-8 itself could not say
            json.dumps(found, ensure_ascii=False).encode()
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if "\\u0000" in text and _NUL.search(text):
        raise ValueError("NUL in a text")
    if not isinstance(found, dict):
        raise ValueError("not an object")  # noqa: TRY004 - the caller sent it, not the programmer
    return found


class _Claims(jwt.JWTClaimsRegistry):
    def validate_iat(self, value: object) -> None:
        """Machines' clocks differ a little: a token from the near future is no forgery, `nbf` and `exp` decide."""

    def validate_exp(self, value: object) -> None:
        super().validate_exp(value)
        if not isinstance(value, int | float) or value > _LAST_SECOND:
            raise InvalidClaimError("exp")

    def validate_sub(self, value: object) -> None:
        if not isinstance(value, str) or not _UUID.fullmatch(value):
            raise InvalidClaimError("sub")

    def validate_session_id(self, value: object) -> None:
        """Tokens that belong to no session have none, or an empty one."""
        if value is not None and value != "":
            self.validate_sub(value)

    def validate_role(self, value: object) -> None:
        if value != ROLE:
            raise InvalidClaimError("role")


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Of two claims of one name, each reader might believe another."""
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name stands there twice")
    return found


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")
