"""platform.sql gives a plain Postgres what a Supabase project has, and forbids what a Supabase project forbids."""

import asyncio
import json

import asyncpg
import pytest
from scratch import PLATFORM, Scratch, run, scratch_server, value

from vently.app import ROOMS
from vently.database.migrate import migrate

SQL = PLATFORM.read_text()


@pytest.fixture
async def database(scratch: Scratch) -> str:
    return await scratch.database()


@pytest.fixture
def owner_url(scratch: Scratch, database: str) -> str:
    return scratch.url(database, "postgres")


async def test_running_it_again_changes_nothing(scratch: Scratch, database: str) -> None:
    everything = """
        select md5(string_agg(line, '' order by line)) from (
          select 'class ' || relname || relowner || coalesce(relacl::text, '') as line from pg_class where oid > 16384
          union all
          select 'function ' || proname || proowner || coalesce(proacl::text, '') from pg_proc where oid > 16384
          union all select 'role ' || rolname || coalesce(rolconfig::text, '') from pg_roles
          union all select 'member ' || roleid || member from pg_auth_members
        ) as lines"""
    before = await value(scratch.url(database), everything)
    await run(scratch.url(database), f"begin; {SQL}; commit")
    assert await value(scratch.url(database), everything) == before


async def test_two_databases_of_one_server_at_once(scratch: Scratch) -> None:
    names = [await scratch.database(platform=False) for _ in range(4)]
    await asyncio.gather(*(run(scratch.url(name), f"begin; {SQL}; commit") for name in names))


@pytest.mark.parametrize(
    "marks",
    [
        "create schema auth; create table auth.schema_migrations (version text)",
        "create schema auth; create table auth.users (id uuid)",
    ],
)
async def test_a_supabase_project_is_left_alone(scratch: Scratch, marks: str) -> None:
    url = scratch.url(await scratch.database(platform=False))
    await run(url, f"{marks};")
    with pytest.raises(asyncpg.PostgresError, match="This is a Supabase project"):
        await run(url, f"begin; {SQL}; commit")
    assert await value(url, "select to_regnamespace('realtime')::text") is None


async def test_only_a_superuser_can_run_it(owner_url: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="needs a superuser, and postgres is none"):
        await run(owner_url, f"begin; {SQL}; commit")


async def test_the_roles_are_those_of_a_hosted_project(owner_url: str) -> None:
    rows = await run(owner_url, "select rolname, rolsuper, rolcanlogin, rolinherit, rolbypassrls from pg_roles")
    roles = {row[0]: tuple(row)[1:] for row in rows}
    assert roles["postgres"] == (False, True, True, True)
    assert roles["anon"] == roles["authenticated"] == (False, False, False, False)
    assert roles["service_role"] == (False, False, False, True)
    assert roles["authenticator"] == roles["supabase_auth_admin"] == (False, True, False, False)


@pytest.mark.parametrize(
    "statement",
    [
        "create schema private",
        "create table public.cards (id uuid primary key references auth.users (id) on delete cascade)",
        "create extension pg_trgm schema extensions",
        "create policy p on realtime.messages for select to authenticated using (realtime.topic() = 'lobby')",
        "create policy p on storage.objects for select to anon using (bucket_id = 'covers')",
        "insert into storage.buckets (id, name, public) values ('covers', 'covers', true)",
        "insert into auth.users (id, email) values (gen_random_uuid(), 'alice@example.org')",
        """do $$ begin
             create table public.t (id int primary key);
             alter publication supabase_realtime add table public.t;
           end $$""",
        """do $$ begin
             create function public.f() returns trigger language plpgsql as 'begin return new; end';
             create trigger t after insert on auth.users for each row execute function public.f();
           end $$""",
        "do $$ begin set local role anon; set local role none; set local role service_role; end $$",
    ],
)
async def test_the_owner_may_do_what_migrations_need(owner_url: str, statement: str) -> None:
    await run(owner_url, statement)


