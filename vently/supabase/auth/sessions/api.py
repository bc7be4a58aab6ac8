"""`/logout`, and the grant that takes a refresh token."""

from typing import Any

import msgspec
from litestar import Response, post

from vently.supabase.auth.answers import read, said
from vently.supabase.auth.bearers import AnyRequest, auth_of, claims_of, device_of
from vently.supabase.auth.errors import AuthError
from vently.supabase.auth.sessions import sessions
from vently.supabase.auth.sessions.presence import session_of


class RefreshGrant(msgspec.Struct):
    refresh_token: str | None = None


async def refresh_grant(request: AnyRequest) -> Response[Any]:
    asked = read(await request.body(), RefreshGrant)
    if not asked.refresh_token:
        raise AuthError("invalid_request", "refresh_token required")
    return said(await sessions.refresh(auth_of(request), asked.refresh_token, device=device_of(request)))


@post("/logout", status_code=204)
async def sign_out(request: AnyRequest) -> None:
    _, session = session_of(await claims_of(request))
    await sessions.sign_out(auth_of(request), session, request.query_params.get("scope") or "global")


ROUTES = [sign_out]
GRANTS = {"refresh_token": refresh_grant}
