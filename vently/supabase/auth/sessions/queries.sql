-- Sessions and refresh tokens.

-- name: begin_session
-- Nothing happens when the password was changed since it was checked, or the person is banned.
with person as (
  update auth.users
     set last_sign_in_at = now(), updated_at = now(),
         encrypted_password = coalesce(:password::text, encrypted_password)
   where id = :user
     and deleted_at is null
     and (:checked::text is null or encrypted_password = :checked)
     and (banned_until is null or banned_until < now())
  returning *
), session as (
  insert into auth.sessions (id, user_id, created_at, updated_at, aal, factor_id, user_agent, ip)
  select gen_random_uuid(), id, now(), now(), :aal::text::auth.aal_level, :factor::uuid, :user_agent::text, :ip::inet
    from person
  returning *
), method as (
  insert into auth.mfa_amr_claims (id, session_id, created_at, updated_at, authentication_method)
  select gen_random_uuid(), id, now(), now(), :method::text from session
  returning *
), token as (
  insert into auth.refresh_tokens (
    instance_id, token, user_id, session_id, parent, revoked, created_at, updated_at
  )
  select '00000000-0000-0000-0000-000000000000', :refresh_token::text, user_id::text, id, null, false, now(), now()
    from session
)
select to_jsonb(person) as person,
       (select jsonb_agg(to_jsonb(i) order by i.created_at) from auth.identities i where i.user_id = person.id)
         as identities,
       (select jsonb_agg(to_jsonb(f) - 'secret' order by f.created_at) from auth.mfa_factors f where f.user_id = person.id)
         as factors,
       session.id as session_id,
       session.aal::text as aal,
       jsonb_build_array(jsonb_build_object(
         'method', method.authentication_method, 'timestamp', extract(epoch from method.created_at)::bigint
       )) as amr
  from person, session, method;

-- name: lock_session_of_token
-- First of the two statements of a refresh: it waits here, so that the second sees what the one before it left.
select s.id
  from auth.sessions s
 where s.id = (select session_id from auth.refresh_tokens where token = :token)
   for no key update;

-- name: exchange_refresh_token
-- The verdict, and what follows from it:
--   fresh      the live token: it is retired and a child takes its place;
--   repeat     a retired one whose answer may have been lost (the parent of the live one, or retired less than ten
--              seconds ago): the live one is given again, so that a session never has two;
--   used       any other retired one has been copied: the whole family is retired.
with token as (
  select * from auth.refresh_tokens where token = :token
), session as (
  select s.* from auth.sessions s join token on s.id = token.session_id
), person as (
  select u.* from auth.users u join session on u.id = session.user_id where u.deleted_at is null
), live as (
  select r.* from auth.refresh_tokens r join session on r.session_id = session.id
   where not r.revoked
   order by r.id desc
   limit 1
), verdict as (
  select case
           when person.banned_until > now() then 'banned'
           when session.not_after < now() then 'expired'
           when not token.revoked then 'fresh'
           when live.id is null then 'used'
           when live.parent = token.token then 'repeat'
           when token.updated_at > clock_timestamp() - interval '10 seconds' then 'repeat'
           else 'used'
         end as answer
    from token cross join session cross join person left join live on true
), retired as (
  update auth.refresh_tokens r
     set revoked = true, updated_at = clock_timestamp()
    from verdict, token
   where not r.revoked
     and r.session_id = token.session_id
     and answer in ('fresh', 'used')
), child as (
  insert into auth.refresh_tokens (
    instance_id, token, user_id, session_id, parent, revoked, created_at, updated_at
  )
  select token.instance_id, :fresh::text, token.user_id, token.session_id, token.token, false,
         clock_timestamp(), clock_timestamp()
    from token, verdict
   where answer = 'fresh'
  returning token
), touched as (
  update auth.sessions s
     set refreshed_at = clock_timestamp() at time zone 'utc', updated_at = now(),
         user_agent = coalesce(:user_agent::text, s.user_agent), ip = coalesce(:ip::inet, s.ip)
    from session, verdict
   where s.id = session.id and answer = 'fresh'
)
select answer,
       coalesce((select token from child), live.token) as refresh_token,
       to_jsonb(person) as person,
       (select jsonb_agg(to_jsonb(i) order by i.created_at) from auth.identities i where i.user_id = person.id)
         as identities,
       (select jsonb_agg(to_jsonb(f) - 'secret' order by f.created_at) from auth.mfa_factors f where f.user_id = person.id)
         as factors,
       session.id as session_id,
       coalesce(session.aal::text, 'aal1') as aal,
       (select jsonb_agg(jsonb_build_object(
                 'method', m.authentication_method, 'timestamp', extract(epoch from m.updated_at)::bigint
               ) order by m.updated_at desc)
          from auth.mfa_amr_claims m where m.session_id = session.id) as amr
  from verdict cross join session cross join person left join live on true;

