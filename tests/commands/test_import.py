"""`vently import`: the conferences of 2025, twice, as a table, damaged, and killed half-way."""

import asyncio
import json
import re
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from terminal import Running, Terminal

DATA = Path(__file__).parents[1] / "data"
CALENDAR, TABLE = DATA / "conferences-2025.ics", DATA / "conferences-2025.csv"
MANY = 10_000

Imports = Callable[..., Any]


@pytest.fixture
def imports(terminal: Terminal, running: Running) -> Imports:
    """Dana's import into a community, new unless named; the report."""
    made = 0

    def import_(*files: object, community: str = "") -> Any:
        nonlocal made
        made += 1
        slug = community or f"community-{id(import_)}-{made}"
        if not community:
            running.founds(f"{slug}@example.org", slug)
        done = types_import(terminal, *files, "--json", community=slug, email=f"{slug}@example.org")
        assert done.returncode == 0, done.stderr
        assert done.stderr == ""
        return {**json.loads(done.stdout), "community": slug}

    return import_


def types_import(
    terminal: Terminal, *words: object, community: str = "conferences", email: str = "dana@example.org"
) -> "subprocess.CompletedProcess[str]":
    return terminal.types("import", *words, "--community", community, "--as", email)


def counts(report: Any) -> tuple[int, int, int, int]:
    return report["created"], report["updated"], report["unchanged"], len(report["refused"])


def test_the_conferences_come_in_once_each_and_a_second_time_nothing_changes(
    imports: Imports, running: Running
) -> None:
    dry = imports(CALENDAR, "--dry-run")
    assert counts(dry) == (466, 0, 0, 0)
    assert dry["dry_run"] is True
    first = imports(CALENDAR, community=dry["community"])
    assert counts(first) == (466, 0, 0, 0)
    again = imports(CALENDAR, community=dry["community"])
    assert counts(again) == (0, 0, 466, 0)
    listed = running.get(f"/api/events?community={dry['community']}&from=2025-01-01&limit=100").json()
    assert len(listed["items"]) == 100


def test_the_table_gives_the_same_466(imports: Imports) -> None:
    assert counts(imports(TABLE)) == (466, 0, 0, 0)


def test_each_damaged_entry_is_named_with_its_line(terminal: Terminal, running: Running, tmp_path: Path) -> None:
    lines = CALENDAR.read_bytes().decode().split("\r\n")
    whole = [number for number, line in enumerate(lines) if line.startswith("DTSTART")]
    uids = {number: next(line[4:] for line in lines[number:] if line.startswith("UID:")) for number in whole}
    once = [number for number in whole if list(uids.values()).count(uids[number]) == 1]
    hurt = once[10 : 10 + 20 * 9 : 9]
    for number in hurt:
        lines[number] = "DTSTART:soon"
    damaged = tmp_path / "damaged.ics"
    damaged.write_text("\r\n".join(lines), newline="")

    running.founds("hurt@example.org", "hurt")
    done = types_import(terminal, damaged, "--json", community="hurt", email="hurt@example.org")
    report = json.loads(done.stdout)
    assert counts(report) == (446, 0, 0, 20)
    assert {entry["uid"] for entry in report["refused"]} == {uids[number] for number in hurt}
    for entry, number in zip(sorted(report["refused"], key=lambda entry: entry["line"]), hurt, strict=True):
        assert abs(entry["line"] - (number + 1)) <= 3, "the line on which its entry begins"

    told = types_import(terminal, damaged, community="hurt", email="hurt@example.org")
    assert told.returncode == 0
    *named, total = told.stdout.splitlines()
    assert len([line for line in named if re.match(r"damaged\.ics:\d+: .*DTSTART", line)]) == 20
    assert total == "0 created, 0 updated, 446 unchanged, 20 refused"


