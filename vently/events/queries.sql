-- name: create_event
insert into public.events (slug, title, description, starts_at, ends_at, timezone, all_day, venue_id, online, online_url,
       website, categories, tags, capacity, visibility, status, community_id, organizer_id, recurrence)
select private.free_event_slug(n.title, n.visibility = 'unlisted'), n.title, n.description, n.starts_at, n.ends_at, n.timezone,
       n.all_day, n.venue_id, n.online, n.online_url, n.website, n.categories, n.tags, n.capacity, n.visibility, n.status,
       n.community_id, (select auth.uid()), n.recurrence
  from jsonb_populate_record(null::public.events, :fields) n
    on conflict (slug) do nothing  -- somebody took it at the same moment; the next try sees theirs
returning id;

-- name: find_place
select private.venue_id(:name, :address, :city, :country, :lat, :lng);

-- name: find_community
select c.id from public.communities c where c.id = :id::uuid or c.slug = :slug::text;

-- name: get_event
select row_to_json(c)::text as body, c.version
  from public.event_cards c
 where c.id = :id::uuid or c.slug = :slug::text;

-- name: wait_at_till
-- Whoever ends an event, or hides it, waits for the buyers being served, and takes the till before the event as they do.
select t.event_id from public.tills t join public.events e on e.id = t.event_id
 where e.id = :id::uuid or e.slug = :slug::text for no key update of t;

-- name: update_event
update public.events e
   set (slug, title, description, starts_at, ends_at, timezone, all_day, venue_id, online, online_url, website, categories,
        tags, capacity, visibility, status, community_id, recurrence) =
       (select case when n.visibility = 'unlisted' and e.visibility <> 'unlisted'
                 then private.free_event_slug(n.title, true) else n.slug end,
               n.title, n.description, n.starts_at, n.ends_at, n.timezone, n.all_day, n.venue_id, n.online, n.online_url,
               n.website, n.categories, n.tags, n.capacity, n.visibility, n.status, n.community_id, n.recurrence
          from jsonb_populate_record(e, :changes) n)
 where (e.id = :id::uuid or e.slug = :slug::text) and (:version::int is null or e.version = :version)
returning e.id;

-- name: delete_event
delete from public.events e
 where (e.id = :id::uuid or e.slug = :slug::text) and (:version::int is null or e.version = :version);

-- name: list_events
with found as materialized (
  select f.id, f.key, row_number() over () as place
    from private.find_events(
      :q, :starting, :ending, :city, :category, :tag,
      case when :community_given then coalesce(
        (select c.id from public.communities c where c.id = :community_id::uuid or c.slug = :community_slug::text),
        '00000000-0000-0000-0000-000000000000') end,
      case when :organizer::text is not null then coalesce(
        (select p.id from public.profiles p where p.handle = :organizer), '00000000-0000-0000-0000-000000000000') end,
      :online, :sort, :after_key, :after_id, :count::int + 1) f
)
select coalesce((select json_agg(row_to_json(c) order by f.place)
                   from found f join public.event_cards c on c.id = f.id where f.place <= :count), '[]')::text as items,
       (select count(*) from found) > :count as more,
       (select f.key from found f where f.place = :count) as last_key,
       (select f.id from found f where f.place = :count) as last_id;

-- name: list_answered
select coalesce(json_agg(row_to_json(c) order by c.starts_at, c.id), '[]')::text
  from (select c.* from public.rsvps r join public.event_cards c on c.id = r.event_id
         where r.person_id = (select auth.uid()) and r.status <> 'declined' and c.ends_at >= :since and c.ends_at < :until
         order by c.starts_at, c.id limit 100) c;

-- name: list_hosted
select coalesce(json_agg(row_to_json(c) order by c.starts_at, c.id), '[]')::text
  from (select c.* from public.events e join public.event_cards c on c.id = e.id
         where e.organizer_id = (select auth.uid()) and e.ends_at >= :since
         order by c.starts_at, c.id limit 100) c;

-- name: get_rights
select private.event_is_mine(e.organizer_id, e.community_id) is true as runs,
       e.community_id in (select private.communities_i_moderate()) is true as moderates
  from public.events e where e.id = :event_id;

-- name: list_going
select p.handle, p.name
  from public.rsvps r join public.profiles p on p.id = r.person_id
 where r.event_id = :event_id and r.status = 'going'
 order by r.created_at, r.person_id limit 5;

-- name: answer_event
insert into public.rsvps (event_id, person_id, status, guests, answers)
select e.id, (select auth.uid()), :status, :guests, :answers
  from public.events e
 where e.id = :id::uuid or e.slug = :slug::text
on conflict (event_id, person_id)
do update set status = excluded.status, guests = excluded.guests, answers = excluded.answers
returning event_id, status, guests;

