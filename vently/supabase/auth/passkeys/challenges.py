"""Challenges of passkeys: made for one ceremony, answered once, within minutes."""

import secrets
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec
from webauthn.helpers import bytes_to_base64url

from vently.database.pool import Transaction
from vently.database.queries import load
from vently.supabase.auth.auth import Auth
from vently.supabase.auth.authenticators import challenge_of
from vently.supabase.auth.errors import AuthError

sql = load(__package__)

Kind = Literal["registration", "authentication"]


class Ceremony(msgspec.Struct, frozen=True):
    """What the browser needs; `expires_at` is seconds since 1970."""

    challenge_id: UUID
    options: dict[str, Any]
    expires_at: int


class Challenge(msgspec.Struct, frozen=True):
    challenge: str
    expires_at: datetime
    expired: bool


def fresh() -> bytes:
    return secrets.token_bytes(32)


async def keep(tx: Transaction, auth: Auth, kind: Kind, user: UUID | None, challenge: bytes) -> tuple[UUID, int]:
    """Its id, and when it expires."""
    session_data = {"challenge": bytes_to_base64url(challenge)}
    row = {"kind": kind, "user": user, "session_data": session_data, "seconds": auth.rules.challenge_seconds}
    kept = await tx.one(sql.keep_challenge, _Kept, **row)
    return kept.id, int(kept.expires_at.timestamp())


async def consume(tx: Transaction, kind: Kind, user: UUID | None, challenge_id: str) -> bytes | AuthError:
    """A refusal is returned, not raised: that the challenge was answered must be committed."""
    try:
        found = await tx.maybe_one(sql.consume_challenge, Challenge, id=UUID(challenge_id), kind=kind, user=user)
    except ValueError:
        return AuthError("validation_failed", "challenge_id must be a valid UUID")
    if found is None:
        return AuthError("webauthn_challenge_not_found", "Challenge not found or already used")
    if found.expired:
        return AuthError("webauthn_challenge_expired", "Challenge has expired")
    return challenge_of(found.challenge)


class _Kept(msgspec.Struct, frozen=True):
    id: UUID
    expires_at: datetime
