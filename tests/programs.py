"""Programs of the system that some tests need: installed when we may, else the test is skipped; in CI a skip fails."""

import os
import shutil
import subprocess
from functools import cache
from pathlib import Path

import pytest

DEBIAN_POSTGRES = Path("/usr/lib/postgresql/15/bin")


def needs_program(name: str, apt_package: str) -> str:
    """The program's path; `name` may be a path itself. Installs the Debian package when it is missing and we are root."""
    found = shutil.which(name)
    if not found and os.geteuid() == 0 and shutil.which("apt-get"):
        _install(apt_package)
        found = shutil.which(name)
    if not found:
        _give_up(f"needs {name}: install it with `apt-get install {apt_package}`")
    return str(found)


def needs_debian_package(file: Path, apt_package: str) -> Path:
    """Like needs_program, for a package known by a file it brings."""
    if not file.exists() and os.geteuid() == 0 and shutil.which("apt-get"):
        _install(apt_package)
    if not file.exists():
        _give_up(f"needs {file}: install it with `apt-get install {apt_package}`")
    return file


def needs_node_program(name: str) -> Path:
    """A program of `tests/package.json`, installed from its lock file on first use."""
    npm = needs_program("npm", "npm")
    here = Path(__file__).parent
    program = here / "node_modules" / ".bin" / name
    if not program.exists():
        _npm_ci(npm, here)
    if not program.exists():
        _give_up(f"needs {name}: run `npm ci` in the folder tests")
    return program


@cache
def _npm_ci(npm: str, folder: Path) -> None:
    # Not --ignore-scripts: there are none; prebuilt binaries come as packages of their own.
    subprocess.run([npm, "ci", "--no-audit", "--no-fund"], cwd=folder, check=False, capture_output=True, timeout=600)


@cache
def _install(package: str) -> None:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (["apt-get", "update", "-q"], ["apt-get", "install", "-qy", "--no-install-recommends", package]):
        subprocess.run(command, check=False, capture_output=True, env=environment, timeout=600)


def _give_up(reason: str) -> None:
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)
