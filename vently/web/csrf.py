"""Forms of pages come from our own pages: a signed token bound to browser and person, and the browser's own word.

Litestar's middleware is not used because its token is not bound to who is signed in, and because it reads forms
before any limit holds. A token is the mark of (this browser's random cookie, the viewer's id): a token of one's own
account does not fit anybody else's form, and signing in changes it.
"""

import hmac
import secrets
from typing import Any
from urllib.parse import urlsplit

from markupsafe import Markup

from vently.database.pool import VISITOR
from vently.refusals import NotAllowed
from vently.web import facts, forms, signing
from vently.web import viewer as viewers

COOKIE = "vently_csrf"
FIELD = "_csrf"
HEADER = "x-csrf-token"
_REMEMBERED = 30 * 86400


class ForeignForm(NotAllowed):
    """The form was not sent from its own page, or the page is too old: reload the page and send it again."""

    type = "foreign-form"
    title = "Reload the page and send it again"


async def check(request: Any) -> None:
    """Raises ForeignForm unless the form comes from a page of ours, seen by this viewer in this browser."""
    _check_origin(request)
    given = request.headers.get(HEADER) or (await forms.fields(request)).get(FIELD, [""])[-1]
    browser = request.cookies.get(COOKIE, "")
    viewer = await viewers.of(request)
    fitting = _token(request, browser, viewer).encode()
    if not browser or not isinstance(given, str) or not hmac.compare_digest(given.encode(), fitting):
        raise ForeignForm


def _check_origin(request: Any) -> None:
    site = request.headers.get("sec-fetch-site")
    if site is not None and site not in ("same-origin", "none"):
        raise ForeignForm
    origin = request.headers.get("origin")
    if origin is None or site is not None:
        return
    ours = urlsplit(facts.of(request).parts.settings.site_url).netloc
    _, _, theirs = origin.partition("://")
    if theirs not in (ours, request.headers.get("host", "")):
        raise ForeignForm


def token(request: Any) -> str:
    """The token for the forms of this answer; gives the browser its cookie when it has none.

    The answer is for this browser alone from then on: no cache may keep it. The viewer must have been asked for.
    """
    known = facts.of(request)
    known.personal = True
    if not known.csrf:
        known.csrf = request.cookies.get(COOKIE, "")
        if not known.csrf or len(known.csrf) > 64:  # noqa: PLR2004 - ours has 22
            known.csrf = secrets.token_urlsafe(16)
            known.cookies_to_set.append(viewers.cookie(known, COOKIE, known.csrf, _REMEMBERED))
    return _token(request, known.csrf, known.viewer or VISITOR)


def renew(request: Any) -> None:
    """At sign-in: tokens that this browser was given before, whoever gave them, fit no form any longer."""
    known = facts.of(request)
    known.csrf = secrets.token_urlsafe(16)
    known.cookies_to_set.append(viewers.cookie(known, COOKIE, known.csrf, _REMEMBERED))


def field(request: Any) -> Markup:
    """The hidden field that each form carries."""
    return Markup('<input type="hidden" name="{}" value="{}">').format(FIELD, token(request))


def _token(request: Any, browser: str, viewer: Any) -> str:
    bound = f"{browser}\0{viewer.id or ''}".encode()
    return signing.encode(facts.of(request).parts.signer.mark("csrf", bound, 32))
