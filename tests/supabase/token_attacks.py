"""The table of attacks on access tokens: each makes a token out of a good one, and none may be taken anywhere."""

import base64
import hmac
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc import jwe, jws
from joserfc.jwk import ECKey, OKPKey, RSAKey

ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
"""Of the curve P-256."""


def b64(data: bytes | dict | list | str) -> str:
    """Base64url without padding; JSON of what is no bytes."""
    raw = data if isinstance(data, bytes) else json.dumps(data).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def unb64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


@dataclass(frozen=True)
class Good:
    """What a good token is made of: `key` is the private one of whoever issues."""

    key: ECKey
    kid: str
    issuer: str
    sub: str
    session_id: str

    @property
    def header(self) -> dict[str, Any]:
        return {"alg": "ES256", "typ": "JWT", "kid": self.kid}

    @property
    def public(self) -> dict[str, Any]:
        return {name: value for name, value in self.key.as_dict(private=False).items() if name != "d"}

    def pem(self, encoding: Encoding = Encoding.PEM) -> bytes:
        return self.key.public_key.public_bytes(encoding, PublicFormat.SubjectPublicKeyInfo)

    def claims(self, **changes: Any) -> dict[str, Any]:
        """`...` takes a claim away."""
        now = int(time.time())
        good = {
            "iss": self.issuer, "sub": self.sub, "aud": "authenticated", "role": "authenticated", "exp": now + 3600,
            "iat": now, "email": "alice@example.org", "phone": "", "aal": "aal1", "session_id": self.session_id,
            "app_metadata": {}, "user_metadata": {}, "amr": [], "is_anonymous": False,
        }  # fmt: skip
        return {name: value for name, value in {**good, **changes}.items() if value is not ...}

    def token(self, header: dict | bytes | None = None, claims: Any = None, key: ECKey | None = None) -> str:
        """Signed ES256 whatever the header says, and whatever header and claims are: bytes stand there as they are."""
        text = f"{b64(self.header if header is None else header)}.{b64(self.claims() if claims is None else claims)}"
        return f"{text}.{b64(self.sign(text, key))}"

    def sign(self, text: str, key: ECKey | None = None) -> bytes:
        der = (key or self.key).private_key.sign(text.encode(), ec.ECDSA(hashes.SHA256()))
        r, s = decode_dss_signature(der)
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")

    def with_header(self, **changes: Any) -> str:
        """A good signature over a header that says something else; `...` takes a parameter away."""
        return self.token({name: value for name, value in {**self.header, **changes}.items() if value is not ...})

    def with_claims(self, **changes: Any) -> str:
        return self.token(None, self.claims(**changes))

    def hmac(self, secret: bytes, alg: str = "HS256", **header: Any) -> str:
        told = {name: value for name, value in {**self.header, "alg": alg, **header}.items() if value is not ...}
        text = f"{b64(told)}.{b64(self.claims())}"
        return f"{text}.{b64(hmac.new(secret, text.encode(), f'sha{alg[2:]}').digest())}"

    def foreign(self, alg: str, key: Any, **header: Any) -> str:
        """By a key of somebody else's, under our kid."""
        registry = jws.JWSRegistry(algorithms=[alg], strict_check_header=False)
        told = {"typ": "JWT", "kid": self.kid, "alg": alg, **header}
        return jws.serialize_compact(told, json.dumps(self.claims()).encode(), key, registry=registry)

    def unsigned(self, alg: str, signature: str = "") -> str:
        return f"{b64({**self.header, 'alg': alg})}.{b64(self.claims())}.{signature}"

    def resigned(self, change: Callable[[int, int], bytes]) -> str:
        """A good token whose signature is made anew of its two numbers."""
        head, body, signature = self.token().split(".")
        raw = unb64(signature)
        return f"{head}.{body}.{b64(change(int.from_bytes(raw[:32], 'big'), int.from_bytes(raw[32:], 'big')))}"

    def parts(self) -> list[str]:
        return self.token().split(".")

    def twice(self, name: str, value: str, *, first: bool) -> str:
        """Claims in which one stands twice: the attacker's before or after the good one."""
        good = json.dumps(self.claims())[1:-1]
        bad = f'"{name}": {value}'
        return self.token(None, ("{" + (f"{bad}, {good}" if first else f"{good}, {bad}") + "}").encode())


