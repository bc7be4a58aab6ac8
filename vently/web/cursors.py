"""Cursors: where a list goes on, signed, and good only for the list and filters that gave them."""

import hashlib
from typing import Any, TypeVar

import msgspec

from vently.refusals import Invalid
from vently.web import facts, signing

T = TypeVar("T")

_PURPOSE = "cursor"
_MARK = 16


def issue(request: Any, name: str, filters: Any, place: Any) -> str:
    """The cursor after `place` (a struct, tuple or list of plain values) in the list `name` under `filters`."""
    body = msgspec.json.encode(place)
    signer = facts.of(request).parts.signer
    return signing.encode(signer.mark(_PURPOSE, _bound(name, filters) + body) + body)


def read(request: Any, name: str, filters: Any, cursor: str | None, kind: type[T]) -> T | None:
    """The place a cursor stands for, None without a cursor. Raises Invalid at `/query/cursor` for any other text."""
    if cursor is None:
        return None
    data = signing.decode(cursor) or b""
    mark, body = data[:_MARK], data[_MARK:]
    signer = facts.of(request).parts.signer
    if signer.matches(_PURPOSE, _bound(name, filters) + body, mark):
        try:
            return msgspec.json.decode(body, type=kind)
        except msgspec.MsgspecError:
            pass
    raise Invalid.at("/query/cursor", "is not a cursor that this list gave for these filters; begin again without it")


def _bound(name: str, filters: Any) -> bytes:
    """Everything that decides what is in the list; the page's size and the cursor itself may differ."""
    asked = msgspec.to_builtins(filters) if filters is not None else {}
    asked = {key: value for key, value in asked.items() if key not in ("cursor", "limit")}
    return hashlib.sha256(msgspec.json.encode([name, asked], order="sorted")).digest()
