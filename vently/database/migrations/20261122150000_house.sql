-- The house: people, places, communities, events, answers, comments, and the outbox.
-- Tables have a history, so this file never changes once it has landed; policies and functions live in the rooms' rules.sql.
-- The comment of a constraint or unique index is the sentence a client reads when it refuses: `/json/pointer: sentence`.

create schema if not exists private;
comment on schema private is 'Helpers and the outbox: never exposed by an API';
grant usage on schema private to anon, authenticated, service_role;

-- Ids sort by time (RFC 9562, version 7). Postgres 18 has them; 15 to 17 get the same from the clock and random bits.
do $$
begin
  if current_setting('server_version_num')::int >= 180000 then
    create function private.uuid_v7() returns uuid language sql volatile parallel safe
      set search_path = '' as 'select pg_catalog.uuidv7()';
  else
    create function private.uuid_v7() returns uuid language sql volatile parallel safe set search_path = '' as $f$
      select encode(
        set_bit(set_bit(
          overlay(uuid_send(gen_random_uuid())
            placing substring(int8send((extract(epoch from clock_timestamp()) * 1000)::bigint) from 3) from 1 for 6),
          52, 1), 53, 1), 'hex')::uuid
    $f$;
  end if;
end $$;
revoke execute on function private.uuid_v7() from public;
grant execute on function private.uuid_v7() to anon, authenticated, service_role;

create function private.is_line(value text, longest int) returns boolean
  language sql immutable parallel safe set search_path = ''
  as $$ select value = btrim(value) and char_length(value) between 1 and longest and value !~ '[[:cntrl:]]' $$;
comment on function private.is_line is 'One line of words: nothing around it, no control characters, not longer than `longest`';

create function private.are_labels(labels text[], longest int) returns boolean
  language sql immutable parallel safe set search_path = ''
  as $$
    select array_position(labels, null) is null
       and array_to_string(labels, '') !~ '[[:cntrl:],]'
       and coalesce((select bool_and(char_length(label) between 1 and longest and label = btrim(label))
                       from unnest(labels) label), true)
       and cardinality(labels) = (select count(distinct label) from unnest(labels) label)
  $$;
comment on function private.are_labels is 'Distinct short words without commas';

create function private.is_slug(value text) returns boolean
  language sql immutable parallel safe set search_path = ''
  as $$
    select value ~ '^[a-z0-9]+(-[a-z0-9]+)*$' and char_length(value) <= 80
       and value !~ '^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$'
  $$;
comment on function private.is_slug is 'Lower-case words joined by hyphens; never the form of a UUID, which stands for an id';
revoke execute on function private.is_line(text, int), private.are_labels(text[], int), private.is_slug(text) from public;
grant execute on function private.is_line(text, int), private.are_labels(text[], int), private.is_slug(text)
  to anon, authenticated, service_role;


-- People

create table public.profiles (
  id uuid primary key references auth.users (id) on delete cascade,
  handle text not null,
  name text not null,
  bio text not null default '',
  city text,
  country text,
  organizer_status text not null default 'none',
  organizer_since timestamptz,
  followers_count int not null default 0 check (followers_count >= 0),
  version int not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint profiles_handle_key unique (handle),
  constraint profiles_handle_form check (handle ~ '^[a-z0-9][a-z0-9_]{1,29}$'),
  constraint profiles_name_form check (private.is_line(name, 80)),
  constraint profiles_bio_length check (char_length(bio) <= 2000),
  constraint profiles_city_form check (private.is_line(city, 120)),
  constraint profiles_country_form check (private.is_line(country, 80)),
  constraint profiles_organizer_status_known check (organizer_status in ('none', 'requested', 'approved'))
);
comment on table public.profiles is 'The public face of an account';
comment on constraint profiles_handle_key on public.profiles is '/handle: is taken; choose another';
comment on constraint profiles_handle_form on public.profiles is
  '/handle: takes 2 to 30 lower-case letters, digits or underscores, and begins with a letter or digit';
