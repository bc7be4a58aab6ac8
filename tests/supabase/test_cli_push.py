"""The real Supabase CLI against a database shaped like a hosted project: push, push again, advisors, lint."""

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from programs import needs_node_program
from scratch import Scratch, run, value

from vently.app import ROOMS
from vently.database.migrate import Room, migrate
from vently.database.schema import MIGRATIONS
from vently.supabase.export import export

DOCS = Path(__file__).parents[2] / "docs" / "supabase.md"
Cli = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def program() -> Path:
    return needs_node_program("@supabase/cli-linux-x64/bin/supabase")


@pytest.fixture
def project(tmp_path: Path) -> list[Path]:
    """The exported migrations, in order."""
    return [path for path in export(tmp_path, ROOMS) if path.suffix == ".sql"]


@pytest.fixture
def supabase(program: Path, tmp_path: Path) -> Cli:
    """The CLI, asked about a database as its owner `postgres`, who is no superuser."""
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(tmp_path),
        "DO_NOT_TRACK": "1",
        "SUPABASE_TELEMETRY_DISABLED": "1",
    }

    def call(url: str, *arguments: str, fails: bool = False) -> subprocess.CompletedProcess[str]:
        command = [str(program), *arguments, f"--remote={url}", "--workdir", str(tmp_path), "--agent=no"]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)
        assert (done.returncode != 0) == fails, done.stdout + done.stderr
        return done

    return call


async def test_a_push_applies_and_nothing_is_left_to_do_for_either_way(
    scratch: Scratch, project: list[Path], supabase: Cli
) -> None:
    url = scratch.url(await scratch.database(), "postgres")
    assert supabase(url, "db", "push", "--yes").stderr.count("Applying migration") == len(project)
    assert "up to date" in supabase(url, "db", "push", "--yes").stdout
    assert not (await migrate(url, rooms=ROOMS)).changed


@pytest.mark.usefixtures("project")
async def test_both_ways_lead_to_the_same_schema(postgres_18: Scratch, supabase: Cli) -> None:
    pushed = postgres_18.url(await postgres_18.database(), "postgres")
    migrated = postgres_18.url(await postgres_18.database(), "postgres")
    supabase(pushed, "db", "push", "--yes")
    await migrate(migrated, rooms=ROOMS)
    assert await _everything(pushed) == await _everything(migrated)


async def test_changed_rules_are_pushed_and_former_ones_are_gone(
    postgres_18: Scratch, tmp_path: Path, supabase: Cli
) -> None:
    url = postgres_18.url(await postgres_18.database(), "postgres")
    rules = tmp_path / "rules.sql"
    migrations = tmp_path / "ours"
    migrations.mkdir()
    (migrations / "20260101000000_notes.sql").write_text(
        "create table public.notes (id int primary key); alter table public.notes enable row level security;"
    )
    for policy in ("for everybody", "for nobody"):
        rules.write_text(f'create policy "{policy}" on public.notes for select to anon using (true);')
        export(tmp_path, [Room("notes", rules)], migrations=migrations)
        supabase(url, "db", "push", "--yes")
    assert await value(url, "select string_agg(policyname, ',') from pg_policies where schemaname = 'public'") == (
        "for nobody"
    )
    assert not (await migrate(url, rooms=[Room("notes", rules)], migrations=migrations)).changed


async def test_a_push_over_a_migrated_database_says_how_to_go_on(
    postgres_18: Scratch, project: list[Path], supabase: Cli
) -> None:
    url = postgres_18.url(await postgres_18.database(), "postgres")
    await migrate(url, rooms=ROOMS)
    for path in project[: len(list(MIGRATIONS.glob("*.sql")))]:
        refused = supabase(url, "db", "push", "--yes", fails=True)
        version = path.name.split("_")[0]
        assert f"supabase migration repair --status applied {version}" in refused.stderr
        supabase(url, "migration", "repair", "--status", "applied", version, "--yes")
    supabase(url, "db", "push", "--yes")
    assert not (await migrate(url, rooms=ROOMS)).changed


@pytest.mark.usefixtures("project")
async def test_the_advisors_find_nothing_that_the_docs_do_not_argue(postgres_18: Scratch, supabase: Cli) -> None:
    url = postgres_18.url(await postgres_18.database(), "postgres")
    supabase(url, "db", "push", "--yes")
    findings = json.loads(supabase(url, "db", "advisors", "--level", "info").stdout)
    docs = DOCS.read_text(encoding="utf-8")
    unargued = [finding["detail"] for finding in findings if not _argued(finding, docs)]
    assert unargued == []


@pytest.mark.usefixtures("project")
async def test_the_advisors_do_find_an_unguarded_table(postgres_18: Scratch, supabase: Cli) -> None:
    """The control: without it, advisors that saw nothing at all would pass."""
    url = postgres_18.url(await postgres_18.database(), "postgres")
    supabase(url, "db", "push", "--yes")
    await run(url, "create table public.open (id int primary key); grant select on public.open to anon;")
    findings = json.loads(supabase(url, "db", "advisors").stdout)
    docs = DOCS.read_text(encoding="utf-8")
    assert [finding["name"] for finding in findings if not _argued(finding, docs)] == ["rls_disabled_in_public"]


@pytest.mark.usefixtures("project")
async def test_the_functions_lint_clean(postgres_15: Scratch, supabase: Cli) -> None:
    database = await postgres_15.database()
    await run(postgres_15.url(database), "create extension plpgsql_check schema extensions")
    url = postgres_15.url(database, "postgres")
    supabase(url, "db", "push", "--yes")
    linted = supabase(url, "db", "lint", "--schema", "public,private", "--level", "warning", "--fail-on", "warning")
    assert "Linting schema: private" in linted.stderr


def _argued(finding: dict[str, object], docs: str) -> bool:
    """Whether the docs' table of findings has a row for it: its name, and the table it is about or `any`."""
    about = finding["metadata"]
    assert isinstance(about, dict)
    table = f"`{about['schema']}.{about['name']}`"
    rows = [line for line in docs.splitlines() if line.startswith(f"| `{finding['name']}` |")]
    return any(table in row or "| any " in row for row in rows)


async def _everything(url: str) -> list[str]:
    rows = await run(
        url,
        """
        select format('%s %s %s', kind, identity, made_by_rules) as line from private.rule_objects
        union all
        select format('%s.%s %s', relnamespace::regnamespace, relname, relacl) from pg_class
         where relnamespace in ('public'::regnamespace, 'private'::regnamespace) and relkind <> 't'
        union all
        select format('%s %s %s', oid::regprocedure, md5(prosrc), proacl) from pg_proc
         where pronamespace in ('public'::regnamespace, 'private'::regnamespace)
        union all
        select format('%s %s %s %s', tablename, policyname, qual, with_check) from pg_policies
        """,
    )
    return sorted(row["line"] for row in rows)
