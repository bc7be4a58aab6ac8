"""What the README and the docs tell people to type works: every ```sh block, in order, beside a running server.

Blocks marked ```console or ```text are only shown. `make` targets must exist but are not run: tests run inside one.
"""

import os
import re
import shlex
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from programs import needs_program

HOUSE = Path(__file__).parents[2]
PROGRAMS = Path(sys.executable).parent
DOCUMENTS = [path for path in [HOUSE / "README.md", *sorted((HOUSE / "docs").rglob("*.md"))] if path.exists()]

_BLOCK = re.compile(r"^( *)```sh *\n(.*?)^\1```", re.MULTILINE | re.DOTALL)
_ADDRESS = re.compile(r"\b(?:127\.0\.0\.1|localhost):8000\b")
_MAKE = re.compile(r"(?:^|(?<=&&)|(?<=;))(?P<before>[ \t]*(?:\w+=\S+[ \t]+)*)make\b(?P<words>[^\n&;|#]*)", re.MULTILINE)
_STAYS = re.compile(r"^(\s*(?:\w+=\S+\s+)*(?:\.venv/bin/)?vently (?:up|serve|work))\b.*$", re.MULTILINE)


@dataclass(frozen=True)
class Running:
    """A server of its own, as the documents speak of it."""

    port: int
    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        return {
            **{name: value for name, value in os.environ.items() if not name.startswith("VENTLY_")},
            "PATH": f"{PROGRAMS}:{os.environ['PATH']}",
            "VENTLY_DATA": str(self.folder / "data"),
            "VENTLY_SITE_URL": f"http://127.0.0.1:{self.port}",
        }


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("docs")
    for path in HOUSE.iterdir():
        if path.name not in ("data", ".git", ".venv"):
            (folder / path.name).symlink_to(path)
    (folder / ".venv").symlink_to(PROGRAMS.parent)
    with _serving(Running(_free_port(), folder)) as running:
        yield running


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(HOUSE)))
def test_what_a_document_tells_to_type_works(document: Path, request: pytest.FixtureRequest) -> None:
    script = commands(document.read_text())
    unknown = wanted_targets(script) - known_targets()
    assert unknown == set(), "the Makefile has no such targets"
    if script:
        needs_program("curl", "curl")
        done = run(script, request.getfixturevalue("server"))
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"


def test_a_command_that_fails_is_noticed(server: Running) -> None:
    assert run(commands("```sh\ntrue\n```\nthen\n```sh\nfalse\ntrue\n```\n"), server).returncode == 1
    assert run(commands("```sh\nvently frobnicate\n```"), server).returncode != 0
    assert run(commands("```sh\ncurl -sf http://127.0.0.1:8000/nothing-here\n```"), server).returncode != 0
    assert run(commands("```sh\nvently up --port 9000\ncurl -sf http://127.0.0.1:8000/readyz\n```"), server).stdout
    assert run(commands("```console\n$ false\n```"), server).returncode == 0


def test_a_target_that_is_not_there_is_noticed() -> None:
    script = commands("```sh\nmake frobnicate\nPORT=9000 make run DATA=x && make test\n```")
    assert wanted_targets(script) == {"frobnicate", "run", "test"}


def commands(text: str) -> str:
    """The blocks to run, joined: what one sets the next may use."""
    return "\n".join(body for _, body in _BLOCK.findall(text))


def wanted_targets(script: str) -> set[str]:
    words = [word for found in _MAKE.finditer(script) for word in found["words"].split()]
    return {word for word in words if "=" not in word and not word.startswith("-")}


def known_targets() -> set[str]:
    makefile = HOUSE / "Makefile"
    return set(re.findall(r"^([a-z][\w-]*):", makefile.read_text(), re.MULTILINE)) if makefile.exists() else set()


def run(script: str, server: Running) -> subprocess.CompletedProcess[str]:
    """Servers that the reader would start are only asked for their help: one runs already."""
    script = _ADDRESS.sub(f"127.0.0.1:{server.port}", script)
    script = _STAYS.sub(r"\1 --help", _MAKE.sub(r"\g<before>true ", script))
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=server.folder,
        env=server.environment,
        capture_output=True,
        text=True,
        timeout=180,
        check=False,
    )


@contextmanager
def _serving(running: Running) -> Iterator[Running]:
    command = f"{shlex.quote(str(PROGRAMS / 'vently'))} up --port {running.port}"
    with (running.folder / "server.log").open("w") as log:
        process = subprocess.Popen(
            shlex.split(command), cwd=running.folder, env=running.environment, stdout=log, stderr=log
        )
    try:
        _wait_until_ready(running, process)
        yield running
    finally:
        process.terminate()
        process.wait(60)


def _wait_until_ready(running: Running, process: "subprocess.Popen[bytes]") -> None:
    for _ in range(600):
        assert process.poll() is None, (running.folder / "server.log").read_text()
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{running.port}/readyz", timeout=5):
                return
        except OSError:
            time.sleep(0.1)
    raise AssertionError((running.folder / "server.log").read_text())


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
