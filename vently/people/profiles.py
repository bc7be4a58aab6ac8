"""Profiles: the public face of an account, organiser status, and whom a person follows."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from vently.database.pool import Document, Transaction
from vently.database.queries import load
from vently.refusals import Conflict, Invalid, NotFound, Stale
from vently.web.merge_patch import changes
from vently.web.words import line, text

sql = load(__package__)

Handle = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9_]{1,29}\Z")]


class Yourself(Conflict):
    """You cannot follow yourself."""

    type = "yourself"


class OrganizerStatus(msgspec.Struct):
    """`requested` waits for a platform admin."""

    status: Literal["none", "requested", "approved"]
    since: datetime | None


class Me(msgspec.Struct):
    """The viewer's own account."""

    id: UUID
    handle: str
    name: str
    bio: str
    city: str | None
    country: str | None
    email: str | None
    organizer: OrganizerStatus
    platform_admin: bool
    url: str
    created_at: datetime
    updated_at: datetime


class Person(msgspec.Struct):
    """Somebody as anyone sees them."""

    id: UUID
    handle: str
    name: str
    bio: str
    city: str | None
    country: str | None
    organizer: bool
    followers: int
    following: bool
    url: str
    created_at: datetime


class ProfileChanges(msgspec.Struct, forbid_unknown_fields=True):
    """JSON Merge Patch of the viewer's profile."""

    handle: Handle | UnsetType = UNSET
    name: Annotated[str, line(80)] | UnsetType = UNSET
    bio: Annotated[str, text(2000)] | UnsetType = UNSET
    city: Annotated[str, line(120)] | None | UnsetType = UNSET
    country: Annotated[str, line(80)] | None | UnsetType = UNSET


class Terms(msgspec.Struct, forbid_unknown_fields=True):
    """What an organiser agrees to."""

    terms_accepted: Annotated[bool, Meta(extra_json_schema={"const": True})]


class Portrait(msgspec.Struct, frozen=True):
    """The viewer as the head of every page shows them."""

    handle: str
    name: str
    organizer: bool


class Account(msgspec.Struct, frozen=True):
    """An account as the command line finds it."""

    id: UUID
    email: str


async def portrait(tx: Transaction) -> Portrait | None:
    return await tx.maybe_one(sql.get_portrait, Portrait)


async def me(tx: Transaction) -> Document:
    return await tx.one(sql.get_me, Document)


async def edit(tx: Transaction, patch: ProfileChanges, *, version: int | None) -> Document:
    """Raises Stale when the profile is not at `version`."""
    if not await tx.execute(sql.update_me, changes=changes(patch), version=version):
        await me(tx)
        raise Stale
    return await me(tx)


async def become_organizer(tx: Transaction, terms: Terms, *, approval: str) -> Document:
    """At once, or asked for when the operator approves by hand. Saying it twice changes nothing."""
    if not terms.terms_accepted:
        raise Invalid.at("/terms_accepted", "must be true: an organiser accepts the terms")
    await tx.execute(sql.become_organizer, approval=approval)
    return await me(tx)


async def person(tx: Transaction, handle: str) -> Document:
    return await tx.one(sql.get_person, Document, handle=handle)


async def follow(tx: Transaction, handle: str) -> Document:
    """Following twice changes nothing. Raises Conflict for oneself."""
    try:
        followed = await tx.value(sql.follow_person, handle=handle)
    except Invalid:
        raise Yourself from None
    if not followed:
        raise NotFound
    return await person(tx, handle)


async def unfollow(tx: Transaction, handle: str) -> None:
    if not await tx.value(sql.unfollow_person, handle=handle):
        raise NotFound


async def account(tx: Transaction, email: str) -> Account:
    """Raises NotFound for an address nobody signed up with."""
    found = await tx.maybe_one(sql.find_account, Account, email=email)
    if found is None:
        raise NotFound(f"Nobody signed up with {email}; they sign up first.")
    return found


async def promote(tx: Transaction, email: str) -> None:
    """Make someone platform admin. Raises Conflict when they are one already."""
    if not await tx.execute(sql.promote, person_id=(await account(tx, email)).id):
        raise Conflict(f"{email} is a platform admin already.")


async def demote(tx: Transaction, email: str) -> None:
    """Make a platform admin an ordinary person. Raises Conflict when they are none, or the only one."""
    person = (await account(tx, email)).id
    await tx.execute(sql.lock_platform_admins)  # of two who demote each other at once, one stays
    if not await tx.value(sql.is_platform_admin, person_id=person):
        raise Conflict(f"{email} is no platform admin.")
    if not await tx.execute(sql.demote, person_id=person):
        raise Conflict(f"{email} is the only platform admin: promote somebody else first.")
