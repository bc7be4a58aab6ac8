"""Pages of people: one's profile, somebody's page, becoming an organiser. Signing in has pages of its own."""

from typing import Any, Literal

import msgspec

from vently.database.pool import Database, Viewer
from vently.people import profiles
from vently.people.profiles import Handle, Me, Person, ProfileChanges, Terms
from vently.refusals import Conflict, Invalid, Refusal
from vently.web import facts, flashes, forms, pages
from vently.web.answers import Answer, redirect
from vently.web.form_pages import as_shape, typed, wrong
from vently.web.prose import markdown
from vently.web.routes import get, post


@get("/me/profile", signed_in=True)
async def profile(request: Any, viewer: Viewer, db: Database) -> Answer:
    """My profile"""
    me = await _me(viewer, db)
    filled = {name: getattr(me, name) or "" for name in ("name", "handle", "bio", "city", "country")}
    return await _profile(request, me, filled)


@post("/me/profile", signed_in=True)
async def save_profile(request: Any, viewer: Viewer, db: Database) -> Answer:
    """Save my profile"""
    sent = typed(await forms.fields(request))
    texts = {name: sent.get(name, "").strip() for name in ("name", "handle", "bio")}
    places = {name: sent.get(name, "").strip() or None for name in ("city", "country")}
    try:
        async with db.acting_as(viewer) as tx:
            await profiles.edit(tx, as_shape(ProfileChanges, {**texts, **places}), version=None)
    except (Invalid, Conflict) as refused:
        return await _profile(request, await _me(viewer, db), sent, refused)
    flashes.leave(request, "ok", "Saved.")
    return redirect("/me")


class TermsForm(msgspec.Struct):
    """The box that is ticked."""

    terms: Literal["accepted"]


@post("/me/organizer", signed_in=True)
async def become_organizer(request: Any, viewer: Viewer, db: Database) -> Answer:
    """Become an organiser"""
    await forms.read(request, TermsForm)
    approval = facts.of(request).parts.settings.organizer_approval
    async with db.acting_as(viewer) as tx:
        await profiles.become_organizer(tx, Terms(terms_accepted=True), approval=approval)
    said = "You can publish events now." if approval == "automatic" else "Asked: a platform admin will look at it."
    flashes.leave(request, "ok", said)
    return redirect("/me#hosting")


@get("/people/{handle}")
async def show_person(request: Any, viewer: Viewer, db: Database, handle: Handle) -> Answer:
    """Somebody's page"""
    agenda = facts.of(request).parts.other["agenda_of_person"]
    async with db.reading_as(viewer) as tx:
        person = msgspec.json.decode((await profiles.person(tx, handle)).body, type=Person)
        hosting = await agenda(tx, handle)
    return await pages.page(
        request,
        "people/person.html",
        person=person,
        bio_html=markdown(person.bio) if person.bio else "",
        following=person.following,
        is_me=person.id == viewer.id,
        hosting=hosting,
        communities=[],
    )


class FollowForm(msgspec.Struct):
    """Which button was pressed."""

    following: Literal["yes", "no"]


@post("/people/{handle}/follow", signed_in=True)
async def follow(request: Any, viewer: Viewer, db: Database, handle: Handle) -> Answer:
    """Follow, or stop following"""
    form = await forms.read(request, FollowForm)
    try:
        async with db.acting_as(viewer) as tx:
            if form.following == "yes":
                await profiles.follow(tx, handle)
            else:
                await profiles.unfollow(tx, handle)
    except Conflict as refused:
        flashes.leave(request, "error", refused.detail)
    return redirect(f"/people/{handle}")


async def _profile(request: Any, me: Me, form: dict[str, str], refused: Refusal | None = None) -> Answer:
    return await pages.page(
        request,
        "people/me.html",
        status=refused.status if refused else 200,
        me=me,
        form=form,
        errors=wrong(refused) if refused else {},
    )


async def _me(viewer: Viewer, db: Database) -> Me:
    async with db.acting_as(viewer) as tx:
        return msgspec.json.decode((await profiles.me(tx)).body, type=Me)


ROUTES = [profile, save_profile, become_organizer, show_person, follow]
