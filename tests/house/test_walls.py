"""The walls between the rooms stand, and import-linter sees one that is broken through."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HOUSE = Path(__file__).parents[2]


def test_the_walls_stand() -> None:
    found = lint(HOUSE)
    assert found.returncode == 0, found.stdout


@pytest.mark.parametrize(
    ("module", "planted", "broken"),
    [
        ("people/profiles.py", "from vently.events import rsvps", "A room imports only rooms below it"),
        ("refusals.py", "from vently.database import pool", "A room imports only rooms below it"),
        ("kitchen/__init__.py", "", "A room imports only rooms below it"),
        ("web/words.py", "from vently.web import routes", "No circles, neither between rooms nor inside one"),
        ("events/events.py", "from vently.outside.places import offline", "Only app.py picks adapters"),
        ("web/health.py", "import asyncpg", "Only the room database imports the driver"),
    ],
)
def test_a_forbidden_import_is_refused(tmp_path: Path, module: str, planted: str, broken: str) -> None:
    shutil.copy(HOUSE / "pyproject.toml", tmp_path)
    shutil.copytree(HOUSE / "vently", tmp_path / "vently", ignore=_all_but_python)
    target = tmp_path / "vently" / module
    target.parent.mkdir(exist_ok=True)
    with target.open("a") as file:
        file.write(f"\n{planted}\n")
    found = lint(tmp_path)
    assert found.returncode == 1, found.stdout
    assert f"{broken} BROKEN" in found.stdout


def lint(root: Path) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).with_name("lint-imports")
    return subprocess.run([program, "--no-cache"], cwd=root, capture_output=True, text=True, check=False)


def _all_but_python(folder: str, names: list[str]) -> list[str]:
    return [name for name in names if not name.endswith(".py") and not (Path(folder) / name).is_dir()]