-- name: get_answer
select r.status, r.guests,
       case when r.status = 'waitlisted' then private.queue_position(r.event_id, r.queued_at) end as position
  from public.rsvps r
 where r.event_id = :event_id and r.person_id = (select auth.uid());

-- name: list_answers
with found as materialized (
  select r.person_id, r.status, r.guests, r.created_at
    from public.rsvps r
    join public.events e on e.id = r.event_id
   where (e.id = :id::uuid or e.slug = :slug::text)
     and (:status::text is null or r.status = :status)
     and (:after_id::uuid is null or (r.created_at, r.person_id) > (:after_key::timestamptz, :after_id))
   order by r.created_at, r.person_id
   limit :count::int + 1
), placed as (
  select f.*, row_number() over (order by f.created_at, f.person_id) as place from found f
)
select coalesce((select json_agg(json_build_object(
                    'person', json_build_object('id', p.id, 'handle', p.handle, 'name', p.name),
                    'status', l.status, 'guests', l.guests, 'answered_at', l.created_at) order by l.place)
                   from placed l join public.profiles p on p.id = l.person_id where l.place <= :count), '[]')::text as items,
       (select count(*) from placed) > :count as more,
       (select l.created_at from placed l where l.place = :count) as last_key,
       (select l.person_id from placed l where l.place = :count) as last_id
  from public.events e
 where e.id = :id::uuid or e.slug = :slug::text;

-- name: create_comment
with made as (
  insert into public.comments (event_id, author_id, body, reply_to)
  select e.id, (select auth.uid()), :body, :reply_to
    from public.events e
   where e.id = :id::uuid or e.slug = :slug::text
  returning *)
select json_build_object('id', c.id, 'event_id', c.event_id, 'body', c.body, 'reply_to', c.reply_to,
         'author', case when p.id is not null then json_build_object('handle', p.handle, 'name', p.name) end,
         'created_at', c.created_at, 'updated_at', c.updated_at, 'version', c.version)::text as body,
       c.version
  from made c
  left join public.profiles p on p.id = c.author_id;

-- name: get_comment
select json_build_object('id', c.id, 'event_id', c.event_id, 'body', c.body, 'reply_to', c.reply_to,
         'author', case when p.id is not null then json_build_object('handle', p.handle, 'name', p.name) end,
         'created_at', c.created_at, 'updated_at', c.updated_at, 'version', c.version)::text as body,
       c.version
  from public.comments c
  left join public.profiles p on p.id = c.author_id
 where c.id = :id;

-- name: edit_comment
update public.comments c set body = :body
 where c.id = :id and (:version::int is null or c.version = :version);

-- name: delete_comment
delete from public.comments c where c.id = :id;

-- name: list_comments
with found as materialized (
  select c.* from public.comments c
    join public.events e on e.id = c.event_id
   where (e.id = :id::uuid or e.slug = :slug::text)
     and (:after_id::uuid is null or c.id > :after_id)
   order by c.id
   limit :count::int + 1
), placed as (
  select f.*, row_number() over (order by f.id) as place from found f
)
select coalesce((select json_agg(json_build_object(
                    'id', l.id, 'event_id', l.event_id, 'body', l.body, 'reply_to', l.reply_to,
                    'author', case when p.id is not null then json_build_object('handle', p.handle, 'name', p.name) end,
                    'created_at', l.created_at, 'updated_at', l.updated_at, 'version', l.version) order by l.place)
                   from placed l left join public.profiles p on p.id = l.author_id where l.place <= :count), '[]')::text as items,
       (select count(*) from placed) > :count as more,
       0 as last_key,
       (select l.id from placed l where l.place = :count) as last_id
  from public.events e
 where e.id = :id::uuid or e.slug = :slug::text;

-- name: list_facets
select coalesce(json_agg(json_build_object('kind', f.kind, 'name', f.name, 'count', f.count)), '[]')::text
  from private.event_facets(:since) f;

-- import

-- name: may_import
-- Imports into one community take turns.
select :community_id::uuid in (select private.communities_i_organize())
  from pg_advisory_xact_lock(hashtextextended(:community_id::uuid::text, 11));

