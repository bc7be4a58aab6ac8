"""One-time secrets: the link of a letter and its six digits. Neither is stored, both die at first use.

Supabase Auth's link is a hash of the address and the digits, so whoever knows an address has a million links to
try. Here they are two secrets: the link is random, and kept as its SHA-256; the digits, which a plain hash would not
hide, are kept as a keyed one.
"""

import hashlib
import re
import secrets
from typing import Literal
from uuid import UUID

import msgspec

from vently.database.pool import Transaction
from vently.database.queries import load
from vently.supabase.auth.auth import Auth

sql = load(__package__)

Kind = Literal[
    "confirmation_token",
    "recovery_token",
    "email_change_token_new",
    "email_change_token_current",
    "reauthentication_token",
]

PKCE = "pkce_"
"""How a link says that it leads to an authorisation code, as in Supabase Auth."""

_TOKEN = re.compile(r"(?:pkce_)?[A-Za-z0-9_-]{43}")
_CODE = re.compile(r"[0-9]{6}")


class Secret(msgspec.Struct, frozen=True):
    """What a letter says."""

    token: str
    code: str


class Redeemed(msgspec.Struct, frozen=True):
    """Whose secret it was, what for, and the address it had been sent to."""

    user_id: UUID
    kind: str
    address: str
    flow_id: UUID | None


async def issue(tx: Transaction, auth: Auth, kind: Kind, user: UUID, address: str, flow: UUID | None = None) -> Secret:
    """A new secret for a letter to `address`. The person's last one of this kind is worthless from now on."""
    token = (PKCE if flow else "") + secrets.token_urlsafe(32)
    code = f"{secrets.randbelow(1_000_000):06}"
    await tx.execute(
        sql.keep_token,
        kind=kind,
        user=user,
        hash=_hash(token),
        code_mac=_mac(auth, kind, address, code),
        address=address,
        flow=flow,
    )
    return Secret(token, code)


async def redeem_link(tx: Transaction, auth: Auth, token: str, kinds: list[Kind]) -> Redeemed | None:
    """None unless it is alive. One statement uses it up, so that of two at once one gets it."""
    if not _TOKEN.fullmatch(token):
        return None
    life = float(auth.rules.code_seconds)
    return await tx.maybe_one(sql.redeem_link, Redeemed, hash=_hash(token), kinds=kinds, life=life)


async def redeem_code(tx: Transaction, auth: Auth, address: str, code: str, kinds: list[Kind]) -> Redeemed | None:
    """As `redeem_link`. Guesses are to be counted before this is called."""
    if not _CODE.fullmatch(code):
        return None
    macs = [_mac(auth, kind, address, code) for kind in kinds]
    life = float(auth.rules.code_seconds)
    return await tx.maybe_one(sql.redeem_code, Redeemed, address=address, macs=macs, kinds=kinds, life=life)


async def forget(tx: Transaction, user: UUID) -> None:
    """Every open link and code of a person dies, and with them what was under way: a change of address, an account
    elsewhere that was to be linked.
    """
    await tx.execute(sql.forget_tokens, user=user)


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _mac(auth: Auth, kind: str, address: str, code: str) -> str:
    return auth.sealing.mark(f"{address}\0{code}", f"one_time_tokens.code_mac {kind}")
