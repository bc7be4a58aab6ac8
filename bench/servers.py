"""Starting what is measured, as an operator does, and waiting until it answers."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

VENTLY = Path(sys.executable).with_name("vently")
SITE = "http://127.0.0.1:8000"
ENVIRONMENT = {
    **os.environ,
    "VENTLY_LOG_LEVEL": "info",
    "VENTLY_LOG_FORMAT": "json",
    "VENTLY_RATE_LIMITS": "off",
    "VENTLY_WORKER": "off",  # letters and the like are a process of their own
    "VENTLY_SITE_URL": SITE,
}
PATIENCE = 120


@contextmanager
def vently(command: str, data: Path) -> Iterator[str]:
    """`vently up` or `vently serve` with one worker; gives its address."""
    port = free_port()
    with running(
        [VENTLY, command, "--data", data, "--port", port], f"http://127.0.0.1:{port}/readyz", data / "bench.log"
    ):
        yield f"http://127.0.0.1:{port}"


@contextmanager
def hello(data: Path) -> Iterator[str]:
    """The same server, with an app that does nothing."""
    port = free_port()
    options = ["--loop", "auto", "--http", "httptools", "--no-access-log", "--no-server-header", "--log-level", "error"]
    with running(
        [sys.executable, "-m", "uvicorn", "bench.hello:app", "--port", port, *options],
        f"http://127.0.0.1:{port}/",
        data / "hello.log",
    ):
        yield f"http://127.0.0.1:{port}"


@contextmanager
def running(command: list[object], ready: str, log: Path) -> Iterator[None]:
    """The program, from when it answers until SIGTERM."""
    with log.open("ab") as said:
        process = subprocess.Popen([*map(str, command)], stdout=said, stderr=said, env=ENVIRONMENT)
        try:
            _wait(process, ready, log)
            yield
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=60)


def seconds_to_start(data: Path) -> float:
    """From `vently up` until it is ready."""
    began = time.perf_counter()
    with vently("up", data):
        return time.perf_counter() - began


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def _wait(process: subprocess.Popen[bytes], ready: str, log: Path) -> None:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until and process.poll() is None:
        try:
            with urllib.request.urlopen(ready, timeout=2):
                return
        except OSError:
            time.sleep(0.005)
    raise RuntimeError(f"{ready} does not answer: {log.read_text(errors='replace')[-2000:]}")
