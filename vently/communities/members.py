"""Members: joining, leaving, roles, requests and bans."""

from datetime import datetime
from typing import Any

from vently.communities import communities
from vently.communities.shapes import MemberChanges, MemberFilters, Membership
from vently.database.pool import Document, Listing, Transaction
from vently.database.queries import load
from vently.refusals import NotAllowed, NotFound
from vently.web.references import split

sql = load(__package__)


class InviteOnly(NotAllowed):
    """This community is joined by invitation: ask one of its admins."""

    type = "invite-only"


class Banned(NotAllowed):
    """You cannot join this community."""

    type = "banned"


async def join(tx: Transaction, community: str) -> Membership:
    """At once where it is open, requested where admins approve. Joining twice changes nothing."""
    named = split(community)
    if (standing := await tx.maybe_one(sql.get_membership, Membership, **named)) is None:
        try:
            await tx.execute(sql.join_community, **named)
        except NotAllowed:
            raise InviteOnly from None
        standing = await tx.one(sql.get_membership, Membership, **named)
    if standing.status == "banned":
        raise Banned
    return standing


async def leave(tx: Transaction, community: str) -> None:
    """Raises Conflict for the last owner. Leaving where one is not changes nothing."""
    if not await tx.execute(sql.leave_community, **split(community)):
        await communities.read(tx, community)


async def members(tx: Transaction, community: str, filters: MemberFilters, after: Any) -> Listing:
    """Members see each other; others see an empty list."""
    await communities.read(tx, community)
    key, last = after or (None, None)
    return await tx.one(
        sql.list_members,
        Listing,
        status=filters.status,
        count=filters.limit,
        after_key=datetime.fromisoformat(key) if key else None,
        after_id=last,
        **split(community),
    )


async def change(tx: Transaction, community: str, person: str, wanted: MemberChanges) -> Document:
    """Raises NotAllowed for all but admins; owners alone make and unmake owners."""
    done = await tx.maybe_one(
        sql.set_member, Document, role=wanted.role, status=wanted.status, person=person, **split(community)
    )
    if done is None:
        raise await _why_not(tx, community, person)
    return done


async def remove(tx: Transaction, community: str, person: str) -> None:
    if not await tx.execute(sql.remove_member, person=person, **split(community)):
        raise await _why_not(tx, community, person)


async def _why_not(tx: Transaction, community: str, person: str) -> Exception:
    await communities.read(tx, community)
    seen = await tx.value(sql.sees_member, person=person, **split(community))
    return NotAllowed("Only admins may do this, and only owners to an owner.") if seen else NotFound()
