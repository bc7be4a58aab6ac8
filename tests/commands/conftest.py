"""A Vently that runs for all these tests, and one that each test starts, stops and kills as it likes."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest
from terminal import Running, Terminal


@pytest.fixture(scope="session")
def terminal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Terminal]:
    with _left_clean(Terminal(tmp_path_factory.mktemp("running"))) as terminal:
        yield terminal


@pytest.fixture(scope="session")
def running(terminal: Terminal) -> Iterator[Running]:
    """Always up."""
    with terminal.up() as running:
        running.founds("dana@example.org", "conferences")
        yield running


@pytest.fixture(scope="session")
def made_before(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Terminal]:
    with _left_clean(Terminal(tmp_path_factory.mktemp("resting"))) as terminal:
        assert terminal.types("migrate").returncode == 0
        yield terminal


@pytest.fixture
def resting(made_before: Terminal) -> Iterator[Terminal]:
    """Has a database, and nothing of it runs: neither before the test nor after it."""
    assert made_before.processes == []
    yield made_before
    left = _end(made_before)
    assert left == [], "processes were left"


@contextmanager
def _left_clean(terminal: Terminal) -> Iterator[Terminal]:
    yield terminal
    assert _end(terminal) == [], "processes were left"


def _end(terminal: Terminal) -> list[int]:
    """What still runs although everything was told to stop; it is killed, so that no later run meets it."""
    until = time.monotonic() + 10
    while terminal.processes and time.monotonic() < until:
        time.sleep(0.05)
    left = terminal.processes
    for pid in left:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    return left
