"""The page between a first step and a signed-in browser: a code of an app, a passkey, or a recovery code."""

from contextlib import suppress
from typing import Annotated, Any
from urllib.parse import urlsplit

import msgspec
from msgspec import Meta

from vently.database.pool import Viewer
from vently.people import entering, sentences
from vently.people.entering import SECOND_FACTOR, remember, speaking
from vently.people.sign_in_pages import Gate, status_of
from vently.refusals import Invalid, Refusal, Unauthenticated
from vently.supabase.accounts import Account, Factor
from vently.supabase.auth.errors import AuthError
from vently.supabase.conversation import Conversation
from vently.web import facts, flashes, forms, pages
from vently.web.answers import Answer, redirect
from vently.web.form_pages import ours
from vently.web.routes import get, post

Code = Annotated[str, Meta(max_length=40)]


class Held(msgspec.Struct, frozen=True):
    """A session that needs the second factor: fresh from the first step, or this browser's own that must be raised."""

    speaker: Conversation
    next: str
    pending: bool


class CodeForm(msgspec.Struct):
    """What an app shows now. `factor`: which one, for who has several."""

    code: Code
    factor: str = ""
    next: str = ""


class RecoveryForm(msgspec.Struct):
    """One of the codes that were printed."""

    recovery_code: Code
    next: str = ""


class KeyAnswer(msgspec.Struct):
    """What a key answered to a challenge."""

    factor: str
    challenge_id: str
    credential: dict[str, Any]
    next: str = ""


@get(SECOND_FACTOR)
async def second_factor_page(request: Any, viewer: Viewer, query: Gate) -> Answer:
    """The ways this person has"""
    held = _held(request, viewer, query.next)
    return await _page(request, held) if held else redirect(ours(query.next) if viewer.id else "/sign-in")


@post(SECOND_FACTOR)
async def give_code(request: Any, viewer: Viewer) -> Answer:
    """The code of an authenticator app"""
    sent = await forms.fields(request)
    held = _held(request, viewer, str(sent.get("next", [""])[-1]))
    if held is None:
        return redirect("/sign-in")
    try:
        form = await forms.read(request, CodeForm)
        factor = _chosen(await held.speaker.user(), form.factor)
        challenge = await held.speaker.challenge(factor.id)
        session = await held.speaker.answer(factor.id, challenge.id, code="".join(form.code.split()))
    except (Invalid, AuthError) as refused:
        return await _again(request, held, refused)
    remember(request, session)
    return redirect(ours(held.next))


@post(f"{SECOND_FACTOR}/recovery")
async def give_recovery_code(request: Any, viewer: Viewer) -> Answer:
    """A recovery code; it counts once"""
    sent = await forms.fields(request)
    held = _held(request, viewer, str(sent.get("next", [""])[-1]))
    if held is None:
        return redirect("/sign-in")
    try:
        form = await forms.read(request, RecoveryForm)
        session = await held.speaker.spend_recovery_code("".join(form.recovery_code.split()).replace("-", "").lower())
    except (Invalid, AuthError) as refused:
        return await _again(request, held, refused, "/recovery_code")
    remember(request, session)
    flashes.leave(request, "ok", "That recovery code is spent. If you lost your app, set up a new one here.")
    return redirect("/me/security" if held.next == "/" else ours(held.next))


@post(f"{SECOND_FACTOR}/key/options")
async def begin_key(request: Any, viewer: Viewer) -> Answer:
    """A challenge for a security key (JSON)"""
    held = _needed(request, viewer)
    keys = [factor for factor in (await held.speaker.user()).verified_factors if factor.factor_type == "webauthn"]
    if not keys:
        raise Invalid("There is no key among your second factors.")
    challenge = await held.speaker.challenge(keys[0].id, relying_party(request))
    options = (challenge.webauthn or {})["credential_options"]
    return Answer({"factor": keys[0].id, "challenge_id": challenge.id, "options": options.get("publicKey", options)})


@post(f"{SECOND_FACTOR}/key")
async def give_key(request: Any, viewer: Viewer, data: KeyAnswer) -> Answer:
    """What the key answered (JSON); says where to go"""
    held = _needed(request, viewer, data.next)
    answered = {"type": "request", "credential_response": data.credential, **relying_party(request)}
    try:
        session = await held.speaker.answer(data.factor, data.challenge_id, webauthn=answered)
    except AuthError as refused:
        raise sentences.plainly(refused) from None
    remember(request, session)
    return Answer({"location": ours(held.next)})


@post(f"{SECOND_FACTOR}/cancellation")
async def give_up(request: Any) -> Answer:
    """Sign in as somebody else"""
    waiting = entering.pending(request)
    if waiting:
        entering.forget_pending(request)
        with suppress(AuthError):  # it may have ended already
            await speaking(request).holding(waiting.access_token).sign_out("local")
    return redirect("/sign-in")


def relying_party(request: Any) -> dict[str, Any]:
    """Whom keys are made for (WebAuthn): the host of the site."""
    site = facts.of(request).parts.settings.site_url
    return {"rpId": urlsplit(site).hostname or "localhost", "rpOrigins": [site]}


def _held(request: Any, viewer: Viewer, goal: str) -> Held | None:
    waiting = entering.pending(request)
    if waiting:
        return Held(speaking(request).holding(waiting.access_token), waiting.next, True)
    if viewer.id and facts.of(request).token:  # whatever it says of itself: its factor may have gone since
        return Held(speaking(request), ours(goal), False)
    return None


def _needed(request: Any, viewer: Viewer, goal: str = "") -> Held:
    held = _held(request, viewer, goal)
    if held is None:
        raise Unauthenticated("This took too long; sign in again.")
    return held


def _chosen(account: Account, wanted: str) -> Factor:
    apps = [factor for factor in account.verified_factors if factor.factor_type == "totp"]
    for factor in apps:
        if factor.id == wanted or not wanted:
            return factor
    raise Invalid.at("/code", "is of none of your apps")


async def _again(request: Any, held: Held, refused: Refusal, pointer: str = "/code") -> Answer:
    """The page once more; from the start, when the first step no longer counts."""
    if isinstance(refused, AuthError) and refused.code in entering.ENDED:
        if not held.pending:
            raise entering.left(request, refused)
        entering.forget_pending(request)
        flashes.leave(request, "error", "This took too long; sign in again.")
        return redirect("/sign-in")
    return await _page(request, held, refused, pointer)


async def _page(request: Any, held: Held, refused: Refusal | None = None, pointer: str = "/code") -> Answer:
    offer = await held.speaker.offer()
    try:
        account = await held.speaker.user()
    except AuthError as error:
        return await _again(request, held, error)
    if not account.verified_factors:
        return redirect(ours(held.next))
    inputs = {"mfa_verification_failed": pointer, "validation_failed": pointer}
    return await pages.page(
        request,
        "people/second_factor.html",
        status=status_of(refused),
        apps=[factor for factor in account.verified_factors if factor.factor_type == "totp"],
        keys=any(factor.factor_type == "webauthn" for factor in account.verified_factors),
        offer=offer,
        next=held.next,
        pending=held.pending,
        form={},
        errors=sentences.told(refused, inputs) if refused else {},
    )


ROUTES = [second_factor_page, give_code, give_recovery_code, begin_key, give_key, give_up]
