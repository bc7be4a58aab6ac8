"""Signing up where an address has to be confirmed: whether it has an account already stays between us and its owner."""

import asyncio
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import msgspec

from vently.database.pool import Transaction
from vently.database.queries import load
from vently.outside.mail import Mail
from vently.supabase.auth import passwords
from vently.supabase.auth.auth import Auth
from vently.supabase.auth.limits import limits
from vently.supabase.auth.links import asking, letters, occasions
from vently.supabase.auth.links.asking import Asked
from vently.supabase.auth.links.occasions import SIGN_UP
from vently.supabase.auth.saving import saving
from vently.supabase.auth.users import User, new_id, user_of

sql = load(__package__)

ANSWER_SECONDS = 0.4
"""No answer comes earlier: making an account takes longer than finding one."""


class _Shown(msgspec.Struct, frozen=True):
    person: dict[str, Any]
    identities: list[dict[str, Any]] | None


class Chosen(msgspec.Struct, frozen=True):
    """A password, and its hash."""

    password: str
    stored: str


async def sign_up(auth: Auth, asked: Asked, chosen: Chosen, data: dict[str, Any]) -> User:
    """An account that waits for its confirmation, and the letter for it. `asked.email` is as `email_of` gives it.

    Of two who signed up with one address, one may be a stranger, and a letter cannot tell whose: unless they chose the
    same password, none counts, and whoever confirms the address chooses one.

    Whoever has a confirmed account, or was invited, is answered with one that does not exist (Supabase Auth's sign for
    it: no identities), and gets a letter that says so.
    """
    clock = asyncio.get_running_loop()
    began = clock.time()
    await limits.spend(auth, "mail", f"sign-up {asked.email}")
    try:
        return await _sign_up(auth, asked, chosen, data)
    finally:
        await asyncio.sleep(began + ANSWER_SECONDS - clock.time())


async def _sign_up(auth: Auth, asked: Asked, chosen: Chosen, data: dict[str, Any]) -> User:
    with saving("saving new user"):
        shown = await _made(auth, asked.email, chosen, data) or await _again(auth, asked.email, chosen, data)
    if shown is None:
        auth.post.send(
            letters.compose(auth.rules, "account_exists", asked.email, link=f"{auth.rules.site_url}/sign-in")
        )
        return _nobody(asked.email, data)

    user = UUID(shown.person["id"])

    async def write() -> list[Mail]:
        async with auth.acting() as tx:
            to, back = asked.email, asked.redirect_to
            return [await occasions.write(tx, auth, SIGN_UP, user, to, redirect_to=back, challenge=asked.challenge)]

    auth.post.write(write)
    return user_of(shown.person, shown.identities)


async def _made(auth: Auth, email: str, chosen: Chosen, data: dict[str, Any]) -> _Shown | None:
    """None when the address has an account."""
    async with auth.acting() as tx:
        user = await asking.create_unconfirmed(tx, email, chosen.stored, data)
        return await _show(tx, user)


async def _again(auth: Auth, email: str, chosen: Chosen, data: dict[str, Any]) -> _Shown | None:
    """None when the address has an account that is not to be touched."""
    async with auth.acting() as tx:
        before = await tx.value(sql.password_that_waits, email=email)
    same, _ = await passwords.matches(chosen.password, before)
    about = {**data, "email": email, "email_verified": False, "phone_verified": False}
    async with auth.acting() as tx:
        user = await tx.value(sql.sign_up_again, email=email, same=before if same else None, data=about)
        return await _show(tx, user)


async def _show(tx: Transaction, user: UUID | None) -> _Shown | None:
    return await tx.maybe_one(sql.show_account, _Shown, user=user) if user else None


def _nobody(email: str, data: dict[str, Any]) -> User:
    now, user = datetime.now(UTC), new_id()
    claims = {"sub": str(user), "email": email, "email_verified": False, "phone_verified": False}
    return User(
        id=user,
        aud="authenticated",
        role="authenticated",
        email=email,
        phone="",
        app_metadata={"provider": "email", "providers": ["email"]},
        user_metadata={**data, **claims},
        identities=[],
        created_at=now,
        updated_at=now,
        is_anonymous=False,
    )
