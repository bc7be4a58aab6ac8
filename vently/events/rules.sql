-- Events: who sees them, who runs them, answers within capacity, comments, and the list.

-- What I run: my own, and those of the communities that I organise. In a community the role decides: whoever lost it
-- runs nothing there any more, not even what they made.
create or replace function private.event_is_mine(organizer_id uuid, community_id uuid) returns boolean
language sql stable set search_path = '' as $$
  select organizer_id = (select auth.uid()) and community_id is null
      or community_id in (select private.communities_i_organize())
$$;
create or replace function private.events_i_answered() returns setof uuid
language sql stable security definer set search_path = '' rows 20 as $$
  select event_id from public.rsvps where person_id = (select auth.uid()) and status <> 'declined'
$$;
create or replace function private.events_i_go_to() returns setof uuid
language sql stable security definer set search_path = '' rows 20 as $$
  select event_id from public.rsvps where person_id = (select auth.uid()) and status = 'going'
$$;
revoke execute on function private.event_is_mine(uuid, uuid), private.events_i_answered(), private.events_i_go_to() from public;
grant execute on function private.event_is_mine(uuid, uuid), private.events_i_answered(), private.events_i_go_to()
  to authenticated, service_role;

create policy "anyone sees public events" on public.events for select to anon, authenticated
  using (visibility = 'public' and status <> 'draft');
create policy "whoever holds the link sees unlisted events" on public.events for select to anon, authenticated
  using (visibility = 'unlisted' and status <> 'draft'
         and (slug = (select current_setting('vently.link', true)) or id::text = (select current_setting('vently.link', true))));
create policy "members see events for members" on public.events for select to authenticated
  using (visibility = 'members' and status <> 'draft' and community_id in (select private.my_communities()));
create policy "people keep seeing what they answered" on public.events for select to authenticated
  using (visibility = 'unlisted' and status <> 'draft' and id in (select private.events_i_answered()));
create policy "organisers see their own" on public.events for select to authenticated
  using (organizer_id = (select auth.uid()) and community_id is null
         or community_id in (select private.communities_i_organize()));
create policy "platform admins see all events" on public.events for select to authenticated
  using ((select private.i_am_platform_admin()));
create policy "organisers create" on public.events for insert to authenticated
  with check (organizer_id = (select auth.uid())
              and (community_id is null and (select private.i_am_organizer())
                   or community_id in (select private.communities_i_organize())));
create policy "organisers edit what they run" on public.events for update to authenticated
  using (organizer_id = (select auth.uid()) and community_id is null
         or community_id in (select private.communities_i_organize()))
  with check (organizer_id = (select auth.uid()) and community_id is null
              or community_id in (select private.communities_i_organize()));
create policy "organisers delete what they run" on public.events for delete to authenticated
  using (organizer_id = (select auth.uid()) and community_id is null
         or community_id in (select private.communities_i_organize()));
grant select on public.events to anon, authenticated, service_role;
grant insert (slug, title, description, starts_at, ends_at, timezone, all_day, venue_id, online, online_url, website, categories,
  tags, capacity, visibility, status, community_id, organizer_id, recurrence,
  import_uid, import_sequence, import_modified_at, import_hash) on public.events to authenticated;
grant update (slug, title, description, starts_at, ends_at, timezone, all_day, venue_id, online, online_url, website, categories,
  tags, capacity, visibility, status, community_id, recurrence,
  import_uid, import_sequence, import_modified_at, import_hash) on public.events to authenticated;
grant delete on public.events to authenticated;

create policy "a place is seen with an event held there" on public.venues for select to anon, authenticated
  using (exists (select 1 from public.events e where e.venue_id = venues.id));
grant select on public.venues to anon, authenticated, service_role;

create policy "counts are seen with their event" on public.event_attendance for select to anon, authenticated
  using (exists (select 1 from public.events e where e.id = event_id));
grant select on public.event_attendance to anon, authenticated, service_role;

create policy "people see their own answers" on public.rsvps for select to authenticated
  using (person_id = (select auth.uid()));
