"""The one place where refusals and faults become answers: problem documents (RFC 9457), or pages for browsers."""

import traceback
from http import HTTPStatus
from typing import Any
from urllib.parse import quote, urlencode

import msgspec
import structlog
from litestar.exceptions import HTTPException

from vently.refusals import FieldError, Refusal, Unauthenticated, Unavailable
from vently.web import facts, flashes, pages, places
from vently.web import viewer as viewers
from vently.web.answers import PROBLEM, Answer, redirect
from vently.web.form_pages import ours
from vently.web.json_body import ClientGone

log = structlog.get_logger("vently.web")

BELOW_AAL2 = "insufficient-aal"
"""How the database refuses people whose session has not shown their second factor."""

SUSPENDED, ENDED = "suspended", "session-ended"
"""How it refuses people who are banned, or signed out elsewhere: their browser is a visitor's from then on."""

STEP_UP = 'Bearer error="insufficient_user_authentication", acr_values="aal2"'
"""RFC 9470: what a client needs to ask its person for."""


class Problem(msgspec.Struct, omit_defaults=False):
    """A problem document as RFC 9457 has it, with the request's id and every field that is wrong."""

    type: str
    title: str
    status: int
    detail: str
    instance: str
    request_id: str
    errors: list[FieldError] = []


class Trouble:
    """What Litestar sends for an error: made only when it is sent, because a page asks who looks at it."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def to_asgi_response(self, *_: Any, **__: Any) -> "Trouble":
        return self

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await (await answer(scope, self.error))(scope, receive, send)


def handle(_: Any, error: Exception) -> Trouble:
    """Litestar's exception handler."""
    return Trouble(error)


async def answer(scope: Any, error: Exception) -> Answer:
    """Faults of ours are logged with their traceback and told without detail."""
    problem, headers = _problem(error, scope["path"], facts.of(scope).request_id)
    if problem.status >= HTTPStatus.INTERNAL_SERVER_ERROR and not isinstance(error, Refusal):
        log.error("fault", path=scope.get("path_template"), exception="".join(traceback.format_exception(error)))
    if _is(error, SUSPENDED, ENDED):
        viewers.forget(facts.of(scope))
    if places.is_page(scope["path"]) and prefers_html(scope):
        given = _elsewhere(scope, error) or await pages.problem(scope, problem)
    else:
        given = Answer(problem, problem.status, media_type=PROBLEM)
    for name, value in headers.items():
        given.add(name, value)
    return given


def _elsewhere(scope: Any, error: Exception) -> Answer | None:
    """Who is signed in with the first factor alone goes to the page that asks for the second; who was signed out
    elsewhere sees the page again, as a visitor.
    """
    looks = scope["method"] in places.SAFE_METHODS
    goal = _address(scope["path"])
    if scope["query_string"]:
        goal += f"?{scope['query_string'].decode('latin-1')}"
    if _is(error, BELOW_AAL2):
        asked = urlencode({"next": goal}) if looks else ""
        return redirect(f"/sign-in/second-factor?{asked}".rstrip("?"))
    if _is(error, ENDED) and looks and not any(name == b"authorization" for name, _ in scope["headers"]):
        flashes.leave(scope, "error", "You have been signed out.")
        return redirect(ours(goal))
    return None


def _is(error: Exception, *kinds: str) -> bool:
    return isinstance(error, Unauthenticated) and error.type in kinds


def _problem(error: Exception, path: str, request_id: str) -> tuple[Problem, dict[str, str]]:
    if isinstance(error, Refusal):
        headers = dict(error.headers)
        if isinstance(error, Unauthenticated):
            headers.setdefault("www-authenticate", STEP_UP if error.type == BELOW_AAL2 else "Bearer")
        if isinstance(error, Unavailable):
            headers.setdefault("retry-after", "1")
        kind, title, detail, status, wrong = error.type, error.title, error.detail, error.status, error.errors
    elif isinstance(error, HTTPException):
        status, headers = error.status_code, dict(error.headers or {})
        kind, title = _name(status)
        detail, wrong = SENTENCES.get(status, f"{title}."), []
    elif isinstance(error, ClientGone):
        kind, title, detail, status, headers, wrong = "client-gone", "Client gone", "The client hung up.", 400, {}, []
    else:
        kind, title = _name(500)
        detail, status, headers, wrong = SENTENCES[500], 500, {}, []
    return Problem(f"/problems/{kind}", title, status, detail, _address(path), request_id, wrong), headers


SENTENCES = {
    400: "The request could not be read.",
    404: "There is nothing here, or nothing you may see.",
    405: "This address does not take this method; `Allow` names those it takes.",
    413: "The request is larger than this server takes.",
    414: "The address is longer than this server takes.",
    500: "Something broke on our side. It has been noted under the request id.",
}


def _name(status: int) -> tuple[str, str]:
    if status == HTTPStatus.NOT_FOUND:
        return "not-found", "Not found"
    phrase = HTTPStatus(status).phrase
    return phrase.lower().replace(" ", "-"), phrase.capitalize()


def _address(path: str) -> str:
    return quote(path, safe="/-._~!$&'()*+,;=:@")


def prefers_html(scope: Any) -> bool:
    accept: bytes = next((value for name, value in scope["headers"] if name == b"accept"), b"")
    return b"text/html" in accept
