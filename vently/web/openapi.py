"""The OpenAPI 3.1 document, made from the routes and from msgspec's own schemas: what is written is what is taken."""

import inspect
from collections import Counter
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

import msgspec

from vently import __version__
from vently.web import words
from vently.web.answers import PROBLEM
from vently.web.errors import Problem
from vently.web.routes import Operation

_REF = "#/components/schemas/{name}"

DESCRIPTION = """Events, communities, people and tickets of one Vently.

Errors are problem documents (RFC 9457). The pointers in `errors` name the field of the body (`/venue/lat`), the
parameter of the query (`/query/limit`), the part of the path (`/path/event`) or the header
(`/header/Idempotency-Key`). Lists give `next`, a cursor for the same list with the same filters. PATCH is JSON Merge
Patch (RFC 7396). A POST with `Idempotency-Key` is done once in 24 hours and answered again when repeated."""


HEADERS: dict[str, Any] = {
    "Idempotency-Key": {
        "name": "Idempotency-Key", "in": "header", "schema": {"type": "string", "pattern": "^[!-~]{1,255}$"},
        "description": "the request is done once in 24 hours, and answered again when its body is sent again",
    },
    "If-Match": {
        "name": "If-Match", "in": "header", "schema": {"type": "string"},
        "description": "with the ETag that you read, the change is refused (412) when somebody was faster",
    },
}  # fmt: skip
"""Named in the description of each operation that takes them, not among its parameters: no schema can say which key is
new or which ETag is the present one, and tools that make up values from schemas would take each refusal for a fault."""


def document(operations: Iterable[Operation], site_url: str) -> dict[str, Any]:
    """The whole document as plain values."""
    shown = sorted((o for o in operations if not o.hidden), key=lambda o: (o.path, o.method))
    types = [kind for o in shown for kind in (o.body, o.query, o.answers, *o.parts.values()) if kind is not None]
    distinct = list({repr(kind): kind for kind in [Problem, *types]}.values())
    schemas, components = msgspec.json.schema_components(distinct, ref_template=_REF)
    schema_of = {repr(kind): _tidy(schema) for kind, schema in zip(distinct, schemas, strict=True)}
    components = {name: {**_tidy(schema), **words.ALSO.get(name, {})} for name, schema in components.items()}
    paths: dict[str, Any] = {}
    ids = _ids(shown)
    for operation in shown:
        made = {"operationId": ids[operation.function], **_operation(operation, schema_of, components)}
        paths.setdefault(operation.path, {})[operation.method.lower()] = made
    for operation in shown:
        if operation.query is not None:
            components.pop(_component(schema_of[repr(operation.query)]), None)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Vently",
            "version": __version__,
            "description": DESCRIPTION,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": site_url}],
        "tags": [{"name": tag} for tag in sorted({_tag(o) for o in shown})],
        "paths": paths,
        "components": {
            "schemas": dict(sorted(components.items())),
            "parameters": HEADERS,
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer", "description": "an access token"}},
        },
    }


def _ids(shown: list[Operation]) -> dict[Any, str]:
    """The function's name; with its room before it where two rooms have the same."""
    names = Counter(operation.function.__name__ for operation in shown)
    return {
        o.function: name if names[name := o.function.__name__] == 1 else f"{_room(o)}_{name}" for o in shown
    }  # fmt: skip


def _component(schema: dict[str, Any]) -> str:
    return str(schema["$ref"]).rsplit("/", 1)[-1]


def _taken_headers(operation: Operation) -> list[str]:
    changes = operation.method != "GET"
    return ["Idempotency-Key"] * operation.once + ["If-Match"] * (operation.versioned and changes)