-- name: lock_session
select id from auth.sessions where id = :session for no key update;

-- name: raise_session
-- A token from before is a stranger's to the live one: only for the ten seconds of a lost answer is it worth anything.
with session as (
  update auth.sessions
     set aal = 'aal2', factor_id = coalesce(:factor::uuid, factor_id), updated_at = now(),
         refreshed_at = clock_timestamp() at time zone 'utc'
   where id = :session
  returning *
), method as (
  insert into auth.mfa_amr_claims (id, session_id, created_at, updated_at, authentication_method)
  select gen_random_uuid(), id, now(), now(), :method::text from session
  on conflict (session_id, authentication_method) do update set updated_at = now()
), retired as (
  update auth.refresh_tokens r
     set revoked = true, updated_at = clock_timestamp()
    from session
   where r.session_id = session.id and not r.revoked
)
insert into auth.refresh_tokens (instance_id, token, user_id, session_id, parent, revoked, created_at, updated_at)
select '00000000-0000-0000-0000-000000000000', :refresh_token::text, user_id::text, id, null, false,
       clock_timestamp(), clock_timestamp()
  from session;

-- name: session_as_it_is
select to_jsonb(u) as person,
       (select jsonb_agg(to_jsonb(i) order by i.created_at) from auth.identities i where i.user_id = u.id)
         as identities,
       (select jsonb_agg(to_jsonb(f) - 'secret' order by f.created_at) from auth.mfa_factors f where f.user_id = u.id)
         as factors,
       s.id as session_id,
       coalesce(s.aal::text, 'aal1') as aal,
       (select jsonb_agg(jsonb_build_object(
                 'method', m.authentication_method, 'timestamp', extract(epoch from m.updated_at)::bigint
               ) order by m.updated_at desc)
          from auth.mfa_amr_claims m where m.session_id = s.id) as amr
  from auth.sessions s
  join auth.users u on u.id = s.user_id
 where s.id = :session;

-- name: end_lesser_sessions
delete from auth.sessions where user_id = :user and id <> :session and (aal is null or aal < 'aal2');

-- name: lower_sessions
-- Those that a factor has raised; without any factor left, all but those that a passkey began.
with lowered as (
  update auth.sessions s
     set aal = 'aal1', factor_id = null, updated_at = now()
   where s.user_id = :user
     and (s.factor_id = :factor
          or :last::boolean and s.aal > 'aal1'
             and not exists (
               select from auth.mfa_amr_claims m where m.session_id = s.id and m.authentication_method = 'passkey'
             ))
  returning s.id
)
delete from auth.mfa_amr_claims m
 using lowered
 where m.session_id = lowered.id
   and m.authentication_method in ('totp', 'mfa/webauthn', 'mfa/phone', 'mfa/recovery_code');

-- name: user_of_session
select to_jsonb(u) as person,
       (select jsonb_agg(to_jsonb(i) order by i.created_at) from auth.identities i where i.user_id = u.id)
         as identities,
       (select jsonb_agg(to_jsonb(f) - 'secret' order by f.created_at) from auth.mfa_factors f where f.user_id = u.id)
         as factors,
       coalesce(u.banned_until > now(), false) as banned,
       s.id as session_id,
       s.aal::text as aal,
       s.created_at as signed_in_at
  from auth.users u
  left join auth.sessions s on s.id = :session and s.user_id = u.id
 where u.id = :user and u.deleted_at is null;

-- name: end_sessions
-- The person's row is locked first, so that two sign-outs at once wait for each other instead of deadlocking.
with here as (
  select s.user_id
    from auth.sessions s
    join auth.users u on u.id = s.user_id
   where s.id = :session
     for no key update of u
), ended as (
  delete from auth.sessions s
   using here
   where s.user_id = here.user_id
     and case :scope::text
           when 'global' then true
           when 'local' then s.id = :session
           when 'others' then s.id <> :session
           else false
         end
)
select exists (select from here);
