"""What a type cannot say: moments outside the years that are taken."""

from collections.abc import Callable
from datetime import datetime
from functools import cache
from typing import Any

import msgspec

from vently.refusals import FieldError
from vently.web.pointing import escaped
from vently.web.words import FIRST_YEAR, LAST_YEAR

_SENTENCE = f"must be a moment of the years {FIRST_YEAR} to {LAST_YEAR}"


@cache
def holds_moments(kind: Any) -> bool:
    """Whether a value of this type can hold a moment: a list of ids need not be walked."""
    return b'"format":"date-time"' in msgspec.json.encode(msgspec.json.schema(kind))


def moments(value: Any, pointer: str = "") -> list[FieldError]:
    """Each moment within that lies outside the years that are taken."""
    found: list[FieldError] = []
    _walk(value, pointer, found.append)
    return found


def _walk(value: Any, pointer: str, report: Callable[[FieldError], None]) -> None:
    if isinstance(value, datetime):
        if not FIRST_YEAR <= value.year <= LAST_YEAR:
            report(FieldError(pointer, _SENTENCE))
    elif isinstance(value, msgspec.Struct):
        for name, written in zip(value.__struct_fields__, value.__struct_encode_fields__, strict=True):
            held = getattr(value, name)
            if isinstance(held, datetime | msgspec.Struct | list | tuple):
                _walk(held, f"{pointer}/{escaped(written)}", report)
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            _walk(item, f"{pointer}/{index}", report)
