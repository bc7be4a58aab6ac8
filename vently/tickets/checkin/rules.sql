-- The door: who may stand at it, and what is admitted. A ticket is admitted once: the index `ticket_scans_admitted_once` is
-- the judge, also between devices and nodes.

-- Helpers see the event whose door they keep, whatever its visibility; its orders and their money they do not see.
create policy "helpers see the event they help at" on public.events for select to authenticated
  using (visibility <> 'public' and id in (select private.events_i_staff()));

create or replace function private.door_of(event uuid, slug text) returns uuid
language sql stable security definer set search_path = '' as $$
  select e.id from public.events e
   where (e.id = door_of.event or e.slug = door_of.slug)
     and (private.event_is_mine(e.organizer_id, e.community_id) or e.id in (select private.events_i_staff()))
$$;
comment on function private.door_of is 'The event, when the viewer may admit people to it: whoever runs it, and who helps at its door';

-- What a door shows of a ticket: whose it is and of which type, never what it cost.
create or replace function private.door_ticket(ticket uuid) returns json
language sql stable set search_path = '' as $$
  select json_build_object('id', t.id, 'status', t.status, 'type', json_build_object('id', y.id, 'name', y.name),
                           'attendee', json_build_object('name', coalesce(t.name, o.buyer_name)))
    from public.tickets t
    join public.ticket_types y on y.id = t.ticket_type_id
    join public.ticket_orders o on o.id = t.order_id
   where t.id = door_ticket.ticket
$$;
revoke execute on function private.door_ticket(uuid) from public, anon, authenticated;

-- `scans`: {place, scan_id, ticket, serial, by_hand, device, scanned_at, let_in, event_id, event_slug}. The node has read the
-- code: without `ticket` it was none of ours. What is refused at no door of the viewer's is not written down.
create or replace function private.check_in(scans jsonb)
returns table (place int, event_id uuid, result text, reason text, is_double boolean, admitted_at timestamptz, ticket json)
language plpgsql volatile security definer set search_path = '' as $$
#variable_conflict use_column
declare
  moment timestamptz := clock_timestamp();
  judged jsonb;
