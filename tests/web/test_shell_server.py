"""The shell behind uvicorn: raw bytes no client library would send, and leaving in good order."""

import asyncio
import os
import signal
import socket
import sys
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

HERE = Path(__file__).parent


@asynccontextmanager
async def serving(drain="0", factory="made"):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    paths = os.pathsep.join([str(HERE), str(HERE.parents[1])])
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "uvicorn", "--factory", f"shell_live:{factory}", "--port", str(port),
        "--http", "httptools", "--no-access-log", "--log-level", "error", "--timeout-graceful-shutdown", "10",
        env={**os.environ, "PYTHONPATH": paths, "DRAIN": drain}, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        for _ in range(200):
            try:
                (await asyncio.open_connection("127.0.0.1", port))[1].close()
                break
            except OSError:
                await asyncio.sleep(0.05)
        yield process, port
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def spoken(port, request):
    """What comes back for these bytes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    await writer.drain()
    answer = await asyncio.wait_for(reader.read(65536), 5)
    writer.close()
    return answer


def asking(target, extra=b""):
    return b"GET " + target + b" HTTP/1.1\r\nHost: vently\r\nConnection: close\r\n" + extra + b"\r\n"


RAW = [
    asking(b"/api/things/\xff\xfe"),
    asking(b"/api/things/\xc3\xa4"),
    asking(b"/api/things/%ED%A0%80"),
    asking(b"/api/things/%zz"),
    asking(b"/api/things/a%00b"),
    asking(b"//api//things//%2e%2e//"),
    asking(b"/api/things?\xff=1"),
    asking(b"/api/things?cursor=" + b"%f0%9f%92%a9"),
    asking(b"http://other.example/api/nothing"),
    asking(b"/api/things", b"X-Request-Id: \xff\xff\xff\xff\xff\xff\xff\xff\r\nAuthorization: Bearer \xff\r\n"),
    asking(b"/page", b"Cookie: vently_access=\xff\xfe; vently_csrf=" + b"x" * 5000 + b"; vently_flash=AAAA\r\n"),
    asking(b"/api/things/x", b'If-None-Match: "\xff\r\n'),
    asking(b"/nothing", b"Accept: text/html\r\n"),
    b"BREW /api/things HTTP/1.1\r\nHost: vently\r\nConnection: close\r\n\r\n",
    b"GET * HTTP/1.1\r\nHost: vently\r\nConnection: close\r\n\r\n",
    b"OPTIONS * HTTP/1.1\r\nHost: vently\r\nConnection: close\r\n\r\n",
    b"GET /api/things HTTP/1.1\r\nConnection: close\r\n\r\n",
    b"GET /api/things HTTP/1.1\r\nHost: a b<c>\r\nConnection: close\r\n\r\n",
    b"GET /api/things HTTP/1.0\r\n\r\n",
    (
        b"POST /sign-in HTTP/1.1\r\nHost: vently\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        b"Content-Length: 3\r\nConnection: close\r\n\r\n%ff"
    ),
    b"POST /api/things HTTP/1.1\r\nHost: vently\r\nContent-Type: application/json\r\nContent-Length: -5\r\n\r\n",
]


async def test_no_bytes_make_a_fault():
    async with serving() as (process, port):
        answers = [await spoken(port, request) for request in RAW]
        process.terminate()
        errors = (await process.stderr.read()).decode()
    statuses = [int(answer.split(b" ", 2)[1]) if answer else 0 for answer in answers]
    wrong = [(request, status) for request, status in zip(RAW, statuses, strict=True) if not 200 <= status < 500]
    assert not wrong, wrong
    assert "Traceback" not in errors


async def test_requests_under_way_are_finished_after_sigterm():
    async with serving() as (process, port), httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as visitor:
        slow = asyncio.create_task(visitor.get("/api/slow"))
        await asyncio.sleep(0.3)
        process.send_signal(signal.SIGTERM)
        answer = await slow
        assert await asyncio.wait_for(process.wait(), 10) in (0, -signal.SIGTERM)
    assert answer.json()["done"] is True


async def test_a_node_that_leaves_says_so_before_it_stops_listening():
    async with serving(drain="1") as (process, port), httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as visitor:
        process.send_signal(signal.SIGTERM)
        await asyncio.sleep(0.2)
        answer = await visitor.get("/readyz")
        alive = await visitor.get("/api/things")
        assert answer.status_code == 503
        assert "shutting down" in answer.json()["detail"]
        assert alive.status_code == 200
        assert await asyncio.wait_for(process.wait(), 10) in (0, -signal.SIGTERM)


@pytest.mark.parametrize("body", [b"", b"{"])
async def test_a_client_that_hangs_up_in_the_middle_is_no_fault(body):
    async with serving() as (process, port):
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(
            b"POST /api/things HTTP/1.1\r\nHost: vently\r\nAuthorization: Bearer token-alice\r\n"
            b"Content-Type: application/json\r\nContent-Length: 100\r\n\r\n" + body
        )
        await writer.drain()
        writer.close()
        await asyncio.sleep(0.2)
        assert (await spoken(port, asking(b"/healthz"))).startswith(b"HTTP/1.1 200")
        process.terminate()
        assert "Traceback" not in (await process.stderr.read()).decode()
