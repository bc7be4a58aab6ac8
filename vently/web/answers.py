"""Answers: status, headers and ready bytes, sent as they stand."""

from typing import Any
from urllib.parse import quote

import msgspec

JSON = "application/json"
PROBLEM = "application/problem+json"
HTML = "text/html; charset=utf-8"

_encoder = msgspec.json.Encoder()


class Answer:
    """What a handler gives back. `body`: bytes or text as they stand, or anything msgspec can write as JSON."""

    __slots__ = ("body", "headers", "status")

    def __init__(
        self, body: Any = b"", status: int = 200, headers: dict[str, str] | None = None, media_type: str = JSON
    ) -> None:
        self.body: bytes = ready(body)
        self.status = status
        self.headers = [("content-type", media_type)] if self.body else []
        if headers:
            self.headers += [(name.lower(), value) for name, value in headers.items()]

    def add(self, name: str, value: str) -> "Answer":
        """One header more, beside any of the same name (`Set-Cookie`, `Link`)."""
        self.headers.append((name.lower(), value))
        return self

    def header(self, name: str) -> str | None:
        return next((value for known, value in self.headers if known == name.lower()), None)

    def to_asgi_response(self, *_: Any, **__: Any) -> "Answer":
        """What Litestar asks of an exception handler's answer."""
        return self

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:  # noqa: ARG002 - ASGI
        headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in self.headers]
        if self.status not in (204, 304):
            headers.append((b"content-length", b"%d" % len(self.body)))
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        body = b"" if scope["method"] == "HEAD" else self.body
        await send({"type": "http.response.body", "body": body, "more_body": False})


def ready(body: Any) -> bytes:
    """JSON that Postgres has ready stays as it is."""
    return body if isinstance(body, bytes) else body.encode() if isinstance(body, str) else _encoder.encode(body)


def created(body: Any, location: str, headers: dict[str, str] | None = None) -> Answer:
    """201 with the address of what was made."""
    return Answer(body, 201, {"location": location, **(headers or {})})


def nothing() -> Answer:
    """204: done, with nothing to say."""
    return Answer(b"", 204)


def redirect(location: str, status: int = 303) -> Answer:
    """Anything a header cannot hold is percent-encoded."""
    return Answer(b"", status, {"location": quote(location, safe="/:?#[]@!$&'()*+,;=%~")})
