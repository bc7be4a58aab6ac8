"""Whose factors: the person of an access token, one request at a time, and what is theirs."""

from typing import Any
from uuid import UUID

import msgspec

from vently.database.pool import Transaction
from vently.database.queries import load
from vently.supabase.auth.errors import AuthError
from vently.supabase.auth.sessions.presence import SignedIn, session_of, signed_in

sql = load(__package__)

KINDS = {"totp": "An authenticator app", "webauthn": "A security key", "phone": "A telephone"}
"""As letters call them."""


class Factor(msgspec.Struct, frozen=True):
    id: UUID
    kind: str
    verified: bool
    secret: str | None
    credential: dict[str, Any] | None
    last_step: int | None


async def present(tx: Transaction, claims: dict[str, Any]) -> SignedIn:
    """Their row is locked until the transaction ends: what is decided about somebody's factors is decided in turn."""
    user, _ = session_of(claims)
    await tx.execute(sql.lock_person, user=user)
    found = await signed_in(tx, claims)
    if found.person["is_anonymous"]:
        raise AuthError("no_authorization", "Anonymous user not allowed to perform these actions", 403)
    return found


async def factor_of(tx: Transaction, user: UUID, factor_id: str) -> Factor:
    try:
        found = await tx.maybe_one(sql.factor_of_person, Factor, user=user, factor=UUID(factor_id))
    except ValueError:
        raise AuthError("validation_failed", "factor_id must be an UUID", 404) from None
    if found is None:
        raise AuthError("mfa_factor_not_found", "Factor not found", 404)
    return found


def check_may_finish(found: SignedIn, factor: Factor) -> None:
    """Whoever has a factor adds another with it alone: one that a thief of the password has begun to enrol, before the
    first was verified or since, must not let them past.
    """
    if not factor.verified and has_verified(found) and found.aal != "aal2":
        raise AuthError("insufficient_aal", "AAL2 required to verify a new factor", 403)


def has_verified(found: SignedIn, *, besides: UUID | None = None) -> bool:
    return any(each["status"] == "verified" and UUID(each["id"]) != besides for each in found.factors or [])
