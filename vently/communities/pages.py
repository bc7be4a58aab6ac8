"""Pages of communities: find one, see one, start and edit one, follow, join and leave."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from vently.communities import communities, members
from vently.communities.shapes import Community, CommunityChanges, CommunityFilters, NewCommunity
from vently.database.pool import Database, Viewer
from vently.refusals import Conflict, Invalid, NotAllowed, Refusal
from vently.web import cursors, facts, flashes, forms, lists, pages
from vently.web.answers import Answer, redirect
from vently.web.form_pages import as_shape, typed, wrong
from vently.web.prose import markdown
from vently.web.routes import get, post
from vently.web.words import Reference

Short = Annotated[str, Meta(max_length=200)]


class Browse(msgspec.Struct):
    """The inputs of the list; empty ones count as not given."""

    q: Short = ""
    city: Short = ""
    cursor: Annotated[str, Meta(max_length=2000)] = ""


class Look(msgspec.Struct):
    """Which page of its events."""

    cursor: Annotated[str, Meta(max_length=2000)] = ""


@get("/communities")
async def browse(request: Any, viewer: Viewer, db: Database, query: Browse) -> Answer:
    """Find communities"""
    inputs = {"q": query.q, "city": query.city}
    after = cursors.read(request, "communities page", inputs, query.cursor or None, tuple[str, str])
    filters = CommunityFilters(q=query.q.strip() or None, city=query.city.strip() or None, limit=24)
    async with db.reading_as(viewer) as tx:
        found = await communities.search(tx, filters, after)
    items = msgspec.json.decode(found.items, type=list[Community])
    return await pages.page(
        request,
        "communities/list.html",
        communities=items,
        next=lists.after(request, "communities page", inputs, found),
        filters={**inputs, "cursor": query.cursor},
    )


@get("/communities/new", signed_in=True)
async def new_community(request: Any) -> Answer:
    """An empty form"""
    return await _form(request, {"join": "open"})


@post("/communities/new", signed_in=True)
async def create_community(request: Any, viewer: Viewer, db: Database) -> Answer:
    """Start a community"""
    sent = typed(await forms.fields(request))
    try:
        new = as_shape(NewCommunity, {name: value for name, value in _fields(sent).items() if value is not None})
        async with db.acting_as(viewer) as tx:
            made = _decoded((await communities.create(tx, new)).body)
    except (Invalid, Conflict) as refused:
        return await _form(request, sent, refused=refused)
    flashes.leave(request, "ok", f"{made.name} is there. Invite your people!")
    return redirect(f"/communities/{made.slug}")


@get("/communities/{community}")
async def show_community(request: Any, viewer: Viewer, db: Database, community: Reference, query: Look) -> Answer:
    """One community with its events"""
    name = f"events of {community}"
    after = cursors.read(request, name, None, query.cursor or None, tuple[float, str])
    agenda = facts.of(request).parts.other["agenda"]
    async with db.reading_as(viewer) as tx:
        found = _decoded((await communities.read(tx, community)).body)
        team = await communities.team(tx, found.id)
        upcoming = await agenda(tx, found.slug, after)
        past = await agenda(tx, found.slug, None, until=datetime.now(UTC)) if not query.cursor else None
    role = found.membership.role if found.membership and found.membership.status == "active" else ""
    return await pages.page(
        request,
        "communities/community.html",
        community=found,
        description_html=markdown(found.description) if found.description else "",
        membership=found.membership,
        following=found.following,
        upcoming=upcoming.events,
        next=lists.after(request, name, None, upcoming.listing),
        past=past.events if past else [],
        filters={"cursor": query.cursor},
        people=team,
        can={"edit": role in ("admin", "owner"), "create_event": role in ("organizer", "admin", "owner")},
    )


@get("/communities/{community}/edit", signed_in=True)
async def edit_community(request: Any, viewer: Viewer, db: Database, community: Reference) -> Answer:
    """The form of a community that stands"""
    found = await _editable(viewer, db, community)
    filled = {name: getattr(found, name) or "" for name in ("name", "slug", "description", "city", "country", "join")}
    return await _form(request, filled, community=found)


@post("/communities/{community}/edit", signed_in=True)
async def save_community(request: Any, viewer: Viewer, db: Database, community: Reference) -> Answer:
    """Save changes"""
    sent = typed(await forms.fields(request))
    found = await _editable(viewer, db, community)
    try:
        patch = as_shape(CommunityChanges, {**_fields(sent), "slug": sent.get("slug", "").strip() or found.slug})
        async with db.acting_as(viewer) as tx:
            saved = _decoded((await communities.edit(tx, community, patch, version=None)).body)
    except (Invalid, Conflict, NotAllowed) as refused:
        return await _form(request, sent, community=found, refused=refused)
    flashes.leave(request, "ok", "Saved.")
    return redirect(f"/communities/{saved.slug}")


class FollowForm(msgspec.Struct):
    """Which button was pressed."""

    following: Literal["yes", "no"]


@post("/communities/{community}/follow", signed_in=True)
async def follow(request: Any, viewer: Viewer, db: Database, community: Reference) -> Answer:
    """Follow, or stop following"""
    form = await forms.read(request, FollowForm)
    async with db.acting_as(viewer) as tx:
        if form.following == "yes":
            await communities.follow(tx, community)
        else:
            await communities.unfollow(tx, community)
    return redirect(f"/communities/{community}")


class MembershipForm(msgspec.Struct):
    """Which button was pressed."""

    member: Literal["yes", "no"]


@post("/communities/{community}/membership", signed_in=True)
async def belong(request: Any, viewer: Viewer, db: Database, community: Reference) -> Answer:
    """Join, or leave"""
    form = await forms.read(request, MembershipForm)
    try:
        async with db.acting_as(viewer) as tx:
            if form.member == "no":
                await members.leave(tx, community)
                said = "You left."
            else:
                joined = await members.join(tx, community)
                said = "Welcome!" if joined.status == "active" else "Asked: an admin will look at it."
    except (Conflict, NotAllowed) as refused:
        flashes.leave(request, "error", refused.detail)
    else:
        flashes.leave(request, "ok", said)
    return redirect(f"/communities/{community}")


async def _editable(viewer: Viewer, db: Database, community: str) -> Community:
    async with db.acting_as(viewer) as tx:
        found = _decoded((await communities.read(tx, community)).body)
    if found.membership is None or found.membership.role not in ("admin", "owner"):
        raise NotAllowed("Only admins of this community may change it.")
    return found


async def _form(
    request: Any, form: dict[str, Any], *, community: Community | None = None, refused: Refusal | None = None
) -> Answer:
    return await pages.page(
        request,
        "communities/edit.html",
        status=refused.status if refused else 200,
        community=community,
        form=form,
        errors=wrong(refused) if refused else {},
    )


def _fields(form: dict[str, str]) -> dict[str, Any]:
    def text(name: str) -> str | None:
        return form.get(name, "").strip() or None

    return {
        "name": form.get("name", "").strip(),
        "slug": text("slug"),
        "description": form.get("description", "").strip(),
        "city": text("city"),
        "country": text("country"),
        "join": text("join") or "open",
    }


def _decoded(body: str) -> Community:
    return msgspec.json.decode(body, type=Community)


ROUTES = [
    browse,
    new_community,
    create_community,
    show_community,
    edit_community,
    save_community,
    follow,
    belong,
]