begin
  -- Nothing is refunded or handed on between the look and the entry.
  perform from public.tickets t
    where t.id in (select (each ->> 'ticket')::uuid from jsonb_array_elements(scans) each) order by t.id for share;

  with asked as materialized (
    select s.place, s.scan_id, s.serial, s.by_hand, s.device, s.let_in,
           least(coalesce(s.scanned_at, moment), moment) as scanned_at, t.id as ticket_id, t.status,
           t.serial as present, t.event_id as of_event,
           case when s.event_id is null and s.event_slug is null then t.event_id else named.id end as at_event
      from jsonb_to_recordset(scans) as s (place int, scan_id text, ticket uuid, serial int, by_hand boolean, device text,
             scanned_at timestamptz, let_in boolean, event_id uuid, event_slug text)
      left join public.tickets t on t.id = s.ticket
      left join public.events named on named.id = s.event_id or named.slug = s.event_slug
  ), doors as materialized (
    select e.id, e.status
      from (select distinct at_event from asked) a
      join public.events e on e.id = private.door_of(a.at_event, null)
  )
  select jsonb_agg(jsonb_build_object(
           'place', a.place, 'scan_id', a.scan_id, 'ticket_id', a.ticket_id, 'serial', case when not a.by_hand then a.serial end,
           'device', a.device, 'scanned_at', a.scanned_at, 'let_in', a.let_in, 'event_id', d.id,
           'refusal', case
             when a.ticket_id is null and (d.id is not null or a.at_event is null) then 'unknown'
             when d.id is null or a.of_event <> d.id then 'other-event'
             when d.status = 'cancelled' then 'event-cancelled'
             when a.status = 'held' then 'not-paid'
             when a.status <> 'valid' then a.status
             when not a.by_hand and a.serial is distinct from a.present then 'replaced' end))
    into judged
    from asked a left join doors d on d.id = a.at_event;

  -- By ticket, so that batches that meet wait for each other in the same order.
  insert into public.ticket_scans (event_id, scan_id, ticket_id, serial, result, device, scanned_by, scanned_at, admitted_at)
  select j.event_id, j.scan_id, j.ticket_id, j.serial, 'admitted', j.device, (select auth.uid()), j.scanned_at, j.scanned_at
    from jsonb_to_recordset(judged) as j (place int, scan_id text, ticket_id uuid, serial int, device text,
           scanned_at timestamptz, event_id uuid, refusal text)
   where j.refusal is null
   order by j.ticket_id, j.place
  on conflict do nothing;

  -- The others, with what they met. Who came second is a double when their device, another one, had let them in by then:
  -- it says so, or its scan comes late and is older than the news of the first.
  insert into public.ticket_scans (event_id, scan_id, ticket_id, serial, result, reason, device, scanned_by, scanned_at,
                                   admitted_at, is_double)
  select j.event_id, j.scan_id, j.ticket_id, j.serial, case when j.refusal is null then 'already' else 'refused' end, j.refusal,
         j.device, (select auth.uid()), j.scanned_at, first.admitted_at,
         j.refusal is null and first.device <> j.device
           and coalesce(j.let_in, j.scanned_at < moment - interval '30 seconds' and j.scanned_at < first.created_at)
    from jsonb_to_recordset(judged) as j (place int, scan_id text, ticket_id uuid, serial int, device text,
           scanned_at timestamptz, let_in boolean, event_id uuid, refusal text)
    left join public.ticket_scans first
      on first.ticket_id = j.ticket_id and first.result = 'admitted' and first.undone_at is null
   where j.event_id is not null
     and not exists (select from public.ticket_scans known where known.event_id = j.event_id and known.scan_id = j.scan_id)
   order by j.place
  on conflict do nothing;

  return query
  select j.place, j.event_id,
         case when not same or s.undone_at is not null then 'refused' else coalesce(s.result, 'refused') end,
         case when not same then 'scan-id-reused' when s.undone_at is not null then 'undone'
              when s.id is null then j.refusal else s.reason end,
         same and coalesce(s.is_double, false),
         case when same then s.admitted_at end,
         case when same and t.event_id = j.event_id then private.door_ticket(t.id) end
    from jsonb_to_recordset(judged) as j (place int, scan_id text, ticket_id uuid, serial int, event_id uuid, refusal text)
    left join public.ticket_scans s on s.event_id = j.event_id and s.scan_id = j.scan_id
    left join public.tickets t on t.id = s.ticket_id,
         lateral (select s.id is null or (s.ticket_id, s.serial) is not distinct from (j.ticket_id, j.serial)) as its (same)
   order by j.place;
end $$;
comment on function private.check_in is 'Admits each ticket once, writes every scan down, and answers a scan that came before as it did then';

create or replace function private.undo_check_in(event uuid, scan text) returns text
language plpgsql volatile security definer set search_path = '' as $$
declare
  found public.ticket_scans;
begin
  select s.* into found from public.ticket_scans s
   where s.event_id = (select private.door_of(undo_check_in.event, null)) and s.scan_id = undo_check_in.scan for update;
  if found.id is null then
    raise exception 'There is no such scan at this event.' using errcode = 'PT404';
  elsif found.result <> 'admitted' then
    raise exception 'This scan admitted nobody: there is nothing to undo.' using errcode = 'PT409', detail = 'not-admitted';
  end if;
  update public.ticket_scans s set undone_at = now() where s.id = found.id and s.undone_at is null;
  return found.scan_id;
end $$;
comment on function private.undo_check_in is 'The ticket may come again; the scan stays written down';

create or replace function private.door_counts(event uuid) returns json
language sql stable security definer set search_path = '' as $$
  with admitted as materialized (
    select s.ticket_id, s.device from public.ticket_scans s
     where s.event_id = (select private.door_of(door_counts.event, null)) and s.result = 'admitted' and s.undone_at is null
  ), types as (
    select y.id, y.name, y.place, k.sold as expected, coalesce(a.admitted, 0) as admitted
      from public.ticket_types y
      join public.ticket_stocks k on k.id = y.stock_id
      left join (select t.ticket_type_id, count(*) as admitted
                   from admitted join public.tickets t on t.id = admitted.ticket_id group by t.ticket_type_id) a on a.ticket_type_id = y.id
     where y.event_id = (select private.door_of(door_counts.event, null))
  )
  select json_build_object(
    'admitted', (select count(*) from admitted),
    'expected', coalesce((select sum(expected) from types), 0),
    'doubles', (select count(*) from public.ticket_scans s
                 where s.event_id = (select private.door_of(door_counts.event, null)) and s.is_double),
    'by_type', coalesce((select json_agg(json_build_object('ticket_type', json_build_object('id', id, 'name', name),
                  'admitted', admitted, 'expected', expected) order by place, id) from types), '[]'),
    'by_device', coalesce((select json_agg(json_build_object('device', d.device, 'admitted', d.admitted) order by d.device)
                   from (select device, count(*) as admitted from admitted group by device) d), '[]'))