create policy "those going see who goes" on public.rsvps for select to authenticated
  using (status = 'going' and event_id in (select private.events_i_go_to())
         and exists (select 1 from public.events e where e.id = event_id));
create policy "organisers see all answers" on public.rsvps for select to authenticated
  using (exists (select 1 from public.events e where e.id = event_id
                   and (e.organizer_id = (select auth.uid()) and e.community_id is null
                        or e.community_id in (select private.communities_i_organize()))));
create policy "people answer what they see" on public.rsvps for insert to authenticated
  with check (person_id = (select auth.uid()) and exists (select 1 from public.events e where e.id = event_id));
create policy "people change their own answers" on public.rsvps for update to authenticated
  using (person_id = (select auth.uid()))
  with check (person_id = (select auth.uid()) and exists (select 1 from public.events e where e.id = event_id));
create policy "people take back their own answers" on public.rsvps for delete to authenticated
  using (person_id = (select auth.uid()));
-- Visitors have no policy here, so they see no row; the grant lets the view below run as them.
grant select on public.rsvps to anon;
grant select, delete on public.rsvps to authenticated;
grant insert (event_id, person_id, status, guests, answers) on public.rsvps to authenticated;
grant update (status, guests, answers) on public.rsvps to authenticated;

create policy "comments are seen with their event" on public.comments for select to anon, authenticated
  using (exists (select 1 from public.events e where e.id = event_id));
create policy "authors see their own comments" on public.comments for select to authenticated
  using (author_id = (select auth.uid()));
create policy "people comment on what they see" on public.comments for insert to authenticated
  with check (author_id = (select auth.uid())
              and exists (select 1 from public.events e where e.id = event_id and e.status <> 'draft'));
create policy "authors edit their comments" on public.comments for update to authenticated
  using (author_id = (select auth.uid())) with check (author_id = (select auth.uid()));
create policy "authors, organisers and moderators remove comments" on public.comments for delete to authenticated
  using (author_id = (select auth.uid())
         or exists (select 1 from public.events e where e.id = event_id
                      and (e.organizer_id = (select auth.uid()) and e.community_id is null
                           or e.community_id in (select private.communities_i_organize())
                           or e.community_id in (select private.communities_i_moderate()))));
grant select on public.comments to anon, authenticated, service_role;
grant insert (event_id, author_id, body, reply_to), update (body), delete on public.comments to authenticated;


-- Addresses and places

create or replace function private.free_event_slug(words text, secret boolean) returns text
language sql volatile security definer set search_path = '' as $$
  select case when secret or exists (select 1 from public.events where slug = private.slug(words))
    then private.slug(words) || '-' || private.random_letters(12) else private.slug(words) end
$$;
comment on function private.free_event_slug is 'An address of its own; one nobody guesses for an event seen by link alone';
create or replace function private.venue_id(
  name text, address text, city text, country text, lat double precision, lng double precision) returns uuid
language plpgsql volatile security definer set search_path = '' as $$
declare
  found_id uuid;
begin
  select v.id into found_id from public.venues v
   where v.name is not distinct from venue_id.name and v.address is not distinct from venue_id.address
     and v.city is not distinct from venue_id.city and v.country is not distinct from venue_id.country
     and v.lat is not distinct from venue_id.lat and v.lng is not distinct from venue_id.lng;
  if found_id is null then
    insert into public.venues as v (name, address, city, country, lat, lng) values ($1, $2, $3, $4, $5, $6)
    on conflict on constraint venues_one_of_each do update set name = excluded.name
    returning v.id into found_id;
  end if;
  return found_id;
end $$;
comment on function private.venue_id is 'The one row of this place, made when it is new';
revoke execute on function private.free_event_slug(text, boolean),
  private.venue_id(text, text, text, text, double precision, double precision) from public;
grant execute on function private.free_event_slug(text, boolean),
  private.venue_id(text, text, text, text, double precision, double precision) to authenticated, service_role;


-- What happens to an event when it is written

create or replace function private.prepare_event() returns trigger
language plpgsql volatile security definer set search_path = '' as $$
declare
  place public.venues;
