"""Vently as somebody at a terminal uses it: processes of its own, a data folder of its own, a port that was free."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

HOUSE = Path(__file__).parents[1]
LONGEST = 120
"""Seconds that anything may take on a busy machine."""

# What settings the tests are run with is nobody's business here, and people's Python keeps what it compiled.
_NOT_THEIRS = ("VENTLY_", "SUPABASE_", "PYTHONDONTWRITEBYTECODE")
_AT = re.compile(r"^Vently is at (\S+)$", re.MULTILINE)


@dataclass
class Running:
    """A `vently up` or `vently serve`, and what it says."""

    process: "subprocess.Popen[bytes]"
    folder: Path
    address: str = ""

    def get(self, path: str, token: str = "") -> httpx.Response:
        return httpx.get(f"{self.address}{path}", headers=_as(token), timeout=30, trust_env=False)

    def post(self, path: str, body: Mapping[str, Any], token: str = "") -> httpx.Response:
        return httpx.post(f"{self.address}{path}", json=body, headers=_as(token), timeout=30, trust_env=False)

    def signs_up(self, email: str) -> str:
        """Their token."""
        answer = self.post("/auth/v1/signup", {"email": email, "password": "correct horse battery"})
        assert answer.status_code == 200, answer.text
        return str(answer.json()["access_token"])

    def founds(self, email: str, slug: str) -> None:
        """Somebody signs up and founds a community of that slug."""
        answer = self.post("/api/communities", {"name": slug, "slug": slug}, self.signs_up(email))
        assert answer.status_code == 201, answer.text

    def said(self) -> str:
        return (self.folder / "out").read_text() + (self.folder / "log").read_text()

    def stops(self, number: signal.Signals = signal.SIGTERM) -> int:
        """The exit code after a signal."""
        self.process.send_signal(number)
        return self.process.wait(LONGEST)

    def is_ready(self) -> bool:
        try:
            return self.get("/readyz").status_code == 200
        except httpx.TransportError:
            return False


@dataclass(frozen=True)
class Terminal:
    """A folder to type commands in. `account`: how to start a program as somebody else."""

    folder: Path
    account: tuple[str, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def types(self, *arguments: object, **environment: str) -> "subprocess.CompletedProcess[str]":
        """A command to its end."""
        return subprocess.run(
            self._command(arguments), cwd=self.folder, env=self._environment(environment),
            capture_output=True, text=True, timeout=LONGEST, check=False,
        )  # fmt: skip

    def starts(self, *arguments: object, **environment: str) -> "subprocess.Popen[bytes]":
        """A command in a process group of its own, which goes on meanwhile; it writes to the files `out` and `log`."""
        with (self.folder / "out").open("wb") as out, (self.folder / "log").open("wb") as log:
            return subprocess.Popen(
                self._command(arguments), cwd=self.folder, env=self._environment(environment),
                stdout=out, stderr=log, start_new_session=True,
            )  # fmt: skip

    def up(self, *arguments: object, **environment: str) -> AbstractContextManager[Running]:
        """`vently up`, on a free port unless another is named, ready; stopped at the end if it still runs."""
        return self.running("up", *arguments, **environment)

    @contextmanager
    def running(self, command: str, *arguments: object, **environment: str) -> Iterator[Running]:
        """`vently up` or `vently serve` likewise."""
        port = () if "--port" in arguments else ("--port", "0")
        process = self.starts(command, *port, *arguments, **environment)
        running = Running(process, self.folder)
        try:
            eventually(lambda: process.poll() is not None or _AT.search(running.said()))
            found = _AT.search(running.said())
            assert found, running.said()
            running.address = found[1]
            eventually(lambda: process.poll() is not None or running.is_ready())
            assert process.poll() is None, running.said()
            yield running
        finally:
            if process.poll() is None:
                running.stops()

    def kills(self, process: "subprocess.Popen[bytes]") -> None:
        """`kill -9` of its whole process group."""
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(LONGEST)

    def kills_postgres(self) -> None:
        os.kill(int((self.data / "postgres/cluster/postmaster.pid").read_text().split()[0]), signal.SIGKILL)

    @property
    def processes(self) -> list[int]:
        """Every living process that names this data folder, or has it as its VENTLY_DATA."""
        own = os.fsencode(self.data)
        return [pid for pid, words in _living() if own in words]

    def _command(self, arguments: tuple[object, ...]) -> list[str]:
        return [*self.account, sys.executable, "-m", "vently.cli", *map(str, arguments)]

    def _environment(self, more: Mapping[str, str]) -> dict[str, str]:
        outer = {name: value for name, value in os.environ.items() if not name.startswith(_NOT_THEIRS)}
        return {**outer, "VENTLY_DATA": str(self.data), **self.environment, **more}


def eventually(true: Any, within: float = LONGEST) -> None:
    """Wait until something is true."""
    until = time.monotonic() + within
    while not true():
        assert time.monotonic() < until, "waited in vain"
        time.sleep(0.02)


def _as(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"} if token else {}


def _living() -> Iterator[tuple[int, bytes]]:
    """Processes with their command lines; of `/proc` where there is one, with their environment too."""
    if Path("/proc/self/cmdline").exists():
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit() and int(entry.name) != os.getpid():
                try:
                    yield int(entry.name), (entry / "cmdline").read_bytes() + (entry / "environ").read_bytes()
                except OSError:
                    continue
        return
    listed = subprocess.run(["ps", "-axo", "pid=,args="], capture_output=True, check=True).stdout
    for line in listed.splitlines():
        pid, _, words = line.strip().partition(b" ")
        yield int(pid), words
