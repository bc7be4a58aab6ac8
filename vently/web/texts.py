"""From texts (a query, a form) to a struct: numbers, truths and moments are read from their usual spelling alone."""

import re
from typing import Any, get_type_hints

import msgspec
from msgspec import inspect

from vently.refusals import FieldError, Invalid
from vently.web import checks, pointing

_BEGINS_AS_A_DAY = re.compile(r"\d{4}-")


class TextReader:
    """Reads texts into one struct. Made once for each struct.

    msgspec's lax conversion takes more than is meant: the word null for None, and seconds since 1970 for a moment.
    """

    def __init__(self, kind: Any) -> None:
        self.kind = kind
        hints = get_type_hints(kind, include_extras=True)
        fields = msgspec.structs.fields(kind)
        kinds = {field.encode_name: _kinds(hints[field.name]) for field in fields}
        self.names = frozenset(kinds)
        self.lists = {name for name, found in kinds.items() if found & {inspect.ListType, inspect.VarTupleType}}
        self._moments = {name for name, found in kinds.items() if found & {inspect.DateTimeType, inspect.DateType}}
        self._words = {name for name, found in kinds.items() if inspect.StrType in found}
        self._holds_moments = checks.holds_moments(kind)

    def read(self, given: dict[str, Any], prefix: str = "") -> Any:
        """Raises Invalid with every field that cannot be read; `prefix` is put before the pointers."""
        wrong = [FieldError(f"{prefix}/{pointing.escaped(name)}", sentence) for name, sentence in self._misread(given)]
        if wrong:
            raise Invalid(errors=wrong)
        try:
            value = msgspec.convert(given, self.kind, strict=False)
        except msgspec.ValidationError as error:
            wrong = pointing.all_errors(given, self.kind, prefix, strict=False)
            raise Invalid(errors=wrong or [pointing.from_message(str(error), prefix)]) from None
        if self._holds_moments and (wrong := checks.moments(value, prefix)):
            raise Invalid(errors=wrong)
        return value

    def _misread(self, given: dict[str, Any]) -> list[tuple[str, str]]:
        found = []
        for name, value in given.items():
            if value == "null" and name not in self._words:
                found.append((name, "is not a value here; leave it out instead"))
            elif name in self._moments and not _BEGINS_AS_A_DAY.match(value):
                found.append((name, "must be a moment as RFC 3339 writes it, such as 2026-05-01T18:00:00Z"))
        return found


def _kinds(hint: Any) -> set[type]:
    info = _bare(inspect.type_info(hint))
    return {type(_bare(option)) for option in (info.types if isinstance(info, inspect.UnionType) else (info,))}


def _bare(info: Any) -> Any:
    """Without the description or example that may be wrapped around it."""
    return info.type if isinstance(info, inspect.Metadata) else info
