"""Access tokens that were tampered with, forged or borrowed: none is taken."""

import base64
import hmac
import json
import time
from typing import Any
from uuid import uuid4

import pytest
from auth_cast import SITE
from cryptography.hazmat.primitives import serialization
from joserfc import jws
from joserfc.jwk import ECKey, OKPKey, RSAKey

from vently.supabase.auth.errors import AuthError
from vently.supabase.auth.keys.keys import Keys
from vently.supabase.auth.keys.ring import KeyRing
from vently.supabase.auth.tokens import Tokens

NOW = int(time.time())
CLAIMS: dict[str, Any] = {
    "iss": f"{SITE}/auth/v1",
    "sub": str(uuid4()),
    "aud": "authenticated",
    "exp": NOW + 3600,
    "iat": NOW,
    "role": "authenticated",
    "session_id": str(uuid4()),
}


@pytest.fixture(scope="session")
def keys(auth) -> Keys:
    return auth.keys.now


def b64(data: bytes | dict | list | str) -> str:
    raw = data if isinstance(data, bytes) else json.dumps(data).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def signed(key: Any, header: dict, claims: Any = CLAIMS, alg: str = "ES256") -> str:
    payload = claims if isinstance(claims, bytes) else json.dumps(claims).encode()
    registry = jws.JWSRegistry(algorithms=[alg], strict_check_header=False)
    return jws.serialize_compact({"alg": alg, **header}, payload, key, registry=registry)


def ours(keys: Keys, claims: Any = CLAIMS, **header: Any) -> str:
    return signed(keys.signing, {"kid": keys.signing.kid, **header}, claims)


def changed(**claims: Any) -> dict[str, Any]:
    return {name: value for name, value in {**CLAIMS, **claims}.items() if value is not ...}


def hmac_signed(keys: Keys, secret: bytes, alg: str = "HS256") -> str:
    text = f"{b64({'alg': alg, 'kid': keys.signing.kid, 'typ': 'JWT'})}.{b64(CLAIMS)}"
    signature = hmac.new(secret, text.encode(), f"sha{alg[2:]}").digest()
    return f"{text}.{b64(signature)}"


def public_pem(keys: Keys) -> bytes:
    return keys.signing.public_key.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def with_signature(token: str, signature: bytes) -> str:
    return token.rsplit(".", 1)[0] + "." + b64(signature)


def signature_of(token: str) -> bytes:
    return base64.urlsafe_b64decode(token.rsplit(".", 1)[1] + "==")


def der(token: str) -> bytes:
    from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

    raw = signature_of(token)
    return encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))


