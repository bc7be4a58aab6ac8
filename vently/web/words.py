"""Words that every room's requests are made of: lines, texts, slugs, time zones, moments, and what each may hold.

The JSON schema of each says exactly what is taken. Python's `$` also matches before a last line break and ECMA's does
not: msgspec gets each pattern with backslash Z, and `openapi.py` writes it with `$`.
"""

import re
from collections.abc import Callable
from datetime import datetime
from importlib.resources import files
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

from msgspec import Meta

T = TypeVar("T")

_CONTROLS = "\\u0000-\\u0008\\u000b-\\u001f\\u007f-\\u009f\\u2028-\\u202e\\u2066-\\u2069\\ufeff\\ufffe\\uffff"
"""Control characters, line separators, and marks that turn the direction of writing (a way to forge names)."""
_BLANKS = " \\u00a0\\u1680\\u2000-\\u200f\\u202f\\u205f-\\u2064\\u3000"

_LINE = rf"^[^\t\n{_BLANKS}{_CONTROLS}](?:[^\t\n{_CONTROLS}]*[^\t\n{_BLANKS}{_CONTROLS}])?$"
_OPTIONAL_LINE = rf"^(?:[^\t\n{_BLANKS}{_CONTROLS}](?:[^\t\n{_CONTROLS}]*[^\t\n{_BLANKS}{_CONTROLS}])?)?$"
_TEXT = rf"^[\t\n{_BLANKS}]*[^\t\n{_BLANKS}{_CONTROLS}][^{_CONTROLS}]*$"
_OPTIONAL_TEXT = rf"^[^{_CONTROLS}]*$"
_UUID = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
_SLUG = rf"^(?!{_UUID}$)[a-z0-9]+(?:-[a-z0-9]+)*$"
_HANDLE = rf"^(?!{_UUID}$)[a-z0-9](?:[a-z0-9_.-]*[a-z0-9])?$"
_REFERENCE = rf"^(?:{_UUID}|[a-z0-9](?:[a-z0-9_.-]*[a-z0-9])?)$"
_CURRENCY = "^[A-Z]{3}$"
_COUNTRY = "^[A-Z]{2}$"
_LABEL = rf"^[^,\t\n{_BLANKS}{_CONTROLS}](?:[^,\t\n{_CONTROLS}]*[^,\t\n{_BLANKS}{_CONTROLS}])?$"
_DOMAIN_LABEL = "[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_EMAIL = rf"^[A-Za-z0-9.!#$%&'*+/=?^_`{{|}}~-]{{1,64}}@{_DOMAIN_LABEL}(?:\.{_DOMAIN_LABEL})+$"
_LETTERS = "\\u00a1-\\u167f\\u1681-\\u1fff\\u2c00-\\u2fff\\u3001-\\ud7ff\\uf900-\\ufdff\\ufe10-\\ufefe\\uff00-\\uffef"
"""Letters beyond ASCII, which people write in addresses."""
_HOST_LABEL = rf"[A-Za-z0-9{_LETTERS}](?:[A-Za-z0-9{_LETTERS}-]{{0,61}}[A-Za-z0-9{_LETTERS}])?"
_URL = rf"^https?://{_HOST_LABEL}(?:\.{_HOST_LABEL})*(?::[1-9][0-9]{{0,4}})?(?:[/?#][!#-;=?-Z_a-z~\[\]{_LETTERS}]*)?$"
_LONG, _SHORT = "(?:0[13578]|1[02])", "(?:0[469]|11)"
_DAY = rf"(?:{_LONG}-(?:0[1-9]|[12][0-9]|3[01])|{_SHORT}-(?:0[1-9]|[12][0-9]|30)|02-(?:0[1-9]|1[0-9]|2[0-8]))"
_LEAP = "(?:19(?:[79][26]|8[048])|2[01](?:[2468][048]|[13579][26]|0[48])|2000)"
_DATE = rf"(?:(?:19[7-9][0-9]|2[01][0-9]{{2}})-{_DAY}|{_LEAP}-02-29)"
_CLOCK = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]{1,6})?"
_DAY_OR_MOMENT = rf"^{_DATE}(?:T{_CLOCK}(?:Z|[+-](?:0[0-9]|1[0-4]):[0-5][0-9]))?$"
_MOMENT = rf"^{_DATE}T{_CLOCK}(?:Z|[+-](?:0[0-9]|1[0-4]):[0-5][0-9])$"

