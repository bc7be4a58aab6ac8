-- What has been applied here, and what the rules made. The first words of every migration, ours or exported.

create schema if not exists private;

create table if not exists private.schema_history (
  kind text not null check (kind in ('migration', 'rules')),
  name text not null,
  sha256 text not null,
  applied_at timestamptz not null default now(),
  primary key (kind, name)
);
comment on table private.schema_history is 'Migrations by file name, rules by room, with the digest of the text that was applied';
alter table private.schema_history enable row level security;

create table if not exists private.rule_objects (
  kind text not null,
  identity text not null,
  place bigint not null,
  made_by_rules boolean not null,
  primary key (kind, identity)
);
comment on table private.rule_objects is 'What the rules made, in the order it was made, so that it can be put away before they run again';
alter table private.rule_objects enable row level security;

-- Everything that rules can make. Views and functions where ours live; policies and triggers also on the few tables of
-- the platform that take them.
create or replace function private.rule_candidates() returns table (kind text, identity text, place bigint)
language sql stable set search_path = '' as $$
  with made (class, object) as (
    select 'pg_catalog.pg_proc'::pg_catalog.regclass, p.oid
      from pg_catalog.pg_proc p
     where p.pronamespace::pg_catalog.regnamespace::text in ('public', 'private')
     union all
    select 'pg_catalog.pg_class'::pg_catalog.regclass, c.oid
      from pg_catalog.pg_class c
     where c.relkind = 'v' and c.relnamespace::pg_catalog.regnamespace::text in ('public', 'private')
     union all
    select 'pg_catalog.pg_policy'::pg_catalog.regclass, p.oid
      from pg_catalog.pg_policy p join pg_catalog.pg_class c on c.oid = p.polrelid
     where c.relnamespace::pg_catalog.regnamespace::text in ('public', 'private', 'storage', 'realtime')
     union all
    select 'pg_catalog.pg_trigger'::pg_catalog.regclass, t.oid
      from pg_catalog.pg_trigger t join pg_catalog.pg_class c on c.oid = t.tgrelid
     where not t.tgisinternal and t.tgparentid = 0
       and c.relnamespace::pg_catalog.regnamespace::text in ('public', 'private', 'auth')
  )
  select named.type, named.identity, made.object::bigint
    from made, pg_catalog.pg_identify_object(made.class, made.object, 0) as named
   where not exists (select from pg_catalog.pg_depend d
                      where d.classid = made.class and d.objid = made.object and d.deptype = 'e')
$$;
revoke execute on function private.rule_candidates() from public;

-- Older Supabase projects grant everything in `public` to everybody by default. Vently grants what it means to.
alter default privileges in schema public revoke all on tables from anon, authenticated, service_role;
alter default privileges in schema public revoke all on sequences from anon, authenticated, service_role;
alter default privileges in schema public revoke all on functions from anon, authenticated, service_role;