def whole(r: int, s: int) -> bytes:
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def as_json(protected: str, payload: str, signature: str) -> str:
    return json.dumps({"protected": protected, "payload": payload, "signature": signature})


def encrypted(good: Good) -> str:
    """A JWE for our key, as if it were a key to encrypt for."""
    registry = jwe.JWERegistry(algorithms=["ECDH-ES", "A128GCM"])
    key = ECKey.import_key({name: good.public[name] for name in ("kty", "crv", "x", "y")})
    header = {"alg": "ECDH-ES", "enc": "A128GCM", "kid": good.kid}
    return jwe.encrypt_compact(header, json.dumps(good.claims()).encode(), key, registry=registry)


STRANGER = ECKey.generate_key("P-256")
RSA, ED25519, P384, K256 = (
    RSAKey.generate_key(2048), OKPKey.generate_key("Ed25519"), ECKey.generate_key("P-384"),
    ECKey.generate_key("secp256k1"),
)  # fmt: skip
STRANGERS_JWK = STRANGER.as_dict(private=False)
EVIL = "https://evil.example/jwks.json"
NOISE = b64(b"x" * 64)

ALGORITHMS = {
    "none, no signature": lambda g: g.unsigned("none"),
    "none, with a signature": lambda g: g.unsigned("none", NOISE),
    "None": lambda g: g.unsigned("None"),
    "nOnE": lambda g: g.unsigned("nOnE", NOISE),
    "NONE, over a good signature": lambda g: g.with_header(alg="NONE"),
    "no alg": lambda g: g.with_header(alg=...),
    "alg empty": lambda g: g.with_header(alg=""),
    "alg null": lambda g: g.with_header(alg=None),
    "alg a list": lambda g: g.with_header(alg=["ES256"]),
    "alg an object": lambda g: g.with_header(alg={"ES256": 1}),
    "alg in small letters": lambda g: g.with_header(alg="es256"),
    "alg with a space": lambda g: g.with_header(alg="ES256 "),
    "HS256 with the public key's PEM": lambda g: g.hmac(g.pem()),
    "HS256 with the PEM, no kid": lambda g: g.hmac(g.pem(), kid=...),
    "HS256 with the PEM's text": lambda g: g.hmac(g.pem().strip()),
    "HS256 with the public key in DER": lambda g: g.hmac(g.pem(Encoding.DER)),
    "HS256 with the public key's JWK": lambda g: g.hmac(json.dumps(g.public).encode()),
    "HS256 with the JWK, compact": lambda g: g.hmac(json.dumps(g.public, separators=(",", ":")).encode()),
    "HS256 with the raw x": lambda g: g.hmac(unb64(g.public["x"])),
    "HS256 with the text of x": lambda g: g.hmac(g.public["x"].encode()),
    "HS256 with the kid": lambda g: g.hmac(g.kid.encode()),
    "HS256 with nothing": lambda g: g.hmac(b""),
    "HS256 with a zero": lambda g: g.hmac(b"\0"),
    "HS256 with `secret`": lambda g: g.hmac(b"secret", kid=...),
    "HS256 over a good signature": lambda g: g.with_header(alg="HS256"),
    "HS384 with the PEM": lambda g: g.hmac(g.pem(), "HS384"),
    "HS512 with the PEM": lambda g: g.hmac(g.pem(), "HS512"),
    "RS256 over our signature": lambda g: g.with_header(alg="RS256"),
    "RS256 by a stranger": lambda g: g.foreign("RS256", RSA),
    "PS256 by a stranger": lambda g: g.foreign("PS256", RSA),
    "ES384 over our signature": lambda g: g.with_header(alg="ES384"),
    "ES384 by a stranger": lambda g: g.foreign("ES384", P384),
    "ES256K by a stranger": lambda g: g.foreign("ES256K", K256),
    "EdDSA over our signature": lambda g: g.with_header(alg="EdDSA"),
    "Ed25519 by a stranger": lambda g: g.foreign("Ed25519", ED25519),
}

