"""Pages of people: sign up, sign in and out, one's profile, somebody's page, becoming an organiser."""

from contextlib import suppress
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from vently.database.pool import Database, Viewer
from vently.people import profiles
from vently.people.profiles import Handle, Me, Person, ProfileChanges, Terms
from vently.refusals import Conflict, Invalid, Refusal
from vently.supabase.auth.accounts import accounts
from vently.supabase.auth.auth import Auth
from vently.supabase.auth.devices import Device
from vently.supabase.auth.errors import AuthError
from vently.supabase.auth.sessions import sessions
from vently.web import facts, flashes, forms, pages
from vently.web import viewer as viewers
from vently.web.answers import Answer, redirect
from vently.web.form_pages import as_shape, ours, typed, wrong
from vently.web.prose import markdown
from vently.web.routes import get, post
from vently.web.words import line

INPUTS = {
    "validation_failed": "/email",
    "user_already_exists": "/email",
    "email_exists": "/email",
    "weak_password": "/password",
}
"""Which input an error of sign-in belongs to."""


class Gate(msgspec.Struct):
    """`next`: where to go afterwards."""

    next: Annotated[str, Meta(max_length=2000)] = ""


class SignUpForm(msgspec.Struct):
    """A new account."""

    name: Annotated[str, line(80)]
    email: Annotated[str, Meta(max_length=254)]
    password: Annotated[str, Meta(max_length=1000)]
    next: str = ""


class SignInForm(msgspec.Struct):
    """Who they say they are."""

    email: Annotated[str, Meta(max_length=254)]
    password: Annotated[str, Meta(max_length=1000)]
    next: str = ""


@get("/sign-up")
async def sign_up_page(request: Any, viewer: Viewer, query: Gate) -> Answer:
    """An empty form"""
    return redirect(ours(query.next)) if viewer.id else await _gate(request, "sign_up", query.next)


@post("/sign-up")
async def sign_up(request: Any) -> Answer:
    """Make an account"""
    sent = typed(await forms.fields(request))
    try:
        form = await forms.read(request, SignUpForm)
        session = await accounts.sign_up(
            _auth(request), form.email, form.password, {"name": form.name}, device=_device(request)
        )
    except (Invalid, AuthError) as refused:
        return await _gate(request, "sign_up", sent.get("next", ""), sent, refused)
    viewers.remember(request, _cookies(session))
    flashes.leave(request, "ok", f"Welcome, {form.name}!")
    return redirect(ours(form.next))


@get("/sign-in")
async def sign_in_page(request: Any, viewer: Viewer, query: Gate) -> Answer:
    """An empty form"""
    return redirect(ours(query.next)) if viewer.id else await _gate(request, "sign_in", query.next)


@post("/sign-in")
async def sign_in(request: Any) -> Answer:
    """Sign in"""
    sent = typed(await forms.fields(request))
    try:
        form = await forms.read(request, SignInForm)
        session = await accounts.sign_in(_auth(request), form.email, form.password, device=_device(request))
    except (Invalid, AuthError) as refused:
        return await _gate(request, "sign_in", sent.get("next", ""), sent, refused)
    viewers.remember(request, _cookies(session))
    return redirect(ours(form.next))


@post("/sign-out")
async def sign_out(request: Any, viewer: Viewer) -> Answer:
    """End this session"""
    if viewer.session_id:
        with suppress(AuthError):  # it may have been ended from elsewhere
            await sessions.sign_out(_auth(request), viewer.session_id, "local")
    viewers.forget(request)
    return redirect("/")


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


async def _gate(
    request: Any, which: str, goal: str, form: dict[str, str] | None = None, refused: Refusal | None = None
) -> Answer:
    shown = {name: value for name, value in (form or {}).items() if name != "password"}
    return await pages.page(
        request,
        f"people/{which}.html",
        status=422 if refused else 200,
        form=shown,
        errors=_errors(refused) if refused else {},
        next=ours(goal),
    )


def _errors(refused: Refusal) -> dict[str, str]:
    if not isinstance(refused, AuthError):
        return wrong(refused)
    return {INPUTS.get(refused.code, ""): refused.message}


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


def _auth(request: Any) -> Auth:
    auth: Auth = facts.of(request).parts.other["auth"]
    return auth


def _device(request: Any) -> Device:
    client = request.scope.get("client")
    return Device.of(request.headers.get("user-agent"), client[0] if client else None)


def _cookies(session: Any) -> facts.Session:
    return facts.Session(session.access_token, session.refresh_token, session.expires_in)


ROUTES = [
    sign_up_page,
    sign_up,
    sign_in_page,
    sign_in,
    sign_out,
    profile,
    save_profile,
    become_organizer,
    show_person,
    follow,
]
