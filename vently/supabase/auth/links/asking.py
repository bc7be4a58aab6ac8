"""Asking for a letter. The answer says nothing about the address: what is known of it is looked up behind it."""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import msgspec

from vently.database.pool import Transaction
from vently.database.queries import load
from vently.outside.mail import Mail
from vently.supabase.auth.auth import Auth
from vently.supabase.auth.errors import AuthError
from vently.supabase.auth.flows.flows import Challenge
from vently.supabase.auth.limits import limits
from vently.supabase.auth.links import occasions
from vently.supabase.auth.links.occasions import MAGIC_LINK, RECOVERY, SIGN_UP, Occasion
from vently.supabase.auth.users import check_metadata, email_of, new_id

sql = load(__package__)


class Account(msgspec.Struct, frozen=True):
    """What decides about a letter."""

    id: UUID
    email: str
    confirmed: bool
    email_change: str
    banned: bool


class Asked(msgspec.Struct, frozen=True):
    """Who wants a letter, and where its link shall lead (`redirect_to` has been allowed)."""

    email: str
    redirect_to: str
    challenge: Challenge | None = None


async def magic_link(auth: Auth, asked: Asked, *, data: dict[str, Any] | None = None, create: bool = True) -> None:
    """A letter to sign in with. Who has no account gets one, unless `create` says no: AuthError `otp_disabled`."""
    asked = _checked(asked)
    check_metadata(data or {})
    await limits.spend(auth, "mail", f"sign-in {asked.email}")
    if not create:
        async with auth.acting() as tx:
            if await account_of(tx, asked.email) is None:
                raise AuthError("otp_disabled", "Signups not allowed for otp", 422)

    async def write(tx: Transaction, account: Account | None) -> list[Mail]:
        if account:
            return [await _letter(tx, auth, MAGIC_LINK, account.id, asked)]
        user = await create_unconfirmed(tx, asked.email, None, data or {}) if create else None
        return [await _letter(tx, auth, SIGN_UP, user, asked)] if user else []

    _behind(auth, asked.email, write)


async def recovery(auth: Auth, asked: Asked) -> None:
    """A letter to choose a new password with."""
    asked = _checked(asked)
    await limits.spend(auth, "mail", f"sign-in {asked.email}")

    async def write(tx: Transaction, account: Account | None) -> list[Mail]:
        return [await _letter(tx, auth, RECOVERY, account.id, asked)] if account else []

    _behind(auth, asked.email, write)


async def confirmation_again(auth: Auth, asked: Asked) -> None:
    """The letter of a sign-up once more."""
    asked = _checked(asked)
    await limits.spend(auth, "mail", f"sign-up {asked.email}")

    async def write(tx: Transaction, account: Account | None) -> list[Mail]:
        if account is None or account.confirmed:
            return []
        return [await _letter(tx, auth, SIGN_UP, account.id, asked)]

    _behind(auth, asked.email, write)


async def account_of(tx: Transaction, email: str) -> Account | None:
    return await tx.maybe_one(sql.account_of, Account, email=email)


async def create_unconfirmed(tx: Transaction, email: str, password: str | None, data: dict[str, Any]) -> UUID | None:
    """A new account that waits for its confirmation; `password` is a hash. None when the address has an account."""
    user = new_id()
    claims = {"sub": str(user), "email": email, "email_verified": False, "phone_verified": False}
    about = {**data, **claims}
    check_metadata(about)
    created: UUID | None = await tx.value(
        sql.create_unconfirmed, id=user, email=email, password=password, data=about, identity=claims
    )
    return created


def _checked(asked: Asked) -> Asked:
    return msgspec.structs.replace(asked, email=email_of(asked.email))


async def _letter(tx: Transaction, auth: Auth, occasion: Occasion, user: UUID, asked: Asked) -> Mail:
    return await occasions.write(
        tx, auth, occasion, user, asked.email, redirect_to=asked.redirect_to, challenge=asked.challenge
    )


def _behind(auth: Auth, email: str, write: Callable[[Transaction, Account | None], Awaitable[list[Mail]]]) -> None:
    async def work() -> list[Mail]:
        async with auth.acting() as tx:
            account = await account_of(tx, email)
            return [] if account and account.banned else await write(tx, account)

    auth.post.write(work)
