-- name: get_me
select json_build_object(
         'id', p.id, 'handle', p.handle, 'name', p.name, 'bio', p.bio, 'city', p.city, 'country', p.country,
         'email', nullif(current_setting('request.jwt.claim.email', true), ''),
         'organizer', json_build_object('status', p.organizer_status, 'since', p.organizer_since),
         'platform_admin', (select private.i_am_platform_admin()),
         'url', coalesce(current_setting('vently.site', true), '') || '/people/' || p.handle,
         'created_at', p.created_at, 'updated_at', p.updated_at)::text as body,
       p.version
  from public.profiles p
 where p.id = (select auth.uid());

-- name: update_me
update public.profiles p
   set (handle, name, bio, city, country) =
       (select n.handle, n.name, n.bio, n.city, n.country from jsonb_populate_record(p, :changes) n)
 where p.id = (select auth.uid()) and (:version::int is null or p.version = :version);

-- name: become_organizer
select private.become_organizer(:approval);

-- name: get_person
select json_build_object(
         'id', p.id, 'handle', p.handle, 'name', p.name, 'bio', p.bio, 'city', p.city, 'country', p.country,
         'organizer', p.organizer_status = 'approved',
         'followers', p.followers_count,
         'following', exists (select 1 from public.person_follows f
                               where f.follower_id = (select auth.uid()) and f.followed_id = p.id),
         'url', coalesce(current_setting('vently.site', true), '') || '/people/' || p.handle,
         'created_at', p.created_at)::text as body,
       p.version
  from public.profiles p
 where p.handle = :handle;

-- name: follow_person
with person as (select p.id from public.profiles p where p.handle = :handle),
     followed as (
       insert into public.person_follows (follower_id, followed_id)
       select (select auth.uid()), person.id from person
       on conflict do nothing)
select count(*) from person;

-- name: unfollow_person
with person as (select p.id from public.profiles p where p.handle = :handle),
     unfollowed as (
       delete from public.person_follows f using person
        where f.follower_id = (select auth.uid()) and f.followed_id = person.id)
select count(*) from person;

-- name: promote
insert into public.platform_admins (person_id) values (:person_id) on conflict do nothing;

-- name: lock_platform_admins
lock table public.platform_admins in share row exclusive mode;

-- name: demote
delete from public.platform_admins
 where person_id = :person_id and exists (select from public.platform_admins where person_id <> :person_id);

-- name: is_platform_admin
select exists (select from public.platform_admins where person_id = :person_id);

-- name: find_account
select a.id, a.email from private.account_of(:email) a;

-- name: get_portrait
select p.handle, p.name, p.organizer_status = 'approved' as organizer
  from public.profiles p where p.id = (select auth.uid());

-- name: list_people
with found as materialized (
  select p.id, p.handle, p.name, p.organizer_status, p.created_at,
         row_number() over (order by p.created_at, p.id) as place
    from public.profiles p
   where (select private.i_am_platform_admin())
     and (:organizer::text is null or p.organizer_status = :organizer)
     and (:q::text is null or strpos(lower(p.name), lower(:q)) > 0 or strpos(p.handle, lower(:q)) > 0)
     and (:after_id::uuid is null or (p.created_at, p.id) > (:after_key::timestamptz, :after_id))
   order by p.created_at, p.id
   limit :count::int + 1
)
select coalesce((select json_agg(json_build_object('id', f.id, 'handle', f.handle, 'name', f.name,
                    'organizer', f.organizer_status, 'created_at', f.created_at) order by f.place)
                   from found f where f.place <= :count), '[]')::text as items,
       (select count(*) from found) > :count as more,
       (select f.created_at from found f where f.place = :count) as last_key,
       (select f.id from found f where f.place = :count) as last_id;

-- name: set_organizer_status
select private.set_organizer_status(p.id, :status) from public.profiles p where p.handle = :handle;

-- name: get_account
select json_build_object('id', p.id, 'handle', p.handle, 'name', p.name, 'organizer', p.organizer_status,
                         'created_at', p.created_at)::text as body, p.version
  from public.profiles p where p.handle = :handle;

-- name: am_platform_admin
select private.i_am_platform_admin();

-- name: list_my_sessions
select s.id, s.created_at, s.refreshed_at, s.user_agent, s.ip, s.aal, s.current
  from private.my_sessions() s
 order by s.current desc, s.refreshed_at desc, s.id
 limit 200;

-- name: end_my_session
select private.end_my_session(:session);