begin
  if tg_op = 'UPDATE' and new.status <> old.status then
    if new.status = 'draft' then
      raise exception using errcode = 'PT409', message = 'An event that was published cannot be a draft again; cancel it instead.',
        detail = 'already-published', hint = '/status';
    elsif old.status = 'draft' and new.status in ('cancelled', 'postponed') and new.import_uid is null then
      raise exception using errcode = 'PT409', message = 'A draft cannot be cancelled or postponed: publish it, or delete it.',
        detail = 'not-published', hint = '/status';
    end if;
  end if;
  if tg_op = 'UPDATE' and new.community_id is null and new.organizer_id = (select auth.uid())
     and (old.community_id is not null or old.status = 'draft' and new.status <> 'draft')
     and not private.i_am_organizer() then
    raise exception using errcode = 'PT403', message = 'Become an organiser first: only they publish events of their own.',
      detail = 'not-allowed';
  end if;
  if new.status <> 'draft' then
    new.published_at := coalesce(new.published_at, now());
  end if;
  select * into place from public.venues where id = new.venue_id;
  new.city := place.city;
  new.search := setweight(to_tsvector('simple', new.title), 'A')
    || setweight(to_tsvector('simple', concat_ws(' ', place.name, place.city, place.country,
         array_to_string(new.categories, ' '), array_to_string(new.tags, ' '))), 'B')
    || setweight(to_tsvector('simple', left(new.description, 20000)), 'D');
  return new;
end $$;
revoke execute on function private.prepare_event() from public, anon, authenticated;
create trigger events_prepare before insert or update on public.events
  for each row execute function private.prepare_event();
create trigger events_touch before update on public.events for each row execute function private.touch();

create or replace function private.follow_event() returns trigger
language plpgsql volatile security definer set search_path = '' as $$
declare
  it public.events := coalesce(new, old);
  kind text := case when tg_op = 'INSERT' then 'event.created' when tg_op = 'DELETE' then 'event.deleted'
    when new.status = 'cancelled' and old.status <> 'cancelled' then 'event.cancelled' else 'event.updated' end;
begin
  if tg_op = 'INSERT' then
    insert into public.event_attendance (event_id, capacity) values (new.id, new.capacity);
  elsif tg_op = 'UPDATE' and (new.capacity is distinct from old.capacity or old.status = 'cancelled' and new.status <> 'cancelled') then
    update public.event_attendance set capacity = new.capacity where event_id = new.id;
    perform private.move_up(new.id);
  end if;
  if tg_op <> 'UPDATE' or new is distinct from old then
    perform private.announce('event:' || it.id, kind,
      jsonb_build_object('id', it.id, 'community_id', it.community_id, 'status', it.status));
  end if;
  return null;
end $$;
revoke execute on function private.follow_event() from public, anon, authenticated;
create trigger events_follow after insert or update or delete on public.events
  for each row execute function private.follow_event();


-- Answers within capacity. The event's row in event_attendance is locked first, so answers to one event take turns;
-- its check constraint is the judge. Counting happens after the row stands, because an upsert may try an insert first.
-- Before it the event itself is locked, as the foreign key would do last: who edits or deletes the event takes this order.

create or replace function private.heads(status text, guests int, counted text) returns int
language sql immutable parallel safe set search_path = '' as $$
  select case when status = counted then 1 + guests else 0 end
$$;
create or replace function private.seat() returns trigger
language plpgsql volatile security definer set search_path = '' as $$
declare
  seats public.event_attendance;
  had int := 0;
