"""People over HTTP: `/api/me` and `/api/people`."""

from typing import Any
from uuid import UUID

from vently.database.pool import Database, Viewer
from vently.people import administration, profiles, sessions
from vently.people.administration import AccountChanges, PeopleAccounts, PeopleFilters, PersonAccount
from vently.people.profiles import Handle, Me, Person, ProfileChanges, Terms
from vently.people.sessions import MySessions
from vently.web import conditional, cursors, facts, lists
from vently.web.answers import Answer, nothing
from vently.web.conditional import wanted_version
from vently.web.routes import delete, get, patch, post, put

TAG = "People"


@get("/api/me", answers=Me, signed_in=True, versioned=True, tag=TAG)
async def read_me(request: Any, viewer: Viewer, db: Database) -> Answer:
    """The viewer's own account"""
    async with db.acting_as(viewer) as tx:
        found = await profiles.me(tx)
    return conditional.answer(request, found.body.encode(), version=found.version)


@patch("/api/me", answers=Me, signed_in=True, versioned=True, may=(409,), tag=TAG)
async def edit_me(request: Any, viewer: Viewer, db: Database, data: ProfileChanges) -> Answer:
    """Change the viewer's profile"""
    async with db.acting_as(viewer) as tx:
        found = await profiles.edit(tx, data, version=wanted_version(request))
    return conditional.answer(request, found.body.encode(), version=found.version)


@post("/api/me/organizer", answers=Me, status=200, signed_in=True, tag=TAG)
async def become_organizer(request: Any, viewer: Viewer, db: Database, data: Terms) -> Answer:
    """Become an event organiser by accepting the terms"""
    approval = facts.of(request).parts.settings.organizer_approval
    async with db.acting_as(viewer) as tx:
        found = await profiles.become_organizer(tx, data, approval=approval)
    return Answer(found.body.encode())


@get("/api/me/sessions", answers=MySessions, signed_in=True, tag=TAG)
async def list_sessions(viewer: Viewer, db: Database) -> Answer:
    """Where the viewer is signed in"""
    async with db.acting_as(viewer) as tx:
        return Answer(MySessions(await sessions.mine(tx)))


@delete("/api/me/sessions/{session}", signed_in=True, may=(404,), tag=TAG)
async def end_session(viewer: Viewer, db: Database, session: UUID) -> Answer:
    """Sign a browser or program out

    At once in Vently; other services that take its access token may do so until it expires, within the hour.
    """
    async with db.acting_as(viewer) as tx:
        await sessions.end(tx, session)
    return nothing()


@get("/api/people/{handle}", answers=Person, may=(404,), versioned=True, tag=TAG)
async def read_person(request: Any, viewer: Viewer, db: Database, handle: Handle) -> Answer:
    """Somebody's public profile"""
    async with db.reading_as(viewer) as tx:
        found = await profiles.person(tx, handle)
    return conditional.answer(request, found.body.encode(), version=found.version)


@put("/api/people/{handle}/follow", answers=Person, signed_in=True, may=(404, 409), tag=TAG)
async def follow(viewer: Viewer, db: Database, handle: Handle) -> Answer:
    """Follow somebody"""
    async with db.acting_as(viewer) as tx:
        found = await profiles.follow(tx, handle)
    return Answer(found.body.encode())


@delete("/api/people/{handle}/follow", signed_in=True, may=(404,), tag=TAG)
async def unfollow(viewer: Viewer, db: Database, handle: Handle) -> Answer:
    """Stop following somebody"""
    async with db.acting_as(viewer) as tx:
        await profiles.unfollow(tx, handle)
    return nothing()


@get("/api/admin/people", answers=PeopleAccounts, signed_in=True, may=(403, 422), tag="Administration")
async def list_people(request: Any, viewer: Viewer, db: Database, query: PeopleFilters) -> Answer:
    """People, for platform admins"""
    after = cursors.read(request, "people", query, query.cursor, tuple[str, str])
    async with db.acting_as(viewer) as tx:
        found = await administration.people(tx, query, after)
    return lists.answer(request, found.items, lists.after(request, "people", query, found))


@patch("/api/admin/people/{handle}", answers=PersonAccount, signed_in=True, may=(403, 404), tag="Administration")
async def decide(viewer: Viewer, db: Database, handle: Handle, data: AccountChanges) -> Answer:
    """Approve an organiser, or take the status back (platform admins)"""
    async with db.acting_as(viewer) as tx:
        return Answer((await administration.decide(tx, handle, data)).body.encode())


ROUTES = [
    read_me,
    edit_me,
    become_organizer,
    list_sessions,
    end_session,
    read_person,
    follow,
    unfollow,
    list_people,
    decide,
]
