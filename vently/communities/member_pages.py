"""Pages of members: who belongs, who waits; admins approve, give roles, remove and ban."""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from vently.communities import communities, members
from vently.communities.shapes import Community, Member, MemberChanges, MemberFilters, PersonReference, Role
from vently.database.pool import Database, Viewer
from vently.refusals import Refusal
from vently.web import cursors, flashes, forms, lists, pages
from vently.web.answers import Answer, redirect
from vently.web.routes import get, post
from vently.web.words import Reference


class Look(msgspec.Struct):
    """Which of them."""

    status: Literal["", "requested", "banned"] = ""
    cursor: Annotated[str, Meta(max_length=2000)] = ""


@get("/communities/{community}/members", signed_in=True)
async def show_members(request: Any, viewer: Viewer, db: Database, community: Reference, query: Look) -> Answer:
    """Who belongs, as far as the viewer may see"""
    name, inputs = f"members page of {community}", {"status": query.status}
    after = cursors.read(request, name, inputs, query.cursor or None, tuple[str, str])
    async with db.acting_as(viewer) as tx:
        found = msgspec.json.decode((await communities.read(tx, community)).body, type=Community)
        listing = await members.members(tx, community, MemberFilters(status=query.status or "active", limit=50), after)
    role = found.role if found.membership and found.membership.status == "active" else None
    return await pages.page(
        request,
        "communities/members.html",
        community=found,
        members=msgspec.json.decode(listing.items, type=list[Member]),
        next=lists.after(request, name, inputs, listing),
        filters={**inputs, "cursor": query.cursor},
        can={"manage": role in ("admin", "owner"), "own": role == "owner"},
    )


class MemberForm(msgspec.Struct):
    """Which button was pressed."""

    role: Role | None = None
    status: Literal["active", "banned"] | None = None
    remove: Literal["1"] | None = None


@post("/communities/{community}/members/{person}", signed_in=True)
async def change_member(
    request: Any, viewer: Viewer, db: Database, community: Reference, person: PersonReference
) -> Answer:
    """Approve, give a role, remove, ban"""
    form = await forms.read(request, MemberForm)
    try:
        async with db.acting_as(viewer) as tx:
            if form.remove:
                await members.remove(tx, community, person)
            else:
                role = None if form.status else form.role
                await members.change(tx, community, person, MemberChanges(role, form.status))
    except Refusal as refused:
        flashes.leave(request, "error", refused.detail)
    else:
        flashes.leave(request, "ok", "Removed." if form.remove else "Saved.")
    return redirect(f"/communities/{community}/members")


ROUTES = [show_members, change_member]
