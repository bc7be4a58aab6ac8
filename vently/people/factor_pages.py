"""Pages of second factors: adding an authenticator app, removing one, recovery codes."""

from typing import Annotated, Any

import msgspec
import segno
from markupsafe import Markup
from msgspec import Meta

from vently.database.pool import Database, Viewer
from vently.people import sentences
from vently.people.entering import SECOND_FACTOR, left, my_account, remember, renew, speaking
from vently.people.security_pages import HOME, show
from vently.people.sign_in_pages import status_of
from vently.refusals import Invalid, Refusal
from vently.supabase.accounts import Enrolment, Session, Totp
from vently.supabase.auth.errors import AuthError
from vently.web import flashes, forms, pages
from vently.web.answers import Answer, redirect
from vently.web.routes import post
from vently.web.words import line

FIRST = f"{SECOND_FACTOR}?next={HOME}"
"""Where somebody goes whose session has not given the second factor."""

Id = Annotated[str, Meta(pattern=r"^[0-9A-Za-z-]{1,60}\Z")]


class NameForm(msgspec.Struct):
    """What the app is called here: `My phone`."""

    name: Annotated[str, line(80)]


class FirstCodeForm(msgspec.Struct):
    """The first code of a new app; the rest goes along so that the page can be shown again."""

    factor: Id
    secret: Annotated[str, Meta(pattern=r"^[A-Z2-7=]{16,200}\Z")]
    uri: Annotated[str, Meta(pattern=r"^otpauth://totp/[!-~]{1,900}\Z")]
    code: Annotated[str, Meta(max_length=20)]


@post(f"{HOME}/authenticator", signed_in=True)
async def begin(request: Any, viewer: Viewer, db: Database) -> Answer:
    """A new app: its QR code and secret, shown this once"""
    account = await my_account(request)
    if account.verified_factors and not _raised(viewer):
        return redirect(FIRST)
    speaker = speaking(request)
    try:
        form = await forms.read(request, NameForm)
        for factor in account.factors or []:
            if not factor.verified and factor.factor_type == "totp":
                await speaker.unenrol(factor.id)
        made = await speaker.enrol("totp", form.name)
    except (Invalid, AuthError) as refused:
        return await show(request, viewer, db, refused, {"validation_failed": "/name"})
    return await _page(request, made)


@post(f"{HOME}/authenticator/code", signed_in=True)
async def finish(request: Any, viewer: Viewer) -> Answer:  # noqa: ARG001 - asks who
    """The first code: from now on the app is asked for"""
    form = await forms.read(request, FirstCodeForm)
    speaker = speaking(request)
    try:
        challenge = await speaker.challenge(form.factor)
        session = await speaker.answer(form.factor, challenge.id, code="".join(form.code.split()))
    except AuthError as refused:
        if not isinstance(told := left(request, refused), AuthError):
            raise told from None
        return await _page(request, Enrolment(form.factor, "totp", totp=Totp(form.secret, form.uri)), refused)
    remember(request, session)
    return await _with_codes(request, session)


@post(f"{HOME}/factors/{{factor}}/removal", signed_in=True)
async def remove(request: Any, viewer: Viewer, factor: Id) -> Answer:
    """Without the second factor nobody removes it"""
    if not _raised(viewer):
        return redirect(FIRST)
    try:
        await speaking(request).unenrol(factor)
    except AuthError as refused:
        if refused.code == "insufficient_aal":
            return redirect(FIRST)
        raise left(request, refused) from None
    await renew(request)
    flashes.leave(request, "ok", "Removed.")
    return redirect(f"{HOME}#factors")


@post(f"{HOME}/recovery-codes", signed_in=True)
async def new_recovery_codes(request: Any, viewer: Viewer) -> Answer:
    """New codes; those before count no longer"""
    if not _raised(viewer):
        return redirect(FIRST)
    try:
        codes = await speaking(request).new_recovery_codes()
    except AuthError as refused:
        raise left(request, refused) from None
    return await pages.page(request, "people/recovery_codes.html", codes=codes, fresh=False)


async def _with_codes(request: Any, session: Session) -> Answer:
    """Who has a second factor for the first time gets recovery codes, too."""
    speaker = speaking(request).holding(session.access_token)
    offer = await speaker.offer()
    if offer.recovery_codes and len(session.user.verified_factors) <= 1:
        try:
            codes = await speaker.new_recovery_codes()
            return await pages.page(request, "people/recovery_codes.html", codes=codes, fresh=True)
        except AuthError:
            pass  # the factor counts all the same
    flashes.leave(request, "ok", "Added. From now on signing in asks for a code of your app.")
    return redirect(f"{HOME}#factors")


def _raised(viewer: Viewer) -> bool:
    return viewer.claims.get("aal") == "aal2"


async def _page(request: Any, made: Enrolment, refused: Refusal | None = None) -> Answer:
    totp = made.totp or Totp("", "")
    picture = segno.make(totp.uri, error="m").svg_inline(
        scale=1, border=2, omitsize=True, svgclass="qr", lineclass=None, title="QR code for your authenticator app"
    )
    return await pages.page(
        request,
        "people/authenticator.html",
        status=status_of(refused),
        factor=made.id,
        totp=totp,
        qr=Markup(picture),  # noqa: S704 - drawn here, from a text that is only encoded
        form={},
        errors=sentences.told(refused, {"validation_failed": "/code"}) if refused else {},
    )


ROUTES = [begin, finish, remove, new_recovery_codes]
