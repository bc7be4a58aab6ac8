"""Named statements: a room's `queries.sql` read into `Query` objects, their `:named` parameters made `$1`."""

import re
from dataclasses import dataclass
from functools import cache
from importlib import resources
from types import SimpleNamespace
from typing import Any

_HEADING = re.compile(r"^--\s*name:\s*(\w+)\s*$", re.MULTILINE)
# Strings, quoted names, dollar quotes and comments are passed over, so that a colon inside them is no parameter.
_TOKEN = re.compile(
    r"'(?:[^']|'')*'|\"[^\"]*\"|\$(\w*)\$.*?\$\1\$|--[^\n]*|/\*.*?\*/|::|(?<![\w:]):(?P<name>[a-z_][a-z0-9_]*)",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Query:
    """One statement and the names of its parameters, in the order of `$1, $2, …`."""

    name: str
    text: str
    parameters: tuple[str, ...]

    def arguments(self, given: dict[str, Any]) -> list[Any]:
        """The values in order. Raises TypeError when a name is missing or unknown: a mistake in the caller."""
        if given.keys() != set(self.parameters):
            raise TypeError(f"{self.name} takes {sorted(self.parameters)}, got {sorted(given)}")
        return [given[name] for name in self.parameters]


@cache
def load(package: str) -> SimpleNamespace:
    """Every statement of the package's `queries.sql`, by name."""
    text = resources.files(package).joinpath("queries.sql").read_text(encoding="utf-8")
    return parse(text)


def parse(text: str) -> SimpleNamespace:
    _, *pieces = _HEADING.split(text)
    found: dict[str, Query] = {}
    for name, body in zip(pieces[::2], pieces[1::2], strict=True):
        if name in found:
            raise ValueError(f"two statements are named {name}")
        found[name] = _query(name, body)
    return SimpleNamespace(**found)


def _query(name: str, body: str) -> Query:
    parameters: list[str] = []

    def number(match: re.Match[str]) -> str:
        parameter = match["name"]
        if parameter is None:
            return match[0]
        if parameter not in parameters:
            parameters.append(parameter)
        return f"${parameters.index(parameter) + 1}"

    text = _TOKEN.sub(number, body).strip().rstrip(";")
    return Query(name, text, tuple(parameters))