begin
  if tg_op = 'UPDATE' and old.queued_at is not null and new.queued_at is null then  -- move_up, which judged; people cannot write it
    return new;
  elsif tg_op = 'INSERT' then
    perform 1 from public.events e where e.id = new.event_id for key share;
  end if;
  select * into seats from public.event_attendance a where a.event_id = new.event_id for update;
  if tg_op = 'INSERT' then  -- an upsert of an answer that exists: the update that follows judges
    if exists (select 1 from public.rsvps r where r.event_id = new.event_id and r.person_id = new.person_id) then
      new.queued_at := case when new.status = 'waitlisted' then clock_timestamp() end;
      return new;
    end if;
  else
    had := private.heads(old.status, old.guests, 'going');
    new.updated_at := clock_timestamp();
  end if;
  if new.status in ('going', 'waitlisted') and exists (
       select 1 from public.events e where e.id = new.event_id and e.status = 'cancelled') then
    raise exception using errcode = 'PT409', message = 'This event was cancelled.', detail = 'event-cancelled', hint = '/status';
  end if;
  if new.status = 'waitlisted' then
    new.status := 'going';
  end if;
  if new.status = 'going' and seats.going - had + 1 + new.guests > coalesce(seats.capacity, 2147483000)
     or new.status = 'going' and 1 + new.guests > had and private.someone_waits_before(new.event_id, new.person_id) then
    if had > 0 then
      raise exception using errcode = 'PT409', message = 'There is no room for that many guests.',
        detail = 'event-full', hint = '/guests';
    elsif 1 + new.guests > seats.capacity then
      raise exception using errcode = 'PT409', message = 'This event has fewer places than that in all.',
        detail = 'event-full', hint = '/guests';
    end if;
    new.status := 'waitlisted';
  end if;
  new.queued_at := case when new.status <> 'waitlisted' then null
    when tg_op = 'UPDATE' then coalesce(old.queued_at, clock_timestamp()) else clock_timestamp() end;
  return new;
end $$;
create or replace function private.someone_waits_before(event_id uuid, person_id uuid) returns boolean
language sql stable security definer set search_path = '' as $$
  select exists (
    select 1 from public.rsvps r
     where r.event_id = someone_waits_before.event_id and r.status = 'waitlisted'
       and r.person_id <> someone_waits_before.person_id
       and 1 + r.guests <= coalesce((select a.capacity from public.event_attendance a where a.event_id = r.event_id), 2147483000)
       and r.queued_at < coalesce((select mine.queued_at from public.rsvps mine
                                    where mine.event_id = r.event_id
                                      and mine.person_id = someone_waits_before.person_id), 'infinity'))
$$;
create or replace function private.count_answers() returns trigger
language plpgsql volatile security definer set search_path = '' as $$
declare
  it public.rsvps := coalesce(new, old);
  seats public.event_attendance;
begin
  update public.event_attendance a
     set going = going + private.heads(new.status, coalesce(new.guests, 0), 'going')
                       - private.heads(old.status, coalesce(old.guests, 0), 'going'),
         interested = interested + private.heads(new.status, 0, 'interested') - private.heads(old.status, 0, 'interested'),
         waitlisted = waitlisted + private.heads(new.status, coalesce(new.guests, 0), 'waitlisted')
                                 - private.heads(old.status, coalesce(old.guests, 0), 'waitlisted')
   where a.event_id = it.event_id returning * into seats;
  if not found then  -- the event itself goes
    return null;
  end if;
  perform private.announce('event:' || it.event_id, 'rsvp.changed', jsonb_build_object(
    'event_id', it.event_id, 'going', seats.going, 'interested', seats.interested, 'waitlisted', seats.waitlisted));
  perform private.announce('person:' || it.person_id, 'rsvp.changed', jsonb_build_object(
    'event_id', it.event_id, 'status', case tg_op when 'DELETE' then 'withdrawn' else new.status end));
  if private.heads(old.status, coalesce(old.guests, 0), 'going') > private.heads(new.status, coalesce(new.guests, 0), 'going')
     or old.status = 'waitlisted' and new.updated_at is distinct from old.updated_at then  -- the person's own doing, not move_up's
    perform private.move_up(it.event_id);
  end if;
  return null;
end $$;
create or replace function private.move_up(event_id uuid) returns void
language plpgsql volatile security definer set search_path = '' as $$
declare
  room int;
