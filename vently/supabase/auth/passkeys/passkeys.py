"""A person's passkeys: which there are, what they are called, and doing without one."""

from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from vently.database.pool import Transaction
from vently.database.queries import load
from vently.supabase.auth.auth import Auth
from vently.supabase.auth.errors import AuthError
from vently.supabase.auth.links import alarms
from vently.supabase.auth.sessions import sessions
from vently.supabase.auth.sessions.presence import SignedIn, session_of, signed_in

sql = load(__package__)

LONGEST_NAME = 120
"""Characters, as in Supabase Auth."""


class Passkey(msgspec.Struct, frozen=True, omit_defaults=True):
    id: UUID
    friendly_name: str
    created_at: datetime
    last_used_at: datetime | None = None


async def of_person(auth: Auth, claims: dict[str, Any]) -> list[Passkey]:
    async with auth.acting() as tx:
        found = await signed_in(tx, claims)
        return await tx.many(sql.passkeys_of_person, Passkey, user=found.id)


async def rename(auth: Auth, claims: dict[str, Any], passkey: str, name: str) -> Passkey:
    if not name.strip() or len(name) > LONGEST_NAME or not name.isprintable():
        sentence = f"friendly_name takes 1 to {LONGEST_NAME} characters that can be printed"
        raise AuthError("validation_failed", sentence)
    async with auth.acting() as tx:
        found = await signed_in(tx, claims)
        renamed = await tx.maybe_one(sql.rename_passkey, Passkey, user=found.id, passkey=_id(passkey), name=name)
    if renamed is None:
        raise _not_found()
    return renamed


async def remove(auth: Auth, claims: dict[str, Any], passkey: str) -> None:
    """Sessions that it began are at AAL1 from now on."""
    async with auth.acting() as tx:
        found = await managing(tx, claims)
        if not await tx.execute(sql.remove_passkey, user=found.id, passkey=_id(passkey)):
            raise _not_found()
        await sessions.lower(tx, found.id, _id(passkey), last=False)
    alarms.way_in(auth, found.person["email"], "A passkey", added=False)


async def managing(tx: Transaction, claims: dict[str, Any]) -> SignedIn:
    """Who adds or removes a passkey: it opens the account by itself, so a session found lying about is not enough.
    The person's row stays locked.
    """
    user, session = session_of(claims)
    await tx.execute(sql.lock_person, user=user)
    found = await signed_in(tx, claims)
    if any(factor["status"] == "verified" for factor in found.factors or []):
        if found.aal != "aal2":
            sentence = "AAL2 session is required to manage passkeys when MFA is enabled"
            raise AuthError("insufficient_aal", sentence, 403)
    elif not await tx.value(sql.is_fresh, session=session):
        raise AuthError("reauthentication_needed", "Sign in again: passkeys are managed within a day of that")
    return found


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise _not_found() from None


def _not_found() -> AuthError:
    return AuthError("validation_failed", "Passkey not found", 404)