$$;
comment on function private.door_counts is 'How many are in, of how many; zero everywhere for who has no business at the door';

create or replace function private.door_list(event uuid) returns text
language sql stable security definer set search_path = '' as $$
  with types as materialized (
    select y.id, y.name, row_number() over (order by y.place, y.id) - 1 as at
      from public.ticket_types y where y.event_id = (select private.door_of(door_list.event, null))
  ), of_event as materialized (
    select t.id, t.serial, t.status, y.at
      from types y join public.tickets t on t.event_id = door_list.event and t.ticket_type_id = y.id
  )
  select json_build_object(
    'types', coalesce((select json_agg(json_build_object('id', id, 'name', name) order by at) from types), '[]'),
    'tickets', coalesce((select json_agg(json_build_array(id, serial, at) order by id) from of_event where status = 'valid'), '[]'),
    'refused', coalesce((select json_agg(id order by id) from of_event where status in ('void', 'refunded')), '[]'),
    'admitted', coalesce((select json_agg(s.ticket_id order by s.ticket_id) from public.ticket_scans s
                  where s.event_id = (select private.door_of(door_list.event, null)) and s.result = 'admitted' and s.undone_at is null), '[]'))::text
$$;
comment on function private.door_list is 'What a scanner without a network goes by: valid tickets as [id, serial, place of its type], no names';

create or replace function private.find_at_door(event uuid, q text)
returns table (ticket json, admitted_at timestamptz, scan_id text)
language sql stable security definer set search_path = '' as $$
  select private.door_ticket(k.id), s.admitted_at, s.scan_id
    from (select t.id, coalesce(t.name, o.buyer_name) as name
            from public.ticket_orders o
            join public.tickets t on t.order_id = o.id
           where o.event_id = (select private.door_of(find_at_door.event, null)) and t.status <> 'void'
             and (strpos(lower(t.name), lower(q)) > 0 or strpos(lower(t.email), lower(q)) > 0
                  or strpos(lower(o.buyer_name), lower(q)) > 0 or strpos(lower(o.buyer_email), lower(q)) > 0
                  or starts_with(o.id::text, lower(q)))
           order by name, t.id limit 50) k
    left join public.ticket_scans s on s.ticket_id = k.id and s.result = 'admitted' and s.undone_at is null
   order by k.name, k.id
$$;
comment on function private.find_at_door is 'Tickets by the name or address of their holder or buyer, or by the beginning of the order''s number';

create or replace function private.latest_scans(event uuid)
returns table (scan_id text, result text, reason text, is_double boolean, device text, at timestamptz, undone boolean, ticket json)
language sql stable security definer set search_path = '' as $$
  select s.scan_id, s.result, s.reason, s.is_double, s.device, s.created_at, s.undone_at is not null,
         case when t.event_id = s.event_id then private.door_ticket(t.id) end
    from (select * from public.ticket_scans s where s.event_id = (select private.door_of(latest_scans.event, null))
           order by s.created_at desc, s.id desc limit 10) s
    left join public.tickets t on t.id = s.ticket_id
   order by s.created_at desc, s.id desc
$$;

revoke execute on function private.door_of(uuid, text), private.check_in(jsonb), private.undo_check_in(uuid, text),
  private.door_counts(uuid), private.door_list(uuid), private.find_at_door(uuid, text), private.latest_scans(uuid) from public, anon;
grant execute on function private.door_of(uuid, text), private.check_in(jsonb), private.undo_check_in(uuid, text),
  private.door_counts(uuid), private.door_list(uuid), private.find_at_door(uuid, text), private.latest_scans(uuid) to authenticated;
