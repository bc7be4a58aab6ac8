"""A small HTTP server for fakes: it may also close the connection instead of answering, as real ones do."""

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import h11


@dataclass(frozen=True)
class Request:
    method: str
    path: str
    body: bytes
    parameters: dict[str, Any]
    """Query and form, with Stripe's brackets made into dicts and lists."""
    headers: dict[str, str]


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=lambda: {"Content-Type": "application/json"})


@asynccontextmanager
async def serving(answer: Callable[[Request], Awaitable[Answer | None]]) -> AsyncIterator[str]:
    """The address of a server on loopback. An `answer` of None closes the connection without a word."""
    talks: set[asyncio.Task[Any]] = set()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        talks.add(task)
        with contextlib.suppress(ConnectionError, h11.RemoteProtocolError, asyncio.CancelledError):
            await _talk(reader, writer, answer)
        talks.discard(task)
        writer.transport.abort()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for task in list(talks):
            task.cancel()
        await asyncio.gather(*talks, return_exceptions=True)


async def _talk(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    answer: Callable[[Request], Awaitable[Answer | None]],
) -> None:
    wire = h11.Connection(h11.SERVER)
    while (request := await _request(wire, reader)) is not None:
        said = await answer(request)
        if said is None:
            return
        headers = [*said.headers.items(), ("Content-Length", str(len(said.body)))]
        for part in (h11.Response(status_code=said.status, headers=headers), h11.Data(said.body), h11.EndOfMessage()):
            writer.write(wire.send(part) or b"")
        await writer.drain()
        if wire.our_state is not h11.DONE or wire.their_state is not h11.DONE:
            return
        wire.start_next_cycle()


async def _request(wire: h11.Connection, reader: asyncio.StreamReader) -> Request | None:
    head, body = None, b""
    while True:
        event = wire.next_event()
        if event is h11.NEED_DATA:
            wire.receive_data(await reader.read(65_536))
        elif isinstance(event, h11.Request):
            head = event
        elif isinstance(event, h11.Data):
            body += event.data
        elif isinstance(event, h11.EndOfMessage) and head is not None:
            target = urlsplit(head.target.decode())
            headers = {name.decode().lower(): value.decode() for name, value in head.headers}
            pairs = parse_qsl(target.query, keep_blank_values=True)
            if headers.get("content-type") == "application/x-www-form-urlencoded":
                pairs += parse_qsl(body.decode(), keep_blank_values=True)
            return Request(head.method.decode(), target.path, body, unflattened(pairs), headers)
        else:
            return None


def unflattened(pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """`a[0][b]=c` is {"a": [{"b": "c"}]}."""
    found: dict[str, Any] = {}
    for name, value in pairs:
        *path, last = re.findall(r"[^\[\]]+", name)
        at = found
        for step in path:
            at = at.setdefault(step, {})
        at[last] = value
    return {name: _lists(value) for name, value in found.items()}


def _lists(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    if value and all(name.isdecimal() for name in value):
        return [_lists(value[name]) for name in sorted(value, key=int)]
    return {name: _lists(inner) for name, inner in value.items()}
