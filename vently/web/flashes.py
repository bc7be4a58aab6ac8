"""One sentence for the next page ("Saved."), kept in a signed cookie until it is shown."""

from typing import Any, Literal

import msgspec

from vently.web import facts, signing
from vently.web import viewer as viewers

COOKIE = "vently_flash"
_PURPOSE = "flash"
_MARK = 16


class Flash(msgspec.Struct):
    """`kind` decides how it looks."""

    kind: Literal["ok", "error"]
    text: str


def leave(request: Any, kind: Literal["ok", "error"], text: str) -> None:
    """Say it on the next page this browser sees."""
    known = facts.of(request)
    body = msgspec.json.encode(Flash(kind, text))
    value = signing.encode(known.parts.signer.mark(_PURPOSE, body) + body)
    known.cookies_to_set.append(viewers.cookie(known, COOKIE, value, 60))


def take(request: Any) -> list[Flash]:
    """What was left for this page; it is shown once."""
    text = request.cookies.get(COOKIE)
    if not text:
        return []
    known = facts.of(request)
    known.cookies_to_set.append(viewers.cookie(known, COOKIE, "", 0))
    data = signing.decode(text) or b""
    if not known.parts.signer.matches(_PURPOSE, data[_MARK:], data[:_MARK]):
        return []
    return [msgspec.json.decode(data[_MARK:], type=Flash)]