def _operation(operation: Operation, schema_of: dict[str, Any], components: dict[str, Any]) -> dict[str, Any]:
    name = operation.function.__name__.replace("_", " ").capitalize()
    summary, _, text = inspect.cleandoc(operation.function.__doc__ or name).partition("\n")
    made: dict[str, Any] = {
        "summary": summary.strip().removesuffix("."),
        "tags": [_tag(operation)],
        "parameters": _parameters(operation, schema_of, components),
        "responses": _responses(operation, schema_of),
        "security": _security(operation),
    }
    text += "".join(f"\n\nTakes `{name}`: {HEADERS[name]['description']}." for name in _taken_headers(operation))
    if text.strip():
        made["description"] = text.strip()
    if operation.body is not None:
        kinds = ["application/json"] + (["application/merge-patch+json"] if operation.method == "PATCH" else [])
        content = {kind: {"schema": schema_of[repr(operation.body)]} for kind in kinds}
        made["requestBody"] = {"required": True, "content": content}
    if operation.upload:
        file = {"type": "object", "required": [operation.upload], "properties": {operation.upload: {"type": "string",
            "format": "binary"}}}  # fmt: skip
        made["requestBody"] = {"required": True, "content": {"multipart/form-data": {"schema": file}}}
    return made


def _parameters(operation: Operation, schema_of: dict[str, Any], components: dict[str, Any]) -> list[dict[str, Any]]:
    made = [
        {"name": name, "in": "path", "required": True, "schema": schema_of[repr(kind)]}
        for name, kind in operation.parts.items()
    ]
    if operation.query is not None:
        struct = components[_component(schema_of[repr(operation.query)])]
        for name, schema in struct["properties"].items():
            made.append({"name": name, "in": "query", "required": name in struct.get("required", ()),
                         "schema": _without_null(schema)})  # fmt: skip
    return made


def _responses(operation: Operation, schema_of: dict[str, Any]) -> dict[str, Any]:
    good: dict[str, Any] = {"description": HTTPStatus(operation.status).phrase, "headers": _answer_headers(operation)}
    if operation.answers is not None:
        good["content"] = {operation.media_type: {"schema": schema_of[repr(operation.answers)]}}
    elif operation.media_type != "application/json":
        good["content"] = {operation.media_type: {"schema": {"type": "string"}}}
    responses = {str(operation.status): good}
    if operation.method == "GET" and operation.path.startswith("/api/"):
        responses["304"] = {"description": "What `If-None-Match` names is still so"}
    for status in sorted(_refusals(operation) - {operation.status}):
        phrase = HTTPStatus(status).phrase
        responses[str(status)] = {
            "description": phrase,
            "content": {PROBLEM: {"schema": {"$ref": _REF.format(name="Problem")}}},
        }
    return responses


def _refusals(operation: Operation) -> set[int]:
    statuses = {400, 422, 429, 500, 503, *operation.may}
    if operation.asks_who:
        statuses |= {401, 403}
    if operation.parts:
        statuses.add(404)
    if operation.body is not None or operation.upload:
        statuses |= {413, 415}
    if operation.once:
        statuses.add(409)
    if operation.versioned and operation.method != "GET":
        statuses.add(412)
    return statuses


def _answer_headers(operation: Operation) -> dict[str, Any]:
    names = ["X-Request-Id"]
    names += ["ETag"] if operation.versioned else []
    names += ["Location"] if operation.status == HTTPStatus.CREATED else []
    return {name: {"schema": {"type": "string"}} for name in names}


def _security(operation: Operation) -> list[dict[str, list[str]]]:
    """A visitor may call what does not ask for an account; a token that does not count is refused even there."""
    if operation.signed_in:
        return [{"bearer": []}]
    return [{}, {"bearer": []}] if operation.asks_who else []


def _tag(operation: Operation) -> str:
    return operation.tag or _room(operation).capitalize()


def _room(operation: Operation) -> str:
    return operation.function.__module__.removeprefix("vently.").partition(".")[0]


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """A parameter that is left out is null already; the word null is not a value."""
    kept = {key: value for key, value in schema.items() if not (key == "default" and value is None)}
    options = [option for option in kept.pop("anyOf", []) if option.get("type") != "null"]
    return {**kept, **options[0]} if len(options) == 1 else {**kept, "anyOf": options} if options else kept


def _tidy(schema: Any) -> Any:
    """Patterns as ECMA 262 writes them; a moment's pattern says more than `date-time`, which is dropped beside it."""
    if isinstance(schema, dict):
        made = {key: _tidy(value) for key, value in schema.items()}
        if isinstance(made.get("pattern"), str):
            made["pattern"] = words.ecma(made["pattern"])
            if made.get("format") == "date-time":
                del made["format"]
        return made
    return [_tidy(item) for item in schema] if isinstance(schema, list | tuple) else schema
