"""The doctor's look at the Supabase project that signs people in: its keys, its name, and ours for it."""

import json
from collections.abc import Iterator
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

import httpx

from vently.commands.findings import Finding, fine, note, wrong
from vently.settings import Settings, SettingsError
from vently.supabase import jwks
from vently.supabase.jwks import KeysNotFetched
from vently.supabase.project import AUTH, Project, keys_url
from vently.web import signing

DISCOVERY = f"{AUTH}/.well-known/openid-configuration"


async def examine(settings: Settings) -> list[Finding]:
    """Asks the project over the network; without SUPABASE_URL, only whether something was forgotten."""
    if not settings.supabase_url:
        return list(_left_over(settings))
    async with httpx.AsyncClient(timeout=jwks.SECONDS) as client:
        return [
            *_address(settings.supabase_url),
            *_secret(settings),
            *await _keys(client, settings),
            *await _issuer(client, settings.supabase_url),
            *await _publishable_key(client, settings),
        ]


def _left_over(settings: Settings) -> Iterator[Finding]:
    given = [
        name
        for name, value in (
            ("SUPABASE_JWT_SECRET", settings.supabase_jwt_secret),
            ("SUPABASE_PUBLISHABLE_KEY", settings.supabase_publishable_key),
        )
        if value
    ]
    if given:
        yield wrong(
            "supabase",
            f"{' and '.join(given)} set, and SUPABASE_URL is not: people do not sign in at the project.",
            "Set SUPABASE_URL to the project's address, or unset the others.",
        )


def _address(url: str) -> Iterator[Finding]:
    address = urlsplit(url)
    if address.scheme != "https" and not _is_near(address.hostname or ""):
        yield wrong(
            "supabase",
            f"Keys are fetched from {url} without encryption: whoever stands between can sign tokens.",
            "Set SUPABASE_URL to the project's https address.",
        )


def _is_near(host: str) -> bool:
    """On this machine or in its own network, as self-hosted projects are: names without a dot are such."""
    try:
        return ip_address(host).is_private
    except ValueError:
        return "." not in host


def _secret(settings: Settings) -> Iterator[Finding]:
    if not settings.supabase_jwt_secret:
        return
    try:
        Project(settings.supabase_url, hs256_secret=settings.supabase_jwt_secret)
    except SettingsError as error:
        yield wrong("supabase-secret", str(error))
    else:
        yield note(
            "supabase-secret",
            "Tokens signed with the project's legacy JWT secret are taken: whoever knows it can be anybody.",
            "Once the project signs with a key and its legacy secret is revoked, unset SUPABASE_JWT_SECRET.",
        )


async def _keys(client: httpx.AsyncClient, settings: Settings) -> list[Finding]:
    try:
        found = await jwks.fetch(client, keys_url(settings.supabase_url))
    except KeysNotFetched as error:
        mend = "See that SUPABASE_URL is its address, that it runs, and that this machine reaches it."
        return [wrong("supabase-keys", f"The project {error}.", mend)]
    told = [note("supabase-keys-ignored", f"A key of the project is not taken: {why}.") for why in found.ignored]
    if found.usable:
        kinds = ", ".join(sorted({key.algorithm for key in found.usable.values()}))
        return [fine("supabase-keys", f"The project publishes {len(found.usable)} usable keys ({kinds})."), *told]
    if settings.supabase_jwt_secret:
        return [note("supabase-keys", "The project publishes no usable key: it signs with its legacy secret."), *told]
    mend = (
        "Give the project a signing key (dashboard, JWT Keys: ES256 is best), or set SUPABASE_JWT_SECRET while it "
        "still signs with its legacy secret."
    )
    return [wrong("supabase-keys", "The project publishes no key with which its tokens can be verified.", mend), *told]


async def _issuer(client: httpx.AsyncClient, url: str) -> list[Finding]:
    try:
        issuer = _object(await jwks.fetch_document(client, url + DISCOVERY)).get("issuer")
    except KeysNotFetched:
        issuer = None  # older ones do not say
    if not isinstance(issuer, str):
        return [note("supabase-issuer", f"Whether its tokens say {url}{AUTH} as their issuer is not told there.")]
    if issuer == url + AUTH:
        return [fine("supabase-issuer", f"The project's tokens are issued by {issuer}.")]
    mend = f"Set SUPABASE_URL to {issuer.removesuffix(AUTH)}."
    return [wrong("supabase-issuer", f"The project says its tokens are issued by {issuer}: all are refused.", mend)]


async def _publishable_key(client: httpx.AsyncClient, settings: Settings) -> list[Finding]:
    key = settings.supabase_publishable_key
    if not key:
        mend = "Copy it from the project's settings (API Keys) into SUPABASE_PUBLISHABLE_KEY."
        return [wrong("supabase-key", "The pages have no publishable key and cannot sign people in.", mend)]
    if key.startswith("sb_secret_") or _role_of(key) == "service_role":
        mend = "Use the publishable (or anon) key, and make a new secret key if this one was shown to anybody."
        return [wrong("supabase-key", "SUPABASE_PUBLISHABLE_KEY is a secret key, which passes by every rule.", mend)]
    try:
        answer = await client.get(f"{settings.supabase_url}{AUTH}/settings", headers={"apikey": key})
    except httpx.HTTPError:
        return []  # that it does not answer is said already
    if answer.status_code in {httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN}:
        mend = "Copy the publishable key of this project from its settings (API Keys)."
        return [wrong("supabase-key", "The project does not take SUPABASE_PUBLISHABLE_KEY.", mend)]
    return [fine("supabase-key", "The project takes the publishable key.")]


def _role_of(key: str) -> str:
    """What a legacy API key says of itself."""
    parts = key.split(".")
    body = signing.decode(parts[1]) if len(parts) == 3 else None  # noqa: PLR2004 - head, body, signature
    return str(_object(body or b"").get("role", ""))


def _object(document: bytes) -> dict[str, Any]:
    try:
        found = json.loads(document)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