comment on constraint profiles_name_form on public.profiles is '/name: takes one line of 1 to 80 characters';
comment on constraint profiles_bio_length on public.profiles is '/bio: takes at most 2,000 characters';
comment on constraint profiles_city_form on public.profiles is '/city: takes one line of at most 120 characters';
comment on constraint profiles_country_form on public.profiles is '/country: takes one line of at most 80 characters';

create table public.platform_admins (
  person_id uuid primary key references public.profiles (id) on delete cascade,
  granted_by uuid references public.profiles (id) on delete set null,
  granted_at timestamptz not null default now()
);
create index platform_admins_granted_by_idx on public.platform_admins (granted_by);

create table public.person_follows (
  follower_id uuid not null references public.profiles (id) on delete cascade,
  followed_id uuid not null references public.profiles (id) on delete cascade,
  created_at timestamptz not null default now(),
  primary key (follower_id, followed_id),
  constraint person_follows_other check (follower_id <> followed_id)
);
comment on constraint person_follows_other on public.person_follows is '/handle: you cannot follow yourself';
create index person_follows_followed_idx on public.person_follows (followed_id);


-- Communities

create table public.communities (
  id uuid primary key default private.uuid_v7(),
  slug text not null,
  name text not null,
  description text not null default '',
  city text,
  country text,
  lat double precision,
  lng double precision,
  join_policy text not null default 'open',
  created_by uuid references public.profiles (id) on delete set null,
  members_count int not null default 0,
  followers_count int not null default 0,
  version int not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint communities_slug_key unique (slug),
  constraint communities_slug_form check (private.is_slug(slug)),
  constraint communities_name_form check (private.is_line(name, 120)),
  constraint communities_description_length check (char_length(description) <= 20000),
  constraint communities_city_form check (private.is_line(city, 120)),
  constraint communities_country_form check (private.is_line(country, 80)),
  constraint communities_lat_range check (lat between -90 and 90),
  constraint communities_lng_range check (lng between -180 and 180),
  constraint communities_lat_with_lng check ((lat is null) = (lng is null)),
  constraint communities_join_policy_known check (join_policy in ('open', 'request', 'invite')),
  constraint communities_members_count_positive check (members_count >= 0),
  constraint communities_followers_count_positive check (followers_count >= 0)
);
comment on constraint communities_slug_key on public.communities is '/slug: is taken; choose another';
comment on constraint communities_slug_form on public.communities is
  '/slug: takes lower-case letters and digits joined by hyphens, at most 80 characters, and not the form of a UUID';
comment on constraint communities_name_form on public.communities is '/name: takes one line of 1 to 120 characters';
comment on constraint communities_description_length on public.communities is '/description: takes at most 20,000 characters';
comment on constraint communities_city_form on public.communities is '/city: takes one line of at most 120 characters';
comment on constraint communities_country_form on public.communities is '/country: takes one line of at most 80 characters';
comment on constraint communities_lat_range on public.communities is '/lat: is between -90 and 90';
comment on constraint communities_lng_range on public.communities is '/lng: is between -180 and 180';
comment on constraint communities_lat_with_lng on public.communities is '/lat: lat and lng go together';
comment on constraint communities_join_policy_known on public.communities is '/join: is open, request or invite';
create index communities_created_by_idx on public.communities (created_by);
create index communities_name_idx on public.communities (name, id);

create table public.memberships (
  community_id uuid not null references public.communities (id) on delete cascade,
  person_id uuid not null references public.profiles (id) on delete cascade,
  role text not null default 'member',
  status text not null default 'active',
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (community_id, person_id),
  constraint memberships_role_known check (role in ('member', 'organizer', 'moderator', 'admin', 'owner')),
  constraint memberships_status_known check (status in ('active', 'requested', 'banned')),
  constraint memberships_role_active check (status = 'active' or role = 'member')
);
comment on constraint memberships_role_known on public.memberships is
  '/role: is member, organizer, moderator, admin or owner';
