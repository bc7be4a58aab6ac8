-- Put the rules away: drop what they made, take back what they granted, and remember what was there without them.
-- Migrations therefore always meet tables without policies, triggers, views or grants, on a new database and an old one.

do $$
declare
  made record;
  relation record;
begin
  for made in select kind, identity from private.rule_objects where made_by_rules order by place desc loop
    begin
      -- A trigger on a table that is not ours (`auth.users`) cannot be dropped by name; it goes with its function.
      execute format('drop %s if exists %s %s', made.kind, made.identity,
        case when made.kind = 'function'
              and (select prorettype = 'trigger'::regtype from pg_proc where oid = to_regprocedure(made.identity))
             then 'cascade' else '' end);
    exception when insufficient_privilege then
      if made.kind <> 'trigger' then
        raise;
      end if;
    end;
  end loop;

  for relation in
    select oid::regclass as name, relkind from pg_class
     where relnamespace in ('public'::regnamespace, 'private'::regnamespace)
       and relkind in ('r', 'p', 'v', 'm', 'S') and relowner = (select oid from pg_roles where rolname = current_user)
  loop
    execute format('revoke all on %s %s from public, anon, authenticated, service_role',
      case relation.relkind when 'S' then 'sequence' else 'table' end, relation.name);
  end loop;

  delete from private.rule_objects;
  insert into private.rule_objects (kind, identity, place, made_by_rules)
  select kind, identity, place, false from private.rule_candidates();
end $$;
