"""The page of an account's security: password, address, where one is signed in, linked accounts; see factor_pages."""

from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import Meta

from vently.database.pool import Database, Viewer
from vently.people import flows, sentences, sessions
from vently.people.entering import left, my_account, renew, speaking
from vently.people.sign_in_pages import Address, called, status_of
from vently.refusals import Invalid, NotFound, Refusal
from vently.supabase.accounts import Account, Passkey
from vently.supabase.auth.errors import AuthError
from vently.supabase.conversation import Conversation
from vently.web import flashes, forms, pages
from vently.web.answers import Answer, redirect
from vently.web.routes import get, post

HOME = "/me/security"
Secret = Annotated[str, Meta(max_length=1000)]


class PasswordForm(msgspec.Struct):
    """`current_password` is asked of who has one."""

    password: Secret
    current_password: Secret = ""


class EmailForm(msgspec.Struct):
    """A new address."""

    email: Address


class EmailCodeForm(msgspec.Struct):
    """The code that came to `address`, which is the old or the new one."""

    address: Address
    email_code: Annotated[str, Meta(max_length=20)]


@get(HOME, signed_in=True)
async def security(request: Any, viewer: Viewer, db: Database) -> Answer:
    """All that decides who gets into this account"""
    return await show(request, viewer, db)


@post(f"{HOME}/password", signed_in=True)
async def change_password(request: Any, viewer: Viewer, db: Database) -> Answer:
    """A new password; other browsers are signed out"""
    try:
        form = await forms.read(request, PasswordForm)
        account = await my_account(request)
        changes = await _checked(speaking(request), account, form)
        await speaking(request).update_user(**changes)
    except (Invalid, AuthError) as refused:
        return await show(request, viewer, db, refused, {"validation_failed": "/password"})
    flashes.leave(request, "ok", "Your new password counts from now on. You are signed out everywhere else.")
    return redirect(HOME)


@post(f"{HOME}/email", signed_in=True)
async def change_email(request: Any, viewer: Viewer, db: Database) -> Answer:
    """A new address; both the old and the new one confirm"""
    try:
        form = await forms.read(request, EmailForm)
        flow = flows.begin(request, "email", goal=HOME, person=str(viewer.id), email=form.email)
        changed = await speaking(request).update_user(
            email=form.email, challenge=flow.challenge, back=flows.back(request)
        )
    except (Invalid, AuthError) as refused:
        return await show(request, viewer, db, refused)
    if changed.new_email:
        flashes.leave(request, "ok", f"Mails are on their way to {changed.email} and {changed.new_email}.")
    else:
        await renew(request)
        flashes.leave(request, "ok", f"Your address is {changed.email} now.")
    return redirect(HOME)


@post(f"{HOME}/email/code", signed_in=True)
async def confirm_email(request: Any, viewer: Viewer, db: Database) -> Answer:
    """The code from one of the two mails"""
    try:
        form = await forms.read(request, EmailCodeForm)
        code = "".join(form.email_code.split())
        surplus = await speaking(request).verify("email_change", form.address, code)
    except (Invalid, AuthError) as refused:
        inputs = {"otp_expired": "/email_code", "validation_failed": "/email_code"}
        return await show(request, viewer, db, refused, inputs)
    if surplus:
        flows.end(request)
        await renew(request, surplus)
    said = "Your new address counts now." if surplus else "Confirmed. The other address has to confirm, too."
    flashes.leave(request, "ok", said)
    return redirect(HOME)


@post(f"{HOME}/sessions/{{session}}", signed_in=True)
async def end_session(request: Any, viewer: Viewer, db: Database, session: UUID) -> Answer:
    """Sign one browser out"""
    try:
        async with db.acting_as(viewer) as tx:
            await sessions.end(tx, session)
        flashes.leave(request, "ok", "Signed out there.")
    except NotFound as refused:
        flashes.leave(request, "error", refused.detail)
    return redirect(f"{HOME}#sessions")


@post(f"{HOME}/sessions", signed_in=True)
async def end_other_sessions(request: Any, viewer: Viewer) -> Answer:  # noqa: ARG001 - asks who
    """Sign everywhere else out"""
    try:
        await speaking(request).sign_out("others")
    except AuthError as refused:
        raise left(request, refused) from None
    flashes.leave(request, "ok", "Signed out everywhere else.")
    return redirect(f"{HOME}#sessions")


@post(f"{HOME}/identities/{{identity}}/removal", signed_in=True)
async def unlink(request: Any, viewer: Viewer, identity: UUID) -> Answer:  # noqa: ARG001 - asks who
    """An account elsewhere signs in here no longer"""
    try:
        await speaking(request).unlink(str(identity))
        flashes.leave(request, "ok", "Unlinked.")
    except AuthError as refused:
        told = left(request, refused)
        if not isinstance(told, AuthError):
            raise told from None
        flashes.leave(request, "error", sentences.sentence(refused))
    return redirect(f"{HOME}#identities")


async def show(
    request: Any,
    viewer: Viewer,
    db: Database,
    refused: Refusal | None = None,
    inputs: dict[str, str] | None = None,
) -> Answer:
    """The page, with what was refused beside its input."""
    if isinstance(refused, AuthError) and not isinstance(left(request, refused), AuthError):
        raise left(request, refused)
    account = await my_account(request)
    speaker = speaking(request)
    offer = await speaker.offer()
    async with db.acting_as(viewer) as tx:
        mine = await sessions.mine(tx)
    raised = viewer.claims.get("aal") == "aal2"
    linked = {identity.provider for identity in account.identities or []}
    return await pages.page(
        request,
        "people/security.html",
        status=status_of(refused),
        account=account,
        has_password="email" in linked,
        identities=[
            (each, called(request, each.provider)) for each in account.identities or [] if each.provider != "email"
        ],
        linkable=[(name, called(request, name)) for name in offer.providers if name not in linked],
        sessions=mine,
        passkeys=await _passkeys(speaker) if offer.passkeys else None,
        factors=account.verified_factors,
        recovery_codes=await _codes_left(speaker) if offer.recovery_codes and raised else None,
        raised=raised,
        form={},
        errors=sentences.told(refused, inputs) if refused else {},
    )


async def _checked(speaker: Conversation, account: Account, form: PasswordForm) -> dict[str, str]:
    """What to send for a new password. The old one is asked of who has one, whatever the project asks for."""
    if not any(identity.provider == "email" for identity in account.identities or []):
        return {"password": form.password}
    if not form.current_password:
        raise Invalid.at("/current_password", "is needed to choose a new one")
    if speaker.ours:
        return {"password": form.password, "current_password": form.current_password}
    try:
        proof = await speaker.sign_in(account.email or "", form.current_password)
    except AuthError as error:
        code = "current_password_invalid" if error.code == "invalid_credentials" else error.code
        raise AuthError(code, error.message, error.status) from None
    await speaker.holding(proof.access_token).sign_out("local")
    return {"password": form.password}


async def _passkeys(speaker: Conversation) -> list[Passkey] | None:
    try:
        return await speaker.passkeys()
    except AuthError:
        return None


async def _codes_left(speaker: Conversation) -> int | None:
    try:
        return await speaker.recovery_codes_left()
    except AuthError:
        return None


ROUTES = [
    security,
    change_password,
    change_email,
    confirm_email,
    end_session,
    end_other_sessions,
    unlink,
]
