"""Signing up, signing in with a password, and changing one's own details."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import msgspec
import structlog

from vently.database.errors import ServerError
from vently.database.queries import load
from vently.refusals import Refusal, Unavailable
from vently.supabase.auth import passwords
from vently.supabase.auth.auth import Auth
from vently.supabase.auth.devices import NOWHERE, Device
from vently.supabase.auth.errors import AuthError
from vently.supabase.auth.sessions import sessions
from vently.supabase.auth.sessions.presence import check_assurance, session_of, signed_in
from vently.supabase.auth.sessions.sessions import Session
from vently.supabase.auth.users import User, check_metadata, email_of, is_email, new_id

sql = load(__package__)
log = structlog.get_logger(__name__)


class Login(msgspec.Struct, frozen=True):
    """What is needed to judge a password."""

    id: UUID
    password: str | None
    confirmed: bool
    banned: bool


async def sign_up(
    auth: Auth, email: str, password: str, data: dict[str, Any] | None = None, *, device: Device = NOWHERE
) -> Session:
    """A new account, at once confirmed, and its first session. `data` becomes `user_metadata`."""
    email = email_of(email)
    check_metadata(data or {})
    await passwords.check_strength(password, about=[email])
    stored = await passwords.hashed(password)
    user = new_id()
    claims = {"sub": str(user), "email": email, "email_verified": True, "phone_verified": False}
    about = {**(data or {}), **claims}
    check_metadata(about)
    with saving("saving new user"):
        async with auth.acting() as tx:
            created = await tx.value(
                sql.create_user, id=user, email=email, password=stored, data=about, identity=claims
            )
            if created is None:
                raise AuthError("user_already_exists", "User already registered", 422)
            return await sessions.begin(tx, auth, user, "password", checked=stored, password=stored, device=device)


async def sign_in(auth: Auth, email: str, password: str, *, device: Device = NOWHERE) -> Session:
    login = await _login(auth, email)
    right, keep = await passwords.matches(password, login.password if login else None)
    if login is None or login.password is None or not right:
        raise AuthError("invalid_credentials", "Invalid login credentials")
    if login.banned:
        raise AuthError("user_banned", "User is banned")
    if not login.confirmed:
        raise AuthError("email_not_confirmed", "Email not confirmed")
    async with auth.acting() as tx:
        return await sessions.begin(
            tx, auth, login.id, "password", checked=login.password, password=keep, device=device
        )


async def update_user(
    auth: Auth,
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
    async with auth.acting() as tx:
        found = await signed_in(tx, claims)
        if email or password is not None:
            check_assurance(found)
        if password is not None and not (email or found.person["email"]):
            message = "Updating password of an anonymous user without an email or phone is not allowed"
            raise AuthError("validation_failed", message, 422)
        if email == (found.person["email"] or ""):
            email = None
        elif email and await tx.value(sql.email_is_taken, email=email, user=found.id):
            raise _email_exists()
    if password is not None:
        await passwords.check_strength(password, about=[found.person["email"] or "", email or ""])
    about = {**(data or {}), **({"email": email, "email_verified": True} if email else {})}
    check_metadata({**(found.person["raw_user_meta_data"] or {}), **about})
    checked = found.person["encrypted_password"]
    await _check_current(current_password, checked)
    stored = await _new_password(password, checked)
    return await _change(auth, claims, email=email, password=stored, checked=checked, about=about)


async def _change(auth: Auth, claims: dict[str, Any], *, about: dict[str, Any], **changes: str | None) -> User:
    user, session = session_of(claims)
    dropped = [name for name, value in about.items() if value is None]
    with saving("updating user"):
        async with auth.acting() as tx:
            if await tx.value(sql.change_user, user=user, data=about, dropped=dropped, **changes) is None:
                raise AuthError("conflict", "The password was changed meanwhile; sign in again", 409)
            if changes["password"]:
                # A statement of its own: it sees the sessions begun while the one before waited for the row.
                await sessions.end(tx, session, "others")
            return (await signed_in(tx, claims)).user


async def _login(auth: Auth, email: str) -> Login | None:
    if not is_email(email):
        return None
    async with auth.acting() as tx:
        return await tx.maybe_one(sql.login_by_email, Login, email=email_of(email))


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
def saving(what: str) -> Iterator[None]:
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
