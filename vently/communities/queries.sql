-- name: create_community
insert into public.communities (slug, name, description, city, country, lat, lng, join_policy, created_by)
values (coalesce(:slug::text, private.free_community_slug(:name)), :name, :description, :city, :country, :lat, :lng,
        :join_policy, (select auth.uid()))
returning id;

-- name: get_community
select row_to_json(c)::text as body, c.version
  from public.community_cards c
 where c.id = :id::uuid or c.slug = :slug::text;

-- name: update_community
update public.communities c
   set (slug, name, description, city, country, lat, lng, join_policy) =
       (select n.slug, n.name, n.description, n.city, n.country, n.lat, n.lng, n.join_policy
          from jsonb_populate_record(c, :changes) n)
 where (c.id = :id::uuid or c.slug = :slug::text) and (:version::int is null or c.version = :version)
returning c.id;

-- name: delete_community
delete from public.communities c
 where (c.id = :id::uuid or c.slug = :slug::text) and (:version::int is null or c.version = :version);

-- name: list_communities
with found as materialized (
  select c.id, c.name
    from public.communities c
   where (:q::text is null or strpos(lower(c.name), lower(:q)) > 0)
     and (:city::text is null or lower(c.city) = lower(:city))
     -- No function that visitors may not call: once Postgres keeps a general plan it asks for that right even where `mine` is false.
     and (not :mine or c.id in (select m.community_id from public.memberships m
                                 where m.person_id = (select auth.uid()) and m.status = 'active'))
     and (:after_id::uuid is null or (c.name, c.id) > (:after_key::text, :after_id))
   order by c.name, c.id
   limit :count::int + 1
), placed as (
  select f.id, f.name, row_number() over (order by f.name, f.id) as place from found f
)
select coalesce((select json_agg(row_to_json(c) order by p.place)
                   from placed p join public.community_cards c on c.id = p.id where p.place <= :count), '[]')::text as items,
       (select count(*) from placed) > :count as more,
       (select p.name from placed p where p.place = :count) as last_key,
       (select p.id from placed p where p.place = :count) as last_id;

-- name: follow_community
with community as (select c.id from public.communities c where c.id = :id::uuid or c.slug = :slug::text),
     followed as (
       insert into public.community_follows (community_id, person_id)
       select community.id, (select auth.uid()) from community
       on conflict do nothing)
select count(*) from community;

-- name: unfollow_community
with community as (select c.id from public.communities c where c.id = :id::uuid or c.slug = :slug::text),
     unfollowed as (
       delete from public.community_follows f using community
        where f.community_id = community.id and f.person_id = (select auth.uid()))
select count(*) from community;

-- name: join_community
insert into public.memberships (community_id, person_id, status)
select c.id, (select auth.uid()), case c.join_policy when 'open' then 'active' else 'requested' end
  from public.communities c
 where c.id = :id::uuid or c.slug = :slug::text
on conflict do nothing;

-- name: get_membership
select m.role, m.status
  from public.memberships m
  join public.communities c on c.id = m.community_id
 where (c.id = :id::uuid or c.slug = :slug::text) and m.person_id = (select auth.uid());

-- name: leave_community
delete from public.memberships m using public.communities c
 where c.id = m.community_id and (c.id = :id::uuid or c.slug = :slug::text) and m.person_id = (select auth.uid());

-- name: list_members
with found as materialized (
  select m.community_id, m.person_id, m.role, m.status, m.created_at
    from public.memberships m
    join public.communities c on c.id = m.community_id
   where (c.id = :id::uuid or c.slug = :slug::text)
     and (:status::text is null or m.status = :status)
     and (:after_id::uuid is null or (m.created_at, m.person_id) > (:after_key::timestamptz, :after_id))
   order by m.created_at, m.person_id
   limit :count::int + 1
), placed as (
  select f.*, row_number() over (order by f.created_at, f.person_id) as place from found f
)
select coalesce((select json_agg(json_build_object(
                    'person', json_build_object('id', p.id, 'handle', p.handle, 'name', p.name),
                    'role', l.role, 'status', l.status, 'since', l.created_at) order by l.place)
                   from placed l join public.profiles p on p.id = l.person_id where l.place <= :count), '[]')::text as items,
       (select count(*) from placed) > :count as more,
       (select l.created_at from placed l where l.place = :count) as last_key,
       (select l.person_id from placed l where l.place = :count) as last_id;

-- name: set_member
update public.memberships m
   set role = coalesce(:role::text, case when :status in ('requested', 'banned') then 'member' else m.role end),
       status = coalesce(:status::text, m.status), updated_at = now()
  from public.communities c, public.profiles p
 where c.id = m.community_id and (c.id = :id::uuid or c.slug = :slug::text)
   and p.id = m.person_id and (p.handle = :person or p.id::text = :person)
returning json_build_object('person', json_build_object('id', p.id, 'handle', p.handle, 'name', p.name),
                            'role', m.role, 'status', m.status, 'since', m.created_at)::text as body, 1 as version;

-- name: remove_member
delete from public.memberships m using public.communities c, public.profiles p
 where c.id = m.community_id and (c.id = :id::uuid or c.slug = :slug::text)
   and p.id = m.person_id and (p.handle = :person or p.id::text = :person);

-- name: sees_member
select 1
  from public.memberships m
  join public.communities c on c.id = m.community_id
  join public.profiles p on p.id = m.person_id
 where (c.id = :id::uuid or c.slug = :slug::text) and (p.handle = :person or p.id::text = :person);

-- name: list_my_communities
select coalesce(json_agg(row_to_json(c) order by c.name), '[]')::text
  from public.community_cards c where c.id in (select private.my_communities());

-- name: list_run_by
select p.handle, p.name, m.role from private.community_team(:community_id) m join public.profiles p on p.id = m.person_id;