KEYS = {
    "a stranger's key under our kid": lambda g: g.token(key=STRANGER),
    "a stranger's key under its own kid": lambda g: g.token({**g.header, "kid": "stranger"}, key=STRANGER),
    "no kid": lambda g: g.with_header(kid=...),
    "kid null": lambda g: g.with_header(kid=None),
    "kid empty": lambda g: g.with_header(kid=""),
    "kid a number": lambda g: g.with_header(kid=0),
    "kid a list": lambda g: g.with_header(kid=[g.kid]),
    "kid an object": lambda g: g.with_header(kid={"$ne": ""}),
    "kid true": lambda g: g.with_header(kid=True),
    "kid a path": lambda g: g.with_header(kid="../../../../../../dev/null"),
    "kid a path, signed with nothing": lambda g: g.hmac(b"", kid="../../../../../../dev/null"),
    "kid a file of ours": lambda g: g.with_header(kid="file:///proc/self/environ"),
    "kid SQL": lambda g: g.with_header(kid=f"x' union select '{g.kid}"),
    "kid SQL that sleeps": lambda g: g.with_header(kid="x'; select pg_sleep(10); --"),
    "kid a command": lambda g: g.with_header(kid=f"{g.kid}|sleep 10"),
    "kid a URL": lambda g: g.token({**g.header, "kid": EVIL}, key=STRANGER),
    "kid with a NUL": lambda g: g.with_header(kid=f"{g.kid}\0"),
    "kid with a space": lambda g: g.with_header(kid=f" {g.kid}"),
    "kid in other letters": lambda g: g.with_header(kid=g.kid.swapcase() + "İ"),
    "kid half a pair": lambda g: g.token(f'{{"alg": "ES256", "kid": "{g.kid}\\ud800"}}'.encode()),
    "kid very long": lambda g: g.with_header(kid="k" * 9000),
    "kid longer than a token": lambda g: g.with_header(kid="k" * 90_000),
    "jku": lambda g: g.token({**g.header, "jku": EVIL}, key=STRANGER),
    "jku, signed by us": lambda g: g.with_header(jku=EVIL),
    "x5u": lambda g: g.token({**g.header, "x5u": "https://evil.example/cert.pem"}, key=STRANGER),
    "x5u, signed by us": lambda g: g.with_header(x5u="https://evil.example/cert.pem"),
    "x5c": lambda g: g.token({**g.header, "x5c": ["MIIB"]}, key=STRANGER),
    "x5c, signed by us": lambda g: g.with_header(x5c=["MIIB"]),
    "x5t": lambda g: g.with_header(x5t="AAAA"),
    "embedded jwk": lambda g: g.token({**g.header, "jwk": STRANGERS_JWK}, key=STRANGER),
    "embedded jwk, without kid": lambda g: g.token({"alg": "ES256", "jwk": STRANGERS_JWK}, key=STRANGER),
    "embedded jwk, signed by us": lambda g: g.with_header(jwk=STRANGERS_JWK),
    "embedded jwk is ours": lambda g: g.with_header(jwk=g.public),
}

