-- Passkeys and the challenges of their ceremonies.

-- name: lock_person
select id from auth.users where id = :user for no key update;

-- name: is_fresh
-- A session's methods are dated anew each time the person proves to be one.
select exists (
  select from auth.mfa_amr_claims where session_id = :session and updated_at > now() - interval '24 hours'
);

-- name: keep_challenge
insert into auth.webauthn_challenges (user_id, challenge_type, session_data, expires_at)
values (:user, :kind, :session_data, now() + :seconds::int * interval '1 second')
returning id, expires_at;

-- name: consume_challenge
delete from auth.webauthn_challenges
 where id = :id and challenge_type = :kind and user_id is not distinct from :user::uuid
returning session_data ->> 'challenge' as challenge, expires_at, expires_at < now() as expired;

-- name: credentials_of_person
select array_agg(credential_id) from auth.webauthn_credentials where user_id = :user;

-- name: passkeys_of_person
select id, friendly_name, created_at, last_used_at
  from auth.webauthn_credentials
 where user_id = :user
 order by created_at, id;

-- name: add_passkey
insert into auth.webauthn_credentials (
  user_id, credential_id, public_key, attestation_type, aaguid, sign_count, transports, backup_eligible, backed_up
)
values (
  :user, :credential, :public_key, :attestation, :aaguid::text::uuid, :sign_count, :transports,
  :backup_eligible, :backed_up
)
on conflict do nothing
returning id, friendly_name, created_at, last_used_at;

-- name: rename_passkey
update auth.webauthn_credentials
   set friendly_name = :name, updated_at = now()
 where id = :passkey and user_id = :user
returning id, friendly_name, created_at, last_used_at;

-- name: remove_passkey
delete from auth.webauthn_credentials where id = :passkey and user_id = :user;

-- name: passkey_by_credential
select c.id as passkey, c.user_id as user, u.email_confirmed_at is not null or coalesce(u.email, '') = '' as confirmed,
       c.credential_id as id, c.public_key, c.sign_count, c.backup_eligible
  from auth.webauthn_credentials c
  join auth.users u on u.id = c.user_id
 where c.credential_id = :credential and u.deleted_at is null
   for no key update of c;

-- name: use_passkey
update auth.webauthn_credentials
   set sign_count = :sign_count, backed_up = :backed_up, last_used_at = now(), updated_at = now()
 where id = :passkey;
