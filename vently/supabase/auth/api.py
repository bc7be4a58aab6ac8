"""Supabase Auth's HTTP contract at `/auth/v1`: the verbs of `accounts`, in the words of its clients."""

import re
from typing import Any

import msgspec
from litestar import Litestar, Request, Response, asgi, get, post, put
from litestar.config.cors import CORSConfig
from litestar.datastructures import State
from litestar.handlers import ASGIRouteHandler, HTTPRouteHandler
from litestar.types import Message, Receive, Scope, Send

from vently import __version__
from vently.supabase.auth.accounts import Auth, session_of
from vently.supabase.auth.answers import VERSION, VERSION_HEADER, read, refused, said, version_asked
from vently.supabase.auth.errors import AuthError
from vently.supabase.auth.sessions import Device

AnyRequest = Request[Any, Any, Any]

LARGEST_BODY = 64 * 1024

_BEARER = re.compile(r"bearer +(\S+) *", re.IGNORECASE)


def mount(auth: Auth) -> ASGIRouteHandler:
    """Everything under `/auth/v1`, as an application of its own: its errors, methods and CORS are Supabase Auth's."""
    inside = Litestar(
        [sign_up, token, show_user, change_user, sign_out, settings, health, key_set],
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


class SignUp(msgspec.Struct):
    email: str | None = None
    phone: str | None = None
    password: str | None = None
    data: dict[str, Any] | None = None


class PasswordGrant(msgspec.Struct):
    email: str | None = None
    phone: str | None = None
    password: str | None = None


class RefreshGrant(msgspec.Struct):
    refresh_token: str | None = None


class UserChange(msgspec.Struct):
    email: str | None = None
    phone: str | None = None
    password: str | None = None
    current_password: str | None = None
    data: dict[str, Any] | None = None


@post("/signup", status_code=200)
async def sign_up(request: AnyRequest) -> Response[Any]:
    asked = read(await request.body(), SignUp)
    if not asked.email and not asked.phone:
        raise AuthError("anonymous_provider_disabled", "Anonymous sign-ins are disabled", 422)
    if not asked.password:
        raise AuthError("validation_failed", "Signup requires a valid password")
    _no_phone(asked.phone, "signups")
    return said(await _auth(request).sign_up(asked.email or "", asked.password, asked.data, device=_device(request)))


@post("/token", status_code=200)
async def token(request: AnyRequest) -> Response[Any]:
    match request.query_params.get("grant_type"):
        case "password":
            return await _password_grant(request)
        case "refresh_token":
            return await _refresh_grant(request)
        case _:
            raise AuthError("unsupported_grant_type", "Use grant_type=password or grant_type=refresh_token")


async def _password_grant(request: AnyRequest) -> Response[Any]:
    asked = read(await request.body(), PasswordGrant)
    _no_phone(asked.phone, "logins")
    if not asked.email:
        raise AuthError("validation_failed", "missing email or phone")
    return said(await _auth(request).sign_in(asked.email, asked.password or "", device=_device(request)))


async def _refresh_grant(request: AnyRequest) -> Response[Any]:
    asked = read(await request.body(), RefreshGrant)
    if not asked.refresh_token:
        raise AuthError("invalid_request", "refresh_token required")
    return said(await _auth(request).refresh(asked.refresh_token, device=_device(request)))


@get("/user")
async def show_user(request: AnyRequest) -> Response[Any]:
    return said(await _auth(request).user(_claims(request)))


@put("/user")
async def change_user(request: AnyRequest) -> Response[Any]:
    claims = _claims(request)
    asked = read(await request.body(), UserChange)
    _no_phone(asked.phone, "logins")
    changed = await _auth(request).update_user(
        claims,
        email=asked.email,
        password=asked.password,
        current_password=asked.current_password,
        data=asked.data,
    )
    return said(changed)


@post("/logout", status_code=204)
async def sign_out(request: AnyRequest) -> None:
    _, session = session_of(_claims(request))
    await _auth(request).sign_out(session, request.query_params.get("scope") or "global")


@get("/settings")
async def settings() -> dict[str, Any]:
    return {
        "external": {"anonymous_users": False, "email": True, "phone": False},
        "disable_signup": False,
        "mailer_autoconfirm": True,
        "phone_autoconfirm": False,
        "sms_provider": "",
        "saml_enabled": False,
    }


@get("/health")
async def health() -> dict[str, str]:
    return {"name": "Vently", "version": __version__, "description": "Sign-in with Supabase Auth's contract"}


@get("/.well-known/jwks.json")
async def key_set(request: AnyRequest) -> Response[dict[str, Any]]:
    return _key_set(_auth(request))


def _key_set(auth: Auth) -> Response[dict[str, Any]]:
    headers = {"Cache-Control": "public, max-age=600", "Access-Control-Allow-Origin": "*"}
    return Response(auth.keys.public, headers=headers)


def _auth(request: AnyRequest) -> Auth:
    auth: Auth = request.app.state.auth
    return auth


def _claims(request: AnyRequest) -> dict[str, Any]:
    """Of the bearer. Clients without a session send their API key as the bearer too: that is nobody."""
    bearer = _BEARER.fullmatch(request.headers.get("Authorization", ""))
    key = request.headers.get("apikey") or request.query_params.get("apikey")
    if bearer is None or bearer[1] == key:
        raise AuthError("no_authorization", "This endpoint requires a valid Bearer token", 401)
    return _auth(request).verify(bearer[1])


def _device(request: AnyRequest) -> Device:
    return Device.of(request.headers.get("User-Agent"), request.client.host if request.client else None)


def _no_phone(phone: str | None, what: str) -> None:
    if phone:
        raise AuthError("phone_provider_disabled", f"Phone {what} are disabled")


async def _echo_version(message: Message, scope: Scope) -> None:
    if message["type"] == "http.response.start":
        asked = dict(scope["headers"]).get(VERSION_HEADER.lower().encode(), b"").decode("latin-1")
        if version_asked(asked) >= VERSION:
            message["headers"] = [*message["headers"], (VERSION_HEADER.lower().encode(), VERSION.encode())]
