"""Parameters of the query: decoded once into a struct; unknown, doubled and unreadable ones are named."""

from typing import Any, get_origin, get_type_hints
from urllib.parse import unquote_to_bytes

import msgspec

from vently.refusals import FieldError, Invalid, Malformed
from vently.web import checks, pointing

MOST_PARAMETERS = 100


class QueryReader:
    """Reads the query of one handler into its struct. Made once, when the route is declared.

    Pointers of its errors begin with `/query`, as in `/query/limit`.
    """

    def __init__(self, kind: Any) -> None:
        self.kind = kind
        hints = get_type_hints(kind, include_extras=True) if kind else {}
        fields = msgspec.structs.fields(kind) if kind else ()
        self.names = {field.encode_name for field in fields}
        self._lists = {field.encode_name for field in fields if _is_list(hints[field.name])}
        self._words = {field.encode_name for field in fields if _takes_any_word(hints[field.name])}
        self._holds_moments = checks.holds_moments(kind) if kind else False
        self._empty = None if kind is None or any(field.required for field in fields) else kind()

    def read(self, query_string: bytes) -> Any:
        if not query_string:
            if self._empty is not None or self.kind is None:
                return self._empty
            pairs = []
        else:
            pairs = parse(query_string)
        given = self._gather(pairs)
        try:
            value = msgspec.convert(given, self.kind, strict=False) if self.kind else None
        except msgspec.ValidationError:
            raise Invalid(errors=pointing.all_errors(given, self.kind, "/query", strict=False)) from None
        if self._holds_moments and (wrong := checks.moments(value, "/query")):
            raise Invalid(errors=wrong)
        return value

    def _gather(self, pairs: list[tuple[str, str]]) -> dict[str, Any]:
        given: dict[str, Any] = {}
        wrong: list[FieldError] = []
        for name, value in pairs:
            where = f"/query/{pointing.escaped(name)}"
            if name not in self.names:
                wrong.append(FieldError(where, f"is not a parameter here; {self._known()}"))
            elif name in self._lists:
                given.setdefault(name, []).append(value)
            elif name in given:
                wrong.append(FieldError(where, "must be given once"))
            elif value == "null" and name not in self._words:
                wrong.append(FieldError(where, "is not a value here; leave the parameter out instead"))
            else:
                given[name] = value
        if wrong:
            raise Invalid(errors=wrong[:20])
        return given

    def _known(self) -> str:
        return f"these are: {', '.join(sorted(self.names))}" if self.names else "there are none"


def parse(query_string: bytes) -> list[tuple[str, str]]:
    """Pairs in order. Raises Malformed for bytes that are not UTF-8, and Invalid for NUL."""
    parts = [part for part in query_string.split(b"&") if part]
    if len(parts) > MOST_PARAMETERS:
        raise Invalid(f"The query has more than {MOST_PARAMETERS} parameters.")
    pairs = []
    for part in parts:
        name, _, value = part.partition(b"=")
        try:
            pairs.append((_decoded(name), _decoded(value)))
        except UnicodeDecodeError:
            raise Malformed("The query is not UTF-8.") from None
    for name, value in pairs:
        if "\0" in name + value:
            raise Invalid.at(f"/query/{pointing.escaped(name)}", "must not hold NUL")
    return pairs


def _decoded(text: bytes) -> str:
    return unquote_to_bytes(text.replace(b"+", b" ")).decode("utf-8")


def _is_list(hint: Any) -> bool:
    inner = msgspec.inspect.type_info(hint)
    return isinstance(inner, msgspec.inspect.ListType | msgspec.inspect.VarTupleType) or get_origin(hint) is list


def _takes_any_word(hint: Any) -> bool:
    """msgspec reads the word null as None wherever None may stand and text may not."""
    inner = msgspec.inspect.type_info(hint)
    options = inner.types if isinstance(inner, msgspec.inspect.UnionType) else (inner,)
    return any(isinstance(option, msgspec.inspect.StrType) for option in options)
