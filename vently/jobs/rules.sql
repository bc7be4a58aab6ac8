-- The queue: who may ask for work. Nodes do so as service_role; triggers and guarded functions as their owner.

create or replace function private.enqueue(
  kind text, payload jsonb default '{}', at timestamptz default null, key text default null)
returns uuid language plpgsql volatile security definer set search_path = '' as $$
#variable_conflict use_column
declare
  job uuid;
begin
  -- The update locks a job that waits already: nobody begins it before this transaction is done, so that it sees what
  -- this transaction changed. One that runs already may not have seen it: then another waits.
  insert into private.jobs as j (kind, payload, due_at, key)
  values (enqueue.kind, enqueue.payload, coalesce(enqueue.at, now()), enqueue.key)
      on conflict (kind, key) where status = 'waiting' and key is not null do update
     set due_at = case when j.attempt = 0 then least(j.due_at, excluded.due_at) else j.due_at end
  returning j.id into job;
  return job;
end $$;
comment on function private.enqueue(text, jsonb, timestamptz, text) is
  'Work for later, in this transaction: `perform private.enqueue(''mail tickets'', jsonb_build_object(''order'', new.id))`';
revoke execute on function private.enqueue(text, jsonb, timestamptz, text) from public, anon, authenticated;
grant execute on function private.enqueue(text, jsonb, timestamptz, text) to service_role;

create or replace function private.enqueue_many(
  kind text, payloads jsonb[], at timestamptz default null, keys text[] default null)
returns setof uuid language sql volatile security definer set search_path = '' as $$
  insert into private.jobs as j (kind, payload, due_at, key)
  -- Each key once, and in their order: two transactions that lock the same jobs must not cross.
  select distinct on (given.key, case when given.key is null then given.place end)
         enqueue_many.kind, given.payload, coalesce(enqueue_many.at, now()), given.key
    from unnest(enqueue_many.payloads, enqueue_many.keys) with ordinality as given (payload, key, place)
   order by given.key, case when given.key is null then given.place end, given.place
      on conflict (kind, key) where status = 'waiting' and key is not null do update
     set due_at = case when j.attempt = 0 then least(j.due_at, excluded.due_at) else j.due_at end
  returning j.id
$$;
comment on function private.enqueue_many is 'As enqueue, a job for each payload, in one statement';
revoke execute on function private.enqueue_many(text, jsonb[], timestamptz, text[]) from public, anon, authenticated;
grant execute on function private.enqueue_many(text, jsonb[], timestamptz, text[]) to service_role;

create or replace function private.next_slot(seconds int) returns timestamptz
language sql stable set search_path = '' as $$
  select to_timestamp((floor(extract(epoch from now()) / seconds) + 1) * seconds)
$$;
comment on function private.next_slot is 'Slots of the timetable are the same on every node: every 15 s is at :00, :15, :30 and :45';
revoke execute on function private.next_slot(int) from public, anon, authenticated;
grant execute on function private.next_slot(int) to service_role;

create policy "the system alone works through jobs" on private.jobs for all to service_role using (true) with check (true);
grant select, insert, update, delete on private.jobs to service_role;