begin
  select least(a.waitlisted, coalesce(a.capacity, 2147483000) - a.going) into room
    from public.event_attendance a join public.events e on e.id = a.event_id
   where a.event_id = move_up.event_id and e.status <> 'cancelled' for update of a;
  if coalesce(room, 0) <= 0 then
    return;
  end if;
  with queue as materialized (
    select q.person_id, sum(1 + q.guests) over (order by q.queued_at, q.person_id) as heads
      from (select r.person_id, r.guests, r.queued_at
              from public.rsvps r join public.event_attendance a on a.event_id = r.event_id
             where r.event_id = move_up.event_id and r.status = 'waitlisted' and 1 + r.guests <= coalesce(a.capacity, 2147483000)
             order by r.queued_at, r.person_id limit room) q
  ), free as materialized (
    select r.person_id from public.rsvps r join queue q on q.person_id = r.person_id
     where r.event_id = move_up.event_id and q.heads <= room
       for update of r skip locked
  )
  update public.rsvps r set status = 'going', queued_at = null
    from queue q
   where r.event_id = move_up.event_id and r.person_id = q.person_id and q.heads <= room
     and q.heads < coalesce((select min(held.heads) from queue held
                              where held.heads <= room and held.person_id not in (select free.person_id from free)), 9e15);
end $$;
comment on function private.move_up is 'First come, first seated: the head of the queue goes in as soon as it fits, and nobody passes '
  'it, but a group larger than the whole event. Whoever changes their answer at this moment moves the queue themselves';
create or replace function private.queue_position(event_id uuid, queued_at timestamptz) returns int
language sql stable security definer set search_path = '' as $$
  select count(*)::int from public.rsvps r
   where r.event_id = queue_position.event_id and r.status = 'waitlisted' and r.queued_at <= queue_position.queued_at
     and exists (select 1 from public.rsvps mine  -- the queue is shown to those who answered
                  where mine.event_id = queue_position.event_id and mine.person_id = (select auth.uid()))
$$;
revoke execute on function private.heads(text, int, text), private.seat(), private.someone_waits_before(uuid, uuid),
  private.count_answers(), private.move_up(uuid), private.queue_position(uuid, timestamptz) from public, anon, authenticated;
grant execute on function private.queue_position(uuid, timestamptz) to anon, authenticated;
create trigger rsvps_seat before insert or update on public.rsvps for each row execute function private.seat();
create trigger rsvps_count after insert or update or delete on public.rsvps for each row execute function private.count_answers();


-- Comments tell the outbox

create or replace function private.announce_comment() returns trigger
language plpgsql volatile security definer set search_path = '' as $$
declare
  it public.comments := coalesce(new, old);
begin
  perform private.announce('event:' || it.event_id,
    'comment.' || case tg_op when 'INSERT' then 'created' when 'DELETE' then 'deleted' else 'updated' end,
    jsonb_build_object('id', it.id, 'event_id', it.event_id, 'reply_to', it.reply_to));
  return null;
end $$;
revoke execute on function private.announce_comment() from public, anon, authenticated;
create trigger comments_announce after insert or update of body or delete on public.comments
  for each row execute function private.announce_comment();
create trigger comments_touch before update of body on public.comments for each row execute function private.touch();


-- An event as clients read it

-- What an event's tickets cost and how many are left; null where nothing is for sale. A function keeps its plan: written
-- into the view, every list would be planned with the policies of four tables more. Those cost five times what the
-- reckoning does, so for events that everybody sees it is done past them.
create or replace function private.offer_of(event uuid) returns json
language plpgsql stable set search_path = '' as $$
begin
  return (
    with kinds as (
      select y.id, y.price, y.currency, y.pool_id, y.sales_end <= now() is true as over, p.quantity - p.held - p.sold as shared,
             case when y.sales_end <= now() then 0 else s.quantity - s.held - s.sold end as own
        from public.ticket_types y
        join public.ticket_stocks s on s.event_id = y.event_id and s.id = y.stock_id
        left join public.ticket_stocks p on p.event_id = y.event_id and p.id = y.pool_id
       where y.event_id = offer_of.event and not y.hidden
    ), stocks as (
      select min(k.price) filter (where not k.over) as price, min(k.price) as last_price, min(k.currency) as currency,
             greatest(0, least(sum(k.own), min(k.shared)))::int as available
        from kinds k group by coalesce(k.pool_id, k.id)
    )
    select json_build_object('from_amount', coalesce(min(t.price), min(t.last_price)), 'currency', min(t.currency),
             'available', sum(t.available), 'sold_out', sum(t.available) = 0)
      from stocks t having count(*) > 0);
