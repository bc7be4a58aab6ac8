"""Who is signed in: the person of an access token, as they stand in the database now."""

from typing import Any
from uuid import UUID

import msgspec

from vently.database.pool import Transaction
from vently.database.queries import load
from vently.supabase.auth.auth import Auth
from vently.supabase.auth.errors import AuthError
from vently.supabase.auth.sessions.sessions import session_not_found
from vently.supabase.auth.users import User, user_of

sql = load(__package__)


class SignedIn(msgspec.Struct, frozen=True):
    """Rows of the person as `to_jsonb` gives them; `aal` is the session's in the database, not the token's."""

    person: dict[str, Any]
    identities: list[dict[str, Any]] | None
    factors: list[dict[str, Any]] | None
    banned: bool
    session_id: UUID | None
    aal: str | None
    signed_in_at: Any

    @property
    def id(self) -> UUID:
        return UUID(self.person["id"])

    @property
    def user(self) -> User:
        return user_of(self.person, self.identities, self.factors)


async def user(auth: Auth, claims: dict[str, Any]) -> User:
    """The person of verified claims, while their session lives."""
    async with auth.acting() as tx:
        return (await signed_in(tx, claims)).user


async def signed_in(tx: Transaction, claims: dict[str, Any]) -> SignedIn:
    """Raises AuthError unless the session of these claims lives and its person is not banned."""
    person, session = session_of(claims)
    found = await tx.maybe_one(sql.user_of_session, SignedIn, user=person, session=session)
    if found is None:
        raise AuthError("user_not_found", "User from sub claim in JWT does not exist", 403)
    if found.session_id is None:
        raise session_not_found()
    if found.banned:
        raise AuthError("user_banned", "User is banned", 403)
    return found


def check_assurance(found: SignedIn) -> None:
    """Raises AuthError when the person has a second factor that this session was not begun with."""
    verified = any(factor["status"] == "verified" for factor in found.factors or [])
    if verified and found.aal != "aal2":
        raise AuthError(
            "insufficient_aal", "AAL2 session is required to update email or password when MFA is enabled.", 401
        )


def session_of(claims: dict[str, Any]) -> tuple[UUID, UUID]:
    """The user and session ids of verified claims."""
    try:
        return UUID(claims["sub"]), UUID(claims["session_id"])
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise AuthError("bad_jwt", "invalid claim: sub and session_id must be UUIDs", 403) from error
