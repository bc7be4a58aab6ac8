"""The command line as a whole: help, errors in one sentence, JSON for programs, and the smaller commands."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from terminal import Running, Terminal

from vently.cli import app, main

TypesHere = Callable[[str, dict[str, str]], tuple[object, str, str]]
COMMANDS = [
    "up",
    "work",
    "serve",
    "migrate",
    "import",
    "demo",
    "doctor",
    "people promote",
    "people demote",
    "keys list",
    "keys rotate",
    "keys revoke",
    "keys api",
    "supabase export",
    "openapi",
]
A_PROJECT = {"SUPABASE_URL": "https://x.supabase.co", "VENTLY_DATABASE_URL": "postgresql://a@127.0.0.1:1/b"}


def test_every_command_explains_itself(capsys: pytest.CaptureFixture[str]) -> None:
    known = {name for name in app if not name.startswith("-")}
    assert known == {command.split()[0] for command in COMMANDS}
    for command in ["", "people", "keys", "supabase", *COMMANDS]:
        app([*command.split(), "--help"], result_action="return_value")
        text = capsys.readouterr().out
        assert f"Usage: vently {command}".rstrip() in text
        assert "--no-" not in text


@pytest.mark.parametrize(
    ("words", "environment", "code", "says"),
    [
        ("frobnicate", {}, 2, 'Unknown command "frobnicate"'),
        ("up --port many", {}, 2, 'unable to convert "many" into int. See `vently up --help`.'),
        ("up --port 70000", {}, 2, "Must be <= 65535"),
        ("up --workers 0", {}, 2, "Must be > 0"),
        ("up --host 192.0.2.1 --port 0", {}, 1, "this machine has no such address"),
        ("import x.ics", {}, 2, "--community requires an argument"),
        ("import --community a --as b", {}, 1, "Name at least one .ics or .csv file."),
        ("people promote a@example.org --role king", {}, 2, 'Choose from: "platform_admin"'),
        ("people promote a@example.org --role platform_admin", {}, 1, "There is no Vently in"),
        ("serve --port 0", {}, 1, "There is no Vently in"),
        ("keys rotate", {}, 1, "There is no Vently in"),
        ("keys revoke", {}, 1, "Name one key of `vently keys list`, or --all."),
        ("keys revoke abc --all", {}, 1, "Name one key of `vently keys list`, or --all."),
        ("keys api", {}, 1, "or set VENTLY_SECRET as the nodes have it."),
        ("keys api", A_PROJECT, 1, "https://x.supabase.co signs people in"),
        ("supabase export /dev/null/here", {}, 1, "Not a directory"),
        ("migrate", {"VENTLY_DATABASE_POOLER": "often"}, 1, "VENTLY_DATABASE_POOLER is not usable"),
        ("migrate", {"VENTLY_DATABASE_CONNECTIONS": "1"}, 1, "VENTLY_DATABASE_CONNECTIONS is not usable"),
        ("migrate", {"VENTLY_PG_BIN": "/nowhere"}, 1, "lacks initdb"),
        ("migrate", {"VENTLY_DATABASE_URL": "nonsense"}, 1, "cannot be reached"),
        ("serve --port 0", {"VENTLY_DATABASE_URL": "postgresql://a@127.0.0.1:1/b"}, 1, "cannot be reached"),
        ("migrate --data /dev/null/here", {}, 1, "is not a folder"),
    ],
)
def test_an_error_is_one_sentence(
    types_here: TypesHere, words: str, environment: dict[str, str], code: int, says: str
) -> None:
    ended, out, err = types_here(words, environment)
    assert (ended, out) == (code, "")
    assert err.startswith("vently: ")
    assert err.count("\n") == 1
    assert says in err


@pytest.fixture
def types_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[TypesHere]:
    """A command in an empty folder and in the test's own process: exit code, output, errors."""
    numbers = (signal.SIGTERM, signal.SIGHUP)
    before = [signal.getsignal(number) for number in numbers]
    for name in list(os.environ):
        if name.startswith("VENTLY_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)

    def type_(words: str, environment: dict[str, str]) -> tuple[object, str, str]:
        monkeypatch.setattr(sys, "argv", ["vently", *words.split()])
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        with pytest.raises(SystemExit) as ended:
            main()
        return ended.value.code, *capsys.readouterr()

    yield type_
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)


def test_the_first_administrator(terminal: Terminal, running: Running) -> None:
    token = running.signs_up("root@example.org")
    nobody = terminal.types("people", "promote", "nobody@example.org", "--role", "platform_admin")
    assert (nobody.returncode, nobody.stderr) == (
        1,
        "vently: Nobody signed up with nobody@example.org; they sign up first.\n",
    )
    done = terminal.types("people", "promote", "root@example.org", "--role", "platform_admin")
    assert (done.returncode, done.stdout) == (0, "root@example.org is a platform admin now.\n")
    assert running.get("/api/me", token).json()["platform_admin"] is True
    again = terminal.types("people", "promote", "root@example.org", "--role", "platform_admin")
    assert again.returncode == 1
    assert "already" in again.stderr


def test_an_administrator_no_more(terminal: Terminal, running: Running) -> None:
    tokens = {name: running.signs_up(f"{name}@platform.example") for name in ("first", "second")}
    role = ("--role", "platform_admin")
    for name in tokens:
        assert terminal.types("people", "promote", f"{name}@platform.example", *role).returncode == 0
    done = terminal.types("people", "demote", "first@platform.example", *role)
    assert (done.returncode, done.stdout) == (0, "first@platform.example is no platform admin any more.\n")
    assert running.get("/api/me", tokens["first"]).json()["platform_admin"] is False
    none = terminal.types("people", "demote", "first@platform.example", *role)
    assert (none.returncode, none.stderr) == (1, "vently: first@platform.example is no platform admin.\n")


def test_migrate_says_what_it_did(resting: Terminal) -> None:
    assert resting.types("migrate").stdout == "The schema is up to date.\n"
    planned = resting.types("migrate", "--plan", "--json")
    assert json.loads(planned.stdout) == {"platform": False, "migrations": [], "rules": []}


def test_the_export_is_a_supabase_project(tmp_path: Path) -> None:
    done = Terminal(tmp_path).types("supabase", "export", "project")
    assert done.returncode == 0
    written = [tmp_path / line for line in done.stdout.splitlines()]
    assert tmp_path / "project/supabase/config.toml" in written
    assert len([path for path in written if path.suffix == ".sql"]) >= 2
    assert all(path.stat().st_size for path in written)
    assert Terminal(tmp_path).types("supabase", "export", "project").stdout == "", "all is there"


def test_openapi_prints_what_the_server_serves(terminal: Terminal, running: Running) -> None:
    done = terminal.types("openapi", VENTLY_SITE_URL=running.address)
    assert json.loads(done.stdout) == running.get("/openapi.json").json()


def test_a_reader_that_has_enough_is_no_error(tmp_path: Path) -> None:
    printing = subprocess.Popen(
        [sys.executable, "-m", "vently.cli", "openapi"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=tmp_path
    )
    assert printing.stdout
    assert printing.stderr
    printing.stdout.close()
    said = printing.stderr.read()
    printing.stderr.close()
    assert (printing.wait(60), said) == (141, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_an_output_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "vently.cli", "openapi"],
            stdout=full,
            stderr=subprocess.PIPE,
            cwd=tmp_path,
            check=False,
        )
    assert (done.returncode, done.stderr) == (1, b"vently: The system refuses this: No space left on device.\n")
