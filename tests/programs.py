"""Programs of the system that some tests need: installed when we may, else the test is skipped; in CI a skip fails."""

import fcntl
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import NoReturn

import pytest

EVERYWHERE = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"))
"""Servers stand where an ordinary user's PATH does not look."""


def needs_program(name: str, apt_package: str) -> str:
    """The program's path. Installs the Debian package when it is missing and we are root."""
    if not shutil.which(name, path=EVERYWHERE) and _may_install():
        _install(apt_package)
    found = shutil.which(name, path=EVERYWHERE)
    return found or _give_up(f"needs {name}: install it with `apt-get install {apt_package}`")


def needs_debian_file(path: str, apt_package: str) -> Path:
    """Like needs_program, for a package known by a file it brings."""
    if not Path(path).exists() and _may_install():
        _install(apt_package)
    if not Path(path).exists():
        _give_up(f"needs {path}: install it with `apt-get install {apt_package}`")
    return Path(path)


def needs_node_program(path: str) -> Path:
    """A program under `tests/node_modules`, installed from `tests/package-lock.json` when it is not there yet."""
    folder = Path(__file__).parent
    program = folder / "node_modules" / path
    written_last = folder / "node_modules/.package-lock.json"  # until npm has written it, a program may be half there

    def ready() -> bool:
        return program.exists() and written_last.exists()

    if not ready():
        npm = needs_program("npm", "npm")
        with _alone():
            if not ready():
                _call([npm, "ci", "--no-audit", "--no-fund"], cwd=folder)
    if not ready():
        _give_up(f"needs {path}: run `npm ci` in the folder tests")
    return program


@cache
def _install(package: str) -> None:
    with _alone():
        _call(["apt-get", "update", "-q"])
        _call(["apt-get", "install", "-qy", "--no-install-recommends", package])


@contextmanager
def _alone() -> Iterator[None]:
    """One test worker installs at a time."""
    with (Path(tempfile.gettempdir()) / f"vently-tests-install-{os.geteuid()}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _call(command: list[str], cwd: Path | None = None) -> None:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run(command, cwd=cwd, env=environment, check=False, capture_output=True, timeout=900)


def _may_install() -> bool:
    return os.geteuid() == 0 and shutil.which("apt-get") is not None


def _give_up(reason: str) -> NoReturn:
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)
