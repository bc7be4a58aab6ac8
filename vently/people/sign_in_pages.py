"""Pages of signing up, in and out with a password."""

from contextlib import suppress
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from vently.database.pool import Viewer
from vently.people import flows, sentences
from vently.people.entering import enter, speaking, still_in
from vently.refusals import Invalid, Refusal
from vently.supabase.accounts import Account
from vently.supabase.auth.errors import AuthError
from vently.web import facts, flashes, forms, pages
from vently.web import viewer as viewers
from vently.web.answers import Answer, redirect
from vently.web.form_pages import ours, typed
from vently.web.routes import get, post
from vently.web.words import line

Address = Annotated[str, Meta(max_length=254)]
Goal = Annotated[str, Meta(max_length=2000)]

NAMES = {
    "apple": "Apple", "azure": "Microsoft", "facebook": "Facebook", "github": "GitHub", "gitlab": "GitLab",
    "google": "Google", "linkedin_oidc": "LinkedIn", "slack_oidc": "Slack", "twitter": "X", "x": "X",
}  # fmt: skip
"""What other sites are called."""


class Gate(msgspec.Struct):
    """`next`: where to go afterwards."""

    next: Goal = ""


class SignUpForm(msgspec.Struct):
    """A new account."""

    name: Annotated[str, line(80)]
    email: Address
    password: Annotated[str, Meta(max_length=1000)]
    next: str = ""


class SignInForm(msgspec.Struct):
    """Who they say they are."""

    email: Address
    password: Annotated[str, Meta(max_length=1000)]
    next: str = ""


@get("/sign-up")
async def sign_up_page(request: Any, viewer: Viewer, query: Gate) -> Answer:
    """An empty form"""
    if await still_in(request, viewer):
        return redirect(ours(query.next))
    return await gate(request, "sign_up", query.next)


@post("/sign-up")
async def sign_up(request: Any) -> Answer:
    """Make an account; where addresses must be confirmed, a mail comes first"""
    sent = typed(await forms.fields(request))
    try:
        form = await forms.read(request, SignUpForm)
        flow = flows.begin(request, "sign-up", goal=ours(form.next), email=form.email)
        made = await speaking(request).sign_up(
            form.email, form.password, {"name": form.name}, challenge=flow.challenge, back=flows.back(request)
        )
    except (Invalid, AuthError) as refused:
        return await gate(request, "sign_up", sent.get("next", ""), sent, refused)
    if isinstance(made, Account):
        return redirect("/sign-in/code")
    flows.end(request)
    flashes.leave(request, "ok", f"Welcome, {form.name}!")
    return enter(request, made, form.next)


@get("/sign-in")
async def sign_in_page(request: Any, viewer: Viewer, query: Gate) -> Answer:
    """An empty form, and the other ways in"""
    if await still_in(request, viewer):
        return redirect(ours(query.next))
    return await gate(request, "sign_in", query.next)


@post("/sign-in")
async def sign_in(request: Any) -> Answer:
    """Sign in with a password"""
    sent = typed(await forms.fields(request))
    try:
        form = await forms.read(request, SignInForm)
        session = await speaking(request).sign_in(form.email, form.password)
    except (Invalid, AuthError) as refused:
        if isinstance(refused, AuthError) and refused.code == "email_not_confirmed":
            flows.begin(request, "sign-up", goal=ours(sent.get("next", "")), email=sent["email"])
            flashes.leave(request, "error", "Confirm your address first, with the code from our mail.")
            return redirect("/sign-in/code")
        return await gate(request, "sign_in", sent.get("next", ""), sent, refused)
    return enter(request, session, form.next)


@post("/sign-out")
async def sign_out(request: Any, viewer: Viewer) -> Answer:
    """End this session"""
    if viewer.session_id:
        with suppress(AuthError):  # it may have been ended from elsewhere
            await speaking(request).sign_out("local")
    viewers.forget(request)
    flows.end(request)
    return redirect("/")


async def gate(
    request: Any, which: str, goal: str, form: dict[str, str] | None = None, refused: Refusal | None = None
) -> Answer:
    """The form of sign-up or sign-in, again with what was wrong."""
    shown = {name: value for name, value in (form or {}).items() if name != "password"}
    offer = await speaking(request).offer()
    return await pages.page(
        request,
        f"people/{which}.html",
        status=status_of(refused),
        form=shown,
        errors=sentences.told(refused) if refused else {},
        next=ours(goal),
        offer=offer,
        providers=[(name, called(request, name)) for name in offer.providers],
    )


def status_of(refused: Refusal | None) -> int:
    """Of a form's page: 422, so that browsers and htmx know; too many stays 429."""
    if refused is None:
        return 200
    return refused.status if refused.status == 429 else 422  # noqa: PLR2004 - too many requests


def called(request: Any, provider: str) -> str:
    """What people call another site."""
    settings = facts.of(request).parts.settings
    if provider == settings.oidc_name:
        return settings.oidc_label
    return NAMES.get(provider) or provider.replace("_", " ").replace("-", " ").capitalize()


ROUTES = [sign_up_page, sign_up, sign_in_page, sign_in, sign_out]
