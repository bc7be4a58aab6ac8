"""Passkeys on pages: what their script asks for (JSON, with the form's token), and their list."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from vently.database.pool import Viewer
from vently.people import sentences
from vently.people.entering import enter, left, speaking
from vently.people.security_pages import HOME
from vently.supabase.auth.errors import AuthError
from vently.web import flashes, forms
from vently.web.answers import Answer, redirect
from vently.web.form_pages import ours
from vently.web.routes import post
from vently.web.words import line

Id = Annotated[str, Meta(pattern=r"^[0-9A-Za-z_-]{1,100}\Z")]


class Answered(msgspec.Struct):
    """What `navigator.credentials` gave, as JSON."""

    challenge_id: str
    credential: dict[str, Any]
    name: Annotated[str, line(80, shortest=0)] = ""
    next: str = ""


class NameForm(msgspec.Struct):
    """What a passkey is called."""

    name: Annotated[str, line(80)]


@post("/sign-in/passkey/options")
async def begin_sign_in(request: Any) -> Answer:
    """A challenge for any passkey of this site (JSON)"""
    try:
        ceremony = await speaking(request).begin_passkey("authentication")
    except AuthError as refused:
        raise sentences.plainly(refused) from None
    return Answer({"challenge_id": ceremony.challenge_id, "options": bare(ceremony.options)})


@post("/sign-in/passkey")
async def sign_in(request: Any, data: Answered) -> Answer:
    """Sign in with what the passkey answered (JSON); says where to go"""
    try:
        session = await speaking(request).sign_in_with_passkey(data.challenge_id, data.credential)
    except AuthError as refused:
        raise sentences.plainly(refused) from None
    return Answer({"location": enter(request, session, data.next).header("location") or ours(data.next)})


@post("/me/security/passkeys/options", signed_in=True)
async def begin_adding(request: Any) -> Answer:
    """What a new passkey is made from (JSON)"""
    try:
        ceremony = await speaking(request).begin_passkey("registration")
    except AuthError as refused:
        raise left(request, refused) from None
    return Answer({"challenge_id": ceremony.challenge_id, "options": bare(ceremony.options)})


@post("/me/security/passkeys", signed_in=True)
async def add(request: Any, data: Answered) -> Answer:
    """Keep a new passkey (JSON); says where to go"""
    speaker = speaking(request)
    try:
        made = await speaker.add_passkey(data.challenge_id, data.credential)
        if data.name:
            await speaker.rename_passkey(made.id, data.name)
    except AuthError as refused:
        raise left(request, refused) from None
    flashes.leave(request, "ok", "Added. From now on this passkey signs you in.")
    return Answer({"location": HOME})


@post("/me/security/passkeys/{passkey}", signed_in=True)
async def rename(request: Any, viewer: Viewer, passkey: Id) -> Answer:  # noqa: ARG001 - asks who
    """Call a passkey something else"""
    form = await forms.read(request, NameForm)
    await _change(request, speaking(request).rename_passkey(passkey, form.name), "Renamed.")
    return redirect(HOME)


@post("/me/security/passkeys/{passkey}/removal", signed_in=True)
async def remove(request: Any, viewer: Viewer, passkey: Id) -> Answer:  # noqa: ARG001 - asks who
    """A lost device signs in no longer"""
    await _change(request, speaking(request).remove_passkey(passkey), "Removed. It signs nobody in any more.")
    return redirect(HOME)


async def _change(request: Any, change: Any, done: str) -> None:
    try:
        await change
    except AuthError as refused:
        raise left(request, refused) from None
    flashes.leave(request, "ok", done)


def bare(options: dict[str, Any]) -> dict[str, Any]:
    """Some libraries put the options under `publicKey`."""
    inner = options.get("publicKey", options)
    return inner if isinstance(inner, dict) else options


ROUTES = [begin_sign_in, sign_in, begin_adding, add, rename, remove]
