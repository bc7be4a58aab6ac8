"""Lists: JSON that Postgres has ready, passed through as bytes, with the way to the next page."""

from typing import Any
from urllib.parse import quote, urlencode

import msgspec

from vently.database.pool import Listing
from vently.web import conditional, cursors, facts, query
from vently.web.answers import Answer


def answer(request: Any, items: str | bytes | list[Any], next_cursor: str | None) -> Answer:
    """{"items": […], "next": cursor or null}, with `Link: rel="next"` and an ETag. `items` is a JSON array as text."""
    ready = items.encode() if isinstance(items, str) else items if isinstance(items, bytes) else encoded(items)
    body = b'{"items":' + ready + b',"next":' + msgspec.json.encode(next_cursor) + b"}"
    given = conditional.answer(request, body)
    if next_cursor is not None:
        given.add("link", f'<{next_address(request, next_cursor)}>; rel="next"')
    return given


def encoded(items: list[Any]) -> bytes:
    return msgspec.json.encode(items)


def next_address(request: Any, cursor: str) -> str:
    """This request's address with another cursor."""
    asked = [(name, value) for name, value in query.parse(request.scope["query_string"]) if name != "cursor"]
    path = quote(request.scope["path"], safe="/-._~!$&'()*+,;=:@")
    return f"{facts.of(request).parts.settings.site_url}{path}?{urlencode([*asked, ('cursor', cursor)])}"


def after(request: Any, name: str, filters: Any, found: Listing) -> str | None:
    """The cursor to the next page of a listing, None after the last."""
    return cursors.issue(request, name, filters, (found.last_key, found.last_id)) if found.more else None


def location(request: Any, body: str) -> str:
    """Where the resource just made by a POST to its list stands."""
    made: str = msgspec.json.decode(body, type=_Identified).id
    return f"{facts.of(request).parts.settings.site_url}{request.scope['path']}/{made}"


class _Identified(msgspec.Struct):
    id: str
