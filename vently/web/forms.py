"""Forms of pages and uploaded files, read once and within a limit."""

from functools import cache
from typing import Any, TypeVar
from urllib.parse import unquote_to_bytes

import msgspec
from litestar.datastructures import UploadFile
from litestar.exceptions import HTTPException

from vently.refusals import FieldError, Invalid, Malformed
from vently.web import json_body
from vently.web.texts import TextReader

T = TypeVar("T", bound=msgspec.Struct)

URLENCODED, MULTIPART = "application/x-www-form-urlencoded", "multipart/form-data"
_MOST_FIELDS = 200
_CACHED = "vently.form"


class Upload(msgspec.Struct):
    """One file as it was sent. Name and type are the sender's claims."""

    filename: str
    media_type: str
    body: bytes


async def read(request: Any, kind: type[T]) -> T:
    """The form as a struct: blanks at the ends go, empty fields count as not given. Raises Invalid with `/field`s."""
    reader = _reader(kind)
    given: dict[str, Any] = {}
    for name, sent in (await fields(request)).items():
        values = [tidy for value in sent if isinstance(value, str) and (tidy := _tidy(value))]
        if values and name in reader.names:
            given[name] = values if name in reader.lists else values[-1]
    read: T = reader.read(given)
    return read


@cache
def _reader(kind: type[msgspec.Struct]) -> TextReader:
    return TextReader(kind)


async def upload(request: Any, name: str = "file") -> Upload:
    """The file of a multipart form's field. Raises Invalid when there is none."""
    for value in (await fields(request)).get(name, []):
        if isinstance(value, UploadFile):
            body = await value.read()
            return Upload(value.filename, value.content_type, body)
    raise Invalid(errors=[FieldError(f"/{name}", "a file is needed here")])


async def fields(request: Any) -> dict[str, list[Any]]:
    """Every field with its values, text or UploadFile. Raises UnsupportedMediaType, TooLarge or Malformed."""
    if _CACHED not in request.scope:
        request.scope[_CACHED] = await _read(request)
    found: dict[str, list[Any]] = request.scope[_CACHED]
    return found


async def _read(request: Any) -> dict[str, list[Any]]:
    json_body.refuse_encodings(request.headers)
    essence = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    limit = request.route_handler.opt.get("limit", json_body.LARGEST_JSON)
    if essence not in (URLENCODED, MULTIPART):
        if not essence and not await json_body.read_bytes(request, limit):
            return {}
        raise json_body.UnsupportedMediaType(f"Send a form, as {URLENCODED} or {MULTIPART}.")
    body = await json_body.read_bytes(request, limit)
    if essence == URLENCODED:
        return _urlencoded(body)
    return await _multipart(request)


def _urlencoded(body: bytes) -> dict[str, list[Any]]:
    parts = [part for part in body.split(b"&") if part]
    if len(parts) > _MOST_FIELDS:
        raise Malformed(f"The form has more than {_MOST_FIELDS} fields.")
    found: dict[str, list[Any]] = {}
    for part in parts:
        name, _, value = part.partition(b"=")
        try:
            text = unquote_to_bytes(value.replace(b"+", b" ")).decode()
            found.setdefault(unquote_to_bytes(name.replace(b"+", b" ")).decode(), []).append(text)
        except UnicodeDecodeError:
            raise Malformed("The form is not UTF-8.") from None
    return found


async def _multipart(request: Any) -> dict[str, list[Any]]:
    try:
        form = await request.form()
    except (HTTPException, ValueError, UnicodeError, KeyError) as error:
        raise Malformed("The multipart form could not be read.") from error
    found: dict[str, list[Any]] = {}
    for name, value in form.multi_items():
        found.setdefault(name, []).append(value)
    return found


def _tidy(text: str) -> str:
    """Browsers send line breaks as CR LF."""
    return text.replace("\r\n", "\n").replace("\r", "\n").strip()