-- name: import_events
-- One batch. An event is known by its UID, or where either side has none of its own by title, address and day.
-- `newer` (a higher SEQUENCE, a later LAST-MODIFIED) takes over everything; among equals what was not said stays.
with given as materialized (
  select i.*, row_number() over (partition by private.slug(i.title) order by i.place) > 1 as namesake
    from jsonb_to_recordset(:events::jsonb) as i (
      place int, uid text, derived boolean, title text, description text, starts_at timestamptz, ends_at timestamptz,
      timezone text, all_day boolean, venue_name text, address text, city text, country text, lat double precision,
      lng double precision, online boolean, online_url text, website text, categories text[], recurrence text,
      visibility text, status text, sequence int, modified_at timestamptz, hash text)
), places as materialized (
  select p.*, private.venue_id(p.venue_name, p.address, p.city, p.country, p.lat, p.lng) as id
    from (select distinct venue_name, address, city, country, lat, lng from given
           where num_nonnulls(venue_name, address, city, lat) > 0) p
), known as materialized (
  select g.*, p.id as venue_id, coalesce(same.id, alike.id) as event_id
    from given g
    left join places p
      on row(p.venue_name, p.address, p.city, p.country, p.lat, p.lng)
         is not distinct from row(g.venue_name, g.address, g.city, g.country, g.lat, g.lng)
    left join public.events same on same.community_id = :community_id and same.import_uid = g.uid
    left join lateral (
      select e.id from public.events e
       where same.id is null and e.community_id = :community_id
         and e.starts_at between g.starts_at - interval '1 day' and g.starts_at + interval '1 day'
         and e.title = g.title and e.website is not distinct from g.website and e.import_uid is not null
         and (g.derived or e.import_uid like '%@derived')
       order by e.id limit 1) alike on true
), judged as materialized (
  select k.*, e.id is null as is_new,
         row_number() over (partition by e.id order by k.place) = 1
           and k.sequence >= coalesce(e.import_sequence, 0)
           and not (k.sequence = coalesce(e.import_sequence, 0) and coalesce(k.modified_at < e.import_modified_at, false))
           and k.hash is distinct from e.import_hash as counts,
         k.sequence > coalesce(e.import_sequence, 0)
           or coalesce(k.modified_at > e.import_modified_at, k.modified_at is not null) as newer
    from known k left join public.events e on e.id = k.event_id
), wanted as materialized (
  select e.id, j.title, j.starts_at, j.ends_at, j.timezone, j.all_day,
         case when j.newer then coalesce(j.description, '') else coalesce(j.description, e.description) end as description,
         case when j.newer or j.venue_id is not null or j.online then j.venue_id else e.venue_id end as venue_id,
         case when j.newer then coalesce(j.online, false)
           else coalesce(j.online, e.online and (e.venue_id is not null or j.venue_id is null)) end as online,
         case when j.newer then j.online_url else coalesce(j.online_url, e.online_url) end as online_url,
         case when j.newer then j.website else coalesce(j.website, e.website) end as website,
         case when j.newer or cardinality(j.categories) > 0 then j.categories else e.categories end as categories,
         case when j.newer then j.recurrence else coalesce(j.recurrence, e.recurrence) end as recurrence,
         case when j.newer or j.status = 'cancelled' then j.status else e.status end as status,
         j.sequence, j.modified_at, j.hash, case when e.import_uid like '%@derived' then j.uid else e.import_uid end as uid
    from judged j join public.events e on e.id = j.event_id
   where j.counts
), made as (
  insert into public.events (slug, title, description, starts_at, ends_at, timezone, all_day, venue_id, online, online_url,
         website, categories, visibility, status, community_id, organizer_id, recurrence,
         import_uid, import_sequence, import_modified_at, import_hash)
  select private.free_event_slug(j.title, j.namesake), j.title, coalesce(j.description, ''), j.starts_at, j.ends_at,
         j.timezone, j.all_day, j.venue_id, coalesce(j.online, false), j.online_url, j.website, j.categories,
         j.visibility, j.status, :community_id, (select auth.uid()), j.recurrence,
         j.uid, j.sequence, j.modified_at, j.hash
    from judged j
   where j.is_new
   order by j.place
  returning 1
), compared as materialized (
  select w.*, row(e.title, e.description, e.starts_at, e.ends_at, e.timezone, e.all_day, e.venue_id, e.online, e.online_url,
                  e.website, e.categories, e.recurrence, e.status, e.import_sequence)
              is distinct from
              row(w.title, w.description, w.starts_at, w.ends_at, w.timezone, w.all_day, w.venue_id, w.online, w.online_url,
                  w.website, w.categories, w.recurrence, w.status, w.sequence) as differs,
         e.import_uid is distinct from w.uid as gains_uid
    from wanted w join public.events e on e.id = w.id
), changed as (
  update public.events e
     set title = c.title, description = c.description, starts_at = c.starts_at, ends_at = c.ends_at,
         timezone = c.timezone, all_day = c.all_day, venue_id = c.venue_id, online = c.online, online_url = c.online_url,
         website = c.website, categories = c.categories, recurrence = c.recurrence, status = c.status, import_uid = c.uid,
         import_sequence = c.sequence, import_modified_at = coalesce(c.modified_at, e.import_modified_at),
         import_hash = c.hash
    from compared c
   where e.id = c.id and (c.differs or c.gains_uid)
  returning c.differs
)
select (select count(*) from made)::int as created, (select count(*) filter (where differs) from changed)::int as updated;
