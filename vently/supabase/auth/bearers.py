"""Who calls `/auth/v1`: a person with an access token, the holder of the secret key, or nobody."""

import hmac
import re
from typing import Any

from litestar import Request

from vently.supabase.auth.auth import Auth
from vently.supabase.auth.devices import Device
from vently.supabase.auth.errors import AuthError

AnyRequest = Request[Any, Any, Any]

_BEARER = re.compile(r"bearer +(\S+) *", re.IGNORECASE)


def auth_of(request: AnyRequest) -> Auth:
    auth: Auth = request.app.state.auth
    return auth


async def claims_of(request: AnyRequest) -> dict[str, Any]:
    """Of the bearer. Clients without a session send their API key as the bearer too: that is nobody."""
    bearer = _bearer(request)
    key = request.headers.get("apikey") or request.query_params.get("apikey")
    if bearer is None or bearer == key:
        raise AuthError("no_authorization", "This endpoint requires a valid Bearer token", 401)
    return await auth_of(request).verify(bearer)


def check_service_role(request: AnyRequest) -> None:
    """Raises AuthError unless the bearer is the secret key."""
    bearer, key = _bearer(request), auth_of(request).rules.secret_key
    if bearer is None:
        raise AuthError("no_authorization", "This endpoint requires a valid Bearer token", 401)
    if not key or not hmac.compare_digest(bearer.encode(), key.encode()):
        raise AuthError("not_admin", "User not allowed", 403)


def address_of(request: AnyRequest) -> str | None:
    """Of the client; behind trusted proxies uvicorn has read it from `X-Forwarded-For`."""
    return request.client.host if request.client else None


def device_of(request: AnyRequest) -> Device:
    return Device.of(request.headers.get("User-Agent"), address_of(request))


def _bearer(request: AnyRequest) -> str | None:
    found = _BEARER.fullmatch(request.headers.get("Authorization", ""))
    return found[1] if found else None
