-- Statements of the demo town. Hundreds of rows at a time, so unlike elsewhere they write other rooms' tables;
-- they run as the people themselves, and row-level security judges each row.

-- name: may_make_accounts
select pg_has_role(session_user, 'supabase_auth_admin', 'member')
  from pg_roles where rolname = 'supabase_auth_admin';

-- name: any_events
select exists (select 1 from public.events);

-- name: take_turns
select pg_advisory_xact_lock(hashtextextended('vently demo', 0));

-- name: stands_already
select exists (select 1 from auth.users where email like '%@demo.vently.example');

-- name: create_accounts
-- Without a password and without an identity: nobody can sign in as them.
insert into auth.users (
  instance_id, id, aud, role, email, email_confirmed_at, raw_app_meta_data, raw_user_meta_data, created_at, updated_at,
  confirmation_token, recovery_token, email_change_token_new, email_change)
select '00000000-0000-0000-0000-000000000000', a.id, 'authenticated', 'authenticated', a.email, now(),
       '{"provider": "email", "providers": [], "demo": true}',
       jsonb_build_object('name', a.name, 'handle', a.handle), now(), now(), '', '', '', ''
  from jsonb_to_recordset(:accounts::jsonb) as a (id uuid, email text, name text, handle text);

-- name: become
-- One transaction, many people: what Database.acting_as sets at its beginning.
select set_config('role', 'authenticated', true),
       set_config('request.jwt.claims', :claims, true),
       set_config('request.jwt.claim.sub', :id, true),
       set_config('request.jwt.claim.role', 'authenticated', true),
       set_config('request.jwt.claim.email', :email, true),
       set_config('vently.link', :link, true);

-- name: serve
-- As the node does when it sells.
select set_config('role', 'service_role', true),
       set_config('request.jwt.claims', '{"role": "service_role"}', true),
       set_config('request.jwt.claim.sub', '', true),
       set_config('request.jwt.claim.role', 'service_role', true);

-- name: reserve
select count(*) from private.sell(:carts, 'pretend', 0) s where s.status = 201;

-- name: settle_in
with joined as (
  insert into public.memberships (community_id, person_id, status)
  select c.id, (select auth.uid()), case c.join_policy when 'open' then 'active' else 'requested' end
    from public.communities c where c.id = any (:joins::uuid[])
), followed as (
  insert into public.community_follows (community_id, person_id)
  select unnest(:follows::uuid[]), (select auth.uid())
)
insert into public.person_follows (follower_id, followed_id)
select (select auth.uid()), unnest(:people::uuid[]);

-- name: answer_events
insert into public.rsvps (event_id, person_id, status, guests)
select a.event, (select auth.uid()), a.status, a.guests
  from jsonb_to_recordset(:answers::jsonb) as a (event uuid, status text, guests int);