end $$;
create or replace function private.public_offer_of(event uuid) returns json
language plpgsql stable security definer set search_path = '' as $$
begin
  if exists (select from public.events e where e.id = event and e.visibility = 'public' and e.status <> 'draft') then
    return private.offer_of(event);
  end if;
  return null;
end $$;
revoke execute on function private.offer_of(uuid), private.public_offer_of(uuid) from public;
grant execute on function private.offer_of(uuid), private.public_offer_of(uuid) to anon, authenticated, service_role;

create or replace view public.event_cards with (security_invoker = true) as
select e.id, e.slug, e.title, e.description, e.starts_at, e.ends_at, e.timezone, e.all_day,
       case when v.id is not null then json_build_object('name', v.name, 'address', v.address, 'city', v.city,
         'country', v.country, 'lat', v.lat, 'lng', v.lng) end as venue,
       e.online, e.online_url, e.website, e.categories[1] as category, e.categories, e.tags,
       e.capacity, e.visibility, e.status, e.recurrence,
       coalesce(current_setting('vently.site', true), '') || '/events/' || e.slug as url,
       coalesce(current_setting('vently.site', true), '') || '/covers/'
         || private.slug(coalesce(e.categories[1], 'event')) || '/' || e.id || '.svg' as cover,
       case when p.id is not null then json_build_object('handle', p.handle, 'name', p.name) end as organizer,
       case when c.id is not null then json_build_object('id', c.id, 'slug', c.slug, 'name', c.name) end as community,
       json_build_object('going', a.going, 'interested', a.interested, 'waitlisted', a.waitlisted) as rsvps,
       (select json_build_object('status', r.status, 'guests', r.guests, 'position',
                 case when r.status = 'waitlisted' then private.queue_position(r.event_id, r.queued_at) end)
          from public.rsvps r where r.event_id = e.id and r.person_id = (select auth.uid())) as viewer_rsvp,
       case when t.event_id is null then null
            when e.visibility = 'public' and e.status <> 'draft' then private.public_offer_of(e.id)
            else private.offer_of(e.id) end as tickets,
       e.published_at, e.created_at, e.updated_at, e.version
  from public.events e
  left join public.venues v on v.id = e.venue_id
  left join public.profiles p on p.id = e.organizer_id
  left join public.communities c on c.id = e.community_id
  left join public.event_attendance a on a.event_id = e.id
  left join public.tills t on t.event_id = e.id;
grant select on public.event_cards to anon, authenticated, service_role;


-- The list. Under row-level security an index can only be used by leakproof operators (text search and arrays have none),
-- so a definer function finds the ids and repeats the visibility check; the query that reads the rows is judged again.
-- Planned anew each time: what was not given folds away, and with `backwards` known the order is that of an index.

-- What a list holds. A function without a search path of its own unfolds into the query that calls it, whose indexes
-- answer it then; its names are bound already, because its body is no text.
create or replace function private.fits(
  e public.events, mine uuid[], in_city text, in_category text, tagged text, of_community uuid, of_organizer uuid, is_online boolean)
returns boolean language sql immutable parallel safe
return e.status <> 'draft'
   and (e.visibility = 'public' or e.visibility = 'members' and e.community_id = any (mine))
   and (in_city is null or lower(e.city) = lower(in_city))
   and (in_category is null or e.categories @> array[in_category])
   and (tagged is null or e.tags @> array[tagged])
   and (of_community is null or e.community_id = of_community)
   and (of_organizer is null or e.organizer_id = of_organizer)
   and (is_online is null or e.online = is_online);

-- A span is read in parts. What is going on when it begins has an index of its own. What begins in it is walked in order
-- until there is enough. Words, categories and tags have no index in that order: for them the first 300 events are walked,
-- which is enough where many match; then wider stretches, as wide as what was found lets expect, are asked for all that
-- match. So a page costs some hundreds of rows at most, however many events there are and however rare the words.
-- Conditions written as functions (`ts_match_vq`, `timestamptz_ge`) are those that no index shall answer there.

