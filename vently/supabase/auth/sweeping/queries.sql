-- What is past its life, some rows at a time. Rows that somebody holds are passed over: the next sweep has them.

-- name: take_turn
-- One node sweeps at a time; the lock goes with the transaction.
select pg_try_advisory_xact_lock(hashtextextended('vently: sweep of sign-in', 0));

-- name: sweep_one_time_tokens
delete from auth.one_time_tokens
 where id in (
         select id from auth.one_time_tokens
          where created_at < (now() at time zone 'utc') - make_interval(secs => :life)
          limit :batch
            for update skip locked
       );

-- name: sweep_flows
delete from auth.flow_state
 where id in (
         select id from auth.flow_state
          where created_at < now() - interval '1 day'
          limit :batch
            for update skip locked
       );

-- name: sweep_client_states
delete from auth.oauth_client_states
 where id in (
         select id from auth.oauth_client_states
          where created_at < now() - interval '1 hour'
          limit :batch
            for update skip locked
       );

-- name: sweep_factor_challenges
delete from auth.mfa_challenges
 where id in (
         select id from auth.mfa_challenges
          where created_at < now() - interval '1 day'
          limit :batch
            for update skip locked
       );

-- name: sweep_passkey_challenges
delete from auth.webauthn_challenges
 where id in (
         select id from auth.webauthn_challenges
          where expires_at < now() - interval '1 hour'
          limit :batch
            for update skip locked
       );

-- name: sweep_refresh_tokens
-- Of the next sessions in the order of their ids: what was retired a day ago, where the session has gone on. The live one
-- stays, and its parent, whose answer may have been lost.
with page as (
  select id from auth.sessions where id > :after order by id limit :batch
), live as (
  select r.session_id, r.id, r.parent from page join auth.refresh_tokens r on r.session_id = page.id and not r.revoked
), spent as (
  select r.id
    from page
    join auth.refresh_tokens r on r.session_id = page.id
   where r.revoked
     and r.updated_at < now() - interval '1 day'
     and exists (select from live where live.session_id = r.session_id and live.id > r.id)
     and not exists (select from live where live.session_id = r.session_id and live.parent = r.token)
     for update of r skip locked
), gone as (
  delete from auth.refresh_tokens where id in (select id from spent) returning 1
)
select (select id from page order by id desc limit 1) as last,
       (select count(*) from page)::int as sessions,
       (select count(*) from gone)::int as gone;

-- name: sweep_sessions
delete from auth.sessions
 where id in (
         select id from auth.sessions
          where not_after < now()
          limit :batch
            for update skip locked
       );

-- name: sweep_rate_limits
-- Buckets nobody has taken from for so long are full again, and as good as none.
delete from auth.rate_limits
 where key in (
         select key from auth.rate_limits
          where updated_at < clock_timestamp() - make_interval(secs => :seconds)
          limit :batch
            for update skip locked
       );
