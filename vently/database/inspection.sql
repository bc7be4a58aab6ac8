-- What a login can do before it takes a role, and how the server keeps what it is told. Reads catalogues alone, which
-- need no privilege.
with me as (
  select r.oid, r.rolname, r.rolsuper, r.rolbypassrls from pg_roles r where r.rolname = current_user
),
ours as (
  select c.oid, c.relowner, n.oid as schema, format('%s.%s', n.nspname, c.relname) as name
    from pg_class c
    join pg_namespace n on n.oid = c.relnamespace
   where c.relkind in ('r', 'p', 'v', 'm', 'f') and n.nspname in ('public', 'private', 'auth', 'storage', 'realtime')
),
roles as (
  select r.rolname, r.rolsuper
    from pg_roles r, me
   -- Before PostgreSQL 16 whoever was a member could take the role.
   where pg_has_role(r.oid, case when current_setting('server_version_num')::int < 160000 then 'member' else 'set' end)
     and r.oid <> me.oid
)
select current_setting('server_version_num')::int / 10000 as version,
       me.rolname::text as login,
       me.rolsuper as superuser,
       me.rolbypassrls as bypasses_rules,
       array(select ours.name from ours where ours.relowner = me.oid order by 1) as owns,
       array(select ours.name from ours
              where has_schema_privilege(ours.schema, 'usage') and has_any_column_privilege(ours.oid, 'select')
              order by 1) as reads,
       array(select roles.rolname::text from roles order by 1) as becomes,
       array(select roles.rolname::text from roles where roles.rolsuper order by 1) as becomes_superuser,
       exists (select from ours where ours.name = 'private.schema_history') as migrated,
       array(select s.name from pg_settings s
              where s.name in ('fsync', 'full_page_writes', 'synchronous_commit') and s.setting = 'off'
              order by 1) as careless,
       current_setting('server_encoding') as encoding,
       pg_is_in_recovery() as replica,
       clock_timestamp() as clock
  from me;
