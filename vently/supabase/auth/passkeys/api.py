"""`/passkeys`: paths and bodies are those of Supabase Auth."""

from typing import Any

import msgspec
from litestar import Response, delete, get, patch, post
from litestar.params import FromPath

from vently.supabase.auth.answers import read, said
from vently.supabase.auth.bearers import AnyRequest, address_of, auth_of, claims_of, device_of
from vently.supabase.auth.limits import limits
from vently.supabase.auth.passkeys import passkeys, registration, signing_in


class Answer(msgspec.Struct):
    """What the browser's authenticator said to the options of a challenge."""

    challenge_id: str
    credential: dict[str, Any]


class NewName(msgspec.Struct):
    friendly_name: str


@post("/passkeys/registration/options", status_code=200)
async def registration_options(request: AnyRequest) -> Response[Any]:
    """{challenge_id, options, expires_at}: `options` are for `navigator.credentials.create()`."""
    claims = await claims_of(request)
    await limits.spend(auth_of(request), "token", address_of(request))
    return said(await registration.begin(auth_of(request), claims))


@post("/passkeys/registration/verify", status_code=200)
async def registration_verify(request: AnyRequest) -> Response[Any]:
    claims = await claims_of(request)
    answer = read(await request.body(), Answer)
    return said(await registration.finish(auth_of(request), claims, answer.challenge_id, answer.credential))


@post("/passkeys/authentication/options", status_code=200)
async def authentication_options(request: AnyRequest) -> Response[Any]:
    """{challenge_id, options, expires_at}: `options` are for `navigator.credentials.get()`."""
    return said(await signing_in.begin(auth_of(request), device=device_of(request)))


@post("/passkeys/authentication/verify", status_code=200)
async def authentication_verify(request: AnyRequest) -> Response[Any]:
    answer = read(await request.body(), Answer)
    device = device_of(request)
    return said(await signing_in.finish(auth_of(request), answer.challenge_id, answer.credential, device=device))


@get("/passkeys")
async def show_passkeys(request: AnyRequest) -> Response[Any]:
    return said(await passkeys.of_person(auth_of(request), await claims_of(request)))


@patch("/passkeys/{passkey_id:str}")
async def rename_passkey(request: AnyRequest, passkey_id: FromPath[str]) -> Response[Any]:
    claims = await claims_of(request)
    name = read(await request.body(), NewName).friendly_name
    return said(await passkeys.rename(auth_of(request), claims, passkey_id, name))


@delete("/passkeys/{passkey_id:str}", status_code=204)
async def remove_passkey(request: AnyRequest, passkey_id: FromPath[str]) -> None:
    await passkeys.remove(auth_of(request), await claims_of(request), passkey_id)


ROUTES = [
    registration_options,
    registration_verify,
    authentication_options,
    authentication_verify,
    show_passkeys,
    rename_passkey,
    remove_passkey,
]
GRANTS: dict[str, Any] = {}