@pytest.mark.parametrize(
    ("file", "community", "email", "says"),
    [
        ("nowhere.ics", "conferences", "dana@example.org", "nowhere.ics is not there"),
        (DATA, "conferences", "dana@example.org", "is no file"),
        (CALENDAR, "nowhere", "dana@example.org", "There is no community nowhere"),
        (CALENDAR, "conferences", "nobody@example.org", "Nobody signed up with nobody@example.org"),
        (CALENDAR, "conferences", "carol@example.org", "Only organisers and admins of this community"),
        (Path(__file__), "conferences", "dana@example.org", "is of no kind that can be imported"),
    ],
)
def test_what_cannot_be_imported_is_said_in_one_sentence(
    terminal: Terminal, running: Running, file: object, community: str, email: str, says: str
) -> None:
    if email.startswith("carol"):
        running.signs_up(email)
    done = types_import(terminal, file, community=community, email=email)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith("vently: ")
    assert done.stderr.count("\n") == 1
    assert says in done.stderr


async def test_a_kill_half_way_leaves_nothing_half_there(resting: Terminal, tmp_path: Path) -> None:
    many = tmp_path / "many.ics"
    many.write_text(calendar_of(MANY), newline="")
    with resting.up() as running:
        running.founds("dana@example.org", "many")
        importing = resting.starts("import", many, "--community", "many", "--as", "dana@example.org")
        await until_it_has_written(resting)
        resting.kills(importing)
        resting.kills(running.process)
        resting.kills_postgres()
        assert importing.returncode == -signal.SIGKILL, "it was not done before"

    with resting.up():
        assert await ask(resting, "select count(*) from public.events") == 0
        first = types_import(resting, many, "--json", community="many")
        assert counts(json.loads(first.stdout)) == (MANY, 0, 0, 0)
        again = types_import(resting, many, "--json", community="many")
        assert counts(json.loads(again.stdout)) == (0, 0, MANY, 0)
        assert await ask(resting, "select count(*) from public.events") == MANY


async def test_an_import_told_to_end_takes_everything_back(resting: Terminal, tmp_path: Path) -> None:
    many = tmp_path / "many.ics"
    many.write_text(calendar_of(MANY, "later"), newline="")
    with resting.up() as running:
        running.founds("erin@example.org", "later")
    importing = resting.starts("import", many, "--community", "later", "--as", "erin@example.org")
    await until_it_has_written(resting)
    importing.terminate()
    assert importing.wait(60) == 128 + signal.SIGTERM
    assert resting.processes == [], "it was alone, so it stopped Postgres"
    with resting.up() as running:
        assert running.get("/api/events?community=later&from=2025-01-01").json()["items"] == []


def calendar_of(events: int, name: str = "many") -> str:
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//tests//EN"]
    for number in range(events):
        lines += [
            "BEGIN:VEVENT",
            f"UID:{name}-{number}@example.org",
            f"DTSTART:2025{1 + number % 12:02}{1 + number % 28:02}T{number % 24:02}0000Z",
            f"SUMMARY:Evening {number}",
            "END:VEVENT",
        ]
    return "\r\n".join([*lines, "END:VCALENDAR", ""])


async def until_it_has_written(terminal: Terminal) -> None:
    """A transaction has a number of its own once it has written something."""
    writing = """
        select exists (select from pg_stat_activity where usename = 'authenticator' and backend_xid is not null
                          and clock_timestamp() - xact_start > interval '100 ms')"""
    for _ in range(3000):
        if await ask(terminal, writing):
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it never wrote")


async def ask(terminal: Terminal, question: str) -> Any:
    """As the superuser, once Postgres accepts connections."""
    for _ in range(1500):
        try:
            told = (terminal.data / "postgres/cluster/postmaster.pid").read_text().splitlines()
            connection = await asyncpg.connect(host=told[4], user="supabase_admin", database="vently")
        except (OSError, IndexError, asyncpg.PostgresError):
            await asyncio.sleep(0.02)
            continue
        try:
            return await connection.fetchval(question)
        finally:
            await connection.close()
    raise AssertionError("Postgres did not answer")