STRANGER = ECKey.generate_key("P-256")
ATTACKS = {
    # algorithms
    "alg none, no signature": lambda k: f"{b64({'alg': 'none', 'kid': k.signing.kid})}.{b64(CLAIMS)}.",
    "alg none, a signature": lambda k: f"{b64({'alg': 'none', 'kid': k.signing.kid})}.{b64(CLAIMS)}.{b64(b'x' * 64)}",
    "alg NoNe": lambda k: f"{b64({'alg': 'NoNe', 'kid': k.signing.kid})}.{b64(CLAIMS)}.{b64(b'x' * 64)}",
    "no alg": lambda k: f"{b64({'kid': k.signing.kid})}.{b64(CLAIMS)}.{b64(signature_of(ours(k)))}",
    "alg a list": lambda k: f"{b64({'alg': ['ES256'], 'kid': k.signing.kid})}.{b64(CLAIMS)}.{b64(b'x' * 64)}",
    "HS256 with the public key's PEM": lambda k: hmac_signed(k, public_pem(k)),
    "HS256 with the public key's JWK": lambda k: hmac_signed(k, json.dumps(k.public["keys"][0]).encode()),
    "HS256 with an empty secret": lambda k: hmac_signed(k, b""),
    "RS256": lambda k: signed(RSAKey.generate_key(2048), {"kid": k.signing.kid}, alg="RS256"),
    "ES384": lambda k: signed(ECKey.generate_key("P-384"), {"kid": k.signing.kid}, alg="ES384"),
    "EdDSA": lambda k: signed(OKPKey.generate_key("Ed25519"), {"kid": k.signing.kid}, alg="Ed25519"),
    "HS512": lambda k: hmac_signed(k, public_pem(k), "HS512"),
    # keys
    "a stranger's key under our kid": lambda k: signed(STRANGER, {"kid": k.signing.kid}),
    "a stranger's key under its own kid": lambda _: signed(STRANGER, {"kid": "stranger"}),
    "no kid": lambda k: signed(k.signing, {}),
    "kid null": lambda k: signed_raw(k, {"alg": "ES256", "kid": None}),
    "kid a number": lambda k: signed_raw(k, {"alg": "ES256", "kid": 1}),
    "kid an object": lambda k: signed_raw(k, {"alg": "ES256", "kid": {"$ne": ""}}),
    "kid a path": lambda k: signed(k.signing, {"kid": "../../../../dev/null"}),
    "kid SQL": lambda k: signed(k.signing, {"kid": f"x' union select '{k.signing.kid}"}),
    "kid a URL": lambda _: signed(STRANGER, {"kid": "https://evil.example/jwks.json"}),
    "kid empty": lambda k: signed(k.signing, {"kid": ""}),
    "jku": lambda k: signed(STRANGER, {"kid": k.signing.kid, "jku": "https://evil.example/jwks.json"}),
    "jku, signed by us": lambda k: ours(k, jku="https://evil.example/jwks.json"),
    "x5u, signed by us": lambda k: ours(k, x5u="https://evil.example/cert.pem"),
    "x5c": lambda k: ours(k, x5c=["MIIB"]),
    "embedded jwk": lambda k: signed(STRANGER, {"kid": k.signing.kid, "jwk": STRANGER.as_dict(private=False)}),
    "embedded jwk, signed by us": lambda k: ours(k, jwk=STRANGER.as_dict(private=False)),
    "crit": lambda k: signed_raw(k, {"alg": "ES256", "kid": k.signing.kid, "crit": ["exp"], "exp": 1}),
    "b64 false": lambda k: ours(k, b64=True, crit=["b64"]),
    "unknown header": lambda k: ours(k, zip="DEF"),
    # signatures
    "signature empty": lambda k: ours(k).rsplit(".", 1)[0] + ".",
    "signature zero (CVE-2022-21449)": lambda k: with_signature(ours(k), bytes(64)),
    "signature cut": lambda k: with_signature(ours(k), signature_of(ours(k))[:-1]),
    "signature longer": lambda k: with_signature(ours(k), signature_of(ours(k)) + b"\0"),
    "signature in DER": lambda k: with_signature(ours(k), der(ours(k))),
    "signature of another token": lambda k: with_signature(ours(k), signature_of(ours(k, changed(sub=str(uuid4()))))),
    "role raised after signing": lambda k: swapped(k, changed(role="service_role")),
    # claims
    "expired": lambda k: ours(k, changed(exp=NOW - 1)),
    "expired just now": lambda k: ours(k, changed(exp=int(time.time()))),
    "no exp": lambda k: ours(k, changed(exp=...)),
    "exp null": lambda k: ours(k, changed(exp=None)),
    "exp text": lambda k: ours(k, changed(exp=str(NOW + 3600))),
    "exp true": lambda k: ours(k, changed(exp=True)),
    "exp NaN": lambda k: ours(k, json.dumps(changed(exp=float("nan"))).encode()),
    "exp infinite": lambda k: ours(k, json.dumps(changed(exp=float("inf"))).encode()),
    "nbf in the future": lambda k: ours(k, changed(nbf=NOW + 600)),
    "nbf text": lambda k: ours(k, changed(nbf="soon")),
    "another audience": lambda k: ours(k, changed(aud="somebody-else")),
    "no audience": lambda k: ours(k, changed(aud=...)),
    "audience an object": lambda k: ours(k, changed(aud={"authenticated": True})),
    "another issuer": lambda k: ours(k, changed(iss="https://evil.example/auth/v1")),
    "issuer with a slash more": lambda k: ours(k, changed(iss=f"{SITE}/auth/v1/")),
    "issuer a list": lambda k: ours(k, changed(iss=[f"{SITE}/auth/v1"])),
    "no issuer": lambda k: ours(k, changed(iss=...)),
    "no subject": lambda k: ours(k, changed(sub=...)),
    "subject a number": lambda k: ours(k, changed(sub=7)),
    # shapes
    "empty": lambda _: "",
    "one part": lambda _: "abc",
    "two parts": lambda k: ".".join(ours(k).split(".")[:2]),
    "four parts": lambda k: ours(k) + ".abc",
    "five parts (JWE)": lambda k: ours(k) + ".abc.def",
    "padding": lambda k: ours(k) + "==",
    "a newline": lambda k: ours(k) + "\n",
    "NUL": lambda k: ours(k) + "\0",
    "not ASCII": lambda k: ours(k) + "é",
    "a space before": lambda k: " " + ours(k),
    "payload no JSON": lambda k: ours(k, b"\xff\xfe"),
    "payload a list": lambda k: ours(k, [CLAIMS]),
    "payload null": lambda k: ours(k, None),
    "payload too deep": lambda k: ours(k, b"[" * 6000),
    "header no JSON": lambda _: f"{b64(b'{')}.{b64(CLAIMS)}.{b64(b'x' * 64)}",
    "header a list": lambda _: f"{b64([])}.{b64(CLAIMS)}.{b64(b'x' * 64)}",
    "header too deep": lambda _: f"{b64(b'[' * 5000)}.{b64(CLAIMS)}.{b64(b'x' * 64)}",
    "header not UTF-8": lambda _: b64(b'{"alg": "\xff"}') + f".{b64(CLAIMS)}.{b64(b'x' * 64)}",
    "a megabyte": lambda k: ours(k) + "A" * 1_000_000,
}


