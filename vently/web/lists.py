"""Lists: JSON that Postgres has ready, passed through as bytes, with the way to the next page."""

from typing import Any
from urllib.parse import quote, urlencode

import msgspec

from vently.database.pool import Listing
from vently.web import conditional, cursors, facts, query
from vently.web.answers import Answer, ready


def answer(request: Any, items: str | bytes | list[Any], next_cursor: str | None) -> Answer:
    """{"items": […], "next": cursor or null}, with `Link: rel="next"` and an ETag. `items` is a JSON array as text."""
    body = b'{"items":' + ready(items) + b',"next":' + msgspec.json.encode(next_cursor) + b"}"
    given = conditional.answer(request, body)
    if next_cursor is not None:
        given.add("link", f'<{next_address(request, next_cursor)}>; rel="next"')
    return given


def next_address(request: Any, cursor: str) -> str:
    """The request's own address with another cursor."""
    asked = [(name, value) for name, value in query.parse(request.scope["query_string"]) if name != "cursor"]
    path = quote(request.scope["path"], safe="/-._~!$&'()*+,;=:@")
    return f"{facts.of(request).parts.settings.site_url}{path}?{urlencode([*asked, ('cursor', cursor)])}"


def after(request: Any, name: str, filters: Any, found: Listing) -> str | None:
    """The cursor to the next page of a listing, None after the last."""
    return cursors.issue(request, name, filters, (found.last_key, found.last_id)) if found.more else None


def location(request: Any, body: str, under: str) -> str:
    """Where the resource just made stands: its id under the address of its kind."""
    made: str = msgspec.json.decode(body, type=_Identified).id
    return f"{facts.of(request).parts.settings.site_url}{under}/{made}"


class _Identified(msgspec.Struct):
    id: str


def parent(request: Any) -> str:
    """Where the resource that an action was done to stands: the address without its last step."""
    return f"{facts.of(request).parts.settings.site_url}{request.scope['path'].rsplit('/', 1)[0]}"
