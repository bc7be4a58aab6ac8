"""Access tokens: JSON Web Tokens (RFC 7519) signed ES256, with the claims Supabase Auth puts in."""

import re
import time
from typing import Any

from joserfc import jwt
from joserfc.errors import ExpiredTokenError, InvalidKeyIdError, JoseError
from joserfc.jwk import ECKey
from joserfc.jws import JWSRegistry
from joserfc.registry import HeaderParameter, is_str

from vently.supabase.auth.errors import AuthError
from vently.supabase.auth.keys import ALGORITHM, Keys
from vently.supabase.auth.users import User

AUDIENCE = "authenticated"

LONGEST = 16_384
"""Characters of a token that is looked at; one with the largest `user_metadata` allowed has half of that."""

_SHAPE = re.compile(r"[\w-]+\.[\w-]+\.[\w-]+", re.ASCII)


class _OurHeader(JWSRegistry):
    """`alg`, `kid` and `typ` are all a header may hold: no `jku`, `x5u`, `jwk`, `crit` or `b64` of a stranger."""

    default_header_registry = {  # noqa: RUF012 - joserfc declares it so
        "alg": HeaderParameter("Algorithm", is_str, True),
        "kid": HeaderParameter("Key ID", is_str, True),
        "typ": HeaderParameter("Type", is_str),
    }


class _OurClaims(jwt.JWTClaimsRegistry):
    def validate_iat(self, value: object) -> None:
        """Nodes' clocks differ a little: a token from the near future is no forgery, `nbf` and `exp` decide."""


class Tokens:
    """Signs with the first key, verifies with any of ours."""

    def __init__(self, keys: Keys, issuer: str, seconds: int) -> None:
        self._keys = keys
        self._issuer = issuer
        self.seconds = seconds
        self._header = _OurHeader(algorithms=[ALGORITHM])
        self._claims = _OurClaims(
            iss={"essential": True, "value": issuer},
            aud={"essential": True, "value": AUDIENCE},
            exp={"essential": True},
            sub={"essential": True},
        )

    def sign(self, user: User, session_id: str, aal: str, amr: list[dict[str, Any]]) -> tuple[str, int]:
        """The token and when it expires (seconds since 1970)."""
        now = int(time.time())
        expires_at = now + self.seconds
        claims = {
            "iss": self._issuer,
            "sub": str(user.id),
            "aud": AUDIENCE,
            "exp": expires_at,
            "iat": now,
            "email": user.email,
            "phone": user.phone,
            "app_metadata": user.app_metadata,
            "user_metadata": user.user_metadata,
            "role": user.role,
            "aal": aal,
            "amr": amr,
            "session_id": session_id,
            "is_anonymous": user.is_anonymous,
        }
        header = {"alg": ALGORITHM, "kid": self._keys.signing.kid}
        return jwt.encode(header, claims, self._keys.signing, registry=self._header), expires_at

    def verify(self, token: str) -> dict[str, Any]:
        """The claims of a token of ours. Raises AuthError `bad_jwt`."""
        if len(token) > LONGEST or not _SHAPE.fullmatch(token):
            raise _bad("token is malformed")
        try:
            claims = jwt.decode(token, self._key, registry=self._header).claims
            self._claims.validate(claims)
        except ExpiredTokenError as error:
            raise _bad("token has invalid claims: token is expired") from error
        except (JoseError, ValueError, TypeError, RecursionError) as error:
            raise _bad("token is not one of ours") from error
        return claims

    def _key(self, signed: Any) -> ECKey:
        """Ours or none: the header names a key, it never brings one."""
        key = self._keys.by_id.get(signed.headers().get("kid"))
        if key is None:
            raise InvalidKeyIdError
        return key


def _bad(why: str) -> AuthError:
    return AuthError("bad_jwt", f"invalid JWT: unable to parse or verify signature, {why}", 403)
