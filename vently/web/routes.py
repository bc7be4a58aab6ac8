"""Declaring routes: `@get("/api/events/{event}")` on a function whose parameters say what it needs.

A parameter's name decides where it comes from: `request`; `viewer` and `db`; `data` (the JSON body, by its type);
`query` (a struct of query parameters); any other name is a part of the path. Litestar routes the request here; the
parameters are filled without its injection, so that each wrong field is named and nothing is coerced.
"""

import re
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any, get_type_hints

import msgspec
from litestar import Request
from litestar.handlers import HTTPRouteHandler, route

from vently.refusals import FieldError, NotFound
from vently.web import csrf, facts, idempotency, places
from vently.web import viewer as viewers
from vently.web.answers import Answer
from vently.web.json_body import BodyReader
from vently.web.query import QueryReader

Handler = Callable[..., Awaitable[Answer]]
Endpoint = Callable[[Any], Awaitable[Answer]]

_PART = re.compile(r"\{(\w+)\}(\.\w+)?")
"""A step of a path that differs: `{event}`, `{ticket}.pdf`."""


@dataclass(frozen=True, slots=True)
class Operation:
    """What the OpenAPI document says of a route."""

    function: Handler
    path: str
    method: str
    body: Any
    query: Any
    parts: dict[str, Any]
    answers: Any
    status: int
    may: tuple[int, ...]
    asks_who: bool
    signed_in: bool
    media_type: str
    tag: str
    once: bool
    versioned: bool
    upload: str
    hidden: bool


def get(path: str, **about: Any) -> Callable[[Handler], HTTPRouteHandler]:
    return _declare("GET", path, **about)


def post(path: str, **about: Any) -> Callable[[Handler], HTTPRouteHandler]:
    return _declare("POST", path, **{"status": 201, **about})


def put(path: str, **about: Any) -> Callable[[Handler], HTTPRouteHandler]:
    return _declare("PUT", path, **about)


def patch(path: str, **about: Any) -> Callable[[Handler], HTTPRouteHandler]:
    return _declare("PATCH", path, **about)


def delete(path: str, **about: Any) -> Callable[[Handler], HTTPRouteHandler]:
    return _declare("DELETE", path, **{"status": 204, **about})


def _declare(  # noqa: PLR0913 - each is one thing a route may be, and is named where it is used
    method: str,
    path: str,
    *,
    answers: Any = None,
    status: int = 200,
    may: tuple[int, ...] = (),
    signed_in: bool = False,
    media_type: str = "application/json",
    tag: str = "",
    once: bool = False,
    versioned: bool = False,
    upload: str = "",
    limit: int = 1_000_000,
    own_csrf: bool = False,
    hidden: bool = False,
    direct: bool = False,
) -> Callable[[Handler], HTTPRouteHandler]:
    """`answers`: type of the JSON answer. `may`: statuses beside the ones every route can give. `once`: takes
    `Idempotency-Key`. `versioned`: gives ETags and takes `If-Match`. `upload`: the form field that takes a file.
    `limit`: largest form in bytes. `own_csrf`: a page's form without our token (calls from other sites). `direct`: past
    the router, which costs more than the rest of a hot request; its path has no parts.
    """

    def declare(function: Handler) -> HTTPRouteHandler:
        hints = get_type_hints(function, include_extras=True)
        parts = {name: hints.get(name, str) for name, _ in _PART.findall(path)}
        operation = Operation(
            function, path, method, hints.get("data"), hints.get("query"), parts, answers, status, may,
            signed_in or "viewer" in hints, signed_in, media_type, tag, once, versioned, upload,
            hidden or places.is_page(path),
        )  # fmt: skip
        guarded = method not in places.SAFE_METHODS and places.is_page(path) and not own_csrf
        others: dict[str, Endpoint] = {}
        endpoint = _endpoint(operation, hints, others, guarded=guarded)
        methods: Any = ["GET", "HEAD"] if method == "GET" else [method]
        name = f"{function.__module__}.{function.__qualname__}"
        # An Answer brings its own status; Litestar's would only be checked against the annotation.
        known: dict[str, Any] = {"operation": operation, "limit": limit, "endpoint": endpoint, "others": others}
        handler = route(_typed(path), http_method=methods, name=name, status_code=200, **known)(endpoint)
        if direct:
            handler.opt["direct"] = endpoint
        return handler

    return declare


def _typed(path: str) -> str:
    """`/api/events/{event}` as Litestar writes it. It knows no `{ticket}.pdf`: the ending is looked at afterwards."""
    return _PART.sub(r"{\1:str}", path)


