"""Where links of mails and other sites come back to, and how one goes to another site."""

from typing import Annotated, Any
from urllib.parse import parse_qsl, urlencode

import msgspec
from msgspec import Meta

from vently.database.pool import Viewer
from vently.people import flows, sentences
from vently.people.entering import left, renew, speaking
from vently.people.flows import Flow
from vently.people.mail_pages import arrive
from vently.people.sign_in_pages import Goal, called
from vently.refusals import Invalid
from vently.supabase.accounts import Session
from vently.supabase.auth.errors import AuthError
from vently.supabase.client import SignIn
from vently.web import facts, flashes, forms, pages
from vently.web.answers import Answer, redirect
from vently.web.form_pages import ours
from vently.web.routes import get, post

Word = Annotated[str, Meta(max_length=2000)]


class Callback(msgspec.Struct):
    """`code` when all went well; `message` when one of two addresses has confirmed."""

    code: Word = ""
    error: Word = ""
    error_code: Word = ""
    message: Word = ""


class ProviderForm(msgspec.Struct):
    """Which site."""

    provider: Annotated[str, Meta(pattern=r"^[a-z0-9_:-]{1,60}\Z")]
    next: Goal = ""


@post("/sign-in/provider")
async def go_to_provider(request: Any) -> Answer:
    """On to another site, to sign in with it"""
    form = await forms.read(request, ProviderForm)
    await _check_offered(request, form.provider)
    flow = flows.begin(request, "provider", goal=ours(form.next))
    url = speaking(request).authorize_url(form.provider, challenge=flow.challenge, back=flows.back(request))
    return await _leave_for(request, url, form.provider)


@post("/me/security/identities", signed_in=True)
async def link(request: Any, viewer: Viewer) -> Answer:
    """On to another site, to link an account there to this one"""
    form = await forms.read(request, ProviderForm)
    await _check_offered(request, form.provider)
    flow = flows.begin(request, "link", goal="/me/security", person=str(viewer.id))
    try:
        url = await speaking(request).link_url(form.provider, challenge=flow.challenge, back=flows.back(request))
    except AuthError as refused:
        raise left(request, refused) from None
    return await _leave_for(request, url, form.provider)


class Offered(msgspec.Struct):
    """What an address to link with says; all of it goes along."""

    provider: Word = ""
    handle: Word = ""


@get("/sign-in/link")
async def ask_before_linking(request: Any, viewer: Viewer, query: Offered) -> Answer:  # noqa: ARG001 - asks who
    """Whether to link: the address came from elsewhere, and may be somebody else's"""
    sign_in: SignIn = facts.of(request).parts.other["sign_in"]
    url = f"{sign_in.place}/authorize?{urlencode(parse_qsl(request.scope['query_string'].decode('latin-1')))}"
    name = called(request, query.provider)
    return await pages.page(request, "people/linking.html", url=url, name=name)


@get("/sign-in/callback")
async def callback(request: Any, viewer: Viewer, query: Callback) -> Answer:
    """Back from a mail's link or another site"""
    flow = flows.current(request)
    if query.error or query.error_code:
        return await _stranded(request, flow, sentences.of_codes(query.error_code, query.error))
    if query.message:
        flashes.leave(request, "ok", "One address has confirmed; the other one has to, too. Look at its mail.")
        return redirect("/me/security" if viewer.id else "/sign-in")
    if not query.code or flow is None or not flow.verifier:
        return await _stranded(request, flow, "")
    try:
        session = await speaking(request).exchange(query.code, flow.verifier)
    except AuthError as refused:
        return await _stranded(request, flow, sentences.sentence(refused))
    if flow.kind in ("link", "email"):
        return await _changed(request, viewer, flow, session)
    return arrive(request, session, flow)


async def _changed(request: Any, viewer: Viewer, flow: Flow, session: Session) -> Answer:
    """Linking or a new address gives a session more than is needed: this browser goes on with its own, renewed."""
    flows.end(request)
    await renew(request, session)
    if viewer.id is None or str(viewer.id) != session.user.id:
        flashes.leave(request, "ok", "That is done. Sign in to see it.")
        return redirect("/sign-in?next=/me/security")
    flashes.leave(request, "ok", "Your new address counts now." if flow.kind == "email" else "Linked.")
    return redirect("/me/security")


async def _check_offered(request: Any, provider: str) -> None:
    if provider not in (await speaking(request).offer()).providers:
        raise Invalid.at("/provider", "is not one of the sites that can be signed in with here")


async def _leave_for(request: Any, url: str, provider: str) -> Answer:
    """A page that goes on by itself: a form may not be redirected to another site (`form-action`)."""
    if not url.startswith(("https://", "http://", "/auth/v1/")):
        raise Invalid("Sign-in named no address to go on to.")
    return await pages.page(request, "people/leaving.html", url=url, name=called(request, provider))


async def _stranded(request: Any, flow: Flow | None, trouble: str) -> Answer:
    """No session: say why, and which ways lead on."""
    return await pages.page(request, "people/callback.html", status=400 if trouble else 200, trouble=trouble, flow=flow)


ROUTES = [go_to_provider, link, ask_before_linking, callback]