HEADERS = {
    "crit of what nobody knows": lambda g: g.with_header(crit=["x"], x=1),
    "crit of exp": lambda g: g.with_header(crit=["exp"], exp=1),
    "crit empty": lambda g: g.with_header(crit=[]),
    "b64 false": lambda g: g.with_header(b64=False, crit=["b64"]),
    "b64 false without crit": lambda g: g.with_header(b64=False),
    "b64 true": lambda g: g.with_header(b64=True, crit=["b64"]),
    "zip": lambda g: g.with_header(zip="DEF"),
    "enc": lambda g: g.with_header(enc="A128GCM"),
    "cty": lambda g: g.with_header(cty="JWT"),
    "an unknown parameter": lambda g: g.with_header(admin=True),
    "claims in the header": lambda g: g.with_header(sub=str(uuid4()), role="service_role"),
    "typ of another kind of token": lambda g: g.with_header(typ="at+jwt"),
    "typ a list": lambda g: g.with_header(typ=["JWT"]),
    "alg twice": lambda g: g.token(f'{{"alg": "none", "kid": "{g.kid}", "alg": "ES256"}}'.encode()),
    "alg twice, none last": lambda g: g.token(f'{{"alg": "ES256", "kid": "{g.kid}", "alg": "none"}}'.encode()),
    "kid twice": lambda g: g.token(f'{{"alg": "ES256", "kid": "stranger", "kid": "{g.kid}"}}'.encode()),
    "kid twice, once in disguise": lambda g: g.token(
        f'{{"alg": "ES256", "k\\u0069d": "stranger", "kid": "{g.kid}"}}'.encode()
    ),
    "no JSON": lambda g: g.token(b"{"),
    "a list": lambda g: g.token(b"[]"),
    "null": lambda g: g.token(b"null"),
    "too deep": lambda g: g.token(b"[" * 5000),
    "not UTF-8": lambda g: g.token(b'{"alg": "ES256", "kid": "\xff"}'),
    "UTF-16": lambda g: g.token(json.dumps(g.header).encode("utf-16")),
    "a byte order mark": lambda g: g.token(b"\xef\xbb\xbf" + json.dumps(g.header).encode()),
    "something after it": lambda g: g.token(json.dumps(g.header).encode() + b"{}"),
}

