"""Sign in with Apple (https://developer.apple.com/documentation/signinwithapplerestapi)."""

import time
from collections.abc import Mapping, Sequence

import httpx
import msgspec
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from vently.outside.signin import Grant
from vently.outside.signin.oidc import Oidc, Ways

ISSUER = "https://appleid.apple.com"

SECRET_LASTS = 300
"""Seconds; Apple allows six months."""


class Apple:
    """Apple's ways: a secret that is signed, an answer that is posted, and a name that comes once and unsigned."""

    name = "apple"
    label = "Apple"

    def __init__(
        self, client_id: str, *, team_id: str, key_id: str, key: str, wire: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self._client_id, self._team_id, self._key_id = client_id, team_id, key_id
        self._key = _key(key)
        self._oidc = Oidc(
            ISSUER,
            client_id,
            self._secret,
            name=self.name,
            label=self.label,
            ways=Ways(
                scopes=("openid", "email", "name"),
                asks={"response_mode": "form_post"},  # the only one Apple has when asked for an address or a name
                pkce=False,  # not documented there; the nonce, which is, binds the code to this sign-in
            ),
            wire=wire,
        )

    async def address(
        self,
        *,
        state: str,
        nonce: str,
        code_verifier: str,
        redirect_uri: str,
        scopes: Sequence[str] = (),
        more: Mapping[str, str] | None = None,
    ) -> str:
        return await self._oidc.address(
            state=state,
            nonce=nonce,
            code_verifier=code_verifier,
            redirect_uri=redirect_uri,
            scopes=scopes,
            more=more,
        )

    async def grant(self, *, answer: Mapping[str, str], nonce: str, code_verifier: str, redirect_uri: str) -> Grant:
        grant = await self._oidc.grant(
            answer=answer, nonce=nonce, code_verifier=code_verifier, redirect_uri=redirect_uri
        )
        # Only the name is taken from the form: the browser could have written it, and the address as well.
        name = grant.claimed.name or _name(answer.get("user", ""))
        return msgspec.structs.replace(grant, claimed=msgspec.structs.replace(grant.claimed, name=name))

    def _secret(self) -> str:
        now = int(time.time())
        claims = {
            "iss": self._team_id,
            "iat": now,
            "exp": now + SECRET_LASTS,
            "aud": ISSUER,
            "sub": self._client_id,
        }
        return jwt.encode({"alg": "ES256", "kid": self._key_id}, claims, self._key)


class _Name(msgspec.Struct):
    first: str = msgspec.field(name="firstName", default="")
    last: str = msgspec.field(name="lastName", default="")


class _Person(msgspec.Struct):
    name: _Name = msgspec.field(default_factory=_Name)


def _name(user: str) -> str | None:
    try:
        name = msgspec.json.decode(user, type=_Person).name
    except (msgspec.DecodeError, RecursionError):
        return None
    return " ".join(f"{name.first} {name.last}".split())[:200] or None


def _key(pem: str) -> ECKey:
    try:
        key = ECKey.import_key(pem)
        if key.is_private and key.curve_name == "P-256":
            return key
    except (JoseError, ValueError, TypeError):
        pass
    raise ValueError("Apple's key is not usable: give the whole text of the .p8 file from developer.apple.com.")
