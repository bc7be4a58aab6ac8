"""What is written down about a request, and what never is."""

import io
import logging
import sys

import msgspec
import pytest
import structlog
from shell_app import client

from vently.web import logs


@pytest.fixture
def lines(monkeypatch):
    written = io.StringIO()
    root = logging.getLogger()
    handlers, level, configured = root.handlers[:], root.level, structlog.get_config()
    monkeypatch.setattr(sys, "stderr", written)
    logs.set_up("info", "json")
    structlog.configure(cache_logger_on_first_use=False)
    yield lambda: [msgspec.json.decode(line) for line in written.getvalue().splitlines()]
    structlog.configure(**configured)
    root.handlers, root.level = handlers, level


async def test_a_request_is_one_line_without_personal_data(lines):
    headers = {"authorization": "Bearer token-alice", "x-request-id": "trace-0123456789"}
    async with client() as alice:
        await alice.get("/api/things/alices-secret-party?q=", headers=headers)
        await alice.get("/api/things/x", headers=headers)
    line = lines()[-1]
    assert line["event"] == "request"
    assert line["request_id"] == "trace-0123456789"
    assert (line["method"], line["route"], line["status"]) == ("GET", "/api/things/{thing}", 200)
    text = str(lines())
    for secret in ("alices-secret-party", "token-alice", "01890a5d"):
        assert secret not in text


async def test_a_fault_is_written_with_its_traceback_and_the_id_the_client_saw(lines):
    async with client() as visitor:
        answer = await visitor.get("/api/broken")
    fault = next(line for line in lines() if line["event"] == "fault")
    assert fault["request_id"] == answer.headers["x-request-id"]
    assert "RuntimeError: secret detail" in fault["exception"]
    assert fault["level"] == "error"


def test_the_standard_librarys_loggers_write_the_same_lines(lines):
    logging.getLogger("uvicorn.error").warning("slow %s", "client")
    logging.getLogger("asyncio").error("trouble", exc_info=ValueError("why"))
    first, second = lines()
    assert (first["event"], first["level"]) == ("slow client", "warning")
    assert "ValueError: why" in second["exception"]
