"""Migrations go forward once; rules have only a present; a failure leaves everything as it was."""

import asyncio
from dataclasses import dataclass, field
from pathlib import Path

import asyncpg
import pytest
from scratch import Scratch, run, value

from vently.app import ROOMS
from vently.database import migrate as module
from vently.database.migrate import CannotMigrate, Report, Room, migrate, plan

TABLES = """
create function private.is_short(word text) returns boolean language sql immutable set search_path = ''
  as 'select length(word) < 10';
create table public.notes (
  id uuid primary key default gen_random_uuid(),
  author_id uuid references auth.users (id) on delete cascade,
  body text check (private.is_short(body))
);
alter table public.notes enable row level security;
"""
RULES = """
create policy "notes are for everybody" on public.notes for select to anon using (true);
create function private.shout() returns trigger language plpgsql as $$
  begin new.body := upper(new.body); return new; end $$;
create trigger shout before insert on public.notes for each row execute function private.shout();
create view public.bodies with (security_invoker = true) as select body from public.notes;
grant select on public.notes, public.bodies to anon;
"""


@dataclass
class House:
    """A database and the files that should be in it."""

    scratch: Scratch
    database: str
    folder: Path
    said: list[str] = field(default_factory=list)

    @property
    def owner_url(self) -> str:
        return self.scratch.url(self.database, "postgres")

    @property
    def rooms(self) -> list[Room]:
        return [Room("first", self.folder / "first.sql"), Room("second", self.folder / "second.sql")]

    def migration(self, name: str, sql: str) -> None:
        (self.folder / "migrations" / f"{name}.sql").write_text(sql)

    def rules(self, sql: str, room: str = "first") -> None:
        (self.folder / f"{room}.sql").write_text(sql)

    async def migrates(self) -> Report:
        return await migrate(
            self.owner_url, rooms=self.rooms, migrations=self.folder / "migrations", on_step=self.said.append
        )

    async def owner(self, sql: str, *arguments: object) -> object:
        return await value(self.owner_url, sql, *arguments)

    async def anon(self, sql: str) -> object:
        connection = await asyncpg.connect(self.owner_url)
        try:
            await connection.execute("set role anon")
            return await connection.fetchval(sql)
        finally:
            await connection.close()


@pytest.fixture
async def house(scratch: Scratch, tmp_path: Path) -> House:
    (tmp_path / "migrations").mkdir()
    made = House(scratch, await scratch.database(), tmp_path)
    made.migration("20260101000000_notes", TABLES)
    made.rules(RULES)
    made.rules("-- nothing yet\n", room="second")
    return made


async def test_an_empty_database_gets_the_migrations_then_the_rules(house: House) -> None:
    report = await house.migrates()
    assert report == Report(platform=False, migrations=("20260101000000_notes",), rules=("first", "second"))
    assert house.said == ["migration 20260101000000_notes", "rules of first", "rules of second"]
    await house.owner("insert into public.notes (body) values ('hello')")
    assert await house.anon("select body from public.bodies") == "HELLO"


async def test_a_second_run_does_nothing(house: House) -> None:
    await house.migrates()
    assert not (await house.migrates()).changed


async def test_the_plan_says_what_would_be_done_and_does_nothing(house: House) -> None:
    async def planned() -> Report:
        return await plan(house.owner_url, rooms=house.rooms, migrations=house.folder / "migrations")

    assert (await planned()).migrations == ("20260101000000_notes",)
    assert await house.owner("select to_regclass('public.notes')::text") is None
    await house.migrates()
    assert not (await planned()).changed


async def test_what_is_taken_out_of_the_rules_disappears(house: House) -> None:
    await house.migrates()
    house.rules('create policy "notes are for nobody" on public.notes for select to anon using (false);')
    report = await house.migrates()
    assert report.migrations == ()
    assert await house.owner("select string_agg(policyname, ',') from pg_policies where schemaname = 'public'") == (
        "notes are for nobody"
    )
    assert await house.owner("select to_regclass('public.bodies')::text") is None
    assert await house.owner("select to_regproc('private.shout')::text") is None
    assert await house.owner("select has_table_privilege('anon', 'public.notes', 'select')") is False
    assert await house.owner("select to_regproc('private.is_short')::text") == "private.is_short"


async def test_column_grants_taken_out_of_the_rules_disappear(house: House) -> None:
    house.rules("grant update (body) on public.notes to authenticated;")
    await house.migrates()
    house.rules("grant select on public.notes to authenticated;")
    await house.migrates()
    assert await house.owner("select has_any_column_privilege('authenticated', 'public.notes', 'update')") is False


