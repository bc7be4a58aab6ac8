"""Where the browser lands at the end, and what its address says there: a code, a session, or what went wrong."""

from typing import Any

import structlog

from vently.outside.signin import ProviderRefused
from vently.refusals import Refusal
from vently.supabase.auth.errors import AuthError
from vently.supabase.auth.redirects import with_fragment, with_query

log = structlog.get_logger(__name__)

_ERRORS = {400: "invalid_request", 401: "unauthorized_client", 403: "access_denied", 503: "temporarily_unavailable"}
"""RFC 6749's word for a status, as Supabase Auth picks it."""


def with_code(back: str, code: str) -> str:
    return with_query(back, {"code": code})


def with_session(back: str, session: dict[str, Any]) -> str:
    """In the fragment, which no server sees."""
    shown = ("access_token", "expires_at", "expires_in", "provider_refresh_token", "provider_token", "refresh_token")
    said = {name: str(session[name]) for name in shown if session.get(name)}
    return with_fragment(back, {**said, "token_type": "bearer"})


def with_error(back: str, error: Refusal | ProviderRefused) -> str:
    """In the query for servers and in the fragment for scripts: clients look in either."""
    if isinstance(error, ProviderRefused):
        if error.code != "access_denied":
            # The person is told one sentence; the operator needs to see what stands behind it.
            log.warning("provider refused", code=error.code, said=error.sentence, cause=repr(error.__cause__)[:300])
        code = "unexpected_failure" if error.code == "server_error" else "bad_oauth_callback"
        values = {"error": error.code, "error_code": code, "error_description": error.sentence}
    else:
        code = error.code if isinstance(error, AuthError) else "unexpected_failure"
        word = _ERRORS.get(error.status, "invalid_request" if error.status < 500 else "server_error")  # noqa: PLR2004
        values = {"error": word, "error_code": code, "error_description": error.detail}
    return with_fragment(with_query(back, values), values)
