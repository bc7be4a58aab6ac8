"""`/factors`: paths, bodies and codes are those of Supabase Auth."""

from typing import Any, Literal

import msgspec
from litestar import Response, delete, get, post
from litestar.params import FromPath

from vently.supabase.auth.answers import read, said
from vently.supabase.auth.bearers import AnyRequest, auth_of, claims_of, device_of
from vently.supabase.auth.errors import AuthError
from vently.supabase.auth.factors import challenges, enrolment, recovery_codes


class NewFactor(msgspec.Struct):
    factor_type: str | None = None
    friendly_name: str | None = None
    issuer: str | None = None
    phone: str | None = None


class KeyAnswer(msgspec.Struct):
    """What the browser's authenticator said. Clients also send `rpId` and `rpOrigins`: those are ours to say."""

    type: Literal["create", "request"]
    credential_response: dict[str, Any]


class FactorAnswer(msgspec.Struct):
    challenge_id: str | None = None
    code: str | None = None
    webauthn: KeyAnswer | None = None


class RecoveryCode(msgspec.Struct):
    code: str | None = None


@post("/factors", status_code=200)
async def enrol(request: AnyRequest) -> Response[Any]:
    claims = await claims_of(request)
    asked = read(await request.body(), NewFactor)
    name, auth = asked.friendly_name or "", auth_of(request)
    match asked.factor_type:
        case "totp":
            return said(await enrolment.enrol_totp(auth, claims, name, asked.issuer or ""))
        case "webauthn":
            return said(await enrolment.enrol_key(auth, claims, name))
        case "phone":
            raise AuthError("mfa_phone_enroll_not_enabled", "MFA enroll is disabled for Phone", 422)
        case _:
            raise AuthError("validation_failed", "factor_type needs to be totp, phone, or webauthn")


@post("/factors/{factor_id:str}/challenge", status_code=200)
async def challenge(request: AnyRequest, factor_id: FromPath[str]) -> Response[Any]:
    """The body says nothing that counts."""
    return said(await challenges.begin(auth_of(request), await claims_of(request), factor_id, device_of(request)))


@post("/factors/{factor_id:str}/verify", status_code=200)
async def verify(request: AnyRequest, factor_id: FromPath[str]) -> Response[Any]:
    claims = await claims_of(request)
    asked = read(await request.body(), FactorAnswer)
    given = challenges.Answer(
        challenge_id=asked.challenge_id or "",
        code=asked.code or "",
        ceremony=asked.webauthn.type if asked.webauthn else None,
        credential=asked.webauthn.credential_response if asked.webauthn else {},
    )
    return said(await challenges.answer(auth_of(request), claims, factor_id, given, device_of(request)))


@delete("/factors/{factor_id:str}", status_code=200)
async def unenrol(request: AnyRequest, factor_id: FromPath[str]) -> Response[Any]:
    return said({"id": await enrolment.unenrol(auth_of(request), await claims_of(request), factor_id)})


@get("/factors/recovery-codes")
async def recovery_codes_left(request: AnyRequest) -> Response[Any]:
    return said(await recovery_codes.left(auth_of(request), await claims_of(request)))


@post("/factors/recovery-codes", status_code=200)
async def make_recovery_codes(request: AnyRequest) -> Response[Any]:
    return said(await recovery_codes.make(auth_of(request), await claims_of(request), again=False))


@post("/factors/recovery-codes/regenerate", status_code=200)
async def make_recovery_codes_again(request: AnyRequest) -> Response[Any]:
    return said(await recovery_codes.make(auth_of(request), await claims_of(request), again=True))


@post("/factors/recovery-codes/verify", status_code=200)
async def use_recovery_code(request: AnyRequest) -> Response[Any]:
    claims = await claims_of(request)
    code = read(await request.body(), RecoveryCode).code or ""
    return said(await recovery_codes.use(auth_of(request), claims, code))


@delete("/factors/recovery-codes", status_code=200)
async def remove_recovery_codes(request: AnyRequest) -> Response[Any]:
    return said({"id": await recovery_codes.remove(auth_of(request), await claims_of(request))})


ROUTES = [
    enrol,
    challenge,
    verify,
    unenrol,
    recovery_codes_left,
    make_recovery_codes,
    make_recovery_codes_again,
    use_recovery_code,
    remove_recovery_codes,
]
GRANTS: dict[str, Any] = {}