CLAIMS = {
    "expired": lambda g: g.with_claims(exp=int(time.time()) - 1),
    "expired just now": lambda g: g.with_claims(exp=int(time.time())),
    "no exp": lambda g: g.with_claims(exp=...),
    "exp null": lambda g: g.with_claims(exp=None),
    "exp text": lambda g: g.with_claims(exp=str(int(time.time()) + 3600)),
    "exp true": lambda g: g.with_claims(exp=True),
    "exp a list": lambda g: g.with_claims(exp=[int(time.time()) + 3600]),
    "exp negative": lambda g: g.with_claims(exp=-1),
    "exp beyond the calendar": lambda g: g.with_claims(exp=10**30),
    "exp in milliseconds": lambda g: g.with_claims(exp=int(time.time() * 1000)),
    "exp of 400 digits": lambda g: g.with_claims(exp=10**400),
    "exp of 5000 digits": lambda g: g.token(None, json.dumps(g.claims(exp="#")).replace('"#"', "9" * 5000).encode()),
    "exp 1e400": lambda g: g.token(None, json.dumps(g.claims(exp="#")).replace('"#"', "1e400").encode()),
    "exp NaN": lambda g: g.with_claims(exp=float("nan")),
    "exp infinite": lambda g: g.with_claims(exp=float("inf")),
    "not yet valid": lambda g: g.with_claims(nbf=int(time.time()) + 600),
    "nbf text": lambda g: g.with_claims(nbf="soon"),
    "nbf infinite": lambda g: g.with_claims(nbf=float("-inf")),
    "another audience": lambda g: g.with_claims(aud="somebody-else"),
    "audiences without ours": lambda g: g.with_claims(aud=["anon", "authenticated2"]),
    "no audience": lambda g: g.with_claims(aud=...),
    "audience empty": lambda g: g.with_claims(aud=[]),
    "audience an object": lambda g: g.with_claims(aud={"authenticated": True}),
    "audience a list in a list": lambda g: g.with_claims(aud=[["authenticated"]]),
    "another issuer": lambda g: g.with_claims(iss="https://evil.example/auth/v1"),
    "issuer with a slash more": lambda g: g.with_claims(iss=f"{g.issuer}/"),
    "issuer in capitals": lambda g: g.with_claims(iss=g.issuer.upper()),
    "issuer that begins like ours": lambda g: g.with_claims(iss=f"{g.issuer}.evil.example"),
    "issuer a list": lambda g: g.with_claims(iss=[g.issuer]),
    "no issuer": lambda g: g.with_claims(iss=...),
    "issuer of the API keys": lambda g: g.with_claims(iss="supabase"),
    "no subject": lambda g: g.with_claims(sub=...),
    "subject null": lambda g: g.with_claims(sub=None),
    "subject empty": lambda g: g.with_claims(sub=""),
    "subject a number": lambda g: g.with_claims(sub=7),
    "subject a list": lambda g: g.with_claims(sub=[g.sub]),
    "subject no UUID": lambda g: g.with_claims(sub="alice"),
    "subject SQL": lambda g: g.with_claims(sub=f"{g.sub}'; set role service_role; --"),
    "subject a UUID and more": lambda g: g.with_claims(sub=f"{g.sub}\n"),
    "subject a UUID and NUL": lambda g: g.with_claims(sub=f"{g.sub}\0"),
    "subject in braces": lambda g: g.with_claims(sub=f"{{{g.sub}}}"),
    "subject a URN": lambda g: g.with_claims(sub=f"urn:uuid:{g.sub}"),
    "subject in other digits": lambda g: g.with_claims(sub="\N{ARABIC-INDIC DIGIT ZERO}" + g.sub[1:]),
    "session no UUID": lambda g: g.with_claims(session_id="x"),
    "session a number": lambda g: g.with_claims(session_id=7),
    "role service_role": lambda g: g.with_claims(role="service_role"),
    "role supabase_admin": lambda g: g.with_claims(role="supabase_admin"),
    "role anon": lambda g: g.with_claims(role="anon"),
    "role unknown": lambda g: g.with_claims(role="wizard"),
    "role SQL": lambda g: g.with_claims(role="authenticated; set role postgres"),
    "role a list": lambda g: g.with_claims(role=["authenticated"]),
    "role empty": lambda g: g.with_claims(role=""),
    "no role": lambda g: g.with_claims(role=...),
    "sub twice": lambda g: g.twice("sub", f'"{uuid4()}"', first=True),
    "sub twice, the other last": lambda g: g.twice("sub", f'"{uuid4()}"', first=False),
    "exp twice": lambda g: g.twice("exp", "9999999999", first=False),
    "role twice": lambda g: g.twice("role", '"service_role"', first=True),
    "role twice, once in disguise": lambda g: g.twice("r\\u006fle", '"service_role"', first=False),
    "a name twice inside": lambda g: g.twice("x", '{"a": 1, "a": 2}', first=False),
    "NaN inside": lambda g: g.with_claims(user_metadata={"x": float("nan")}),
    "NUL in a text": lambda g: g.with_claims(user_metadata={"name": "a\0b"}),
    "NUL in a name": lambda g: g.with_claims(**{"a\0b": 1}),
    "NUL behind a backslash": lambda g: g.with_claims(user_metadata={"name": "\\\0"}),
    "half a pair": lambda g: g.with_claims(email="\ud800"),
    "claims no JSON": lambda g: g.token(None, b"\xff\xfe"),
    "claims a list": lambda g: g.token(None, [g.claims()]),
    "claims null": lambda g: g.token(None, b"null"),
    "claims empty": lambda g: g.token(None, b"{}"),
    "claims too deep": lambda g: g.token(None, b"[" * 6000),
    "claims UTF-16": lambda g: g.token(None, json.dumps(g.claims()).encode("utf-16-le")),
    "claims with something after them": lambda g: g.token(None, json.dumps(g.claims()).encode() + b" x"),
    "claims with a comment": lambda g: g.token(None, b"/* */" + json.dumps(g.claims()).encode()),
    "a token in a token": lambda g: g.token(None, g.token().encode()),
}

SIGNATURES = {
    "empty": lambda g: g.token().rsplit(".", 1)[0] + ".",
    "of zeros (CVE-2022-21449)": lambda g: g.resigned(lambda _r, _s: bytes(64)),
    "r zero": lambda g: g.resigned(lambda _r, s: whole(0, s)),
    "s zero": lambda g: g.resigned(lambda r, _s: whole(r, 0)),
    "r the order of the curve": lambda g: g.resigned(lambda _r, s: whole(ORDER, s)),
    "s the order of the curve": lambda g: g.resigned(lambda r, _s: whole(r, ORDER)),
    "r and s exchanged": lambda g: g.resigned(lambda r, s: whole(s, r)),
    "all ones": lambda g: g.resigned(lambda _r, _s: b"\xff" * 64),
    "in DER": lambda g: g.resigned(encode_dss_signature),
    "a byte shorter": lambda g: g.resigned(lambda r, s: whole(r, s)[:-1]),
    "a byte longer": lambda g: g.resigned(lambda r, s: whole(r, s) + b"\0"),
    "a zero before each number": lambda g: g.resigned(lambda r, s: r.to_bytes(33, "big") + s.to_bytes(33, "big")),
    "of another token": lambda g: ".".join([*g.parts()[:2], g.with_claims(sub=str(uuid4())).split(".")[2]]),
    "of the claims alone": lambda g: ".".join([*(p := g.parts())[:2], b64(g.sign(p[1]))]),
    "role raised after signing": lambda g: ".".join([(p := g.parts())[0], b64(g.claims(role="service_role")), p[2]]),
    "somebody else after signing": lambda g: ".".join([(p := g.parts())[0], b64(g.claims(sub=str(uuid4()))), p[2]]),
    "kid changed after signing": lambda g: ".".join([b64({**g.header, "kid": "x"}), *g.parts()[1:]]),
}

