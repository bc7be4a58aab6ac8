"""Values that a JSON schema does not take, made from the schema itself."""

from collections.abc import Iterator
from typing import Any

BY_TYPE: dict[str, list[Any]] = {
    "string": [1, 1.5, True, [], {}, ["x"]],
    "integer": ["1", 1.5, True, [], {}, 10**30, -(10**30)],
    "number": ["1", True, [], {}],
    "boolean": ["true", 1, 0, [], {}],
    "array": ["x", 1, {}, {"0": "x"}],
    "object": ["x", 1, [], [{}]],
}
UNREADABLE = ["a\u0000b", "a\u0007b", "a\u001bb", "a\u0085b", "a\u2028b", "a\u202eb", "\ufeffab"]
"""Control characters, and marks that turn the direction of writing."""
MOMENTS = [
    "0000-01-01T00:00:00Z", "0001-01-01T00:00:00Z", "1969-12-31T23:59:59Z", "2200-01-01T00:00:00Z",
    "9999-12-31T23:59:59Z", "10000-01-01T00:00:00Z", "2027-02-30T00:00:00Z", "2027-01-01T25:00:00Z",
    "2027-01-01T00:00:00", "2027-01-01T00:00:00+25:00", "2027-13-01T00:00:00Z", "-2027-01-01T00:00:00Z",
    "2027-01-01", "tomorrow", "1700000000",
]  # fmt: skip


def of(schema: dict[str, Any], document: dict[str, Any]) -> Iterator[Any]:
    """Wrong types, null where it is not taken, and what breaks each bound."""
    options = [resolved(option, document) for option in schema.get("anyOf", [schema])]
    kinds = {kind for option in options for kind in _kinds(option)}
    if "null" not in kinds:
        yield None
    for kind, values in BY_TYPE.items():
        if kind in kinds and not kinds & {"object", "array"} - {kind}:
            yield from (value for value in values if not ("number" in kinds and isinstance(value, int | float)
                                                          and not isinstance(value, bool)))  # fmt: skip
    for option in options:
        if "null" not in _kinds(option):
            yield from _past_bounds(option)


def resolved(schema: dict[str, Any], document: dict[str, Any]) -> dict[str, Any]:
    if "$ref" not in schema:
        return schema
    found: dict[str, Any] = document["components"]["schemas"][schema["$ref"].rsplit("/", 1)[-1]]
    return found


def _kinds(schema: dict[str, Any]) -> set[str]:
    if "enum" in schema:
        return {"string"}
    kind = schema.get("type")
    return set(kind) if isinstance(kind, list) else {kind} if kind else set()


def _past_bounds(schema: dict[str, Any]) -> Iterator[Any]:
    if "enum" in schema:
        yield from ("nonsense", "", str(schema["enum"][0]).upper() + " ")
    if "const" in schema:
        yield not schema["const"]
    if "minimum" in schema:
        yield schema["minimum"] - 1
    if "maximum" in schema:
        yield schema["maximum"] + 1
    if schema.get("type") == "object":
        yield {"nonsense": 1}
    if schema.get("type") == "string":
        yield from _bad_strings(schema)
    if schema.get("type") == "array":
        yield from ([1], [None], [[]], ["fine", {}], ["a\u0000b"], ["x" * 1000])
        yield [f"item {number}" for number in range(schema["maxItems"] + 1)]
        yield from [["same", "same"]] * schema.get("uniqueItems", False)


def _bad_strings(schema: dict[str, Any]) -> Iterator[Any]:
    moment = "T(?:" in schema.get("pattern", "")
    if "maxLength" in schema:
        yield from ("x" * (schema["maxLength"] + 1), "x" * 300_000)
    if schema.get("minLength"):
        yield from ("", " ", "\n")
    if "pattern" in schema and not moment:
        yield from UNREADABLE
    if moment:
        yield from MOMENTS
    if schema.get("format") == "uuid":
        yield from ("x", "0" * 36, "{01890a5d-ac96-774b-bcce-b302099a8057", "")