async def test_rules_may_put_a_trigger_on_new_accounts(house: House) -> None:
    house.rules(
        """
        create function private.welcome() returns trigger language plpgsql security definer set search_path = '' as $$
          begin insert into public.notes (author_id, body) values (new.id, 'welcome'); return new; end $$;
        create trigger welcome after insert on auth.users for each row execute function private.welcome();
        """
    )
    await house.migrates()
    await house.owner("insert into auth.users (id) values (gen_random_uuid())")
    assert await house.owner("select count(*) from public.notes") == 1
    house.rules("-- no welcome any more")
    await house.migrates()
    await house.owner("insert into auth.users (id) values (gen_random_uuid())")
    assert await house.owner("select count(*) from public.notes") == 1


async def test_rules_may_put_policies_on_broadcasts_and_objects(house: House) -> None:
    house.rules(
        """
        create policy "everybody listens" on realtime.messages for select to anon using (true);
        create policy "everybody looks" on storage.objects for select to anon using (true);
        """
    )
    await house.migrates()
    house.rules("")
    await house.migrates()
    assert await house.owner("select count(*) from pg_policies where schemaname in ('storage', 'realtime')") == 0


async def test_policies_that_others_wrote_stay(house: House) -> None:
    await house.owner('create policy "from the dashboard" on storage.objects for select to anon using (true)')
    await house.migrates()
    house.rules("")
    await house.migrates()
    assert await house.owner("select policyname from pg_policies where schemaname = 'storage'") == "from the dashboard"


async def test_a_later_migration_meets_tables_without_rules(house: House) -> None:
    await house.migrates()
    house.migration(
        "20260102000000_rename",
        "alter table public.notes rename to remarks; alter table public.remarks alter body type varchar(20);",
    )
    house.rules(RULES.replace("public.notes", "public.remarks"))
    assert (await house.migrates()).migrations == ("20260102000000_rename",)
    await house.owner("insert into public.remarks (body) values ('hello')")
    assert await house.anon("select body from public.bodies") == "HELLO"


async def test_permissive_defaults_of_an_older_project_grant_nothing(house: House) -> None:
    await house.owner("alter default privileges in schema public grant all on tables to anon, authenticated")
    house.migration("20260102000000_secrets", "create table public.secrets (id int primary key);")
    await house.migrates()
    assert await house.owner("select has_table_privilege('anon', 'public.secrets', 'select, truncate')") is False
    assert await house.owner("select has_table_privilege('anon', 'public.notes', 'truncate')") is False
    assert await house.owner("select has_table_privilege('anon', 'public.notes', 'select')") is True


async def test_a_mistake_in_the_rules_changes_nothing_and_is_pointed_at(house: House) -> None:
    await house.migrates()
    house.migration("20260102000000_more", "create table public.more (id int primary key);")
    house.rules(RULES + "\ngrant select on public.nowhere to anon;", room="second")
    with pytest.raises(CannotMigrate, match=r"second/rules.sql.*"):
        await house.migrates()
    assert await house.owner("select to_regclass('public.more')::text") is None
    assert await house.owner("select policyname from pg_policies where schemaname = 'public'") == (
        "notes are for everybody"
    )
    assert await house.owner("select count(*) from private.schema_history") == 3


async def test_a_mistake_in_a_migration_names_its_line(house: House) -> None:
    house.migration("20260102000000_slip", "select 1;\nselect 2;\nselect wrong;\n")
    with pytest.raises(CannotMigrate, match=r'20260102000000_slip.sql, line 3: column "wrong" does not exist'):
        await house.migrates()


async def test_an_applied_migration_must_not_change(house: House) -> None:
    await house.migrates()
    house.migration("20260101000000_notes", TABLES + "-- a second thought")
    with pytest.raises(CannotMigrate, match="20260101000000_notes was changed after it had been applied"):
        await house.migrates()


async def test_a_database_newer_than_the_code_is_refused(house: House) -> None:
    house.migration("20260102000000_future", "select 1;")
    await house.migrates()
    (house.folder / "migrations" / "20260102000000_future.sql").unlink()
    with pytest.raises(CannotMigrate, match=r"newer than this Vently.*20260102000000_future"):
        await house.migrates()


async def test_a_migration_cannot_slip_in_before_one_that_was_applied(house: House) -> None:
    await house.migrates()
    house.migration("20250101000000_late", "select 1;")
    with pytest.raises(CannotMigrate, match="give it a later timestamp"):
        await house.migrates()


async def test_a_migration_that_commits_is_refused(house: House) -> None:
    house.migration("20260102000000_commit", "select 1; commit;")
    with pytest.raises(CannotMigrate, match="take its commit or rollback out"):
        await house.migrates()


async def test_two_nodes_at_once_migrate_once(house: House) -> None:
    house.migration("20260102000000_slow", "select pg_sleep(0.5);")
    reports = await asyncio.gather(*(house.migrates() for _ in range(4)))
    assert sorted(len(report.migrations) for report in reports) == [0, 0, 0, 2]