SHAPES = {
    "empty": lambda _: "",
    "dots alone": lambda _: "..",
    "one part": lambda _: "abc",
    "two parts": lambda g: ".".join(g.parts()[:2]),
    "without a header": lambda g: "." + ".".join(g.parts()[1:]),
    "without claims": lambda g: "..".join(g.parts()[::2]),
    "four parts": lambda g: g.token() + ".abc",
    "a dot more": lambda g: g.token() + ".",
    "a dot before": lambda g: "." + g.token(),
    "header cut": lambda g: ".".join([(p := g.parts())[0][:-1], *p[1:]]),
    "claims cut": lambda g: ".".join([(p := g.parts())[0], p[1][:-1], p[2]]),
    "signature cut": lambda g: g.token()[:-1],
    "signature cut to one character": lambda g: ".".join([*(p := g.parts())[:2], p[2][:1]]),
    "JWE": encrypted,
    "JSON serialisation": lambda g: json.dumps(
        dict(zip(("protected", "payload", "signature"), g.parts(), strict=True))
    ),
    "padding": lambda g: g.token() + "==",
    "padding in the header": lambda g: g.token().replace(".", "=.", 1),
    "a space inside": lambda g: g.token().replace(".", " .", 1),
    "a space in the signature": lambda g: g.token()[:-5] + " " + g.token()[-5:],
    "a space before": lambda g: " " + g.token(),
    "a tab after": lambda g: g.token() + "\t",
    "a newline after": lambda g: g.token() + "\n",
    "a newline inside": lambda g: g.token().replace(".", ".\n", 1),
    "a folded line": lambda g: g.token().replace(".", ".\r\n ", 1),
    "NUL": lambda g: g.token() + "\0",
    "not ASCII": lambda g: g.token() + "é",
    "full-width dots": lambda g: g.token().replace(".", "\N{FULLWIDTH FULL STOP}"),
    "letters of the other base64": lambda g: g.token()[:-6] + "+/+/+A",
    "bits beyond the last byte": lambda g: (t := g.token())[:-1] + chr(ord(t[-1]) + 1),
    "percent-encoded dots": lambda g: g.token().replace(".", "%2E"),
    "two tokens": lambda g: f"{g.token()},{g.token()}",
    "Bearer twice": lambda g: f"Bearer {g.token()}",
    "in quotes": lambda g: f'"{g.token()}"',
    "an API key": lambda _: "sb_secret_" + "x" * 31,
    "longer than any": lambda g: g.with_claims(user_metadata={"x": "A" * 13_000}),
    "a megabyte": lambda g: g.token() + "A" * 1_000_000,
}

ATTACKS: dict[str, Callable[[Good], str]] = {
    f"{subject}: {name}": make
    for subject, table in (
        ("algorithm", ALGORITHMS), ("key", KEYS), ("header", HEADERS), ("claims", CLAIMS), ("signature", SIGNATURES),
        ("shape", SHAPES),
    )
    for name, make in table.items()
}  # fmt: skip

TRIMMED = {f"shape: {name}" for name in ("empty", "a space before", "a tab after", "a newline after")}
"""Header fields are trimmed (RFC 9110, 5.5), so over HTTP these are no token at all, or the good one."""
