"""`/signup`, `/user`, and the grant that takes a password."""

from typing import Any

import msgspec
from litestar import Response, get, post, put

from vently.supabase.auth.accounts import accounts, anonymous
from vently.supabase.auth.answers import read, said
from vently.supabase.auth.bearers import AnyRequest, address_of, auth_of, claims_of, device_of
from vently.supabase.auth.errors import AuthError
from vently.supabase.auth.limits import limits
from vently.supabase.auth.links.api import asked_of
from vently.supabase.auth.sessions import presence


class SignUp(msgspec.Struct):
    email: str | None = None
    phone: str | None = None
    password: str | None = None
    data: dict[str, Any] | None = None
    code_challenge: str | None = None
    code_challenge_method: str | None = None


class PasswordGrant(msgspec.Struct):
    email: str | None = None
    phone: str | None = None
    password: str | None = None


class UserChange(msgspec.Struct):
    email: str | None = None
    phone: str | None = None
    password: str | None = None
    current_password: str | None = None
    nonce: str | None = None
    data: dict[str, Any] | None = None
    code_challenge: str | None = None
    code_challenge_method: str | None = None


@post("/signup", status_code=200)
async def sign_up(request: AnyRequest) -> Response[Any]:
    asked = read(await request.body(), SignUp)
    if not asked.email and not asked.phone:
        return await _anonymously(request, asked.data)
    if not asked.password:
        raise AuthError("validation_failed", "Signup requires a valid password")
    _no_phone(asked.phone, "signups")
    auth = auth_of(request)
    await limits.spend(auth, "signup", address_of(request))
    letter = asked_of(request, asked.email or "", asked.code_challenge, asked.code_challenge_method)
    if not auth.rules.autoconfirm:
        return said(await accounts.sign_up_with_confirmation(auth, letter, asked.password, asked.data))
    device = device_of(request)
    return said(await accounts.sign_up(auth, letter.email, asked.password, asked.data, device=device))


async def _anonymously(request: AnyRequest, data: dict[str, Any] | None) -> Response[Any]:
    auth = auth_of(request)
    if auth.rules.anonymous:
        await limits.spend(auth, "signup", address_of(request))
    return said(await anonymous.sign_in(auth, data, device=device_of(request)))


async def password_grant(request: AnyRequest) -> Response[Any]:
    asked = read(await request.body(), PasswordGrant)
    _no_phone(asked.phone, "logins")
    if not asked.email:
        raise AuthError("validation_failed", "missing email or phone")
    await limits.spend(auth_of(request), "password", asked.email)
    device = device_of(request)
    return said(await accounts.sign_in(auth_of(request), asked.email, asked.password or "", device=device))


@get("/user")
async def show_user(request: AnyRequest) -> Response[Any]:
    return said(await presence.user(auth_of(request), await claims_of(request)))


@put("/user")
async def change_user(request: AnyRequest) -> Response[Any]:
    claims = await claims_of(request)
    asked = read(await request.body(), UserChange)
    _no_phone(asked.phone, "logins")
    if asked.email:
        # The answer says whether somebody has the address.
        await limits.spend(auth_of(request), "otp", address_of(request))
    changed = await accounts.update_user(
        auth_of(request),
        claims,
        email=asked.email,
        password=asked.password,
        current_password=asked.current_password,
        nonce=asked.nonce,
        data=asked.data,
        letter=asked_of(request, asked.email or "", asked.code_challenge, asked.code_challenge_method),
    )
    return said(changed)


def _no_phone(phone: str | None, what: str) -> None:
    if phone:
        raise AuthError("phone_provider_disabled", f"Phone {what} are disabled")


ROUTES = [sign_up, show_user, change_user]
GRANTS = {"password": password_grant}