comment on constraint memberships_status_known on public.memberships is '/status: is active, requested or banned';
comment on constraint memberships_role_active on public.memberships is '/role: only an active member can have a role';
create index memberships_person_idx on public.memberships (person_id, community_id);

create table public.community_follows (
  community_id uuid not null references public.communities (id) on delete cascade,
  person_id uuid not null references public.profiles (id) on delete cascade,
  created_at timestamptz not null default now(),
  primary key (community_id, person_id)
);
create index community_follows_person_idx on public.community_follows (person_id, community_id);


-- Events

create table public.venues (
  id uuid primary key default private.uuid_v7(),
  name text,
  address text,
  city text,
  country text,
  lat double precision,
  lng double precision,
  created_at timestamptz not null default now(),
  constraint venues_one_of_each unique nulls not distinct (name, address, city, country, lat, lng),
  constraint venues_somewhere check (num_nonnulls(name, address, city, lat) > 0),
  constraint venues_name_form check (private.is_line(name, 200)),
  constraint venues_address_form check (private.is_line(address, 300)),
  constraint venues_city_form check (private.is_line(city, 120)),
  constraint venues_country_form check (private.is_line(country, 80)),
  constraint venues_lat_range check (lat between -90 and 90),
  constraint venues_lng_range check (lng between -180 and 180),
  constraint venues_lat_with_lng check ((lat is null) = (lng is null))
);
comment on table public.venues is 'Places: one row each, shared by the events held there, never changed';
comment on constraint venues_somewhere on public.venues is '/venue: needs at least a name, an address, a city or lat and lng';
comment on constraint venues_name_form on public.venues is '/venue/name: takes one line of at most 200 characters';
comment on constraint venues_address_form on public.venues is '/venue/address: takes one line of at most 300 characters';
comment on constraint venues_city_form on public.venues is '/venue/city: takes one line of at most 120 characters';
comment on constraint venues_country_form on public.venues is '/venue/country: takes one line of at most 80 characters';
comment on constraint venues_lat_range on public.venues is '/venue/lat: is between -90 and 90';
comment on constraint venues_lng_range on public.venues is '/venue/lng: is between -180 and 180';
comment on constraint venues_lat_with_lng on public.venues is '/venue/lat: lat and lng go together';

create table public.events (
  id uuid primary key default private.uuid_v7(),
  slug text not null,
  title text not null,
  description text not null default '',
  starts_at timestamptz not null,
  ends_at timestamptz not null,
  timezone text not null default 'UTC',
  all_day boolean not null default false,
  venue_id uuid references public.venues (id) on delete restrict,
  city text,
  online boolean not null default false,
  online_url text,
  website text,
  categories text[] not null default '{}',
  tags text[] not null default '{}',
  capacity int,
  visibility text not null default 'public',
  status text not null default 'draft',
  community_id uuid references public.communities (id) on delete cascade,
  organizer_id uuid references public.profiles (id) on delete set null,
  recurrence text,
  import_uid text,
  import_sequence int,
  import_modified_at timestamptz,
  import_hash text,
  search tsvector not null default '',
  version int not null default 1,
  published_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint events_slug_key unique (slug),
  constraint events_slug_form check (private.is_slug(slug)),
  constraint events_title_form check (private.is_line(title, 200)),
  constraint events_description_length check (char_length(description) <= 50000),
  -- The years 1970 to 2199 wherever the event is: up to a day off in UTC, and an end may be a day later.
  constraint events_starts_at_range check (starts_at >= '1969-12-31Z' and starts_at < '2200-01-02Z'),
  constraint events_ends_after_start check (ends_at >= starts_at),
  constraint events_ends_at_range check (ends_at < '2200-01-03Z'),
  constraint events_timezone_known check (
    timezone ~ '^[A-Za-z][A-Za-z0-9_+-]*(/[A-Za-z0-9_+-]+)*$' and (starts_at at time zone timezone) is not null),
  constraint events_online_url_form check (online_url ~ '^https?://[^[:space:]]+$' and char_length(online_url) <= 2008),
  constraint events_website_form check (website ~ '^https?://[^[:space:]]+$' and char_length(website) <= 2008),
  constraint events_categories_form check (cardinality(categories) <= 20 and private.are_labels(categories, 40)),
  constraint events_tags_form check (cardinality(tags) <= 20 and private.are_labels(tags, 40)),
  constraint events_capacity_positive check (capacity between 1 and 1000000),
  constraint events_visibility_known check (visibility in ('public', 'unlisted', 'members')),
  constraint events_members_need_community check (visibility <> 'members' or community_id is not null),
  constraint events_status_known check (status in ('draft', 'published', 'postponed', 'cancelled')),
  constraint events_recurrence_length check (char_length(recurrence) <= 1000),
  constraint events_import_needs_community check (import_uid is null or community_id is not null),
  constraint events_import_uid_key unique (community_id, import_uid)
);
comment on constraint events_slug_key on public.events is '/slug: is taken; choose another';
comment on constraint events_slug_form on public.events is
  '/slug: takes lower-case letters and digits joined by hyphens, at most 80 characters, and not the form of a UUID';
