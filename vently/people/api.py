"""People over HTTP: `/api/me` and `/api/people`."""

from typing import Any

from vently.database.pool import Database, Viewer
from vently.people import profiles
from vently.people.profiles import Handle, Me, Person, ProfileChanges, Terms
from vently.web import conditional, facts
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


@get("/api/people/{handle}", answers=Person, may=(404,), versioned=True, tag=TAG)
async def read_person(request: Any, viewer: Viewer, db: Database, handle: Handle) -> Answer:
    """Somebody's public profile"""
    async with db.acting_as(viewer) as tx:
        found = await profiles.person(tx, handle)
    return conditional.answer(request, found.body.encode(), version=found.version)


@put("/api/people/{handle}/follow", answers=Person, signed_in=True, may=(404,), tag=TAG)
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


ROUTES = [read_me, edit_me, become_organizer, read_person, follow, unfollow]
