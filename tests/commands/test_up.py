"""`vently up`: starts, stops, is killed in part and as a whole, and leaves nothing behind."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from terminal import Terminal, eventually

NOBODY = 65534


def test_a_first_start_makes_everything_and_a_restart_finds_it(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path)
    with terminal.up() as running:
        running.founds("alice@example.org", "walkers")
        assert running.stops() == 0
    assert terminal.processes == []
    with terminal.up() as running:
        assert running.get("/api/communities/walkers").json()["slug"] == "walkers"
        assert running.address in running.get("/robots.txt").text, "links lead to the port that was chosen"
    assert terminal.processes == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGHUP])
def test_a_closed_terminal_ends_it_in_good_order(resting: Terminal, number: signal.Signals) -> None:
    with resting.up() as running:
        assert running.stops(number) == 0
    assert resting.processes == []
    assert "Traceback" not in running.said()


def test_a_signal_while_it_starts_leaves_nothing_running(resting: Terminal) -> None:
    process = resting.starts("up", "--port", "0")
    eventually(lambda: len(resting.processes) > 1)
    process.terminate()
    assert process.wait(60) in {0, 128 + signal.SIGTERM}
    assert resting.processes == []


def test_a_port_that_is_taken_is_said_in_one_sentence(resting: Terminal) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        done = resting.types("up", "--port", port)
    assert done.returncode == 1
    assert done.stderr == (
        f"vently: Vently cannot listen on port {port} of 127.0.0.1: "
        "another program listens there: stop it, or choose another port with --port.\n"
    )


def test_two_run_on_one_data_folder_and_the_last_stops_postgres(resting: Terminal) -> None:
    with resting.up("--workers", "2") as first, resting.up() as second:
        assert first.stops() == 0
        assert second.is_ready()
    assert resting.processes == []


def test_a_killed_worker_is_replaced_and_none_outlives_its_parent(resting: Terminal) -> None:
    with resting.up("--workers", "2") as running:
        eventually(lambda: len(workers_of(running.process.pid)) == 2)
        before = workers_of(running.process.pid)
        os.kill(before[0], signal.SIGKILL)
        eventually(lambda: len(set(workers_of(running.process.pid)) - set(before)) == 1)
        eventually(running.is_ready)

        workers = workers_of(running.process.pid)
        running.process.kill()
        running.process.wait()
        eventually(lambda: not any(Path(f"/proc/{pid}").exists() for pid in workers))
        assert not running.is_ready()
    assert resting.types("migrate").returncode == 0, "and this one stops Postgres when it leaves"


@pytest.fixture
def ordinary() -> Iterator[Terminal]:
    """Somebody without rights on this machine but for a home of their own."""
    folder = Path(tempfile.mkdtemp(prefix="vently-test-"))
    try:
        os.chown(folder, NOBODY, NOBODY)
        become = [f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups"]
        plain = ("setpriv", *become, "--no-new-privs", "--")
        # Where this house lies in a folder that is closed to others (/root), they are let in to read.
        let_in = ("setpriv", *become, "--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search", "--")
        account = next((way for way in (plain, let_in) if can_load_vently(way, folder)), None)
        if account is None:
            pytest.skip("this house lies where no ordinary user can read it")
        yield Terminal(folder, account, {"HOME": str(folder)})
    finally:
        shutil.rmtree(folder)


@pytest.mark.skipif(os.geteuid() != 0, reason="every test here is run by an ordinary user")
def test_an_ordinary_user_runs_it(ordinary: Terminal, tmp_path: Path) -> None:
    with ordinary.up() as running:
        running.founds("alice@example.org", "walkers")
        assert ordinary.types("doctor").returncode == 0
        not_theirs = ordinary.types("doctor", "--data", tmp_path)
        assert (not_theirs.returncode, not_theirs.stderr) == (1, ""), "and the report is whole"
        owners = {path.stat().st_uid for path in ordinary.folder.rglob("*")}
        assert owners - {0} == {NOBODY}, "root made the files this test writes to, and nothing else"
        assert running.stops() == 0
    assert ordinary.processes == []


def can_load_vently(way: tuple[str, ...], folder: Path) -> bool:
    tried = subprocess.run(
        [*way, sys.executable, "-c", "import vently.app"], cwd=folder, capture_output=True, check=False
    )
    return tried.returncode == 0


def workers_of(parent: int) -> list[int]:
    """Its children that answer requests: Python's own helper process and Postgres are others."""
    children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    return [pid for pid in map(int, children) if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()]
