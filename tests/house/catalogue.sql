-- What breaks a rule of the house: no row, no trouble.

-- name: tables_without_row_security
select c.oid::regclass::text
  from pg_class c
 where c.relkind in ('r', 'p') and c.relnamespace in ('public'::regnamespace, 'private'::regnamespace)
   and not c.relrowsecurity;

-- name: tables_without_policy
-- What nobody but its owner is granted needs none.
select c.oid::regclass::text
  from pg_class c
 where c.relkind in ('r', 'p') and c.relnamespace in ('public'::regnamespace, 'private'::regnamespace)
   and exists (select from aclexplode(c.relacl) a where a.grantee <> c.relowner)
   and not exists (select from pg_policy p where p.polrelid = c.oid);

-- name: keys_without_index
-- An index helps when the columns of the key come first in it, in any order.
select k.conrelid::regclass || '.' || k.conname
  from pg_constraint k
 where k.contype = 'f' and k.connamespace in ('public'::regnamespace, 'private'::regnamespace)
   and not exists (
     select from pg_index i
      where i.indrelid = k.conrelid and i.indisvalid
        and (i.indkey::int2[])[0:cardinality(k.conkey) - 1] @> k.conkey
        and (i.indpred is null or pg_get_expr(i.indpred, i.indrelid) ~ '^\(\w+ IS NOT NULL\)$'));

-- name: keys_that_do_not_say_what_deleting_does
select k.conrelid::regclass || '.' || k.conname
  from pg_constraint k
 where k.contype = 'f' and k.connamespace in ('public'::regnamespace, 'private'::regnamespace) and k.confdeltype = 'a';

-- name: writes_without_column_list
-- Only deleting is done to whole rows.
select c.oid::regclass || ': ' || a.privilege_type || ' to ' || a.grantee::regrole
  from pg_class c, aclexplode(c.relacl) a
 where c.relnamespace in ('public'::regnamespace, 'private'::regnamespace)
   and a.grantee in ('anon'::regrole, 'authenticated'::regrole)
   and a.privilege_type not in ('SELECT', 'DELETE', 'USAGE');

-- name: writes_by_visitors
select c.oid::regclass || ': ' || a.privilege_type
  from pg_class c, aclexplode(c.relacl) a
 where c.relnamespace in ('public'::regnamespace, 'private'::regnamespace)
   and a.grantee = 'anon'::regrole and a.privilege_type <> 'SELECT'
 union all
select c.oid::regclass || '.' || t.attname || ': ' || a.privilege_type
  from pg_class c join pg_attribute t on t.attrelid = c.oid, aclexplode(t.attacl) a
 where c.relnamespace in ('public'::regnamespace, 'private'::regnamespace)
   and a.grantee = 'anon'::regrole and a.privilege_type <> 'SELECT';

-- name: grants_to_everybody
-- A function without grants is everybody's; `public` is a schema that everybody may use, as on Supabase.
select c.oid::regclass || ': ' || a.privilege_type
  from pg_class c, aclexplode(c.relacl) a
 where c.relnamespace in ('public'::regnamespace, 'private'::regnamespace) and a.grantee = 0
 union all
select c.oid::regclass || '.' || t.attname || ': ' || a.privilege_type
  from pg_class c join pg_attribute t on t.attrelid = c.oid, aclexplode(t.attacl) a
 where c.relnamespace in ('public'::regnamespace, 'private'::regnamespace) and a.grantee = 0
 union all
select p.oid::regprocedure::text
  from pg_proc p, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
 where p.pronamespace in ('public'::regnamespace, 'private'::regnamespace) and a.grantee = 0
 union all
select n.nspname || ': ' || a.privilege_type
  from pg_namespace n, aclexplode(n.nspacl) a
 where a.grantee = 0 and (n.nspname = 'private' or n.nspname = 'public' and a.privilege_type <> 'USAGE');

-- name: functions_with_a_loose_search_path
-- A body that is SQL itself, not a text, found its names when the function was made.
select p.oid::regprocedure::text
  from pg_proc p
 where p.pronamespace in ('public'::regnamespace, 'private'::regnamespace)
   and p.prosqlbody is null
   and not coalesce('search_path=""' = any (p.proconfig), false);

-- name: definer_functions_of_others
-- Whoever owns such a function lends it what they may do: that is the owner of the tables.
select p.oid::regprocedure::text
  from pg_proc p
 where p.pronamespace in ('public'::regnamespace, 'private'::regnamespace)
   and p.prosecdef and p.proowner <> 'postgres'::regrole;

-- name: policies_without_role
select p.polrelid::regclass || ': ' || p.polname
  from pg_policy p join pg_class c on c.oid = p.polrelid
 where c.relnamespace in ('public'::regnamespace, 'private'::regnamespace) and 0 = any (p.polroles);

-- name: policies_that_ask_row_by_row
-- `(select auth.uid())` is asked once a statement, `auth.uid()` once a row.
select p.polrelid::regclass || ': ' || p.polname
  from pg_policy p join pg_class c on c.oid = p.polrelid
 where c.relnamespace in ('public'::regnamespace, 'private'::regnamespace)
   and regexp_replace(
         concat_ws(' ', pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid)),
         '\( SELECT (auth\.|private\.)?\w+\([^()]*\) AS \w+\)|\( SELECT private\.\w+\(\) AS \w+', '', 'g')
       ~ '(auth\.\w+|private\.\w+|current_setting)\(';

-- name: policies_without_sentence
select p.polrelid::regclass || ': ' || p.polname
  from pg_policy p join pg_class c on c.oid = p.polrelid
 where c.relnamespace in ('public'::regnamespace, 'private'::regnamespace) and p.polname !~ ' ';

-- name: views_that_see_past_their_reader
select c.oid::regclass::text
  from pg_class c
 where c.relkind in ('v', 'm') and c.relnamespace in ('public'::regnamespace, 'private'::regnamespace)
   and not coalesce('security_invoker=true' = any (c.reloptions), false);

-- name: constraints_without_sentence
-- Those a client's values can break: they may write one of its columns. (A row that others refer to and that went
-- meanwhile needs no sentence of its own.)
select k.conrelid::regclass || '.' || k.conname
  from pg_constraint k
 where k.contype in ('c', 'u', 'x') and k.connamespace in ('public'::regnamespace, 'private'::regnamespace)
   and exists (select from unnest(k.conkey) as column_number
                where has_column_privilege('authenticated', k.conrelid, column_number, 'insert')
                   or has_column_privilege('authenticated', k.conrelid, column_number, 'update'))
   and coalesce(obj_description(k.oid, 'pg_constraint'), '') !~ '^(/[a-z_]+)+: \S';
