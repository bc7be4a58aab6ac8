"""Accounts: signing up, in and out, and changing one's own details; `/auth/v1` and the pages call the same verbs."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import msgspec
import structlog

from vently.database.errors import ServerError
from vently.database.pool import Database, Transaction
from vently.database.queries import load
from vently.refusals import Refusal, Unavailable
from vently.supabase.auth import passwords, sessions
from vently.supabase.auth.errors import AuthError
from vently.supabase.auth.keys import Keys
from vently.supabase.auth.sessions import Device, Login, Session
from vently.supabase.auth.tokens import Tokens
from vently.supabase.auth.users import User, check_metadata, email_of, is_email, new_id, user_of

sql = load(__package__)
log = structlog.get_logger(__name__)

ROLE = "supabase_auth_admin"
NOWHERE = Device()


class Auth:
    """Sign-in of this site. Every verb raises AuthError for what it refuses."""

    def __init__(self, database: Database, keys: Keys, *, site_url: str, jwt_seconds: int = 3600) -> None:
        self.database = database
        self.keys = keys
        self.issuer = f"{site_url.rstrip('/')}/auth/v1"
        self._tokens = Tokens(keys, self.issuer, jwt_seconds)

    def verify(self, access_token: str) -> dict[str, Any]:
        """The claims of an access token of ours; whether its session still lives is not asked."""
        return self._tokens.verify(access_token)

    async def sign_up(
        self, email: str, password: str, data: dict[str, Any] | None = None, *, device: Device = NOWHERE
    ) -> Session:
        """A new account, at once confirmed, and its first session. `data` becomes `user_metadata`."""
        email = email_of(email)
        check_metadata(data or {})
        passwords.check_strength(password)
        stored = await passwords.hashed(password)
        user = new_id()
        claims = {"sub": str(user), "email": email, "email_verified": True, "phone_verified": False}
        about = {**(data or {}), **claims}
        check_metadata(about)
        with _saving("saving new user"):
            async with self.database.acting_as_role(ROLE) as tx:
                created = await tx.value(
                    sql.create_user, id=user, email=email, password=stored, data=about, identity=claims
                )
                if created is None:
                    raise AuthError("user_already_exists", "User already registered", 422)
                return await sessions.begin(tx, self._tokens, user, checked=stored, password=stored, device=device)

    async def sign_in(self, email: str, password: str, *, device: Device = NOWHERE) -> Session:
        login = await self._login(email)
        right, keep = await passwords.matches(password, login.password if login else None)
        if login is None or login.password is None or not right:
            raise AuthError("invalid_credentials", "Invalid login credentials")
        if login.banned:
            raise AuthError("user_banned", "User is banned")
        if not login.confirmed:
            raise AuthError("email_not_confirmed", "Email not confirmed")
        async with self.database.acting_as_role(ROLE) as tx:
            return await sessions.begin(
                tx, self._tokens, login.id, checked=login.password, password=keep, device=device
            )

    async def refresh(self, refresh_token: str, *, device: Device = NOWHERE) -> Session:
        """The next session of a refresh token; using an old one again ends its family."""
        async with self.database.acting_as_role(ROLE) as tx:
            answer = await sessions.exchange(tx, self._tokens, refresh_token, device)
        if isinstance(answer, AuthError):
            raise answer
        return answer

    async def sign_out(self, session_id: UUID, scope: str = "global") -> None:
        """`scope`: global (everywhere), local (here) or others (everywhere else)."""
        async with self.database.acting_as_role(ROLE) as tx:
            await sessions.end(tx, session_id, scope)

    async def user(self, claims: dict[str, Any]) -> User:
        """The person of verified claims, while their session lives."""
        async with self.database.acting_as_role(ROLE) as tx:
            return user_of(*await _signed_in(tx, claims))

    async def update_user(
        self,
        claims: dict[str, Any],
        *,
        email: str | None = None,
        password: str | None = None,
        current_password: str | None = None,
        data: dict[str, Any] | None = None,
    ) -> User:
        """Change what is given. `data` is merged into `user_metadata`, null removes a key; a new password signs out
        every other session.
        """
        email = email_of(email) if email else None
        check_metadata(data or {})
        if password is not None:
            passwords.check_strength(password)
        async with self.database.acting_as_role(ROLE) as tx:
            person, _ = await _signed_in(tx, claims)
            if email == (person["email"] or ""):
                email = None
            elif email and await tx.value(sql.email_is_taken, email=email, user=UUID(person["id"])):
                raise _email_exists()
        about = {**(data or {}), **({"email": email} if email else {})}
        check_metadata({**(person["raw_user_meta_data"] or {}), **about})
        checked = person["encrypted_password"]
        await _check_current(current_password, checked)
        stored = await _new_password(password, checked)
        return await self._change(claims, email=email, password=stored, checked=checked, about=about)

    async def _change(self, claims: dict[str, Any], *, about: dict[str, Any], **changes: str | None) -> User:
        user, session = session_of(claims)
        dropped = [name for name, value in about.items() if value is None]
        with _saving("updating user"):
            async with self.database.acting_as_role(ROLE) as tx:
                if await tx.value(sql.change_user, user=user, data=about, dropped=dropped, **changes) is None:
                    raise AuthError("conflict", "The password was changed meanwhile; sign in again", 409)
                if changes["password"]:
                    # A statement of its own: it sees the sessions begun while the one before waited for the row.
                    await sessions.end(tx, session, "others")
                return user_of(*await _signed_in(tx, claims))

    async def _login(self, email: str) -> Login | None:
        if not is_email(email):
            return None
        async with self.database.acting_as_role(ROLE) as tx:
            return await tx.maybe_one(sql.login_by_email, Login, email=email_of(email))


class _Person(msgspec.Struct, frozen=True):
    person: dict[str, Any]
    identities: list[dict[str, Any]] | None
    banned: bool
    signed_in: bool


async def _signed_in(tx: Transaction, claims: dict[str, Any]) -> tuple[dict[str, Any], list[dict[str, Any]] | None]:
    """The rows of the person of these claims. Raises AuthError unless their session lives and they are not banned."""
    user, session = session_of(claims)
    found = await tx.maybe_one(sql.user_of_session, _Person, user=user, session=session)
    if found is None:
        raise AuthError("user_not_found", "User from sub claim in JWT does not exist", 403)
    if not found.signed_in:
        raise sessions.session_not_found()
    if found.banned:
        raise AuthError("user_banned", "User is banned", 403)
    return found.person, found.identities


def session_of(claims: dict[str, Any]) -> tuple[UUID, UUID]:
    """The user and session ids of verified claims."""
    try:
        return UUID(claims["sub"]), UUID(claims["session_id"])
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise AuthError("bad_jwt", "invalid claim: sub and session_id must be UUIDs", 403) from error


async def _check_current(given: str | None, stored: str | None) -> None:
    if given is not None and not (await passwords.matches(given, stored))[0]:
        raise AuthError("current_password_invalid", "The current password is not right")


async def _new_password(chosen: str | None, stored: str | None) -> str | None:
    if chosen is None:
        return None
    if (await passwords.matches(chosen, stored))[0]:
        raise AuthError("same_password", "New password should be different from the old password.", 422)
    return await passwords.hashed(chosen)


def _email_exists() -> AuthError:
    return AuthError("email_exists", "A user with this email address has already been registered", 422)


@contextmanager
def _saving(what: str) -> Iterator[None]:
    """A trigger on `auth.users` may fail. Supabase Auth would say 500, and clients would try again and again."""
    try:
        yield
    except (AuthError, Unavailable):
        raise
    except Refusal as error:
        raise AuthError("unexpected_failure", f"Database error {what}: {error.detail}", 422) from error
    except ServerError as error:
        if error.constraint_name == "users_email_partial_key":
            raise _email_exists() from error
        if error.sqlstate == "P0001":
            why = str(error)  # `raise exception`: the trigger's own sentence
        else:
            why = f"a trigger on auth.users failed with {error.sqlstate}; the server's log says more"
            log.exception("trigger on auth.users failed", sqlstate=error.sqlstate)
        raise AuthError("unexpected_failure", f"Database error {what}: {why}", 422) from error