comment on constraint events_title_form on public.events is '/title: takes one line of 1 to 200 characters';
comment on constraint events_description_length on public.events is '/description: takes at most 50,000 characters';
comment on constraint events_starts_at_range on public.events is '/starts_at: is between the years 1970 and 2199';
comment on constraint events_ends_after_start on public.events is '/ends_at: must not be before starts_at';
comment on constraint events_ends_at_range on public.events is '/ends_at: is between the years 1970 and 2199';
comment on constraint events_timezone_known on public.events is '/timezone: takes an IANA name such as Europe/Berlin';
comment on constraint events_online_url_form on public.events is '/online_url: takes an http or https address';
comment on constraint events_website_form on public.events is '/website: takes an http or https address';
comment on constraint events_categories_form on public.events is
  '/categories: takes at most 20 different words of at most 40 characters, without commas';
comment on constraint events_tags_form on public.events is
  '/tags: takes at most 20 different words of at most 40 characters, without commas';
comment on constraint events_capacity_positive on public.events is '/capacity: is between 1 and 1,000,000';
comment on constraint events_visibility_known on public.events is '/visibility: is public, unlisted or members';
comment on constraint events_status_known on public.events is '/status: is draft, published, postponed or cancelled';
comment on constraint events_members_need_community on public.events is
  '/visibility: only an event of a community can be for its members';
comment on constraint events_recurrence_length on public.events is '/recurrence: takes at most 1,000 characters';
comment on constraint events_import_needs_community on public.events is '/uid: only the events of a community are imported';
comment on constraint events_import_uid_key on public.events is '/uid: this event was imported already';
comment on column public.events.city is 'That of its place (places never change), for finding';
create index events_soonest_idx on public.events (starts_at, id) where status <> 'draft';
create index events_span_idx on public.events using gist (tstzrange(starts_at, ends_at, '[]'))
  where status <> 'draft';
create index events_finding_idx on public.events
  using gin (search, categories, tags, (array[date_bin('720 hours', starts_at, '2000-01-01Z')]));
create index events_city_idx on public.events (lower(city), starts_at, id) where status <> 'draft';
create index events_online_idx on public.events (starts_at, id) where online and status <> 'draft';
create index events_venue_idx on public.events (venue_id, starts_at);
create index events_community_idx on public.events (community_id, starts_at, id);
create index events_organizer_idx on public.events (organizer_id, starts_at, id);

create table public.event_attendance (
  event_id uuid primary key references public.events (id) on delete cascade,
  capacity int,
  going int not null default 0,
  interested int not null default 0,
  waitlisted int not null default 0,
  constraint event_attendance_within_capacity check (going <= capacity),
  constraint event_attendance_positive check (going >= 0 and interested >= 0 and waitlisted >= 0)
) with (fillfactor = 50);
comment on table public.event_attendance is
  'How many heads (people and their guests) each answer counts; the check is what keeps an event from overfilling';
