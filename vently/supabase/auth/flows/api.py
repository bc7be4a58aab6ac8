"""The grant that takes the code of a flow (`grant_type=pkce`)."""

from typing import Any

import msgspec
from litestar import Response
from litestar.handlers import HTTPRouteHandler

from vently.supabase.auth.answers import read, said
from vently.supabase.auth.bearers import AnyRequest, auth_of, device_of
from vently.supabase.auth.errors import AuthError
from vently.supabase.auth.flows import flows


class PkceGrant(msgspec.Struct):
    auth_code: str | None = None
    code_verifier: str | None = None


async def pkce_grant(request: AnyRequest) -> Response[Any]:
    asked = read(await request.body(), PkceGrant)
    if not asked.auth_code or not asked.code_verifier:
        raise AuthError("validation_failed", "both auth code and code verifier should be non-empty")
    if len(asked.code_verifier) > flows.LONGEST_VERIFIER:
        raise AuthError("bad_code_verifier", "code challenge does not match previously saved code verifier")
    device = device_of(request)
    return said(await flows.exchange(auth_of(request), asked.auth_code, asked.code_verifier, device=device))


ROUTES: list[HTTPRouteHandler] = []
GRANTS = {"pkce": pkce_grant}