async def test_a_node_that_waits_too_long_says_for_whom(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WAIT_FOR_OTHERS", "200ms")
    other = await asyncpg.connect(house.owner_url)
    await other.execute(f"begin; select pg_advisory_xact_lock({module.TURN})")
    with pytest.raises(CannotMigrate, match="Another node has been migrating"):
        await house.migrates()
    await other.close()


async def test_a_table_in_use_is_waited_for_but_not_for_ever(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    await house.migrates()
    monkeypatch.setattr(module, "WAIT_FOR_TABLES", "200ms")
    other = await asyncpg.connect(house.owner_url)
    await other.execute("begin; select * from public.notes")
    house.rules("")
    with pytest.raises(CannotMigrate, match="requests are using what it changes"):
        await house.migrates()
    await other.close()
    assert (await house.migrates()).rules == ("first", "second")


async def test_who_does_not_own_the_tables_is_told(house: House) -> None:
    await house.migrates()
    with pytest.raises(CannotMigrate, match=r"permission denied.*VENTLY_OWNER_URL"):
        await migrate(
            house.scratch.url(house.database, "authenticator"),
            rooms=house.rooms,
            migrations=house.folder / "migrations",
        )


async def test_a_database_that_is_not_there_is_told(house: House) -> None:
    with pytest.raises(CannotMigrate, match="cannot be reached"):
        await migrate(house.scratch.url("nowhere", "postgres"), rooms=house.rooms)


@pytest.mark.parametrize("name", ["notes", "2026_notes", "20260101000000-notes", "20260101000000_Notes"])
async def test_a_migration_with_another_form_of_name_is_refused(house: House, name: str) -> None:
    house.migration(name, "select 1;")
    with pytest.raises(CannotMigrate, match="must be named like"):
        await house.migrates()


async def test_a_plain_postgres_gets_the_platform_first(house: House, scratch: Scratch) -> None:
    database = await scratch.database(platform=False)
    said: list[str] = []

    async def migrates() -> Report:
        return await migrate(
            scratch.url(database, "postgres"),
            platform_url=scratch.url(database),
            rooms=house.rooms,
            migrations=house.folder / "migrations",
            on_step=said.append,
        )

    assert (await migrates()).platform
    assert said[0] == "platform"
    said.clear()
    assert not (await migrates()).changed
    assert said == []


async def test_the_plan_for_an_empty_plain_postgres_begins_with_the_platform(house: House, scratch: Scratch) -> None:
    database = await scratch.database(platform=False)
    planned = await plan(
        scratch.url(database, "nobody_yet"),
        platform_url=scratch.url(database),
        rooms=house.rooms,
        migrations=house.folder / "migrations",
    )
    assert (planned.platform, planned.rules) == (True, ("first", "second"))


async def test_an_owner_with_an_awkward_name_can_migrate(house: House, scratch: Scratch) -> None:
    await run(scratch.url(house.database), 'create role "my-owner" login bypassrls; grant postgres to "my-owner";')
    await migrate(
        scratch.url(house.database, "my-owner"), rooms=house.rooms[1:], migrations=house.folder / "migrations"
    )


async def test_a_supabase_project_keeps_its_own_platform(house: House, scratch: Scratch) -> None:
    await run(scratch.url(house.database), "comment on schema auth is 'from Supabase'")
    before = await house.owner("select count(*) from pg_class")
    said: list[str] = []
    report = await migrate(
        house.owner_url,
        platform_url=scratch.url(house.database),
        rooms=[],
        migrations=house.folder / "none",
        on_step=said.append,
    )
    assert (report.changed, said) == (False, ["platform: left to Supabase"])
    assert await house.owner("select count(*) from pg_class") == before


async def test_all_rules_of_the_house_can_be_put_away_and_made_anew(scratch: Scratch, tmp_path: Path) -> None:
    owner_url = scratch.url(await scratch.database(), "postgres")
    made = """
        select format('%s %s', kind, identity) as line from private.rule_objects union all
        select format('%s %s', oid::regclass, relacl) from pg_class where relnamespace = 'public'::regnamespace"""

    async def standing() -> set[str]:
        return {row["line"] for row in await run(owner_url, made)}

    assert (await migrate(owner_url, rooms=ROOMS)).changed
    assert not (await migrate(owner_url, rooms=ROOMS)).changed
    before = await standing()

    empty = [Room(room.name, tmp_path / f"{room.name}.sql") for room in ROOMS]
    for room in empty:
        room.rules.write_text("")
    await migrate(owner_url, rooms=empty)
    assert await value(owner_url, "select count(*) from private.rule_objects") == 0

    await migrate(owner_url, rooms=ROOMS)
    assert await standing() == before
