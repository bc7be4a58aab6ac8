"""From a first step to a signed-in browser: a second factor, where there is one, comes between.

Until it was given, the session of the first step waits in a cookie of its own that nothing but the page of the second
factor looks at.
"""

import time
from typing import Any

import msgspec

from vently.database.pool import VISITOR, Viewer
from vently.people import flows, sentences
from vently.refusals import Unauthenticated
from vently.supabase.accounts import Account, Session
from vently.supabase.auth.errors import AuthError
from vently.supabase.client import Asker, SignIn
from vently.supabase.conversation import Conversation
from vently.web import csrf, facts, signing
from vently.web import viewer as viewers
from vently.web.answers import Answer, redirect
from vently.web.form_pages import ours

PENDING = "vently_pending"
PENDING_SECONDS = 600
SECOND_FACTOR = "/sign-in/second-factor"
ENDED = {"session_not_found", "session_expired", "user_not_found", "user_banned", "bad_jwt", "no_authorization"}
"""Codes that mean: this browser is signed in no longer."""

_PURPOSE = "pending"


class Pending(msgspec.Struct, frozen=True):
    """A session that waits for the second factor."""

    access_token: str
    next: str


def speaking(request: Any) -> Conversation:
    """With sign-in, in the name of this browser and of who is signed in there."""
    known = facts.of(request)
    sign_in: SignIn = known.parts.other["sign_in"]
    client = request.scope.get("client")
    asker = Asker(client[0] if client else "", request.headers.get("user-agent", ""), known.token, known.request_id)
    return Conversation(sign_in, asker)


def enter(request: Any, session: Session, goal: str) -> Answer:
    """After a first step: to `goal`, or to the page that asks for the second factor."""
    if session.user.verified_factors and claims_of(session.access_token).get("aal") != "aal2":
        _wait(request, session.access_token, goal)
        return redirect(SECOND_FACTOR)
    remember(request, session)
    return redirect(ours(goal))


def remember(request: Any, session: Session) -> None:
    """This browser is signed in. What it held before, forms' tokens too, does not count any longer."""
    if PENDING in request.cookies:
        forget_pending(request)
    viewers.remember(request, facts.Session(session.access_token, session.refresh_token, session.expires_in))
    known = facts.of(request)
    known.viewer, known.token = viewers.as_viewer(claims_of(session.access_token)), session.access_token
    csrf.renew(request)


async def renew(request: Any, surplus: Session | None = None) -> None:
    """An access token that says what its person has just changed; `surplus` is a session this browser need not have."""
    speaker = speaking(request)
    token = request.cookies.get(viewers.REFRESH_COOKIE)
    try:
        if surplus:
            await speaker.holding(surplus.access_token).sign_out("local")
        if token and facts.of(request).token:
            fresh = await speaker.refresh(token)
            viewers.remember(request, facts.Session(fresh.access_token, fresh.refresh_token, fresh.expires_in))
    except AuthError:
        return  # the token before counts, for as long as it lives


def claims_of(access_token: str) -> dict[str, Any]:
    """Of a token that sign-in has just given: it need not be verified again."""
    claims: dict[str, Any] = msgspec.json.decode(signing.decode(access_token.split(".")[1]) or b"{}")
    return claims


def _wait(request: Any, access_token: str, goal: str) -> None:
    known = facts.of(request)
    held = f"{int(time.time()) + PENDING_SECONDS}.{signing.encode(goal.encode())}.{access_token}"
    mark = signing.encode(known.parts.signer.mark(_PURPOSE, held.encode()))
    known.cookies_to_set += viewers.pieces(known, PENDING, f"{mark}.{held}", PENDING_SECONDS)


def pending(request: Any) -> Pending | None:
    """The session that waits for a second factor in this browser."""
    mark, _, held = viewers.whole(request.cookies, PENDING).partition(".")
    signer = facts.of(request).parts.signer
    if not signer.matches(_PURPOSE, held.encode(), signing.decode(mark) or b""):
        return None
    until, goal, access_token = held.split(".", 2)
    if int(until) < time.time():
        return None
    return Pending(access_token, (signing.decode(goal) or b"/").decode())


def forget_pending(request: Any) -> None:
    known = facts.of(request)
    known.cookies_to_set.append(viewers.cookie(known, PENDING, "", 0))


async def my_account(request: Any) -> Account:
    """Of who is signed in, as sign-in knows it now. Raises Unauthenticated when the session was ended elsewhere."""
    try:
        return await speaking(request).user()
    except AuthError as error:
        raise left(request, error) from None


async def still_in(request: Any, viewer: Viewer) -> bool:
    """Whether this browser's session lives; its access token outlives it by up to an hour."""
    if viewer.id is None:
        return False
    try:
        await my_account(request)
    except Unauthenticated:
        return False
    return True


def left(request: Any, error: AuthError) -> Exception:
    """For a refusal that means that this session has ended: the browser forgets it. Any other stays as it is."""
    if error.code not in ENDED:
        return sentences.plainly(error)
    viewers.forget(request)
    flows.end(request)
    known = facts.of(request)
    known.viewer, known.token = VISITOR, ""
    return Unauthenticated("This session was ended; sign in again.")
