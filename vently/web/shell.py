"""The shell: Litestar with the rooms' routes, inside the envelope."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
from litestar import Litestar
from litestar.handlers import HTTPRouteHandler

from vently.database.pool import Viewer
from vently.settings import Settings
from vently.web import docs, errors, health, openapi, pages, signing, static
from vently.web.draining import draining
from vently.web.envelope import Envelope
from vently.web.facts import Parts, Refresher, Verifier
from vently.web.routes import Operation, joined, options

Lifespan = Callable[[Parts], AbstractAsyncContextManager[None]]


def create_app(  # noqa: PLR0913 - the one place where everything is joined
    settings: Settings,
    routes: Iterable[Any],
    *,
    lifespan: Lifespan,
    verify: Verifier,
    refresh: Refresher | None = None,
    publishable_keys: Iterable[str] = (),
    mounts: Mapping[str, Any] | None = None,
    template_folders: Iterable[Path] = (),
    portray: Callable[[Viewer], Awaitable[Any]] | None = None,
    signer: signing.Signer | None = None,
    drain_seconds: float = 0,
) -> Envelope:
    """The ASGI app. `lifespan` opens the database into `parts.open_database` and closes it after the last request.

    `drain_seconds`: how long after SIGTERM `/readyz` says 503 before the node stops listening.
    """
    parts = Parts(
        settings,
        signer or signing.load(settings.secret, settings.data),
        verify,
        refresh,
        frozenset(publishable_keys),
        pages.environment(template_folders),
        portray=portray,
    )
    handlers = [*health.ROUTES, *docs.ROUTES, *static.ROUTES, *routes]
    declared = operations(handlers)
    parts.openapi = msgspec.json.encode(openapi.document(declared, settings.site_url))

    @asynccontextmanager
    async def living(_: Litestar) -> Any:
        async with lifespan(parts):
            with draining(parts, drain_seconds):
                yield

    app = Litestar(
        [*options(declared), *joined(handlers)],
        lifespan=[living],
        exception_handlers={Exception: errors.handle},  # type: ignore[dict-item]  # it sends what a Trouble becomes
        openapi_config=None,
        logging_config=None,
        request_max_body_size=None,
        debug=False,
        pdb_on_exception=False,
    )
    return Envelope(app, parts, mounts or {}, shortcuts(handlers))


def shortcuts(handlers: Iterable[Any]) -> dict[tuple[str, str], Any]:
    """Endpoints that are reached past the router, by method and path."""
    return {
        (operation.method, operation.path): handler.opt["direct"]
        for handler in handlers
        if isinstance(handler, HTTPRouteHandler) and "direct" in handler.opt
        for operation in [handler.opt["operation"]]
    }


def operations(handlers: Iterable[Any]) -> list[Operation]:
    """What the OpenAPI document says of these routes; handlers declared otherwise are left out."""
    found = (handler.opt.get("operation") for handler in handlers if isinstance(handler, HTTPRouteHandler))
    return [operation for operation in found if operation is not None]
