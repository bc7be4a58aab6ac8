"""Accounts under the secret key: listed, made, changed, banned, deleted."""

import base64
import hashlib
from typing import Any
from uuid import UUID

import msgspec

from vently.database.pool import Transaction
from vently.database.queries import load
from vently.supabase.auth.administration.attributes import Attributes, Judged, judged
from vently.supabase.auth.auth import Auth
from vently.supabase.auth.errors import AuthError
from vently.supabase.auth.saving import saving
from vently.supabase.auth.sessions import sessions
from vently.supabase.auth.users import User, check_metadata, new_id, user_of

sql = load(__package__)


class _Row(msgspec.Struct, frozen=True):
    person: dict[str, Any]
    identities: list[dict[str, Any]] | None
    factors: list[dict[str, Any]] | None

    @property
    def user(self) -> User:
        return user_of(self.person, self.identities, self.factors)


async def page(auth: Auth, *, page: int, per_page: int, filter: str = "") -> tuple[list[User], int]:  # noqa: A002
    """Newest first, and how many there are in all."""
    async with auth.acting() as tx:
        total = await tx.value(sql.count_users, filter=filter)
        rows = await tx.many(sql.list_users, _Row, filter=filter, count=per_page, skip=(page - 1) * per_page)
    return [row.user for row in rows], total


async def read(auth: Auth, user: UUID) -> User:
    async with auth.acting() as tx:
        return await shown(tx, user)


async def create(auth: Auth, asked: Attributes) -> User:
    """No letter is sent: the account is confirmed when `email_confirm` says so."""
    if not asked.email and not asked.phone:
        raise AuthError("validation_failed", "Cannot create a user without either an email or phone")
    judgement = await judged(asked)
    user = asked.id or new_id()
    with saving("creating new user"):
        async with auth.acting() as tx:
            if await tx.value(sql.email_is_taken, email=judgement.email, user=user):
                raise email_exists()
            created = await tx.value(sql.create_user, id=user, **_values(judgement))
            if created is None:
                raise AuthError("conflict", "A user with this id exists already", 409)
            return await shown(tx, user)


async def change(auth: Auth, user: UUID, asked: Attributes) -> User:
    """A new password and a ban end every session."""
    judgement = await judged(asked)
    with saving("updating user"):
        async with auth.acting() as tx:
            before = await shown(tx, user)
            check_metadata({**before.user_metadata, **judgement.user_metadata})
            check_metadata({**before.app_metadata, **judgement.app_metadata})
            if judgement.email and await tx.value(sql.email_is_taken, email=judgement.email, user=user):
                raise email_exists()
            await tx.execute(
                sql.change_user,
                user=user,
                user_dropped=_nulls(judgement.user_metadata),
                app_dropped=_nulls(judgement.app_metadata),
                shut=bool(judgement.password or judgement.ban),
                **_values(judgement),
            )
            return await shown(tx, user)


async def delete(auth: Auth, user: UUID, *, soft: bool) -> None:
    """Soft: nobody can sign in or be recognised any more, but the account's id stays."""
    with saving("deleting user"):
        async with auth.acting() as tx:
            before = await shown(tx, user)
            if soft:
                await tx.execute(sql.hide_user, user=user, hide_email=_hidden(user, before.email))
            else:
                await tx.execute(sql.delete_user, user=user)


async def factors(auth: Auth, user: UUID) -> list[dict[str, Any]]:
    return (await read(auth, user)).factors


async def delete_factor(auth: Auth, user: UUID, factor: UUID) -> dict[str, Any]:
    """For who has lost it. Sessions that it has raised are at AAL1 again."""
    async with auth.acting() as tx:
        before = await shown(tx, user)
        if await tx.value(sql.delete_factor, user=user, factor=factor) is None:
            raise AuthError("mfa_factor_not_found", "Factor not found", 404)
        others = [each for each in before.factors if UUID(each["id"]) != factor]
        await sessions.lower(tx, user, factor, last=all(each["status"] != "verified" for each in others))
    return next(each for each in before.factors if UUID(each["id"]) == factor)


async def shown(tx: Transaction, user: UUID) -> User:
    found = await tx.maybe_one(sql.get_user, _Row, user=user)
    if found is None:
        raise AuthError("user_not_found", "User not found", 404)
    return found.user


def email_exists() -> AuthError:
    return AuthError("email_exists", "A user with this email address has already been registered", 422)


def _values(judgement: Judged) -> dict[str, Any]:
    return {name: getattr(judgement, name) for name in judgement.__struct_fields__}


def _nulls(data: dict[str, Any]) -> list[str]:
    return [name for name, value in data.items() if value is None]


def _hidden(user: UUID, value: str) -> str | None:
    """As Supabase Auth hides it: nobody finds the address in it, whoever has the address finds the account."""
    if not value:
        return None
    return base64.urlsafe_b64encode(hashlib.sha256(f"{user}{value}".encode()).digest()).rstrip(b"=").decode()
