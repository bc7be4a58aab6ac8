-- A large made-up world: `bench.events` events (a setting), and people, places and communities in proportion.
-- Run as a superuser on a migrated, empty database. Triggers and foreign keys sleep meanwhile, so rows are whole by themselves;
-- indexes are dropped and made again at the end.

set session_replication_role = replica;
set synchronous_commit = off;
set maintenance_work_mem = '512MB';
select setseed(0.42);

create schema bench;
create table bench.size as
select n as events, greatest(n / 5, 500) as people, greatest(n / 10, 500) as venues, greatest(n / 200, 20) as communities
  from (select current_setting('bench.events')::int as n) n;

create table bench.indexes as
select pg_get_indexdef(i.indexrelid) as definition, i.indexrelid::regclass::text as name
  from pg_index i join pg_class t on t.oid = i.indrelid
 where t.relnamespace = 'public'::regnamespace and not exists (select 1 from pg_constraint c where c.conindid = i.indexrelid);
do $$
declare
  name text;
begin
  for name in select i.name from bench.indexes i loop
    execute 'drop index ' || name;
  end loop;
end $$;

-- Person 7 has the id that ends in 7, so that any load generator can name them.
create table bench.people as
select n, ('00000000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid as id from bench.size, generate_series(1, size.people) n;
insert into auth.users (id, email, role, aud)
select id, 'person-' || n || '@example.org', 'authenticated', 'authenticated' from bench.people;
-- Session 7 is person 7's (bench/people.py signs their tokens).
insert into auth.sessions (id, user_id, created_at, updated_at, aal)
select ('00000000-0000-0000-0000-' || lpad(to_hex(n), 12, '0'))::uuid, id, now(), now(), 'aal1' from bench.people where n <= 1000;
insert into public.profiles (id, handle, name, organizer_status, organizer_since)
select id, 'person_' || n, 'Person ' || n, case when n % 20 = 0 then 'approved' else 'none' end, case when n % 20 = 0 then now() end
  from bench.people;

-- Cities are as unequal as real ones: the largest of 500 has a fifth of all places, the last a two-thousandth.
insert into public.venues (name, address, city, country, lat, lng)
select 'Hall ' || n, 'Street ' || n, 'City ' || floor(500 * random() ^ 4)::int, 'Country', random() * 120 - 60, random() * 340 - 170
  from bench.size, generate_series(1, size.venues) n;
create table bench.venues as select row_number() over () as n, id, name, city from public.venues;

insert into public.communities (slug, name, city, country, created_by)
select 'community-' || n, 'Community ' || n, 'City ' || floor(500 * random() ^ 4)::int, 'Country', (select id from bench.people where n = 1)
  from bench.size, generate_series(1, size.communities) n;
create table bench.communities as select row_number() over (order by id) as n, id from public.communities;
insert into public.memberships (community_id, person_id, role)
select c.id, p.id, case when p.n = 20 then 'organizer' else 'member' end
  from bench.size, bench.people p, lateral (
    select distinct 1 + floor(size.communities * random() ^ 2)::int as n from generate_series(1, 5) where p.id is not null) pick
  join bench.communities c on c.n = pick.n;

-- 50,000 texts of words as unequal as words are; every event takes one.
create table bench.words as
select n, case n when 1 then 'live' when 2 then 'open' when 3 then 'music' else
         translate(to_char(n * 7919 % 1000003, 'FM0000000'), '0123456789', 'bademorilu') end as word
  from generate_series(1, 5000) n;
create unique index on bench.words (n);
create table bench.texts as
select n, initcap(words[1] || ' ' || words[2] || ' ' || words[3]) as title, array_to_string(words, ' ') as description,
       setweight(to_tsvector('simple', words[1] || ' ' || words[2] || ' ' || words[3]), 'A')
         || setweight(to_tsvector('simple', array_to_string(words, ' ')), 'D') as search
  from (select n, (select array_agg(w.word) from (
                     select 1 + floor(5000 * random() ^ 3)::int as n from generate_series(1, 40) where t.n > 0) pick
                     join bench.words w on w.n = pick.n) as words
          from generate_series(1, 50000) t(n)) texts;
create unique index on bench.texts (n);

insert into public.events (slug, title, description, starts_at, ends_at, timezone, venue_id, city, online, categories, tags, capacity, visibility,
       status, community_id, organizer_id, search, published_at)
select 'event-' || e.n, t.title, t.description, e.starts_at,
       e.starts_at + case when e.length < 0.95 then interval '3 hours' when e.length < 0.999 then interval '2 days'
                          else interval '60 days' end,
       'Europe/Vienna', v.id, v.city, e.n % 10 = 0, array[e.category], array[e.tag], 50,
       case when e.kind < 0.92 then 'public' when e.kind < 0.97 or e.community > size.communities then 'unlisted' else 'members' end,
       case when e.state < 0.95 then 'published' when e.state < 0.97 then 'draft' else 'cancelled' end,
       c.id, p.id,
       t.search || setweight(to_tsvector('simple', concat_ws(' ', v.name, v.city, e.category, e.tag)), 'B'), now()
  from bench.size, lateral (
    select n, now() - interval '2 years' + random() * interval '4 years' as starts_at, random() as length, random() as kind,
           random() as state, 1 + floor(size.venues * random())::int as venue,
           1 + floor(size.communities * 1.25 * random() ^ 2)::int as community, 1 + floor(50000 * random())::int as text,
           20 * (1 + floor(size.people / 20 * random())::int) as organizer,
           case when random() < 0.0002 then 'rarity' else 'category-' || floor(50 * random() ^ 3)::int end as category,
           'tag-' || floor(2000 * random() ^ 2)::int as tag
      from generate_series(1, size.events) n) e
  join bench.texts t on t.n = e.text
  join bench.venues v on v.n = e.venue
  join bench.people p on p.n = e.organizer
  left join bench.communities c on c.n = e.community
 where p.n > 0;
-- Events to answer and talk about: /events/gig-1 to gig-500.
insert into public.events (slug, title, description, starts_at, ends_at, timezone, venue_id, city, categories, status, organizer_id, search)
select 'gig-' || v.n, 'Gig ' || v.n, 'A gig.', now() + v.n * interval '1 hour', now() + (v.n + 2) * interval '1 hour', 'UTC', v.id, v.city,
       '{music}', 'published', p.id, to_tsvector('simple', 'Gig ' || v.n)
  from bench.venues v, bench.people p where v.n <= 500 and p.n = 20;
insert into public.event_attendance (event_id, capacity, going, interested)
select id, capacity, floor(30 * random() ^ 3)::int, floor(50 * random() ^ 3)::int from public.events;
insert into public.comments (event_id, author_id, body)
select e.id, p.id, 'See you there.'
  from (select id, row_number() over () as n from public.events limit 20000) e
  join bench.people p on p.n = 1 + e.n % 500, generate_series(1, 5);

do $$
declare
  definition text;
begin
  for definition in select i.definition from bench.indexes i loop
    execute definition;
  end loop;
end $$;
drop schema bench cascade;
reset session_replication_role;
reset synchronous_commit;
