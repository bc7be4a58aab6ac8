"""What a browser has begun and comes back to: a mail it waits for, a site it signs in with. Kept in a signed cookie.

The verifier of PKCE (RFC 7636) stands in it, so a link or callback counts only in the browser that asked for it.
"""

import hashlib
import secrets
import time
from typing import Any, Literal

import msgspec

from vently.web import facts, signing
from vently.web import viewer as viewers

COOKIE = "vently_flow"
SECONDS = 3600
_PURPOSE = "flow"
_MARK = 16

Kind = Literal["sign-up", "mail", "recovery", "provider", "link", "email", "recovered"]


class Flow(msgspec.Struct, frozen=True, omit_defaults=True):
    """`next`: where to go afterwards. `recovered`: who may choose a new password without the old one."""

    kind: Kind
    until: int
    verifier: str = ""
    next: str = ""
    email: str = ""
    person: str = ""

    @property
    def challenge(self) -> str:
        return signing.encode(hashlib.sha256(self.verifier.encode()).digest())


def begin(request: Any, kind: Kind, *, goal: str = "/", email: str = "", person: str = "") -> Flow:
    """A browser is in one flow at a time: the one before is forgotten.

    Who asks for the same mail again keeps the verifier: no other may be sent, and then the first one's link counts.
    """
    before = current(request, kind)
    same = before is not None and email != "" and before.email == email
    verifier = before.verifier if before and same else secrets.token_urlsafe(48)
    flow = Flow(kind, int(time.time()) + SECONDS, verifier, goal, email, person)
    known = facts.of(request)
    body = msgspec.json.encode(flow)
    value = signing.encode(known.parts.signer.mark(_PURPOSE, body) + body)
    known.cookies_to_set.append(viewers.cookie(known, COOKIE, value, SECONDS))
    return flow


def current(request: Any, *kinds: Kind) -> Flow | None:
    """The flow this browser is in, when it is one of these kinds (any, when none is named)."""
    data = signing.decode(request.cookies.get(COOKIE, "")) or b""
    if not facts.of(request).parts.signer.matches(_PURPOSE, data[_MARK:], data[:_MARK]):
        return None
    flow = msgspec.json.decode(data[_MARK:], type=Flow)
    return flow if flow.until > time.time() and (not kinds or flow.kind in kinds) else None


def end(request: Any) -> None:
    known = facts.of(request)
    known.cookies_to_set.append(viewers.cookie(known, COOKIE, "", 0))


def back(request: Any) -> str:
    """Where links and other sites send a browser back to."""
    return f"{facts.of(request).parts.settings.site_url}/sign-in/callback"
