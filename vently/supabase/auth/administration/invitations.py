"""Invitations, and links that an administrator hands out in a way of their own."""

from typing import Any
from uuid import UUID

import msgspec

from vently.database.pool import Transaction
from vently.database.queries import load
from vently.supabase.auth import passwords
from vently.supabase.auth.administration import people
from vently.supabase.auth.auth import Auth
from vently.supabase.auth.errors import AuthError
from vently.supabase.auth.links import asking, occasions
from vently.supabase.auth.links.asking import Account
from vently.supabase.auth.links.occasions import (
    CURRENT_ADDRESS,
    INVITATION,
    MAGIC_LINK,
    NEW_ADDRESS,
    RECOVERY,
    SIGN_UP,
)
from vently.supabase.auth.saving import saving
from vently.supabase.auth.users import User, check_metadata, email_of

sql = load(__package__)

OCCASIONS = {
    "signup": SIGN_UP,
    "invite": INVITATION,
    "magiclink": MAGIC_LINK,
    "recovery": RECOVERY,
    "email_change_current": CURRENT_ADDRESS,
    "email_change_new": NEW_ADDRESS,
}
"""By the types of `/admin/generate_link`."""


class Wanted(msgspec.Struct, frozen=True):
    """A link, as clients ask for it."""

    type: str | None = None
    email: str | None = None
    new_email: str | None = None
    password: str | None = None
    data: dict[str, Any] | None = None
    redirect_to: str | None = None


async def invite(auth: Auth, email: str, data: dict[str, Any], *, redirect_to: str) -> User:
    """An account that waits for its person, and the letter. Raises AuthError when they are here already."""
    email = email_of(email)
    check_metadata(data)
    with saving("inviting user"):
        async with auth.acting() as tx:
            user = await _newcomer(tx, email, None, data)
            await tx.execute(sql.mark_invited, user=user)
            letter = await occasions.write(tx, auth, INVITATION, user, email, redirect_to=redirect_to)
            shown = await people.shown(tx, user)
    auth.post.send(letter)
    return shown


async def generate(auth: Auth, wanted: Wanted, *, redirect_to: str) -> dict[str, Any]:
    """The link, its code, and the person, as the body of an answer. No letter is sent."""
    type_ = wanted.type or ""
    if type_ not in OCCASIONS:
        raise AuthError("validation_failed", f"Invalid email action link type: use one of {', '.join(OCCASIONS)}")
    email = email_of(wanted.email or "")
    check_metadata(wanted.data or {})
    password = await _password(wanted.password, email) if wanted.password else None
    with saving("generating link"):
        async with auth.acting() as tx:
            account = await asking.account_of(tx, email)
            if account is None and type_ == "magiclink":
                type_ = "signup"
            elif account is None and type_ == "signup" and not password:
                raise AuthError("validation_failed", "Signup requires a valid password")
            user, to = await _whose(tx, type_, account, email, password, wanted)
            occasion = OCCASIONS[type_]
            secret, link = await occasions.generate(tx, auth, occasion, user, to, redirect_to=redirect_to)
            shown = await people.shown(tx, user)
    answer: dict[str, Any] = msgspec.to_builtins(shown)
    return answer | {
        "action_link": link,
        "email_otp": secret.code,
        "hashed_token": secret.token,
        "verification_type": type_,
        "redirect_to": redirect_to,
    }


async def _whose(
    tx: Transaction, type_: str, account: Account | None, email: str, password: str | None, wanted: Wanted
) -> tuple[UUID, str]:
    """The account, made where it may be, and the address that the link stands for."""
    occasion = OCCASIONS[type_]
    if occasion in {SIGN_UP, INVITATION}:
        user = await _newcomer(tx, email, password, wanted.data or {})
        if occasion is INVITATION:
            await tx.execute(sql.mark_invited, user=user)
        return user, email
    if account is None:
        raise AuthError("user_not_found", "User with this email not found", 404)
    if occasion in {MAGIC_LINK, RECOVERY}:
        return account.id, email
    new = email_of(wanted.new_email or "")
    if await tx.value(sql.email_is_taken, email=new, user=account.id):
        raise people.email_exists()
    await tx.execute(sql.begin_email_change, user=account.id, email=new)
    return account.id, new if occasion is NEW_ADDRESS else email


async def _newcomer(tx: Transaction, email: str, password: str | None, data: dict[str, Any]) -> UUID:
    """A new account, or one that still waits for its confirmation. `password` is a hash."""
    made = await asking.create_unconfirmed(tx, email, password, data)
    if made is not None:
        return made
    account = await asking.account_of(tx, email)
    if account is None or account.confirmed:
        raise people.email_exists()
    await tx.execute(sql.add_to_waiting, user=account.id, password=password, data=data)
    return account.id


async def _password(chosen: str, email: str) -> str:
    await passwords.check_strength(chosen, about=[email])
    return await passwords.hashed(chosen)