SENTENCES = {
    _LINE: "must be one line that is not blank, without control characters and without blanks at its ends",
    _OPTIONAL_LINE: "must be one line, without control characters and without blanks at its ends",
    _TEXT: "must not be blank or hold control characters (line breaks and tabs are fine)",
    _OPTIONAL_TEXT: "must not hold control characters (line breaks and tabs are fine)",
    _SLUG: "must be lower-case letters and digits with single hyphens between, and not a UUID",
    _HANDLE: "must be lower-case letters, digits and . _ - between them, and not a UUID",
    _REFERENCE: "must be an id (UUID) or a slug",
    _LABEL: "must be a word or a few, without commas, control characters, or blanks at its ends",
    _DAY_OR_MOMENT: "must be a day such as 2026-05-01, or a moment such as 2026-05-01T18:00:00Z",
    _CURRENCY: "must be an ISO 4217 code of three capitals, such as EUR",
    _COUNTRY: "must be an ISO 3166 code of two capitals, such as DE",
    _EMAIL: "must be an e-mail address",
    _URL: "must be a web address that begins with https:// or http://",
    "^[A-Za-z0-9_-]+$": "must be a cursor as a list gave it",
    "^[A-Za-z0-9_-]{2,40}$": "takes 2 to 40 letters, digits, - and _, and no blanks",
    _MOMENT: "must be a moment of the years 1970 to 2199 as RFC 3339 writes it, such as 2026-05-01T18:00:00Z",
}
"""What a pattern asks for, in words."""


def _matching(pattern: str, *, longest: int | None = None, shortest: int | None = None) -> Meta:
    return Meta(pattern=re.sub(r"\$(?=\)|\Z)", r"\\Z", pattern), max_length=longest, min_length=shortest)


def ecma(pattern: str) -> str:
    """The same pattern as JSON schema (ECMA 262) writes it."""
    return pattern.replace(r"\Z", "$")


def line(longest: int, *, shortest: int = 1) -> Meta:
    """One line without control characters; with `shortest=0` it may be empty."""
    return _matching(_LINE if shortest else _OPTIONAL_LINE, longest=longest, shortest=shortest or None)


def text(longest: int, *, shortest: int = 0) -> Meta:
    """Several lines; with `shortest=1` there must be something in them."""
    return _matching(_TEXT if shortest else _OPTIONAL_TEXT, longest=longest, shortest=shortest or None)


def label(longest: int) -> Meta:
    """A category or tag: a word or a few, without commas."""
    return _matching(_LABEL, longest=longest, shortest=1)


if TYPE_CHECKING:
    Timezone = str
else:
    _ZONES = sorted(set(files("tzdata").joinpath("zones").read_text().split()) - {"Factory", "localtime"})
    Timezone = Literal[tuple(_ZONES)]

Slug = Annotated[str, _matching(_SLUG, longest=80, shortest=1)]
Handle = Annotated[str, _matching(_HANDLE, longest=40, shortest=2)]
Reference = Annotated[str, _matching(_REFERENCE, longest=80, shortest=1)]
"""What stands in `{event}`, `{community}` and `{handle}`: an id or a slug."""
HttpUrl = Annotated[str, _matching(_URL, longest=2000)]
Email = Annotated[str, _matching(_EMAIL, longest=254)]
Currency = Annotated[str, _matching(_CURRENCY)]
Country = Annotated[str, _matching(_COUNTRY)]
Latitude = Annotated[float, Meta(ge=-90, le=90)]
Longitude = Annotated[float, Meta(ge=-180, le=180)]
Count = Annotated[int, Meta(ge=0, le=2_147_483_647)]
PageSize = Annotated[int, Meta(ge=1, le=100, description="how many items a page holds")]
CursorText = Annotated[str, _matching("^[A-Za-z0-9_-]+$", longest=2000)]

DayOrMoment = Annotated[str, _matching(_DAY_OR_MOMENT)]


ALSO: dict[str, dict[str, Any]] = {}
"""What the schemas of structs say beside their fields, by the struct's name."""


def also(**schema: Any) -> Callable[[T], T]:
    """For the struct below: what its schema says about several fields at once. The verb holds people to it."""

    def remember(struct: T) -> T:
        ALSO[struct.__name__] = schema  # type: ignore[attr-defined]
        return struct

    return remember


def together(*names: str) -> list[dict[str, Any]]:
    """Schemas of which one holds when these numbers are all given, or none of them is."""
    all_given = {"properties": {name: {"type": "number"} for name in names}, "required": list(names)}
    return [all_given, {"properties": {name: {"type": "null"} for name in names}}]


FIRST_YEAR, LAST_YEAR = 1970, 2199
Moment = Annotated[datetime, Meta(tz=True, extra_json_schema={"pattern": _MOMENT})]
"""A moment with its offset. msgspec cannot bound datetimes: `checks.moments` looks at the year after decoding."""


def sentence(pattern: str) -> str:
    """What a pattern that was not met asks for."""
    return SENTENCES.get(ecma(pattern), f"must match {ecma(pattern)}")
