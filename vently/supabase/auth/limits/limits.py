"""How often one address, mailbox or person may ask: buckets of tokens in Postgres, exact over all nodes."""

import ipaddress
import math
from typing import Literal
from uuid import UUID

import msgspec

from vently.database.pool import Transaction
from vently.database.queries import load
from vently.supabase.auth.auth import Auth
from vently.supabase.auth.errors import AuthError

sql = load(__package__)

Kind = Literal["token", "verify", "signup", "otp", "recover", "authorize", "mfa", "code", "mail", "password"]

RESEND = 0.0
"""Stands for `rules.resend_seconds`."""


class Limit(msgspec.Struct, frozen=True):
    """A bucket of `most` tokens, which fills evenly within `seconds`."""

    most: int
    seconds: float


class Rule(msgspec.Struct, frozen=True):
    """Who is counted, and every bucket that one spending takes from."""

    who: Literal["address", "email", "person"]
    limits: tuple[Limit, ...]


# Addresses that nobody has signed up with are counted as those of people are: a limit must not tell them apart.
RULES: dict[Kind, Rule] = {
    "token": Rule("address", (Limit(150, 300),)),
    "verify": Rule("address", (Limit(30, 300),)),
    "signup": Rule("address", (Limit(30, 300),)),
    "otp": Rule("address", (Limit(30, 300),)),
    "recover": Rule("address", (Limit(30, 300),)),
    "authorize": Rule("address", (Limit(60, 300),)),
    "mfa": Rule("person", (Limit(10, 300),)),
    "code": Rule("email", (Limit(15, 3600),)),
    "mail": Rule("email", (Limit(1, RESEND), Limit(10, 3600))),
    "password": Rule("email", (Limit(100, 3600),)),
}
LONGEST = max(limit.seconds for rule in RULES.values() for limit in rule.limits)
"""Seconds after which any bucket is full again; the sweep then throws it away."""


class _Spent(Exception):
    """A bucket holds too little. Rolls back what was taken from the others."""

    def __init__(self, limit: Limit, wait: float) -> None:
        super().__init__()
        self.limit = limit
        self.wait = wait


async def spend(auth: Auth, kind: Kind, who: str | UUID | None, *, times: int = 1) -> None:
    """Count one more `kind` for `who`: an IP address (None: unknown), an e-mail address, or a person's id.

    A transaction of its own: call it outside of yours, before any work. Raises AuthError, 429, with `Retry-After`.
    """
    if not auth.rules.limited:
        return
    rule = RULES[kind]
    name = auth.sealing.mark(_counted(rule, who), f"rate limit {kind}")
    try:
        async with auth.acting() as tx:
            for limit in rule.limits:
                here = msgspec.structs.replace(limit, seconds=limit.seconds or float(auth.rules.resend_seconds))
                await _take(tx, f"{kind}:{limit.seconds:g}:{name}", here, times)
    except _Spent as spent:
        raise _refusal(kind, spent.limit, spent.wait) from None


async def _take(tx: Transaction, key: str, limit: Limit, times: int) -> None:
    if not limit.seconds:
        return  # the operator wants no gap
    bucket = {"key": key, "size": float(limit.most), "rate": limit.most / limit.seconds}
    if await tx.value(sql.spend, **bucket, times=float(times)) is None:
        left = await tx.value(sql.tokens_left, **bucket)
        raise _Spent(limit, (times - (left or 0)) * limit.seconds / limit.most)


def _counted(rule: Rule, who: str | UUID | None) -> str:
    text = str(who or "").strip().lower()
    return _network(text) if rule.who == "address" else text


def _network(address: str) -> str:
    """Whoever has one IPv6 address usually has the 2^64 around it (RFC 6177)."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return ""
    if isinstance(ip, ipaddress.IPv4Address):
        return str(ip)
    if ip.ipv4_mapped:
        return str(ip.ipv4_mapped)
    return str(ipaddress.ip_network((ip, 64), strict=False))


def _refusal(kind: Kind, limit: Limit, wait: float) -> AuthError:
    seconds = max(1, math.ceil(wait))
    if kind == "mail":
        sentence = f"For security purposes, you can only request this after {seconds} seconds."
        refusal = AuthError("over_email_send_rate_limit", sentence, 429)
    else:
        refusal = AuthError("over_request_rate_limit", "Request rate limit reached", 429)
    refusal.headers = {
        "Retry-After": str(seconds),
        # draft-ietf-httpapi-ratelimit-headers-10
        "RateLimit-Policy": f'"{kind}";q={limit.most};w={limit.seconds:g}',
        "RateLimit": f'"{kind}";r=0;t={seconds}',
    }
    return refusal
