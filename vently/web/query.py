"""Parameters of the query: decoded once into a struct; unknown, doubled and unreadable ones are named."""

from typing import Any
from urllib.parse import unquote_to_bytes

import msgspec

from vently.refusals import FieldError, Invalid, Malformed
from vently.web import pointing
from vently.web.texts import TextReader

MOST_PARAMETERS = 100


class QueryReader:
    """Reads the query of one handler into its struct. Made once, when the route is declared.

    Pointers of its errors begin with `/query`, as in `/query/limit`.
    """

    def __init__(self, kind: Any, *, strict: bool = True) -> None:
        """`strict=False`, for pages: links that people share gather parameters of others (`utm_source`)."""
        self._strict = strict
        self._texts = TextReader(kind) if kind else None
        self._names = self._texts.names if self._texts else frozenset()
        self._lists = self._texts.lists if self._texts else set()
        required = kind and any(field.required for field in msgspec.structs.fields(kind))
        self._empty = kind() if kind and not required else None

    def read(self, query_string: bytes) -> Any:
        """Raises Invalid, or Malformed when the query is not UTF-8."""
        if not query_string and (self._empty is not None or self._texts is None):
            return self._empty
        given = self._gather(parse(query_string))
        return self._texts.read(given, "/query") if self._texts else None

    def _gather(self, pairs: list[tuple[str, str]]) -> dict[str, Any]:
        given: dict[str, Any] = {}
        wrong: list[FieldError] = []
        for name, value in pairs:
            where = f"/query/{pointing.escaped(name)}"
            if name not in self._names:
                if self._strict:
                    wrong.append(FieldError(where, f"is not a parameter here; {self._known()}"))
            elif name in self._lists:
                given.setdefault(name, []).append(value)
            elif name in given:
                wrong.append(FieldError(where, "must be given once"))
            else:
                given[name] = value
        if wrong:
            raise Invalid(errors=wrong[:20])
        return given

    def _known(self) -> str:
        return f"these are: {', '.join(sorted(self._names))}" if self._names else "there are none"


def parse(query_string: bytes) -> list[tuple[str, str]]:
    """Pairs in order. Raises Malformed for bytes that are not UTF-8, and Invalid for NUL."""
    parts = [part for part in query_string.split(b"&") if part]
    if len(parts) > MOST_PARAMETERS:
        raise Invalid(f"The query has more than {MOST_PARAMETERS} parameters.")
    pairs = []
    for part in parts:
        raw_name, _, raw_value = part.partition(b"=")
        try:
            pairs.append((_decoded(raw_name), _decoded(raw_value)))
        except UnicodeDecodeError:
            raise Malformed("The query is not UTF-8.") from None
    for name, value in pairs:
        if "\0" in name + value:
            raise Invalid.at(f"/query/{pointing.escaped(name)}", "must not hold NUL")
    return pairs


def _decoded(text: bytes) -> str:
    return unquote_to_bytes(text.replace(b"+", b" ")).decode("utf-8")
