"""`/otp`, `/magiclink`, `/recover`, `/resend`, `/verify`, `/reauthenticate`."""

from typing import Any

import msgspec
from litestar import Response, get, post
from litestar.handlers import HTTPRouteHandler

from vently.supabase.auth import redirects
from vently.supabase.auth.answers import read, said
from vently.supabase.auth.bearers import AnyRequest, auth_of, claims_of, device_of
from vently.supabase.auth.errors import AuthError
from vently.supabase.auth.flows.flows import challenge_of
from vently.supabase.auth.limits import limits
from vently.supabase.auth.links import asking, email_change, reauthentication, verifying
from vently.supabase.auth.links.asking import Asked
from vently.supabase.auth.links.tokens import PKCE
from vently.supabase.auth.sessions.sessions import Session

ONE_OF_TWO = "Confirmation link accepted. Please proceed to confirm link sent to the other email"
"""Supabase Auth's sentence, which its clients know."""

_OAUTH = {400: "invalid_request", 401: "unauthorized_client", 403: "access_denied", 500: "server_error"}


class Letter(msgspec.Struct):
    """What every request for a letter may say."""

    email: str | None = None
    phone: str | None = None
    type: str | None = None
    data: dict[str, Any] | None = None
    create_user: bool | None = None
    code_challenge: str | None = None
    code_challenge_method: str | None = None


class Verification(msgspec.Struct):
    type: str | None = None
    token: str | None = None
    token_hash: str | None = None
    email: str | None = None
    phone: str | None = None


@post("/otp", status_code=200)
async def otp(request: AnyRequest) -> Response[Any]:
    await limits.spend(auth_of(request), "otp", device_of(request).ip)
    letter = read(await request.body(), Letter)
    create = letter.create_user is not False
    await asking.magic_link(auth_of(request), _asked(request, letter), data=letter.data, create=create)
    return said({})


@post("/magiclink", status_code=200)
async def magic_link(request: AnyRequest) -> Response[Any]:
    await limits.spend(auth_of(request), "otp", device_of(request).ip)
    letter = read(await request.body(), Letter)
    await asking.magic_link(auth_of(request), _asked(request, letter), data=letter.data)
    return said({})


@post("/recover", status_code=200)
async def recover(request: AnyRequest) -> Response[Any]:
    await limits.spend(auth_of(request), "recover", device_of(request).ip)
    await asking.recovery(auth_of(request), _asked(request, read(await request.body(), Letter)))
    return said({})


@post("/resend", status_code=200)
async def resend(request: AnyRequest) -> Response[Any]:
    await limits.spend(auth_of(request), "otp", device_of(request).ip)
    letter = read(await request.body(), Letter)
    again = {"signup": asking.confirmation_again, "email_change": email_change.again}.get(letter.type or "")
    if again is None:
        raise AuthError("validation_failed", "Missing one of these types: signup, email_change")
    await again(auth_of(request), _asked(request, letter))
    return said({})


@get("/reauthenticate")
async def reauthenticate(request: AnyRequest) -> Response[Any]:
    await reauthentication.ask(auth_of(request), await claims_of(request))
    return said({})


@post("/verify", status_code=200)
async def verify(request: AnyRequest) -> Response[Any]:
    auth, device = auth_of(request), device_of(request)
    await limits.spend(auth, "verify", device.ip)
    given = read(await request.body(), Verification)
    if not given.type:
        raise AuthError("validation_failed", "Verify requires a verification type")
    if bool(given.token) == bool(given.token_hash):
        raise AuthError("validation_failed", "Verify requires either a token or a token hash")
    if given.token_hash:
        if given.email or given.phone:
            raise AuthError("validation_failed", "Only the token_hash and type should be provided")
        session = await verifying.by_link(auth, given.token_hash, given.type, device=device)
    else:
        _no_phone(given.phone)
        if not given.email:
            raise AuthError("validation_failed", "Only an email address or phone number should be provided on verify")
        session = await verifying.by_code(auth, given.email, given.token or "", given.type, device=device)
    return said(session or {"msg": ONE_OF_TWO, "code": "200"})


@get("/verify")
async def follow(request: AnyRequest) -> Response[Any]:
    """A link of a letter, in a browser: whatever comes of it, the answer leads back to where it was asked for."""
    token, type_ = request.query_params.get("token") or "", request.query_params.get("type") or ""
    if not token or not type_:
        raise AuthError("validation_failed", "Verify requires a token and a verification type")
    back = redirect_to(request)
    try:
        await limits.spend(auth_of(request), "verify", device_of(request).ip)
        return _sent(await _followed(request, token, type_, back))
    except AuthError as error:
        told = {"error_code": error.code, "error_description": error.message}
        if error.status in _OAUTH:
            told = {"error": _OAUTH[error.status], **told}
        return _sent(_say(back, told, pkce=token.startswith(PKCE)))


async def _followed(request: AnyRequest, token: str, type_: str, back: str) -> str:
    """The address with a code (PKCE), with a session, or with a word that the other address has to confirm too."""
    pkce, auth = token.startswith(PKCE), auth_of(request)
    if pkce:
        if code := await verifying.to_auth_code(auth, token, type_):
            return redirects.with_query(back, {"code": code})
    elif session := await verifying.by_link(auth, token, type_, device=device_of(request)):
        return redirects.with_fragment(back, _as_fragment(session, type_))
    return _say(back, {"message": ONE_OF_TWO}, pkce=pkce)


def redirect_to(request: AnyRequest) -> str:
    """Where the caller wants the person to be led, if that is allowed."""
    wanted = request.query_params.get("redirect_to"), request.headers.get("redirect_to"), request.headers.get("Referer")
    return redirects.allowed(auth_of(request).rules, *wanted)


def asked_of(request: AnyRequest, email: str, challenge: str | None = None, method: str | None = None) -> Asked:
    """Raises AuthError for half a challenge."""
    return Asked(email, redirect_to(request), challenge_of(challenge, method))


def _asked(request: AnyRequest, letter: Letter) -> Asked:
    _no_phone(letter.phone)
    if not letter.email:
        raise AuthError("validation_failed", "One of email or phone must be set")
    return asked_of(request, letter.email, letter.code_challenge, letter.code_challenge_method)


def _no_phone(phone: str | None) -> None:
    if phone:
        raise AuthError("phone_provider_disabled", "Phone logins are disabled")


def _say(back: str, values: dict[str, str], *, pkce: bool) -> str:
    """Supabase Auth says it in the fragment, and with PKCE in the query as well."""
    return redirects.with_fragment(redirects.with_query(back, values) if pkce else back, values)


def _as_fragment(session: Session, type_: str) -> dict[str, str]:
    return {
        "access_token": session.access_token,
        "expires_at": str(session.expires_at),
        "expires_in": str(session.expires_in),
        "refresh_token": session.refresh_token,
        "token_type": session.token_type,
        "type": type_,
    }


def _sent(place: str) -> Response[Any]:
    """On to `place`. It holds a secret: nobody keeps it, and the next page's links do not tell it on."""
    headers = {"Location": place, "Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}
    return Response(b"", status_code=303, headers=headers)


ROUTES: list[HTTPRouteHandler] = [otp, magic_link, recover, resend, reauthenticate, verify, follow]
GRANTS: dict[str, Any] = {}
