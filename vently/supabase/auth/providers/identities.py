"""Identities of a person: letting one go."""

from typing import Any
from uuid import UUID

from vently.database.errors import ServerError
from vently.database.queries import load
from vently.supabase.auth.auth import Auth
from vently.supabase.auth.errors import AuthError
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
        if not any(UUID(each["id"]) == identity for each in identities):
            raise AuthError("identity_not_found", "Identity doesn't exist", 422)
        try:
            await tx.execute(sql.remove_identity, person=person, identity=identity)
            await tx.execute(sql.settle_email, person=person)
        except ServerError as error:
            if error.constraint_name != "users_email_partial_key":
                raise
            raise AuthError(
                "email_conflict_identity_not_deletable", "Unable to unlink identity due to email conflict", 422
            ) from error
        await tx.execute(sql.note_providers, person=person)
