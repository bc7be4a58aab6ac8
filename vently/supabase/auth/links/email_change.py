"""A change of address: the new one and the old one both confirm, in whatever order, before it is made."""

from uuid import UUID

import msgspec

from vently.database.pool import Transaction
from vently.database.queries import load
from vently.outside.mail import Mail
from vently.supabase.auth.auth import Auth
from vently.supabase.auth.errors import AuthError
from vently.supabase.auth.limits import limits
from vently.supabase.auth.links import occasions
from vently.supabase.auth.links.asking import Account, Asked, account_of
from vently.supabase.auth.links.occasions import CURRENT_ADDRESS, NEW_ADDRESS
from vently.supabase.auth.users import email_of

sql = load(__package__)


class Change(msgspec.Struct, frozen=True):
    """What became of a confirmed address: it waits for the other one, or the change is made."""

    waits: bool
    old: str = ""
    new: str = ""


async def spend(auth: Auth, user: UUID, new: str) -> None:
    """Raises AuthError when the person, or whoever has the new address, had such a letter a moment ago."""
    await limits.spend(auth, "mail", f"email-change {user}")
    await limits.spend(auth, "mail", f"email-change {new}")


async def begin(auth: Auth, user: UUID, current: str, asked: Asked) -> None:
    """Letters to both, `asked.email` being the new one. The caller has made sure that the person may (and has called
    `spend`), that it is as `email_of` gives it, and that nobody else has it.
    """
    async with auth.acting() as tx:
        letters = await _letters(tx, auth, user, current, asked)
    for letter in letters:
        auth.post.send(letter)


async def again(auth: Auth, asked: Asked) -> None:
    """Both letters once more, for the change under way of whoever has the address, or is to have it."""
    email = email_of(asked.email)
    await limits.spend(auth, "mail", f"email-change {email}")

    async def write() -> list[Mail]:
        async with auth.acting() as tx:
            account = await account_of(tx, email)
            if account is None or not account.email_change:
                account = await tx.maybe_one(sql.account_changing_to, Account, email=email)
            if account is None or account.banned:
                return []
            change = msgspec.structs.replace(asked, email=account.email_change)
            return await _letters(tx, auth, account.id, account.email or "", change)

    auth.post.write(write)


async def confirm(tx: Transaction, user: UUID) -> Change:
    """One of the two addresses has confirmed. Raises AuthError when somebody else has the new one by now."""
    if await tx.value(sql.confirm_one_address, user=user) is not None:
        return Change(waits=True)
    made = await tx.maybe_one(sql.finish_email_change, _Made, user=user)
    if made is None:
        raise AuthError("otp_expired", "Token has expired or is invalid", 403)
    return Change(waits=False, old=made.old, new=made.new)


class _Made(msgspec.Struct, frozen=True):
    old: str
    new: str


async def _letters(tx: Transaction, auth: Auth, user: UUID, current: str, asked: Asked) -> list[Mail]:
    """Where there was no confirmed address, the new one confirms alone."""
    new, back = asked.email, asked.redirect_to
    both = await tx.value(sql.begin_email_change, user=user, email=new) == 0
    pairs = [(NEW_ADDRESS, new), *([(CURRENT_ADDRESS, current)] if both else [])]
    return [
        await occasions.write(tx, auth, occasion, user, to, redirect_to=back, challenge=asked.challenge, new=new)
        for occasion, to in pairs
    ]
