"""Pages of sign-in by mail: a link or code to sign in with, the code of a new account, a forgotten password."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from vently.database.pool import Viewer
from vently.people import flows, sentences
from vently.people.entering import enter, my_account, speaking
from vently.people.flows import Flow
from vently.people.sign_in_pages import Address, Gate, Goal, gate, status_of
from vently.refusals import Invalid, Refusal
from vently.supabase.auth.errors import AuthError
from vently.web import flashes, forms, pages
from vently.web.answers import Answer, redirect
from vently.web.form_pages import ours, typed
from vently.web.routes import get, post

NEW_PASSWORD = "/sign-in/new-password"  # noqa: S105 - an address
KINDS = {"sign-up": "email", "mail": "email", "recovery": "recovery"}
"""What a code is called by `/verify`, by the flow it belongs to."""

UNKNOWN = {"otp_disabled", "signup_disabled", "user_not_found"}
"""Codes that would tell that nobody has an address: pages go on as if a mail was sent."""


class AddressForm(msgspec.Struct):
    """Where a mail should go."""

    email: Address
    next: Goal = ""


class CodeForm(msgspec.Struct):
    """What stands in the mail."""

    code: Annotated[str, Meta(max_length=20)]


class PasswordForm(msgspec.Struct):
    """A new password."""

    password: Annotated[str, Meta(max_length=1000)]


@post("/sign-in/mail")
async def mail_me(request: Any) -> Answer:
    """Send a link and a code to sign in with"""
    sent = typed(await forms.fields(request))
    try:
        form = await forms.read(request, AddressForm)
        await _send(request, flows.begin(request, "mail", goal=ours(form.next), email=form.email))
    except (Invalid, AuthError) as refused:
        return await gate(request, "sign_in", sent.get("next", ""), sent, refused)
    return redirect("/sign-in/code")


@get("/sign-in/forgotten")
async def forgotten_page(request: Any, query: Gate) -> Answer:
    """An empty form"""
    return await _forgotten(request, {"next": ours(query.next)})


@post("/sign-in/forgotten")
async def forgotten(request: Any) -> Answer:
    """Send a link and a code to choose a new password with"""
    sent = typed(await forms.fields(request))
    try:
        form = await forms.read(request, AddressForm)
        await _send(request, flows.begin(request, "recovery", goal=ours(form.next), email=form.email))
    except (Invalid, AuthError) as refused:
        return await _forgotten(request, sent, refused)
    return redirect("/sign-in/code")


@get("/sign-in/code")
async def code_page(request: Any) -> Answer:
    """Look at your mail, and enter the code here"""
    flow = flows.current(request, "sign-up", "mail", "recovery")
    return await _code(request, flow) if flow else redirect("/sign-in")


@post("/sign-in/code")
async def enter_code(request: Any) -> Answer:
    """Sign in with the code from the mail"""
    flow = flows.current(request, "sign-up", "mail", "recovery")
    if flow is None:
        flashes.leave(request, "error", "This took too long, or was begun in another browser; begin again.")
        return redirect("/sign-in")
    try:
        form = await forms.read(request, CodeForm)
        code = "".join(form.code.split())
        session = await speaking(request).verify(KINDS[flow.kind], flow.email, code)
    except (Invalid, AuthError) as refused:
        return await _code(request, flow, refused)
    return arrive(request, session, flow) if session else redirect("/sign-in")


@post("/sign-in/code/again")
async def send_again(request: Any) -> Answer:
    """Send another mail"""
    flow = flows.current(request, "sign-up", "mail", "recovery")
    if flow is None:
        return redirect("/sign-in")
    try:
        await _send(request, flows.begin(request, flow.kind, goal=flow.next, email=flow.email), again=True)
    except AuthError as refused:
        return await _code(request, flow, refused)
    flashes.leave(request, "ok", "Another mail is on its way, unless one was sent within the last minute.")
    return redirect("/sign-in/code")


def arrive(request: Any, session: Any, flow: Flow) -> Answer:
    """Signed in by a mail or another site; who forgot their password chooses a new one now."""
    if flow.kind != "recovery":
        flows.end(request)
        return enter(request, session, flow.next)
    flows.begin(request, "recovered", goal=flow.next, person=session.user.id)
    return enter(request, session, NEW_PASSWORD)


@get(NEW_PASSWORD, signed_in=True)
async def new_password_page(request: Any, viewer: Viewer) -> Answer:
    """An empty form, for who came by a mail"""
    return await _new_password(request) if _recovered(request, viewer) else redirect("/me/security")


@post(NEW_PASSWORD, signed_in=True)
async def new_password(request: Any, viewer: Viewer) -> Answer:
    """Choose a new password; the other sessions end"""
    flow = _recovered(request, viewer)
    if flow is None:
        return redirect("/me/security")
    await my_account(request)
    try:
        form = await forms.read(request, PasswordForm)
        await speaking(request).update_user(password=form.password)
    except (Invalid, AuthError) as refused:
        return await _new_password(request, refused)
    flows.end(request)
    flashes.leave(request, "ok", "Your new password counts from now on. You are signed out everywhere else.")
    return redirect(ours(flow.next))


def _recovered(request: Any, viewer: Viewer) -> Flow | None:
    flow = flows.current(request, "recovered")
    return flow if flow and flow.person == str(viewer.id) else None


async def _send(request: Any, flow: Flow, *, again: bool = False) -> None:
    """A mail of this flow. That nobody has the address is not told: who asks may be anybody."""
    speaker, back = speaking(request), flows.back(request)
    try:
        if flow.kind == "recovery":
            await speaker.recover(flow.email, challenge=flow.challenge, back=back)
        elif flow.kind == "sign-up" and again:
            await speaker.resend("signup", flow.email, back=back)
        else:
            await speaker.otp(flow.email, challenge=flow.challenge, back=back)
    except AuthError as error:
        if error.code not in UNKNOWN:
            raise


async def _code(request: Any, flow: Flow, refused: Refusal | None = None) -> Answer:
    errors = sentences.told(refused, {"validation_failed": "/code"}) if refused else {}
    return await pages.page(request, "people/code.html", status=status_of(refused), flow=flow, form={}, errors=errors)


async def _forgotten(request: Any, form: dict[str, str], refused: Refusal | None = None) -> Answer:
    errors = sentences.told(refused) if refused else {}
    return await pages.page(request, "people/forgotten.html", status=status_of(refused), form=form, errors=errors)


async def _new_password(request: Any, refused: Refusal | None = None) -> Answer:
    errors = sentences.told(refused, {"validation_failed": "/password"}) if refused else {}
    return await pages.page(request, "people/new_password.html", status=status_of(refused), form={}, errors=errors)


ROUTES = [
    mail_me,
    forgotten_page,
    forgotten,
    code_page,
    enter_code,
    send_again,
    new_password_page,
    new_password,
]