create or replace function private.matching_events(
  q text, starting timestamptz, ending timestamptz, in_city text, in_category text, tagged text,
  of_community uuid, of_organizer uuid, is_online boolean,
  backwards boolean, after_time timestamptz, after_id uuid, count int, with_words boolean default false)
returns table (id uuid, starts_at timestamptz, search tsvector)
language plpgsql stable security definer set search_path = '' set plan_cache_mode = 'force_custom_plan' rows 20 as $$
declare
  mine uuid[] := array(select private.my_communities());
  words tsquery := case when q is not null then private.search_words(q) end;
  earliest timestamptz := greatest(starting, case when not backwards then after_time end);
  latest timestamptz := least(ending, case when backwards then after_time + interval '1 microsecond' end);
  part text;
  width interval;  -- of the stretch at hand; null: all at once
  seen timestamptz;  -- how far we have come
  reach timestamptz;  -- how far this part goes; null: to the end
  since timestamptz;
  until timestamptz;
  going_on tid[];  -- where they lie, so that no other index is tempted
  months timestamptz[];  -- the stretch in pieces of thirty days, as events_finding_idx has them
  got int;
begin
  if q is not null or in_category is not null or tagged is not null then
    latest := least(latest, (select max(e.starts_at) + interval '1 microsecond' from public.events e where e.status <> 'draft'));
    select max(near.starts_at) - min(near.starts_at), case when backwards then min(near.starts_at) else max(near.starts_at) end
      into width, reach
      from (select e.starts_at from public.events e
             where e.status <> 'draft' and (earliest is null or e.starts_at >= earliest) and (latest is null or e.starts_at < latest)
             order by case when not backwards then e.starts_at end, e.starts_at desc limit 300) near
    having count(*) = 300;
  end if;
  foreach part in array case when backwards then array['near', 'wide', 'wider', 'rest', 'ongoing']
                                            else array['ongoing', 'near', 'wide', 'wider', 'rest'] end loop
    continue when part = 'ongoing' and (starting is null or earliest > starting) or part in ('wide', 'wider', 'rest') and width is null;
    if part = 'ongoing' then
      since := null;
      until := starting;
      going_on := array(select e.ctid from public.events e
                         where e.status <> 'draft' and e.starts_at < starting
                           and tstzrange(e.starts_at, e.ends_at, '[]') @> starting);
      continue when cardinality(going_on) = 0;
    else
      if part <> 'near' then
        width := width * case when got > 0 then least(2.0 * count / got, 32) else 32 end;
        seen := reach;
        reach := case when part = 'rest' then null when backwards then seen - width else seen + width end;
      end if;
      since := greatest(earliest, case when backwards then reach else seen end);
      until := least(latest, case when backwards then seen else reach end);
      continue when since >= until;
      months := case when part in ('wide', 'wider')
        then array(select generate_series(date_bin('720 hours', since, '2000-01-01Z'), until, '720 hours')) end;
    end if;
    if part = 'near' then
      return query
      select e.id, e.starts_at, case when with_words then e.search end from public.events e
       where private.fits(e, mine, in_city, in_category, tagged, of_community, of_organizer, is_online)
         and (since is null or e.starts_at >= since) and (until is null or e.starts_at < until)
         and (q is null or ts_match_vq(e.search, words))
         and (after_id is null or case when backwards then (e.starts_at, e.id) < (after_time, after_id)
                                       else (e.starts_at, e.id) > (after_time, after_id) end)
       order by case when not backwards then e.starts_at end, case when not backwards then e.id end, e.starts_at desc, e.id desc
       limit count;
    else
      return query
      with gathered as materialized (
        select e.id, e.starts_at, case when with_words then e.search end from public.events e
         where private.fits(e, mine, in_city, in_category, tagged, of_community, of_organizer, is_online)
           and (part <> 'ongoing' or e.ctid = any (going_on))
           and (months is null or array[date_bin('720 hours', e.starts_at, '2000-01-01Z')] && months)
           and (since is null or case when q is null then e.starts_at >= since else timestamptz_ge(e.starts_at, since) end)
           and (until is null or case when q is null then e.starts_at < until else timestamptz_lt(e.starts_at, until) end)
           and (q is null or e.search @@ words)
           and (after_id is null or case when backwards then (e.starts_at, e.id) < (after_time, after_id)
                                         else (e.starts_at, e.id) > (after_time, after_id) end)
      )
      select * from gathered g
       order by case when not backwards then g.starts_at end, case when not backwards then g.id end, g.starts_at desc, g.id desc
       limit count;
    end if;
    get diagnostics got = row_count;
    count := count - got;
    exit when count <= 0;
  end loop;
