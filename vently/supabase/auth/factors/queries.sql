-- Second factors, their challenges, and recovery codes.

-- name: lock_person
select id from auth.users where id = :user for no key update;

-- name: factor_of_person
select id, factor_type::text as kind, status = 'verified' as verified, secret,
       web_authn_credential as credential, totp_last_step as last_step
  from auth.mfa_factors
 where id = :factor and user_id = :user;

-- name: names_of_factors
select array_agg(coalesce(friendly_name, '')) from auth.mfa_factors where user_id = :user;

-- name: forget_abandoned_factors
-- Enrolled and never verified, and nobody is about to.
delete from auth.mfa_factors f
 where f.user_id = :user
   and f.status = 'unverified'
   and f.created_at < now() - interval '5 minutes'
   and not exists (
         select from auth.mfa_challenges c where c.factor_id = f.id and c.created_at > now() - interval '5 minutes'
       );

-- name: add_factor
insert into auth.mfa_factors (id, user_id, friendly_name, factor_type, status, secret, created_at, updated_at)
values (:factor, :user, :name, :kind::text::auth.factor_type, 'unverified', :secret, now(), now());

-- name: remove_factor
delete from auth.mfa_factors where id = :factor;

-- name: forget_unverified_factors
delete from auth.mfa_factors
 where user_id = :user and status = 'unverified' and factor_type = :kind::text::auth.factor_type;

-- name: take_code
update auth.mfa_factors
   set status = 'verified', totp_last_step = :step, updated_at = now()
 where id = :factor and (totp_last_step is null or totp_last_step < :step);

-- name: take_key
update auth.mfa_factors
   set status = 'verified', web_authn_credential = :credential, web_authn_aaguid = :aaguid::text::uuid,
       updated_at = now()
 where id = :factor;

-- name: keys_of_person
select array_agg(web_authn_credential ->> 'id')
  from auth.mfa_factors
 where user_id = :user and web_authn_credential is not null;

-- name: key_is_taken
select exists (select from auth.mfa_factors where web_authn_credential ->> 'id' = :key)
    or exists (select from auth.webauthn_credentials where credential_id = :credential);

-- name: forget_old_challenges
-- An hour is long enough to be told that it was too late; twenty are more than anybody answers.
delete from auth.mfa_challenges
 where factor_id = :factor
   and (created_at < now() - interval '1 hour'
        or id in (select id from auth.mfa_challenges where factor_id = :factor order by created_at desc offset 20));

-- name: keep_challenge
insert into auth.mfa_challenges (id, factor_id, created_at, ip_address, web_authn_session_data)
values (gen_random_uuid(), :factor, now(), :ip::text::inet, :session_data)
returning id, web_authn_session_data as session_data, created_at + :seconds::int * interval '1 second' as expires_at,
          false as expired, false as answered, false as elsewhere;

-- name: challenge_of_factor
select id, web_authn_session_data as session_data,
       created_at + :seconds::int * interval '1 second' as expires_at,
       created_at + :seconds * interval '1 second' < now() as expired,
       verified_at is not null as answered,
       ip_address <> :ip::text::inet as elsewhere
  from auth.mfa_challenges
 where id = :challenge and factor_id = :factor
   for no key update;

-- name: close_challenge
update auth.mfa_challenges set verified_at = now() where id = :challenge;

-- name: recovery_codes_left
select s.id, count(*)::int as total, (count(*) filter (where c.consumed_at is null))::int as remaining
  from auth.mfa_recovery_code_sets s
  join auth.mfa_recovery_codes c on c.mfa_recovery_code_set_id = s.id
 where s.user_id = :user
 group by s.id;

-- name: keep_recovery_codes
with made as (
  insert into auth.mfa_recovery_code_sets (user_id) values (:user) returning id
), kept as (
  insert into auth.mfa_recovery_codes (mfa_recovery_code_set_id, code_hash)
  select made.id, mark from made, unnest(:marks::text[]) as mark
)
select id from made;

-- name: take_recovery_code
update auth.mfa_recovery_codes c
   set consumed_at = now()
  from auth.mfa_recovery_code_sets s
 where s.id = c.mfa_recovery_code_set_id and s.user_id = :user
   and c.code_hash = :mark and c.consumed_at is null;

-- name: remove_recovery_codes
delete from auth.mfa_recovery_code_sets where user_id = :user;
