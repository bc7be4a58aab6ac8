"""Communities: founding, reading, editing, closing, and following."""

from typing import Any
from uuid import UUID

import msgspec

from vently.communities.shapes import Community, CommunityChanges, CommunityFilters, NewCommunity
from vently.database.pool import Document, Listing, Transaction
from vently.database.queries import load
from vently.refusals import Invalid, NotAllowed, NotFound, Stale
from vently.web.merge_patch import changes
from vently.web.references import split

sql = load(__package__)


class Teammate(msgspec.Struct, frozen=True):
    """Somebody who runs a community."""

    handle: str
    name: str
    role: str


class Found(msgspec.Struct):
    """Where a new row stands."""

    id: UUID


async def create(tx: Transaction, new: NewCommunity) -> Document:
    """The founder owns it. Raises Conflict when the slug is taken."""
    fields = msgspec.structs.asdict(new)
    made = await tx.one(sql.create_community, Found, join_policy=fields.pop("join"), **fields)
    return await tx.one(sql.get_community, Document, id=made.id, slug=None)


async def read(tx: Transaction, community: str) -> Document:
    return await tx.one(sql.get_community, Document, **split(community))


async def edit(tx: Transaction, community: str, patch: CommunityChanges, *, version: int | None) -> Document:
    """Raises NotAllowed for all but admins, Stale when it is not at `version`."""
    fields = changes(patch)
    if ("lat" in fields) != ("lng" in fields):
        raise Invalid.at("/lat", "lat and lng go together")
    if "join" in fields:
        fields["join_policy"] = fields.pop("join")
    done = await tx.maybe_one(sql.update_community, Found, changes=fields, version=version, **split(community))
    if done is None:
        raise await _why_not(tx, community, version, "Only admins of this community may change it.")
    return await tx.one(sql.get_community, Document, id=done.id, slug=None)


async def close(tx: Transaction, community: str, *, version: int | None) -> None:
    """Delete a community with its events. Raises NotAllowed for all but owners."""
    if not await tx.execute(sql.delete_community, version=version, **split(community)):
        raise await _why_not(tx, community, version, "Only an owner of this community may close it.")


async def search(tx: Transaction, filters: CommunityFilters, after: Any) -> Listing:
    key, last = after or (None, None)
    return await tx.one(
        sql.list_communities,
        Listing,
        q=filters.q,
        city=filters.city,
        mine=filters.mine,
        count=filters.limit,
        after_key=key,
        after_id=last,
    )


async def mine(tx: Transaction) -> list[Community]:
    """Those the viewer belongs to."""
    return msgspec.json.decode(await tx.value(sql.list_my_communities), type=list[Community])


async def team(tx: Transaction, community_id: UUID) -> list[Teammate]:
    """Who runs it, owners first."""
    return await tx.many(sql.list_run_by, Teammate, community_id=community_id)


async def follow(tx: Transaction, community: str) -> Document:
    if not await tx.value(sql.follow_community, **split(community)):
        raise NotFound
    return await read(tx, community)


async def unfollow(tx: Transaction, community: str) -> None:
    if not await tx.value(sql.unfollow_community, **split(community)):
        raise NotFound


async def _why_not(tx: Transaction, community: str, version: int | None, sentence: str) -> Exception:
    """Row-level security touched no row: is it out of sight, changed meanwhile, or not theirs?"""
    found = await read(tx, community)
    return Stale() if version is not None and found.version != version else NotAllowed(sentence)