# What HTTP itself takes off or refuses.
NOT_A_HEADER = ("empty", "a newline", "a space before", "a megabyte")


def signed_raw(keys: Keys, header: dict) -> str:
    """With a header that joserfc would not write."""
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

    text = f"{b64(header)}.{b64(CLAIMS)}"
    r, s = decode_dss_signature(keys.signing.private_key.sign(text.encode(), ec.ECDSA(hashes.SHA256())))
    return f"{text}.{b64(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"


def swapped(keys: Keys, claims: dict) -> str:
    head, _, signature = ours(keys).split(".")
    return f"{head}.{b64(claims)}.{signature}"


async def test_the_tools_of_the_attacks_make_a_good_token_when_nothing_is_changed(auth, keys):
    assert (await auth.verify(ours(keys)))["sub"] == CLAIMS["sub"]
    assert (await auth.verify(signed_raw(keys, {"alg": "ES256", "kid": keys.signing.kid})))["sub"] == CLAIMS["sub"]


@pytest.mark.parametrize("attack", ATTACKS)
async def test_an_attack_on_the_token_fails(auth, keys, attack):
    with pytest.raises(AuthError) as refused:
        await auth.verify(ATTACKS[attack](keys))
    assert (refused.value.code, refused.value.status) == ("bad_jwt", 403)


@pytest.mark.parametrize("attack", [name for name in ATTACKS if name not in NOT_A_HEADER])
async def test_an_attack_over_http_is_no_500(http, keys, attack):
    bearer = b"Bearer " + ATTACKS[attack](keys).encode("latin-1", "replace").replace(b"\0", b"%00")
    answer = await http.get("/user", headers=[("Authorization", bearer)])
    assert answer.status_code in (401, 403)
    assert answer.json()["code"] in ("bad_jwt", "no_authorization")


async def test_a_good_token_whose_ids_are_none_is_refused(http, keys):
    for claims in (changed(sub="not-a-uuid"), changed(session_id=...), changed(session_id=7), changed(session_id="x")):
        answer = await http.get("/user", headers={"Authorization": f"Bearer {ours(keys, claims)}"})
        assert (answer.status_code, answer.json()["code"]) == (403, "bad_jwt")


async def test_a_session_of_somebody_else_is_not_ones_own(http, keys, auth, alice, bob):
    """Two good ids that do not belong together."""
    mixed = await auth.verify(alice.session["access_token"]) | {"sub": bob.session["user"]["id"]}
    answer = await http.get("/user", headers={"Authorization": f"Bearer {ours(keys, mixed)}"})
    assert (answer.status_code, answer.json()["code"]) == (403, "session_not_found")


async def test_a_token_from_a_clock_a_little_ahead_is_taken(auth, keys):
    assert await auth.verify(ours(keys, changed(iat=NOW + 20)))


async def test_an_older_key_still_verifies_and_a_removed_one_does_not():
    old, new = (ECKey.generate_key("P-256", {"kid": kid}, auto_kid=False) for kid in ("old", "new"))
    issuer = CLAIMS["iss"]
    token = signed(old, {"kid": "old"})
    assert await Tokens(await ring(new, old), issuer, 3600).verify(token)
    with pytest.raises(AuthError):
        await Tokens(await ring(new), issuer, 3600).verify(token)


async def ring(*keys: ECKey) -> KeyRing:
    async def read() -> Keys:
        return Keys.of(keys)

    made = KeyRing(read)
    await made.load()
    return made
