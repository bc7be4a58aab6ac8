"""The envelope of every request, one small layer around Litestar: id, limits of the address, timing, headers, log."""

import re
import secrets
import time
from collections.abc import Mapping
from typing import Any

import structlog
from litestar import Request

from vently.database import pool
from vently.refusals import Malformed, Refusal
from vently.web import errors, headers
from vently.web.facts import Facts, Parts, current
from vently.web.json_body import ClientGone

log = structlog.get_logger("vently.request")

LONGEST_ADDRESS = 8192
_SANE_ID = re.compile(rb"[A-Za-z0-9._:-]{8,128}")
_NOT_IN_PATHS = re.compile("[\x00-\x1f\x7f\ufffd\ud800-\udfff]")


class AddressTooLong(Refusal):
    """The address is longer than this server takes."""

    status = 414
    type = "uri-too-long"
    title = "Address too long"


class Envelope:
    """The ASGI app that uvicorn runs. `mounts` are whole ASGI apps by the prefix of their paths; `shortcuts` are
    endpoints by method and path that need no router.
    """

    def __init__(
        self, app: Any, parts: Parts, mounts: Mapping[str, Any], shortcuts: Mapping[tuple[str, str], Any]
    ) -> None:
        self.app = app
        self.parts = parts
        self._shortcuts = shortcuts
        self._mounts = tuple((prefix, prefix + "/", mounted) for prefix, mounted in mounts.items())

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
            return
        known = Facts(self.parts, _request_id(scope["headers"]))
        scope["vently"] = known
        token = current.set(known)
        try:
            if scope["type"] == "http":
                await self._http(scope, receive, send, known)
            else:
                await self._app_for(scope["path"])(scope, receive, send)
        finally:
            current.reset(token)

    async def _http(self, scope: Any, receive: Any, send: Any, known: Facts) -> None:
        waits: list[float] = []
        pool.spent.set(waits)
        path, status = scope["path"], 0

        async def sending(message: Any) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                given = headers.complete([(name.lower(), value) for name, value in message["headers"]], path, known)
                given += [(b"x-request-id", known.request_id.encode()), (b"server-timing", _timing(known, waits))]
                message = {**message, "headers": given}
            await send(message)

        try:
            await self._answer(scope, receive, sending)
        except Exception as error:
            if status:
                raise
            if isinstance(error, ClientGone):
                return
            await (await errors.answer(scope, error))(scope, receive, sending)
        finally:
            _note(scope, status, known, waits)

    async def _answer(self, scope: Any, receive: Any, send: Any) -> None:
        if len(scope.get("raw_path") or b"") + len(scope["query_string"]) > LONGEST_ADDRESS:
            raise AddressTooLong
        if _NOT_IN_PATHS.search(scope["path"]):
            raise Malformed("The address holds characters that no address here has.")
        if (allowed := headers.preflight(scope)) is not None:
            await send({"type": "http.response.start", "status": 204, "headers": allowed})
            await send({"type": "http.response.body", "body": b""})
            return
        endpoint = self._shortcuts.get((scope["method"], scope["path"]))
        if endpoint is None:
            await self._app_for(scope["path"])(scope, receive, send)
            return
        scope["path_template"] = scope["path"]
        answer = await endpoint(Request(scope, receive, send))
        await answer(scope, receive, send)

    def _app_for(self, path: str) -> Any:
        for exact, prefix, mounted in self._mounts:
            if path.startswith(prefix) or path == exact:
                return mounted
        return self.app


def _request_id(pairs: Any) -> str:
    """The caller's own id when it is a sane one, so that logs of several systems can be joined."""
    for name, value in pairs:
        if name == b"x-request-id" and _SANE_ID.fullmatch(value):
            return str(value, "ascii")
    return secrets.token_hex(16)


def _timing(known: Facts, waits: list[float]) -> bytes:
    """`Server-Timing` in milliseconds: waiting for the database, rendering, all until the first byte."""
    total = time.perf_counter() - known.started
    spans = {"db": sum(waits), **known.spans, "total": total}
    return ", ".join(f"{name};dur={seconds * 1000:.1f}" for name, seconds in spans.items()).encode()


def _note(scope: Any, status: int, known: Facts, waits: list[float]) -> None:
    log.info(
        "request",
        method=scope["method"],
        route=scope.get("path_template") or "-",
        status=status or 499,
        ms=round((time.perf_counter() - known.started) * 1000, 1),
        db_ms=round(sum(waits) * 1000, 1),
    )
