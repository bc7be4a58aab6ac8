"""From msgspec's message to a JSON pointer and a sentence a person can follow."""

import ast
import re
from typing import Any, get_type_hints

import msgspec

from vently.refusals import FieldError
from vently.web import words

_WHERE = re.compile(r" - at `(key` in `)?\$?(.*)`$", re.DOTALL)
_STEP = re.compile(r"\.([^.\[]+)|\[([^\]]*)\]")
_FIELD = re.compile(r"^Object (?:contains unknown|missing required) field `(.*)`", re.DOTALL)
_PATTERN = re.compile(r"^Expected `str` matching regex (['\"].*['\"])$", re.DOTALL)
_LENGTH = re.compile(r"^Expected `(\w+)` of length (<=|>=|==) (\d+)")
_BOUND = re.compile(r"^Expected `(\w+)` (<=|>=|<|>) ([-\d.e+]+)")
_TYPE = re.compile(r"^Expected `([^`]+)`, got `([^`]+)`")

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
    if what.startswith("Object contains unknown field"):
        return "is not a field of this request"
    if what.startswith("Object missing required field"):
        return "is required"
    if pattern := _PATTERN.match(what):
        return words.sentence(ast.literal_eval(pattern[1]))
    if length := _LENGTH.match(what):
        unit = "characters" if length[1] == "str" else "items"
        return f"must have {_SIGNS[length[2]]} {length[3]} {unit}"
    if bound := _BOUND.match(what):
        return f"must be {_SIGNS[bound[2]]} {bound[3].removesuffix('.0')}"
    if kinds := _TYPE.match(what):
        wanted = " or ".join(_KINDS.get(kind, kind) for kind in kinds[1].split(" | "))
        return f"must be {wanted}, not {_KINDS.get(kinds[2], kinds[2])}"
    if what.startswith("Invalid enum value"):
        return f"{what.removeprefix('Invalid enum value ')} is not one of the values that are taken"
    if what.startswith("Invalid RFC3339"):
        return "must be a moment as RFC 3339 writes it, such as 2026-05-01T18:00:00Z"
    return what


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
