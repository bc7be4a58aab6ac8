"""Headers of every answer: what browsers may do with it, who may keep it, which other sites may read it."""

from typing import Any

from vently.web.facts import Facts

Pairs = list[tuple[bytes, bytes]]

_CORS_PLACES = ("/api/", "/auth/v1/", "/storage/v1/", "/.well-known/", "/openapi.json")
_EXPOSED = (
    b"ETag, Link, Location, X-Request-Id, Retry-After, RateLimit, RateLimit-Policy, Idempotent-Replayed, Server-Timing"
)
_ASKED = (
    b"Authorization, Content-Type, If-Match, If-None-Match, Idempotency-Key, X-Request-Id, apikey, X-Client-Info, "
    b"X-Supabase-Api-Version, Last-Event-ID"
)
_ALWAYS: Pairs = [
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"strict-origin-when-cross-origin"),
    (b"permissions-policy", b"camera=(self), geolocation=(self), microphone=(), payment=(), usb=()"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
]
_HSTS = (b"strict-transport-security", b"max-age=31536000; includeSubDomains")
_DATA_POLICY = b"default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'; sandbox"


def page_policy(nonce: str) -> bytes:
    """Scripts run by nonce alone, nothing comes from elsewhere, nobody frames us."""
    return (
        f"default-src 'none'; script-src 'nonce-{nonce}'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
        f"connect-src 'self'; manifest-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ).encode()


def complete(given: Pairs, path: str, known: Facts) -> Pairs:
    """The answer's own headers, then those it did not set itself."""
    names = {name for name, _ in given}
    is_html = any(name == b"content-type" and value.startswith(b"text/html") for name, value in given)
    wanted = [*_ALWAYS, (b"content-security-policy", page_policy(known.nonce) if is_html else _DATA_POLICY)]
    if known.parts.settings.secure:
        wanted.append(_HSTS)
    wanted.append((b"cache-control", b"private, no-store" if known.personal or known.cookies_to_set else b"no-cache"))
    if known.viewer is not None:
        wanted.append((b"vary", b"Accept, Authorization, Cookie" if is_html else b"Authorization, Cookie"))
    if is_shared(path):
        wanted += [(b"access-control-allow-origin", b"*"), (b"access-control-expose-headers", _EXPOSED)]
    cookies = [(b"set-cookie", cookie.encode("latin-1")) for cookie in known.cookies_to_set]
    return [*given, *(pair for pair in wanted if pair[0] not in names), *cookies]


def is_shared(path: str) -> bool:
    """Where scripts of other sites may call: with a bearer token, never with cookies (no Allow-Credentials)."""
    return path.startswith(_CORS_PLACES)


def preflight(scope: Any) -> Pairs | None:
    """The answer's headers when a browser asks whether a script of another site may call; None for anything else."""
    if scope["method"] != "OPTIONS" or not is_shared(scope["path"]):
        return None
    asked = {name for name, _ in scope["headers"]}
    if b"origin" not in asked or b"access-control-request-method" not in asked:
        return None
    return [
        (b"access-control-allow-methods", b"GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"),
        (b"access-control-allow-headers", _ASKED),
        (b"access-control-max-age", b"7200"),
    ]