@pytest.mark.parametrize(
    "statement",
    [
        "create table auth.mine (id int)",
        "create table storage.mine (id int)",
        "create table realtime.mine (id int)",
        "create function auth.uid() returns uuid language sql as 'select null::uuid'",
        "create or replace function auth.uid() returns uuid language sql as 'select null::uuid'",
        "create function realtime.mine() returns int language sql as 'select 1'",
        "create or replace function storage.filename(name text) returns text language sql as 'select null'",
        "create index on auth.users (created_at)",
        "alter table auth.users add column mine int",
        "alter table auth.users disable row level security",
        "drop table auth.sessions",
        "create policy p on auth.users for select to anon using (true)",
        "alter system set fsync = off",
    ],
)
async def test_the_owner_may_not_do_what_a_hosted_project_forbids(owner_url: str, statement: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await run(owner_url, statement)


async def test_tables_of_migrations_are_closed_until_granted(owner_url: str) -> None:
    await run(owner_url, "create table public.secrets (id int)")
    for role in ("anon", "authenticated", "service_role"):
        assert not await value(owner_url, "select has_table_privilege($1, 'public.secrets', 'select, insert')", role)


async def test_the_login_of_the_nodes_reads_nothing_by_itself(scratch: Scratch, database: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await run(scratch.url(database, "authenticator"), "select from auth.users")


@pytest.mark.parametrize("role", ["anon", "authenticated", "service_role"])
async def test_visitors_cannot_read_accounts(owner_url: str, role: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await run(owner_url, f"begin; set local role {role}; select from auth.users; commit")


async def test_the_claims_are_read_in_both_forms(owner_url: str) -> None:
    alice = "11111111-1111-1111-1111-111111111111"
    claims = json.dumps({"sub": alice, "role": "authenticated", "email": "alice@example.org"})
    asked = "select auth.uid()::text, auth.role(), auth.email(), auth.jwt() ->> 'sub'"
    connection = await asyncpg.connect(owner_url)
    try:
        assert tuple(await connection.fetchrow(asked)) == (None, None, None, None)
        await connection.execute("select set_config('request.jwt.claims', $1, false)", claims)
        assert tuple(await connection.fetchrow(asked)) == (alice, "authenticated", "alice@example.org", alice)
        bob = alice.replace("1", "2")
        await connection.execute("select set_config('request.jwt.claim.sub', $1, false)", bob)
        assert await connection.fetchval("select auth.uid()::text") == bob
    finally:
        await connection.close()


async def test_a_deleted_account_takes_everything_of_it_along(owner_url: str) -> None:
    await run(
        owner_url,
        """
        insert into auth.users (id) values ('11111111-1111-1111-1111-111111111111');
        insert into auth.sessions (id, user_id) select gen_random_uuid(), id from auth.users;
        insert into auth.refresh_tokens (token, session_id) select 'abc', id from auth.sessions;
        insert into auth.identities (provider_id, user_id, identity_data, provider)
          select id, id, '{"email": "Alice@Example.org"}', 'email' from auth.users;
        """,
    )
    assert await value(owner_url, "select email from auth.identities") == "alice@example.org"
    await run(owner_url, "delete from auth.users")
    assert await value(owner_url, "select count(*) from auth.refresh_tokens") == 0


async def test_one_address_has_one_account_except_by_single_sign_on(owner_url: str) -> None:
    insert = "insert into auth.users (id, email, is_sso_user) values (gen_random_uuid(), 'alice@example.org', $1)"
    await run(owner_url, insert, False)
    await run(owner_url, insert, True)
    with pytest.raises(asyncpg.UniqueViolationError, match="users_email_partial_key"):
        await run(owner_url, insert, False)


async def test_a_message_sent_from_the_database_is_kept_for_its_topic(owner_url: str) -> None:
    await run(owner_url, """select realtime.send('{"title": "Gig"}', 'event.updated', 'event:1')""")
    row = (await run(owner_url, "select id::text, topic, extension, event, private, payload from realtime.messages"))[0]
    payload = json.loads(row["payload"])
    assert tuple(row)[1:5] == ("event:1", "broadcast", "event.updated", True)
    assert payload == {"id": row["id"], "title": "Gig"}


async def test_a_payload_keeps_its_own_id(owner_url: str) -> None:
    await run(owner_url, """select realtime.send('{"id": "mine"}', 'e', 't', false)""")
    assert await value(owner_url, "select payload ->> 'id' from realtime.messages where not private") == "mine"


async def test_a_message_that_cannot_be_kept_is_only_a_warning(owner_url: str) -> None:
    await run(owner_url, "select realtime.send('{}', 'e', null)")
    assert await value(owner_url, "select count(*) from realtime.messages") == 0


async def test_changes_of_a_row_can_be_broadcast(owner_url: str) -> None:
    await run(
        owner_url,
        """
        create table public.notes (id int, body text);
        create function public.tell() returns trigger language plpgsql as $$ begin
          perform realtime.broadcast_changes('notes', tg_op, tg_op, tg_table_name, tg_table_schema, new, old);
          return null;
        end $$;
        create trigger tell after insert or update on public.notes for each row execute function public.tell();
        insert into public.notes values (1, 'one');
        update public.notes set body = 'two';
        """,
    )
    payload = json.loads(str(await value(owner_url, "select payload from realtime.messages where event = 'UPDATE'")))
    assert (payload["record"]["body"], payload["old_record"]["body"], payload["table"]) == ("two", "one", "notes")


async def test_messages_are_kept_in_a_partition_a_day_for_three_days(scratch: Scratch, database: str) -> None:
    url = scratch.url(database)
    await run(
        url,
        """create table realtime.messages_2026_01_01 partition of realtime.messages
             for values from ('2026-01-01') to ('2026-01-02')""",
    )
    await run(url, "begin; set local role service_role; select realtime.keep_partitions(); commit")
    assert await value(url, "select count(*) from pg_inherits where inhparent = 'realtime.messages'::regclass") == 9
    assert await value(url, "select to_regclass('realtime.messages_2026_01_01')::text") is None


async def test_the_parts_of_a_path(owner_url: str) -> None:
    asked = (
        "select storage.foldername(p), storage.filename(p), storage.extension(p) from (values ('a/b/c.jpg')) as v (p)"
    )
    assert tuple((await run(owner_url, asked))[0]) == (["a", "b"], "c.jpg", "jpg")


async def test_somebodys_own_superuser_named_postgres_stays_one() -> None:
    with scratch_server(superuser="postgres") as server:
        url = server.url(await server.database())
        assert await value(url, "select rolsuper and rolconfig is null from pg_roles where rolname = 'postgres'")
        assert (await migrate(url, rooms=ROOMS)).changed
