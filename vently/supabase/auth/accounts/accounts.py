"""Signing up, signing in with a password, and changing one's own details."""

import asyncio
from typing import Any
from uuid import UUID

import msgspec

from vently.database.queries import load
from vently.supabase.auth import passwords
from vently.supabase.auth.auth import Auth
from vently.supabase.auth.devices import NOWHERE, Device
from vently.supabase.auth.errors import AuthError
from vently.supabase.auth.limits import limits
from vently.supabase.auth.links import alarms, email_change, reauthentication, tokens
from vently.supabase.auth.links import sign_up as pending
from vently.supabase.auth.links.asking import Asked
from vently.supabase.auth.saving import email_exists, saving
from vently.supabase.auth.sessions import sessions
from vently.supabase.auth.sessions.presence import SignedIn, check_assurance, session_of, signed_in
from vently.supabase.auth.sessions.sessions import Session
from vently.supabase.auth.users import User, check_metadata, email_of, is_email, new_id

sql = load(__package__)

REFUSAL_SECONDS = 0.25
"""No wrong password is refused earlier: bcrypt hashes take longer to check than ours, and would tell who has one."""


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
    email, stored = await _chosen(email, password, data or {})
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
            session = await sessions.begin(tx, auth, user, "password", checked=stored, password=stored, device=device)
    alarms.signed_in(auth, session.user, device)
    return session


async def sign_up_with_confirmation(
    auth: Auth, asked: Asked, password: str, data: dict[str, Any] | None = None
) -> User:
    """A new account that waits until its address is confirmed by a letter; see `links.sign_up`."""
    email, stored = await _chosen(asked.email, password, data or {})
    chosen = pending.Chosen(password, stored)
    return await pending.sign_up(auth, msgspec.structs.replace(asked, email=email), chosen, data or {})


async def sign_in(auth: Auth, email: str, password: str, *, device: Device = NOWHERE) -> Session:
    clock = asyncio.get_running_loop()
    began = clock.time()
    login = await _login(auth, email)
    right, keep = await passwords.matches(password, login.password if login else None)
    if login is None or login.password is None or not right:
        await asyncio.sleep(began + REFUSAL_SECONDS - clock.time())
        raise AuthError("invalid_credentials", "Invalid login credentials")
    if login.banned:
        raise AuthError("user_banned", "User is banned")
    if not login.confirmed:
        raise AuthError("email_not_confirmed", "Email not confirmed")
    async with auth.acting() as tx:
        session = await sessions.begin(
            tx, auth, login.id, "password", checked=login.password, password=keep, device=device
        )
    alarms.signed_in(auth, session.user, device)
    return session


async def update_user(
    auth: Auth,
    claims: dict[str, Any],
    *,
    email: str | None = None,
    password: str | None = None,
    current_password: str | None = None,
    nonce: str | None = None,
    data: dict[str, Any] | None = None,
    letter: Asked | None = None,
) -> User:
    """Change what is given. `data` is merged into `user_metadata`, null removes a key; a new password signs out
    every other session. `letter`: where the links lead that confirm a new address.
    """
    check_metadata(data or {})
    found, email = await _may_change(auth, claims, email_of(email) if email else None, password)
    current = found.person["email"] or ""
    checked = found.person["encrypted_password"]
    if password is not None:
        await passwords.check_strength(password, about=[current, email or ""])
    if password is not None or current_password is not None:
        await limits.spend(auth, "password", current or found.id)
    if current_password is not None:
        await _check_current(current_password, checked)
    if password is not None and not (nonce or current_password):
        reauthentication.check_fresh(found)
    if email and not auth.rules.autoconfirm:
        await email_change.spend(auth, found.id, email)
    if nonce:
        await reauthentication.check_nonce(auth, found, nonce)
    # Only now: that a new password is the old one tells what that is.
    stored = await _new_password(password, checked)
    confirmed = email if auth.rules.autoconfirm else None
    about = {**(data or {}), **({"email": confirmed, "email_verified": True} if confirmed else {})}
    check_metadata({**(found.person["raw_user_meta_data"] or {}), **about})
    changed = await _change(auth, claims, email=confirmed, password=stored, checked=checked, about=about)
    if stored:
        alarms.password_changed(auth, changed.email)
    if confirmed:
        alarms.email_changed(auth, current, confirmed)
    elif email:
        asked = msgspec.structs.replace(letter or Asked(email, auth.rules.site_url), email=email)
        await email_change.begin(auth, found.id, current, asked)
        async with auth.acting() as tx:
            return (await signed_in(tx, claims)).user
    return changed


async def _chosen(email: str, password: str, data: dict[str, Any]) -> tuple[str, str]:
    """The address as it is stored, and the password's hash."""
    email = email_of(email)
    check_metadata(data)
    await passwords.check_strength(password, about=[email])
    return email, await passwords.hashed(password)


async def _may_change(
    auth: Auth, claims: dict[str, Any], email: str | None, password: str | None
) -> tuple[SignedIn, str | None]:
    """Who it is, and the address unless it is theirs already. Raises AuthError."""
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
            raise email_exists()
    return found, email


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
            if changes["password"] or changes["email"]:
                await tokens.forget(tx, user)
            return (await signed_in(tx, claims)).user


async def _login(auth: Auth, email: str) -> Login | None:
    if not is_email(email):
        return None
    async with auth.acting() as tx:
        return await tx.maybe_one(sql.login_by_email, Login, email=email_of(email))


async def _check_current(given: str, stored: str | None) -> None:
    if not (await passwords.matches(given, stored))[0]:
        raise AuthError("current_password_invalid", "The current password is not right")


async def _new_password(chosen: str | None, stored: str | None) -> str | None:
    if chosen is None:
        return None
    if (await passwords.matches(chosen, stored))[0]:
        raise AuthError("same_password", "New password should be different from the old password.", 422)
    return await passwords.hashed(chosen)
