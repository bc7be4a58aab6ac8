"""Recovery codes: ten ways in for who has lost the second factor, each for once."""

import base64
import secrets
from typing import Any
from uuid import UUID

import msgspec

from vently.database.queries import load
from vently.supabase.auth.auth import Auth
from vently.supabase.auth.errors import AuthError
from vently.supabase.auth.factors.own import has_verified, present
from vently.supabase.auth.limits import limits
from vently.supabase.auth.links import alarms
from vently.supabase.auth.sessions import sessions
from vently.supabase.auth.sessions.presence import SignedIn, session_of, signed_in
from vently.supabase.auth.sessions.sessions import Session

sql = load(__package__)

MANY = 10
SIZE = 10
"""Bytes of chance in each: 80 bits, 16 letters of base32."""


class Left(msgspec.Struct, frozen=True):
    id: UUID
    total: int
    remaining: int
    type: str = "recovery_code"


class Made(msgspec.Struct, frozen=True):
    """Shown this once."""

    id: UUID
    codes: list[str]
    total: int = MANY
    type: str = "recovery_code"


async def left(auth: Auth, claims: dict[str, Any]) -> Left:
    async with auth.acting() as tx:
        found = await signed_in(tx, claims)
        known = await tx.maybe_one(sql.recovery_codes_left, Left, user=found.id)
    if known is None or not has_verified(found):
        raise _none()
    return known


async def make(auth: Auth, claims: dict[str, Any], *, again: bool) -> Made:
    """`again`: in place of those there are, which no longer count."""
    codes = [base64.b32encode(secrets.token_bytes(SIZE)).decode().lower() for _ in range(MANY)]
    async with auth.acting() as tx:
        found = await present(tx, claims)
        _check_assurance(found, "generate")
        if not has_verified(found):
            sentence = "At least one other verified factor is required to generate recovery codes"
            raise AuthError("mfa_recovery_codes_sole_factor", sentence, 422)
        had = await tx.execute(sql.remove_recovery_codes, user=found.id)
        if had and not again:
            sentence = "Recovery codes are already enrolled for this user, use regenerate to rotate them"
            raise AuthError("mfa_verified_factor_exists", sentence, 422)
        if again and not had:
            raise _none()
        marks = [_mark(auth, found.id, code) for code in codes]
        kept = await tx.value(sql.keep_recovery_codes, user=found.id, marks=marks)
    alarms.way_in(auth, found.person["email"], "A new set of recovery codes", added=True)
    return Made(kept, codes)


async def use(auth: Auth, claims: dict[str, Any], code: str) -> Session:
    """A session at AAL2. Case, spaces and dashes do not matter."""
    user, session = session_of(claims)
    written = "".join(letter for letter in code.lower() if letter not in " -")
    if not written:
        raise AuthError("validation_failed", "Code needs to be non-empty")
    await limits.spend(auth, "mfa", user)
    async with auth.acting() as tx:
        found = await present(tx, claims)
        # One statement takes the code, so that of two requests at once one loses.
        taken = await tx.execute(sql.take_recovery_code, user=found.id, mark=_mark(auth, found.id, written))
        if not taken or not has_verified(found):
            raise AuthError("mfa_verification_failed", "Invalid recovery code entered", 422)
        known = await tx.one(sql.recovery_codes_left, Left, user=found.id)
        raised = await sessions.raise_to_aal2(tx, auth, session, "mfa/recovery_code")
    alarms.recovery_code_used(auth, found.person["email"], known.remaining)
    return raised


async def remove(auth: Auth, claims: dict[str, Any]) -> UUID:
    async with auth.acting() as tx:
        found = await present(tx, claims)
        _check_assurance(found, "delete")
        known = await tx.maybe_one(sql.recovery_codes_left, Left, user=found.id)
        if known is None:
            raise _none()
        await tx.execute(sql.remove_recovery_codes, user=found.id)
    return known.id


def _mark(auth: Auth, user: UUID, code: str) -> str:
    """A lone surrogate is no character; it can never match, but must not raise either."""
    whole = code.encode("utf-8", "backslashreplace").decode()
    return auth.sealing.mark(whole, f"mfa_recovery_codes.code_hash:{user}")


def _check_assurance(found: SignedIn, what: str) -> None:
    if found.aal != "aal2":
        raise AuthError("insufficient_aal", f"AAL2 required to {what} recovery codes", 403)


def _none() -> AuthError:
    return AuthError("mfa_factor_not_found", "The user has not enrolled recovery codes", 404)
