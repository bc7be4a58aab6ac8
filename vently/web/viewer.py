"""Who asks: a bearer token, else the cookies of a page, else a visitor."""

import asyncio
import hashlib
import hmac
import inspect
from typing import Any
from uuid import UUID

from vently.database.pool import VISITOR, Viewer
from vently.refusals import NotAllowed, Unauthenticated, Unavailable
from vently.web import facts
from vently.web.facts import Facts, Session, TokenRefused
from vently.web.places import SAFE_METHODS, is_page

ACCESS_COOKIE, REFRESH_COOKIE = "vently_access", "vently_refresh"
REMEMBERED = 400 * 86400
"""Seconds a browser keeps the refresh cookie: the most that browsers allow."""
PIECE = 3800
"""Characters of a value in one cookie: browsers keep 4096 bytes of name and value."""

_refreshing: dict[str, asyncio.Task[Session | None]] = {}


async def of(request: Any) -> Viewer:
    """The viewer of this request, found once. Raises Unauthenticated for a bearer token that does not count."""
    known = facts.of(request)
    if known.viewer is None:
        known.viewer = await _find(request, known)
        # What a signed link opens is for its holder: no cache on the way keeps it.
        known.personal = known.viewer.id is not None or b"key=" in request.scope["query_string"]
    return known.viewer


async def signed_in(request: Any) -> Viewer:
    """The viewer, who has an account. Raises Unauthenticated for visitors."""
    viewer = await of(request)
    if viewer.id is None:
        raise Unauthenticated(headers={"www-authenticate": "Bearer"})
    return viewer


async def _find(request: Any, known: Facts) -> Viewer:
    header = request.headers.get("authorization")
    if header is not None:
        return await _bearer(header, request.headers.get("apikey"), known)
    if ACCESS_COOKIE not in request.cookies and REFRESH_COOKIE not in request.cookies:
        return VISITOR
    if request.method not in SAFE_METHODS and not is_page(request.scope["path"]):
        raise Unauthenticated(
            "Cookies alone do not count here: send an access token as `Authorization: Bearer …`.",
            headers={"www-authenticate": "Bearer"},
        )
    client = request.scope.get("client")
    known.address, known.user_agent = client[0] if client else "", request.headers.get("user-agent", "")
    return await _from_cookies(request.cookies, known)


async def _bearer(header: str, apikey: str | None, known: Facts) -> Viewer:
    scheme, _, token = header.partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token:
        raise _refused("Authorization takes `Bearer` and an access token.", "invalid_request")
    keys = known.parts.publishable_keys | ({apikey} if apikey else set())
    if any(hmac.compare_digest(token.encode(), key.encode()) for key in keys):
        return VISITOR
    try:
        return as_viewer(await _verified(token, known))
    except TokenRefused as error:
        raise _refused(str(error) or "The access token does not count.", "invalid_token") from None
    except Unauthenticated as error:
        raise _refused(error.detail, "invalid_token") from None


async def _verified(token: str, known: Facts) -> dict[str, Any]:
    claims = known.parts.verify(token)
    return await claims if inspect.isawaitable(claims) else claims


def as_viewer(claims: dict[str, Any]) -> Viewer:
    """Raises TokenRefused for claims without a person, NotAllowed for roles that people do not have."""
    role = claims.get("role", "authenticated")
    if role == "anon":
        return VISITOR
    if role != "authenticated":
        raise NotAllowed("Only people's own access tokens are taken here.")
    try:
        session = claims.get("session_id")
        return Viewer(UUID(str(claims["sub"])), role, claims, UUID(str(session)) if session else None)
    except (KeyError, ValueError):
        raise TokenRefused("The access token names no person.") from None


async def _from_cookies(cookies: dict[str, str], known: Facts) -> Viewer:
    """A cookie that does not count makes a visitor, never an error: the browser is told to forget it."""
    access, refresh = whole(cookies, ACCESS_COOKIE), cookies.get(REFRESH_COOKIE)
    if access:
        try:
            viewer = as_viewer(await _verified(access, known))
        except (TokenRefused, Unauthenticated, NotAllowed):
            pass
        else:
            known.token = access
            return viewer
    try:
        session = await _refreshed(refresh, known) if refresh else None
    except Unavailable:
        return VISITOR  # for now: the cookies may count again when sign-in answers
    if session is None:
        forget(known)
        return VISITOR
    remember(known, session)
    known.token = session.access_token
    try:
        return as_viewer(await _verified(session.access_token, known))
    except (TokenRefused, Unauthenticated, NotAllowed):
        return VISITOR


async def _refreshed(token: str, known: Facts) -> Session | None:
    """Pages and their parts ask at once: the token is spent once, and all of them get its answer."""
    if known.parts.refresh is None:
        return None
    name = hashlib.sha256(token.encode()).hexdigest()
    task = _refreshing.get(name)
    if task is None:
        task = asyncio.ensure_future(known.parts.refresh(token))
        _refreshing[name] = task
        task.add_done_callback(lambda _: _refreshing.pop(name, None))
    try:
        return await asyncio.shield(task)
    except (TokenRefused, Unauthenticated):
        return None


def remember(request: Any, session: Session) -> None:
    """Put a session into the browser's cookies (sign-in, sign-up, refresh)."""
    known = _facts(request)
    known.cookies_to_set += [
        *pieces(known, ACCESS_COOKIE, session.access_token, session.expires_in),
        cookie(known, REFRESH_COOKIE, session.refresh_token, REMEMBERED),
    ]


def forget(request: Any) -> None:
    """Take the session out of the browser's cookies (sign-out)."""
    known = _facts(request)
    known.cookies_to_set += [cookie(known, name, "", 0) for name in (ACCESS_COOKIE, REFRESH_COOKIE)]


def pieces(known: Facts, name: str, value: str, seconds: int) -> list[str]:
    """The cookie of a value that may be longer than browsers keep in one: a token of somebody with much metadata."""
    made = [cookie(known, name, value[:PIECE], seconds)]
    return [*made, cookie(known, f"{name}_rest", value[PIECE:], seconds)] if len(value) >= PIECE else made


def whole(cookies: dict[str, str], name: str) -> str:
    """What `pieces` made. A second piece is read only behind a full first one, so that an old one does no harm."""
    first = cookies.get(name, "")
    return first + cookies.get(f"{name}_rest", "") if len(first) == PIECE else first


def cookie(known: Facts, name: str, value: str, seconds: int) -> str:
    secure = "; Secure" if known.parts.settings.secure else ""
    return f"{name}={value}; Path=/; HttpOnly; SameSite=Lax; Max-Age={seconds}{secure}"


def _facts(request: Any) -> Facts:
    return request if isinstance(request, Facts) else facts.of(request)


def _refused(sentence: str, code: str) -> Unauthenticated:
    return Unauthenticated(sentence, headers={"www-authenticate": f'Bearer error="{code}"'})
