"""From msgspec's message to a JSON pointer and a sentence a person can follow."""

import ast
import re
from collections.abc import Callable
from typing import Any, get_type_hints

import msgspec

from vently.refusals import FieldError
from vently.web import words

_WHERE = re.compile(r" - at `(key` in `)?\$?(.*)`$", re.DOTALL)
_STEP = re.compile(r"\.([^.\[]+)|\[([^\]]*)\]")
_FIELD = re.compile(r"^Object (?:contains unknown|missing required) field `(.*)`", re.DOTALL)

_KINDS = {
    "str": "text", "int": "a whole number", "float": "a number", "bool": "true or false", "object": "an object",
    "array": "a list", "null": "null", "datetime": "a moment as RFC 3339 writes it", "uuid": "a UUID",
    "date": "a date such as 2026-05-01",
}  # fmt: skip
_SIGNS = {"<=": "at most", ">=": "at least", "<": "less than", ">": "more than", "==": "exactly"}


def escaped(name: object) -> str:
    """One step of a JSON pointer (RFC 6901)."""
    return str(name).replace("~", "~0").replace("/", "~1")


def from_message(message: str, prefix: str = "") -> FieldError:
    """The field error that msgspec's message means; `prefix` is put before its pointer."""
    place = _WHERE.search(message)
    what = message[: place.start()] if place else message
    pointer = prefix
    for name, index in _STEP.findall(place[2] if place else ""):
        pointer += "/" + (escaped(name) if name else index.replace("...", "*"))
    if field := _FIELD.match(what):
        pointer += "/" + escaped(field[1])
    return FieldError(pointer, _sentence(what))


def _sentence(what: str) -> str:
    for shape, say in _SENTENCES:
        if found := shape.match(what):
            return say(found)
    return what


def _kind(found: re.Match[str]) -> str:
    wanted = " or ".join(_KINDS.get(kind, kind) for kind in found[1].split(" | "))
    return f"must be {wanted}, not {_KINDS.get(found[2], found[2])}"


_SENTENCES: list[tuple[re.Pattern[str], Callable[[re.Match[str]], str]]] = [
    (re.compile("Object contains unknown field"), lambda _: "is not a field of this request"),
    (re.compile("Object missing required field"), lambda _: "is required"),
    (re.compile(r"Expected `str` matching regex (['\"].*['\"])$", re.DOTALL),
     lambda found: words.sentence(ast.literal_eval(found[1]))),
    (re.compile(r"Expected `str` of length (<=|>=|==) (\d+)"),
     lambda found: f"must have {_SIGNS[found[1]]} {found[2]} characters"),
    (re.compile(r"Expected `\w+` of length (<=|>=|==) (\d+)"),
     lambda found: f"must have {_SIGNS[found[1]]} {found[2]} items"),
    (re.compile(r"Expected `\w+` (<=|>=|<|>) ([-\d.e+]+)"),
     lambda found: f"must be {_SIGNS[found[1]]} {found[2].removesuffix('.0')}"),
    (re.compile(r"Expected `([^`]+)`, got `([^`]+)`"), _kind),
    (
        re.compile("Expected `datetime` with a timezone"),
        lambda _: "must carry an offset, as 2026-05-01T18:00:00Z or 2026-05-01T18:00:00+02:00 do",
    ),
    (re.compile("Invalid enum value (.*)", re.DOTALL), lambda found: f"{found[1]} is not one of the values taken here"),
    (re.compile("Invalid RFC3339"), lambda _: "must be a moment as RFC 3339 writes it, such as 2026-05-01T18:00:00Z"),
]  # fmt: skip


def all_errors(given: Any, kind: Any, prefix: str = "", *, strict: bool = True) -> list[FieldError]:
    """Every field that is not taken, first level by first level: msgspec itself stops at the first."""
    if not (isinstance(given, dict) and isinstance(kind, type) and issubclass(kind, msgspec.Struct)):
        return _one_error(given, kind, prefix, strict=strict)
    hints = get_type_hints(kind, include_extras=True)
    found: list[FieldError] = []
    for field in msgspec.structs.fields(kind):
        if field.encode_name in given:
            where = f"{prefix}/{escaped(field.encode_name)}"
            found += _one_error(given[field.encode_name], hints[field.name], where, strict=strict)
        elif field.required:
            found.append(FieldError(f"{prefix}/{escaped(field.encode_name)}", "is required"))
    known = {field.encode_name for field in msgspec.structs.fields(kind)}
    if kind.__struct_config__.forbid_unknown_fields:
        unknown = [name for name in given if name not in known][:20]
        found += [FieldError(f"{prefix}/{escaped(name)}", "is not a field of this request") for name in unknown]
    return found or _one_error(given, kind, prefix, strict=strict)


def _one_error(given: Any, kind: Any, prefix: str, *, strict: bool) -> list[FieldError]:
    try:
        msgspec.convert(given, kind, strict=strict)
    except msgspec.ValidationError as error:
        return [from_message(str(error), prefix)]
    return []
