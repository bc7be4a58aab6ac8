-- name: check_in
select c.place, c.event_id, c.result, c.reason, c.is_double, c.admitted_at, c.ticket from private.check_in(:scans) c;

-- name: undo
select private.undo_check_in(private.door_of(:id, :slug), :scan);

-- name: get_door
select e.id, e.slug, e.title, e.starts_at, e.ends_at, e.timezone, e.status,
       private.event_is_mine(e.organizer_id, e.community_id) as runs
  from public.events e
 where e.id = private.door_of(:id, :slug);

-- name: sees_event
select 1 from public.events e where e.id = :id::uuid or e.slug = :slug::text;

-- name: count_admitted
select private.door_counts(:event)::text;

-- name: list_admissible
select private.door_list(:event);

-- name: find_at_door
select f.ticket, f.admitted_at, f.scan_id from private.find_at_door(:event, :q) f;

-- name: latest_scans
select s.scan_id, s.result, s.reason, s.is_double, s.device, s.at, s.undone, s.ticket from private.latest_scans(:event) s;

-- name: name_host
insert into public.event_hosts (event_id, person_id, role)
select e.id, p.id, :role
  from public.events e, public.profiles p
 where (e.id = :id::uuid or e.slug = :slug::text) and p.handle = :handle
on conflict do nothing;

-- name: get_host
select row_to_json(h)::text as body, 1 as version
  from (select json_build_object('id', p.id, 'handle', p.handle, 'name', p.name) as person, h.role, h.created_at as since
          from public.event_hosts h
          join public.events e on e.id = h.event_id
          join public.profiles p on p.id = h.person_id
         where (e.id = :id::uuid or e.slug = :slug::text) and p.handle = :handle) h;

-- name: remove_host
delete from public.event_hosts h using public.events e, public.profiles p
 where e.id = h.event_id and (e.id = :id::uuid or e.slug = :slug::text) and p.id = h.person_id and p.handle = :handle;

-- name: runs_event
select private.event_is_mine(e.organizer_id, e.community_id)
  from public.events e where e.id = :id::uuid or e.slug = :slug::text;

-- name: list_hosts
with found as materialized (
  select h.person_id, h.role, h.created_at
    from public.event_hosts h
    join public.events e on e.id = h.event_id
   where (e.id = :id::uuid or e.slug = :slug::text)
     and (:after_id::uuid is null or (h.created_at, h.person_id) > (:after_key::timestamptz, :after_id))
   order by h.created_at, h.person_id
   limit :count::int + 1
), placed as (
  select f.*, row_number() over (order by f.created_at, f.person_id) as place from found f
)
select coalesce((select json_agg(json_build_object(
                    'person', json_build_object('id', p.id, 'handle', p.handle, 'name', p.name),
                    'role', l.role, 'since', l.created_at) order by l.place)
                   from placed l join public.profiles p on p.id = l.person_id where l.place <= :count), '[]')::text as items,
       (select count(*) from placed) > :count as more,
       (select l.created_at from placed l where l.place = :count) as last_key,
       (select l.person_id from placed l where l.place = :count) as last_id;