end $$;

-- By relevance or popularity the 300 soonest that match are ranked: what is on in three years can wait.
create or replace function private.find_events(
  q text, starting timestamptz, ending timestamptz, in_city text, in_category text, tagged text,
  of_community uuid, of_organizer uuid, is_online boolean, sort text,
  after_key double precision, after_id uuid, count int)
returns table (id uuid, key double precision)
language plpgsql stable security definer set search_path = '' rows 20 as $$
begin
  if sort in ('soonest', 'latest') then
    return query
    select m.id, extract(epoch from m.starts_at)::double precision
      from private.matching_events(q, starting, ending, in_city, in_category, tagged, of_community, of_organizer, is_online,
             sort = 'latest', to_timestamp(after_key), after_id, count) m;
  else
    return query
    select scored.id, scored.score from (
      select m.id, case sort when 'relevance' then ts_rank_cd(m.search, private.search_words(q))
                             else (select a.going * 2 + a.interested from public.event_attendance a where a.event_id = m.id)
                   end::double precision as score
        from private.matching_events(q, starting, ending, in_city, in_category, tagged, of_community, of_organizer, is_online,
               false, null, null, 300, sort = 'relevance') m) scored
     where after_id is null or (scored.score, scored.id) < (after_key, after_id)
     order by scored.score desc, scored.id desc
     limit count;
  end if;
end $$;
create or replace function private.search_words(q text) returns tsquery
language sql immutable parallel safe set search_path = '' as $$
  select string_agg(quote_literal(word) || ':*', ' & ')::tsquery
    from (select unnest(tsvector_to_array(to_tsvector('simple', q))) word limit 20) words
$$;
comment on function private.search_words is 'Every word given, each also as the beginning of a longer one; null where there is none';
revoke execute on function private.search_words(text) from public;
revoke execute on function private.fits(public.events, uuid[], text, text, text, uuid, uuid, boolean), private.matching_events(text, timestamptz, timestamptz, text, text, text,
  uuid, uuid, boolean, boolean, timestamptz, uuid, int, boolean) from public, anon, authenticated;
revoke execute on function private.find_events(text, timestamptz, timestamptz, text, text, text, uuid,
  uuid, boolean, text, double precision, uuid, int) from public;
grant execute on function private.find_events(text, timestamptz, timestamptz, text, text, text, uuid,
  uuid, boolean, text, double precision, uuid, int) to anon, authenticated, service_role;

-- What there is to filter by: the categories and cities with most public events ahead.
create or replace function private.event_facets(since timestamptz) returns table (kind text, name text, count bigint)
language sql stable security definer set search_path = '' rows 40 as $$
  with ahead as materialized (
    select e.categories, e.city from public.events e
     where e.status <> 'draft' and e.visibility = 'public' and e.starts_at >= since
     order by e.starts_at limit 2000)
  (select 'category', label, count(*) from ahead, unnest(ahead.categories) label group by label order by 3 desc, 2 limit 20)
  union all
  (select 'city', min(ahead.city), count(*) from ahead where ahead.city is not null group by lower(ahead.city)
    order by 3 desc, 2 limit 20)
$$;
revoke execute on function private.event_facets(timestamptz) from public;
grant execute on function private.event_facets(timestamptz) to anon, authenticated, service_role;