def joined(handlers: Iterable[Any]) -> list[Any]:
    """The handlers for the router: addresses that differ in their ending alone share a route."""
    given = list(handlers)
    ours = [handler for handler in given if isinstance(handler, HTTPRouteHandler) and "others" in handler.opt]
    plain = {_place(handler): handler for handler in ours if not _ending(handler.opt["operation"].path)}
    for handler in ours:
        ending = _ending(handler.opt["operation"].path)
        if ending and _place(handler) in plain:
            plain[_place(handler)].opt["others"][ending] = handler.opt["endpoint"]
            given.remove(handler)
    return given


def _place(handler: HTTPRouteHandler) -> tuple[str, str]:
    operation: Operation = handler.opt["operation"]
    return operation.method, _typed(operation.path)


def _ending(path: str) -> str:
    found = _PART.fullmatch(path.rsplit("/", 1)[-1])
    return found[2] or "" if found else ""


def _other(request: Any, others: dict[str, Endpoint]) -> Endpoint | None:
    path: str = request.scope["path"]
    return next((other for ending, other in others.items() if path.endswith(ending)), None)


def options(declared: Iterable[Operation]) -> list[HTTPRouteHandler]:
    """OPTIONS for each path, to be registered first: Litestar's own names only the first method of a path."""
    places: dict[str, dict[str, set[str]]] = {}
    for operation in declared:
        endings = places.setdefault(_typed(operation.path), {})
        found = endings.setdefault(_ending(operation.path), {"OPTIONS"})
        found |= {"GET", "HEAD"} if operation.method == "GET" else {operation.method}
    return [_options(path, endings) for path, endings in places.items()]


def _options(path: str, endings: dict[str, set[str]]) -> HTTPRouteHandler:
    allowed = {ending: ", ".join(sorted(methods)) for ending, methods in endings.items()}

    async def name_methods(request: Request) -> Answer:  # type: ignore[type-arg]
        address = request.scope["path"]
        ending = next((each for each in allowed if each and address.endswith(each)), "")
        return Answer(b"", 204, {"allow": allowed.get(ending) or next(iter(allowed.values()))})

    return route(path, http_method=["OPTIONS"], name=f"options {path}", status_code=200)(name_methods)


def _endpoint(operation: Operation, hints: dict[str, Any], others: dict[str, Endpoint], *, guarded: bool) -> Endpoint:
    """`others` answer in its place when the address has their ending (`joined`)."""
    function = operation.function
    wanted = [name for name in hints if name != "return"]
    unknown = set(wanted) - {"request", "viewer", "db", "data", "query"} - set(operation.parts)
    if unknown:
        raise TypeError(f"{function.__qualname__}: {', '.join(sorted(unknown))} is not in the path {operation.path}")
    body = BodyReader(operation.body, merge_patch=operation.method == "PATCH") if operation.body else None
    query = QueryReader(operation.query, strict=not places.is_page(operation.path))
    endings = dict(_PART.findall(operation.path))
    parts = [(name, kind, endings[name]) for name, kind in operation.parts.items() if name in wanted]

    async def endpoint(request: Any) -> Answer:
        if others and (other := _other(request, others)):
            return await other(request)
        if operation.signed_in:
            await viewers.signed_in(request)
        elif operation.asks_who:
            await viewers.of(request)
        given: dict[str, Any] = {name: _part(request, name, kind, ending) for name, kind, ending in parts}
        if not places.is_page(operation.path) or operation.query:
            given["query"] = query.read(request.scope["query_string"])
        if guarded:
            await csrf.check(request)
        if operation.once:
            idempotency.key_of(request)
        if body:
            given["data"] = await body.read(request)
        return await function(**{name: _filled(name, given, request) for name in wanted})

    endpoint.__annotations__ = {"request": Request, "return": Answer}
    endpoint.__name__, endpoint.__qualname__ = function.__name__, function.__qualname__
    endpoint.__module__, endpoint.__doc__ = function.__module__, function.__doc__
    return endpoint


def _filled(name: str, given: dict[str, Any], request: Any) -> Any:
    if name in given:
        return given[name]
    if name == "request":
        return request
    known = facts.of(request)
    return known.viewer if name == "viewer" else known.parts.database


def _part(request: Any, name: str, kind: Any, ending: str) -> Any:
    """A part of the path that cannot be an address of anything: there is nothing here."""
    text: str = request.scope["path_params"][name]
    if not text.endswith(ending):
        raise NotFound
    try:
        return msgspec.convert(text.removesuffix(ending), kind, strict=False)
    except msgspec.ValidationError:
        raise NotFound(errors=[FieldError(f"/path/{name}", "cannot be the address of anything")]) from None
