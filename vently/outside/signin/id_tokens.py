"""ID tokens: believing one (OpenID Connect Core 1.0, section 3.1.3.7)."""

import hmac
from typing import Any

import msgspec
from joserfc import jwt
from joserfc.errors import ExpiredTokenError, JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry, extract_compact

from vently.outside.signin import ProviderRefused
from vently.outside.signin.issuers import Issuer

LEEWAY = 60
"""Seconds that a provider's clock may differ from ours."""

LONGEST_SUBJECT = 255

_KEYS: dict[str, tuple[str, tuple[str, ...]]] = {
    **dict.fromkeys(("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"), ("RSA", ())),
    "ES256": ("EC", ("P-256",)),
    "ES384": ("EC", ("P-384",)),
    "ES512": ("EC", ("P-521",)),
    "EdDSA": ("OKP", ("Ed25519",)),
    "Ed25519": ("OKP", ("Ed25519",)),
}
"""An algorithm goes with one kind of key. None shares a secret, so no published key can sign."""

_KINDS: dict[str, type[RSAKey] | type[ECKey] | type[OKPKey]] = {"RSA": RSAKey, "EC": ECKey, "OKP": OKPKey}
_SMALLEST_RSA = 2048


class _Header(JWSRegistry):
    max_header_length = 8192


async def verified(
    token: str, *, label: str, issuer: Issuer, called: tuple[str, ...], client_id: str, nonce: str
) -> dict[str, Any]:
    """The claims of an ID token that `issuer`, which may call itself `called` in it, made for us and this sign-in."""
    offered = (await issuer.metadata()).id_token_signing_alg_values_supported
    algorithms = [name for name in _KEYS if not offered or name in offered]
    registry = _Header(algorithms=algorithms, strict_check_header=False)
    wanted = jwt.JWTClaimsRegistry(
        leeway=LEEWAY,
        iss={"essential": True, "values": list(called)},
        sub={"essential": True},
        aud={"essential": True, "value": client_id},
        exp={"essential": True},
        iat={"essential": True},
    )
    try:
        header = extract_compact(token.encode()).headers()
        key = await _key(issuer, header, algorithms)
        claims = jwt.decode(token, key, registry=registry).claims
        wanted.validate(claims)
        _for_us(claims, client_id, nonce)
    except ExpiredTokenError as error:
        raise ProviderRefused(f"The proof from {label} has expired: start again.") from error
    except (JoseError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise ProviderRefused(f"The proof from {label} cannot be believed: start again.") from error
    return claims


async def _key(issuer: Issuer, header: dict[str, Any], algorithms: list[str]) -> RSAKey | ECKey | OKPKey:
    """The issuer's one key for this header, which names a key and never brings one."""
    algorithm, kid = header["alg"], header.get("kid")
    if algorithm not in algorithms or not isinstance(kid, str | None):
        raise ValueError("an algorithm or a key id that is not taken")
    kind, curves = _KEYS[algorithm]
    fitting = [
        jwk
        for jwk in await issuer.keys(kid)
        if jwk.get("kty") == kind
        and (not curves or jwk.get("crv") in curves)
        and jwk.get("use", "sig") == "sig"
        and jwk.get("alg", algorithm) in (algorithm, "EdDSA" if kind == "OKP" else algorithm)
    ]
    if len(fitting) != 1:
        raise ValueError("no key, or more than one")
    public = {name: value for name, value in fitting[0].items() if name in ("kty", "crv", "x", "y", "n", "e")}
    key = _KINDS[kind].import_key(public)
    if isinstance(key, RSAKey) and key.raw_value.key_size < _SMALLEST_RSA:
        raise ValueError("a key too small to trust")
    return key


def _for_us(claims: dict[str, Any], client_id: str, nonce: str) -> None:
    audience = claims["aud"]
    if isinstance(audience, list) and len(audience) > 1 and "azp" not in claims:
        raise ValueError("for several, and not said for whom")
    if claims.get("azp", client_id) != client_id:
        raise ValueError("made for another")
    said = claims.get("nonce")
    if not isinstance(said, str) or not hmac.compare_digest(said.encode(), nonce.encode()):
        raise ValueError("an answer to another question")
    if not 0 < len(claims["sub"]) <= LONGEST_SUBJECT:
        raise ValueError("a subject too long")
    msgspec.json.encode(claims)
