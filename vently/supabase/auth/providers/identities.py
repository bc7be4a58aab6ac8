"""Identities of a person: letting one go."""

from typing import Any
from uuid import UUID

from vently.database.errors import ServerError
from vently.database.pool import Transaction
from vently.database.queries import load
from vently.supabase.auth.auth import Auth
from vently.supabase.auth.errors import AuthError
from vently.supabase.auth.links import alarms
from vently.supabase.auth.providers.departures import check_second_factor
from vently.supabase.auth.sessions.presence import session_of, signed_in

sql = load(__package__)


async def unlink(auth: Auth, claims: dict[str, Any], identity: UUID) -> None:
    """Raises AuthError `single_identity_not_deletable` for the last: nobody locks themselves out."""
    person, _ = session_of(claims)
    async with auth.acting() as tx:
        await tx.execute(sql.lock_person, person=person)  # of two at once, the second counts what the first left
        found = await signed_in(tx, claims)
        check_second_factor(found)
        identities = found.identities or []
        if len(identities) <= 1:
            raise AuthError("single_identity_not_deletable", "User must have at least 1 identity after unlinking", 422)
        gone = next((each for each in identities if UUID(each["id"]) == identity), None)
        if gone is None:
            raise AuthError("identity_not_found", "Identity doesn't exist", 422)
        moved = await _remove(tx, person, identity, gone["email"])
    old = found.person["email"] or ""
    provider = auth.providers.get(gone["provider"])
    alarms.identity(auth, old, provider.label if provider else gone["provider"], linked=False)
    if moved:
        alarms.email_changed(auth, old, moved)


async def _remove(tx: Transaction, person: UUID, identity: UUID, email: str | None) -> str | None:
    """The person's new address, if theirs was the one that has gone with it."""
    try:
        await tx.execute(sql.remove_identity, person=person, identity=identity)
        moved: str | None = await tx.value(sql.settle_email, person=person, gone=email)
    except ServerError as error:
        if error.constraint_name != "users_email_partial_key":
            raise
        raise AuthError(
            "email_conflict_identity_not_deletable", "Unable to unlink identity due to email conflict", 422
        ) from error
    await tx.execute(sql.note_providers, person=person)
    return moved
