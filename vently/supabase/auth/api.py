"""Supabase Auth's HTTP contract at `/auth/v1`: each subject's routes, joined."""

from collections.abc import Awaitable, Callable
from typing import Any

from litestar import Litestar, Response, asgi, get, post
from litestar.config.cors import CORSConfig
from litestar.datastructures import State
from litestar.handlers import ASGIRouteHandler, HTTPRouteHandler
from litestar.types import Message, Receive, Scope, Send

from vently import __version__
from vently.supabase.auth.accounts import api as accounts
from vently.supabase.auth.administration import api as administration
from vently.supabase.auth.answers import VERSION, VERSION_HEADER, refused, version_asked
from vently.supabase.auth.auth import Auth
from vently.supabase.auth.bearers import AnyRequest, address_of, auth_of
from vently.supabase.auth.errors import AuthError
from vently.supabase.auth.factors import api as factors
from vently.supabase.auth.keys.kept import JWKS_SECONDS
from vently.supabase.auth.limits import limits
from vently.supabase.auth.links import api as links
from vently.supabase.auth.passkeys import api as passkeys
from vently.supabase.auth.providers import api as providers
from vently.supabase.auth.sessions import api as sessions

LARGEST_BODY = 64 * 1024
SUBJECTS = (accounts, administration, factors, links, passkeys, providers, sessions)
GRANTS: dict[str, Callable[[AnyRequest], Awaitable[Response[Any]]]] = {
    name: grant for subject in SUBJECTS for name, grant in subject.GRANTS.items()
}


def mount(auth: Auth) -> ASGIRouteHandler:
    """Everything under `/auth/v1`, as an application of its own: its errors, methods and CORS are Supabase Auth's."""
    inside = Litestar(
        [token, settings, health, key_set, *(route for subject in SUBJECTS for route in subject.ROUTES)],
        state=State({"auth": auth}),
        exception_handlers={Exception: refused},
        before_send=[_echo_version],
        request_max_body_size=LARGEST_BODY,
        openapi_config=None,
        logging_config=None,
        cors_config=CORSConfig(
            allow_origins=["*"],
            allow_methods=["GET", "POST", "PUT", "PATCH", "DELETE"],
            allow_headers=["Authorization", "Content-Type", "apikey", "X-Client-Info", VERSION_HEADER],
            expose_headers=["X-Total-Count", "Link", VERSION_HEADER],
        ),
    )

    @asgi("/auth/v1", is_mount=True, copy_scope=True)
    async def auth_v1(scope: Scope, receive: Receive, send: Send) -> None:
        await inside({**scope, "state": {}}, receive, send)  # type: ignore[arg-type]

    return auth_v1


def well_known(auth: Auth) -> HTTPRouteHandler:
    """The key set once more, at the root of the site."""

    @get("/.well-known/jwks.json", include_in_schema=False)
    async def root_key_set() -> Response[dict[str, Any]]:
        return _key_set(auth)

    return root_key_set


@post("/token", status_code=200)
async def token(request: AnyRequest) -> Response[Any]:
    grant = GRANTS.get(request.query_params.get("grant_type") or "")
    if grant is None:
        raise AuthError("unsupported_grant_type", f"Use one of grant_type={', '.join(sorted(GRANTS))}")
    await limits.spend(auth_of(request), "token", address_of(request))
    return await grant(request)


@get("/settings")
async def settings(request: AnyRequest) -> dict[str, Any]:
    auth = auth_of(request)
    offered = dict.fromkeys(auth.providers, True)
    return {
        "external": {"anonymous_users": auth.rules.anonymous, "email": True, "phone": False, **offered},
        "disable_signup": False,
        "mailer_autoconfirm": auth.rules.autoconfirm,
        "phone_autoconfirm": False,
        "sms_provider": "",
        "saml_enabled": False,
    }


@get("/health")
async def health() -> dict[str, str]:
    return {"name": "Vently", "version": __version__, "description": "Sign-in with Supabase Auth's contract"}


@get("/.well-known/jwks.json")
async def key_set(request: AnyRequest) -> Response[dict[str, Any]]:
    return _key_set(auth_of(request))


def _key_set(auth: Auth) -> Response[dict[str, Any]]:
    headers = {"Cache-Control": f"public, max-age={JWKS_SECONDS}", "Access-Control-Allow-Origin": "*"}
    return Response(auth.keys.now.public, headers=headers)


async def _echo_version(message: Message, scope: Scope) -> None:
    if message["type"] == "http.response.start":
        asked = dict(scope["headers"]).get(VERSION_HEADER.lower().encode(), b"").decode("latin-1")
        if version_asked(asked) >= VERSION:
            message["headers"] = [*message["headers"], (VERSION_HEADER.lower().encode(), VERSION.encode())]
