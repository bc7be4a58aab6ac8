"""Access tokens: JSON Web Tokens (RFC 7519) signed ES256, with the claims Supabase Auth puts in."""

import time
from typing import Any

from joserfc import jwt

from vently.supabase.auth.errors import AuthError
from vently.supabase.auth.keys.keys import ALGORITHM
from vently.supabase.auth.keys.ring import KeyRing
from vently.supabase.auth.users import User
from vently.supabase.tokens import AUDIENCE, BadToken, Expected, Expired, SigningKey, read


class Tokens:
    """Signs with the current key, verifies with any of ours."""

    def __init__(self, keys: KeyRing, issuer: str, seconds: int) -> None:
        self._keys = keys
        self._issuer = issuer
        self.seconds = seconds
        self._expected = Expected(issuer)

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
        key = self._keys.now.signing
        header = {"alg": ALGORITHM, "kid": key.kid}
        return jwt.encode(header, claims, key, algorithms=[ALGORITHM]), expires_at

    async def verify(self, token: str) -> dict[str, Any]:
        """The claims of a token of ours. Raises AuthError `bad_jwt`."""
        try:
            unverified = read(token)
            # Ours or none: the header names a key, it never brings one.
            key = await self._keys.find(unverified.kid)
            return self._expected.claims(unverified, SigningKey(ALGORITHM, key) if key else None)
        except Expired as error:
            raise _bad("token has invalid claims: token is expired") from error
        except BadToken as error:
            raise _bad("token is malformed or not one of ours") from error


def _bad(why: str) -> AuthError:
    return AuthError("bad_jwt", f"invalid JWT: unable to parse or verify signature, {why}", 403)
