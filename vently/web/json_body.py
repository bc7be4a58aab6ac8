"""Bodies of requests: how large, how deep, of which type; then one strict decoding with every wrong field named."""

import re
from typing import Any

import msgspec

from vently.refusals import Invalid, Malformed, Refusal, TooLarge
from vently.web import checks, facts, pointing

LARGEST_JSON = 1_000_000
LARGEST_UPLOAD = 20_000_000
DEEPEST = 64

_STRINGS_AND_BRACKETS = re.compile(rb'"(?:[^"\\]|\\.)*"|[\[\]{}]', re.DOTALL)


class UnsupportedMediaType(Refusal):
    """The body is of a type that is not taken here."""

    status = 415
    type = "unsupported-media-type"
    title = "Unsupported media type"


class ClientGone(Exception):
    """The client hung up before its request was whole."""


class BodyReader:
    """Reads the JSON body of one handler. Made once, when the route is declared."""

    def __init__(self, kind: Any, *, merge_patch: bool = False) -> None:
        self.kind = kind
        self.types = ("application/json", "application/merge-patch+json") if merge_patch else ("application/json",)
        self._decoder = msgspec.json.Decoder(kind)
        self._holds_moments = checks.holds_moments(kind)

    async def read(self, request: Any) -> Any:
        """Raises UnsupportedMediaType, TooLarge, Malformed (not JSON) or Invalid (JSON of another shape)."""
        headers = request.headers
        refuse_encodings(headers)
        body = await read_bytes(request, LARGEST_JSON)
        self._check_type(headers.get("content-type", ""), body)
        if not body.strip():
            raise Malformed("A JSON body is needed here.")
        check_depth(body)
        return self._decode(body)

    def _check_type(self, given: str, body: bytes) -> None:
        essence, _, parameters = given.partition(";")
        charset = parameters.replace(" ", "").replace('"', "").lower().removeprefix("charset=")
        if essence.strip().lower() not in self.types or charset not in ("", "utf-8", "utf8"):
            if not body and not given:
                raise Malformed("A JSON body is needed here.")
            raise UnsupportedMediaType(f"Send the body as {' or '.join(self.types)} in UTF-8.")

    def _decode(self, body: bytes) -> Any:
        try:
            try:
                value = self._decoder.decode(body)
            except msgspec.ValidationError as error:
                value = self._look_again(body, str(error))
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise Malformed(f"The body is not JSON: {error}.") from None
        except RecursionError:
            raise Invalid("The body nests deeper than this server takes.") from None
        if self._holds_moments and (wrong := checks.moments(value)):
            raise Invalid(errors=wrong)
        return value

    def _look_again(self, body: bytes, message: str) -> Any:
        """To name every wrong field; and 10.0 is a whole number for JSON Schema, which it is not for msgspec."""
        try:
            given = _whole(msgspec.json.decode(body))
        except msgspec.ValidationError:
            raise Invalid(errors=[pointing.from_message(message)]) from None
        try:
            return msgspec.convert(given, self.kind)
        except msgspec.ValidationError as error:
            wrong = pointing.all_errors(given, self.kind)
            raise Invalid(errors=wrong or [pointing.from_message(str(error))]) from None


def _whole(given: Any) -> Any:
    """The same, with 10 for 10.0."""
    if isinstance(given, float):
        return int(given) if given.is_integer() else given
    if isinstance(given, dict):
        return {name: _whole(value) for name, value in given.items()}
    return [_whole(value) for value in given] if isinstance(given, list) else given


def refuse_encodings(headers: Any) -> None:
    """A compressed body could unfold to any size."""
    if headers.get("content-encoding", "identity").strip().lower() not in ("", "identity"):
        raise UnsupportedMediaType(
            "Compressed requests are not taken; send the body without Content-Encoding.",
            headers={"accept-encoding": "identity"},
        )


async def read_bytes(request: Any, limit: int) -> bytes:
    """The whole body, also kept for `Idempotency-Key`. Raises TooLarge beyond `limit` bytes."""
    if read := facts.of(request).body:  # by the check of a form's token; the server would wait for more in vain
        return read
    announced = request.headers.get("content-length", "0")
    if announced.isdigit() and int(announced) > limit:
        raise TooLarge(f"The body is larger than {limit:,} bytes.")
    chunks: list[bytes] = []
    size, more = 0, True
    while more:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        chunk, more = message.get("body", b""), message.get("more_body", False)
        size += len(chunk)
        if size > limit:
            raise TooLarge(f"The body is larger than {limit:,} bytes.")
        chunks.append(chunk)
    body = b"".join(chunks)
    facts.of(request).body = request._body = body  # noqa: SLF001 - Litestar's own `body()` and `form()` find it there
    return body


def check_depth(body: bytes) -> None:
    """Raises Invalid for JSON that nests deeper than `DEEPEST`; almost always two counts are all it takes."""
    if body.count(b"[") + body.count(b"{") <= DEEPEST:
        return
    depth = 0
    for token in _STRINGS_AND_BRACKETS.finditer(body):
        mark = body[token.start()]
        depth += 1 if mark in b"[{" else -1 if mark in b"]}" else 0
        if depth > DEEPEST:
            raise Invalid(f"The body nests deeper than {DEEPEST} levels.")
