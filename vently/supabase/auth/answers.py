"""Answers of `/auth/v1`: Supabase Auth's error bodies in both versions, and what a body of a request may hold."""

from typing import Any, TypeVar

import msgspec
import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException

from vently.refusals import Refusal
from vently.supabase.auth.errors import AuthError

T = TypeVar("T")
log = structlog.get_logger(__name__)

VERSION_HEADER = "X-Supabase-Api-Version"
VERSION = "2024-01-01"
"""From this version on a body says {code: "<error_code>", message}; before, {code: <status>, error_code, msg}."""

OAUTH = {"unsupported_grant_type", "invalid_request"}
"""Codes of RFC 6749: their body is {error, error_description}, whatever the version."""

CODES = {404: "not_found", 405: "method_not_allowed", 413: "request_too_large", 503: "request_timeout"}


def said(content: Any, *, status: int = 200) -> Response[Any]:
    """An answer about a person: nobody keeps it."""
    return Response(content, status_code=status, media_type="application/json", headers={"Cache-Control": "no-store"})


def read(body: bytes, kind: type[T]) -> T:
    """The body as `kind`, whatever its content type says. Raises AuthError for all that is no such JSON."""
    try:
        return msgspec.json.decode(body or b"{}", type=kind)
    except msgspec.ValidationError as error:
        raise AuthError("validation_failed", f"Could not parse request body: {error}") from error
    except (ValueError, RecursionError) as error:
        raise AuthError("bad_json", "Could not parse request body as JSON") from error


def refused(request: Request[Any, Any, Any], error: Exception) -> Response[Any]:
    """Any exception as Supabase Auth would put it."""
    refusal = _as_auth_error(error)
    new = version_asked(request.headers.get(VERSION_HEADER)) >= VERSION
    body: dict[str, Any]
    if refusal.code in OAUTH:
        body = {"error": refusal.code, "error_description": refusal.message}
    elif new:
        body = {"code": refusal.code, "message": refusal.message}
    else:
        body = {"code": refusal.status, "error_code": refusal.code, "msg": refusal.message}
    if refusal.reasons:
        body["weak_password"] = {"reasons": refusal.reasons}
    answer = said(body, status=refusal.status)
    answer.headers["x-sb-error-code"] = refusal.code
    for name, value in refusal.headers.items():
        answer.headers[name] = value
    return answer


def version_asked(header: str | None) -> str:
    """The version a client speaks, the oldest when it does not say so or says nonsense."""
    digits = (header or "").split("-")
    if [len(part) for part in digits] == [4, 2, 2] and all(part.isdecimal() and part.isascii() for part in digits):
        return header or ""
    return ""


def _as_auth_error(error: Exception) -> AuthError:
    if isinstance(error, AuthError):
        return error
    if isinstance(error, Refusal):
        found = AuthError(CODES.get(error.status, "validation_failed"), error.detail, error.status)
        found.headers = error.headers
        return found
    if isinstance(error, HTTPException) and error.status_code < 500:  # noqa: PLR2004
        found = AuthError(CODES.get(error.status_code, "validation_failed"), error.detail, error.status_code)
        found.headers = dict(error.headers or {})
        return found
    log.error("sign-in failed", exc_info=error)
    return AuthError("unexpected_failure", "Unexpected failure, please check server logs for more information", 500)