comment on constraint event_attendance_within_capacity on public.event_attendance is
  '/capacity: more people than that are already going';

create table public.rsvps (
  event_id uuid not null references public.events (id) on delete cascade,
  person_id uuid not null references public.profiles (id) on delete cascade,
  status text not null,
  guests int not null default 0,
  answers jsonb not null default '{}',
  queued_at timestamptz,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  primary key (event_id, person_id),
  constraint rsvps_status_known check (status in ('going', 'interested', 'declined', 'waitlisted')),
  constraint rsvps_guests_range check (guests between 0 and 10),
  constraint rsvps_answers_form check (jsonb_typeof(answers) = 'object' and pg_column_size(answers) <= 16000),
  constraint rsvps_queued_while_waitlisted check ((status = 'waitlisted') = (queued_at is not null))
);
comment on constraint rsvps_status_known on public.rsvps is '/status: is going, interested or declined';
comment on constraint rsvps_queued_while_waitlisted on public.rsvps is '/status: whoever waits has a place in the queue';
comment on constraint rsvps_guests_range on public.rsvps is '/guests: is between 0 and 10';
comment on constraint rsvps_answers_form on public.rsvps is '/answers: takes an object of at most 16,000 bytes';
create index rsvps_person_idx on public.rsvps (person_id, event_id);
create index rsvps_queue_idx on public.rsvps (event_id, queued_at) where status = 'waitlisted';
create index rsvps_listing_idx on public.rsvps (event_id, created_at, person_id);

create table public.comments (
  id uuid primary key default private.uuid_v7(),
  event_id uuid not null references public.events (id) on delete cascade,
  author_id uuid references public.profiles (id) on delete set null,
  body text not null,
  reply_to uuid,
  version int not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint comments_of_event unique (event_id, id),
  constraint comments_reply_of_same_event foreign key (event_id, reply_to)
    references public.comments (event_id, id) on delete set null (reply_to),
  constraint comments_body_form check (char_length(body) between 1 and 5000 and btrim(body) <> '')
);
comment on constraint comments_reply_of_same_event on public.comments is '/reply_to: is no comment of this event';
comment on constraint comments_of_event on public.comments is '/id: is taken';
comment on constraint comments_body_form on public.comments is '/body: takes 1 to 5,000 characters';
create index comments_author_idx on public.comments (author_id);
create index comments_reply_idx on public.comments (event_id, reply_to) where reply_to is not null;


-- The outbox and the keys of exactly-once requests

create table private.outbox (
  id bigint generated always as identity primary key,
  transaction_id xid8 not null default pg_current_xact_id(),
  topic text not null,
  kind text not null,
  payload jsonb not null default '{}',
  created_at timestamptz not null default now()
);
comment on table private.outbox is
  'One row a change, written in its transaction. Read in the order (transaction_id, id), below pg_snapshot_xmin only';
create index outbox_order_idx on private.outbox (transaction_id, id);
create index outbox_age_idx on private.outbox using brin (created_at);
alter table private.outbox enable row level security;

create table private.idempotency_keys (
  scope text not null,
  key text not null,
  fingerprint text not null,
  status int,
  headers jsonb,
  body text,
  created_at timestamptz not null default now(),
  primary key (scope, key)
);
comment on table private.idempotency_keys is 'Answers of POSTs that carried an Idempotency-Key, kept for 24 hours';
create index idempotency_keys_age_idx on private.idempotency_keys (created_at);
alter table private.idempotency_keys enable row level security;

alter table public.profiles enable row level security;
alter table public.platform_admins enable row level security;
alter table public.person_follows enable row level security;
alter table public.communities enable row level security;
alter table public.memberships enable row level security;
alter table public.community_follows enable row level security;
alter table public.venues enable row level security;
alter table public.events enable row level security;
alter table public.event_attendance enable row level security;
alter table public.rsvps enable row level security;
alter table public.comments enable row level security;
