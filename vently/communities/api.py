"""Communities over HTTP: `/api/communities`."""

from typing import Any

from vently.communities import communities, members
from vently.communities.shapes import (
    Communities,
    Community,
    CommunityChanges,
    CommunityFilters,
    Member,
    MemberChanges,
    MemberFilters,
    Members,
    Membership,
    NewCommunity,
    PersonReference,
)
from vently.database.pool import Database, Transaction, Viewer
from vently.web import conditional, cursors, lists
from vently.web.answers import Answer, created, nothing
from vently.web.conditional import wanted_version
from vently.web.idempotency import once
from vently.web.routes import delete, get, patch, post, put
from vently.web.words import Reference

TAG = "Communities"


@get("/api/communities", answers=Communities, may=(422,), tag=TAG)
async def list_communities(request: Any, viewer: Viewer, db: Database, query: CommunityFilters) -> Answer:
    """Find communities"""
    after = cursors.read(request, "communities", query, query.cursor, tuple[str, str])
    async with db.reading_as(viewer) as tx:
        found = await communities.search(tx, query, after)
    return lists.answer(request, found.items, lists.after(request, "communities", query, found))


@post("/api/communities", answers=Community, signed_in=True, once=True, may=(409,), tag=TAG)
async def create_community(request: Any, viewer: Viewer, data: NewCommunity) -> Answer:
    """Found a community: the founder owns it"""

    async def found(tx: Transaction) -> Answer:
        made = await communities.create(tx, data)
        return created(made.body.encode(), lists.location(request, made.body, "/api/communities"))

    return await once(request, viewer, found)


@get("/api/communities/{community}", answers=Community, may=(404,), versioned=True, tag=TAG)
async def read_community(request: Any, viewer: Viewer, db: Database, community: Reference) -> Answer:
    """One community"""
    async with db.reading_as(viewer) as tx:
        found = await communities.read(tx, community)
    return conditional.answer(request, found.body.encode(), version=found.version)


@patch("/api/communities/{community}", answers=Community, signed_in=True, may=(403, 404, 409), versioned=True, tag=TAG)
async def edit_community(
    request: Any, viewer: Viewer, db: Database, community: Reference, data: CommunityChanges
) -> Answer:
    """Change a community (its admins)"""
    async with db.acting_as(viewer) as tx:
        found = await communities.edit(tx, community, data, version=wanted_version(request))
    return conditional.answer(request, found.body.encode(), version=found.version)


@delete("/api/communities/{community}", signed_in=True, may=(403, 404), versioned=True, tag=TAG)
async def close_community(request: Any, viewer: Viewer, db: Database, community: Reference) -> Answer:
    """Delete a community with its events (its owners)"""
    async with db.acting_as(viewer) as tx:
        await communities.close(tx, community, version=wanted_version(request))
    return nothing()


@put("/api/communities/{community}/follow", answers=Community, signed_in=True, may=(404,), tag=TAG)
async def follow(viewer: Viewer, db: Database, community: Reference) -> Answer:
    """Follow a community: its events come to you"""
    async with db.acting_as(viewer) as tx:
        found = await communities.follow(tx, community)
    return Answer(found.body.encode())


@delete("/api/communities/{community}/follow", signed_in=True, may=(404,), tag=TAG)
async def unfollow(viewer: Viewer, db: Database, community: Reference) -> Answer:
    """Stop following a community"""
    async with db.acting_as(viewer) as tx:
        await communities.unfollow(tx, community)
    return nothing()


@put("/api/communities/{community}/membership", answers=Membership, signed_in=True, may=(403, 404), tag=TAG)
async def join(viewer: Viewer, db: Database, community: Reference) -> Answer:
    """Join a community, or ask to"""
    async with db.acting_as(viewer) as tx:
        return Answer(await members.join(tx, community))


@delete("/api/communities/{community}/membership", signed_in=True, may=(404, 409), tag=TAG)
async def leave(viewer: Viewer, db: Database, community: Reference) -> Answer:
    """Leave a community"""
    async with db.acting_as(viewer) as tx:
        await members.leave(tx, community)
    return nothing()


@get("/api/communities/{community}/members", answers=Members, may=(404, 422), tag=TAG)
async def list_members(
    request: Any, viewer: Viewer, db: Database, community: Reference, query: MemberFilters
) -> Answer:
    """Who belongs to a community, as far as the viewer may see"""
    name = f"members of {community}"
    after = cursors.read(request, name, query, query.cursor, tuple[str, str])
    async with db.acting_as(viewer) as tx:
        found = await members.members(tx, community, query, after)
    return lists.answer(request, found.items, lists.after(request, name, query, found))


@patch("/api/communities/{community}/members/{person}", answers=Member, signed_in=True, may=(403, 404, 409), tag=TAG)
async def change_member(
    viewer: Viewer, db: Database, community: Reference, person: PersonReference, data: MemberChanges
) -> Answer:
    """Give a role, approve a request, ban (admins)"""
    async with db.acting_as(viewer) as tx:
        return Answer((await members.change(tx, community, person, data)).body.encode())


@delete("/api/communities/{community}/members/{person}", signed_in=True, may=(403, 404, 409), tag=TAG)
async def remove_member(viewer: Viewer, db: Database, community: Reference, person: PersonReference) -> Answer:
    """Take somebody out of a community (admins)"""
    async with db.acting_as(viewer) as tx:
        await members.remove(tx, community, person)
    return nothing()


ROUTES = [
    list_communities,
    create_community,
    read_community,
    edit_community,
    close_community,
    follow,
    unfollow,
    join,
    leave,
    list_members,
    change_member,
    remove_member,
]
