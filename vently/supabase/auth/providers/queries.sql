-- Trips to providers, and the accounts they end in.

-- name: begin_trip
insert into auth.oauth_client_states (id, provider_type, code_verifier, created_at)
values (:state, :provider, :sealed, clock_timestamp());

-- name: tie_flow
-- A flow sets out once.
update auth.flow_state
   set oauth_client_state_id = :state, updated_at = clock_timestamp()
 where id = :flow and oauth_client_state_id is null and provider_type = :provider
   and created_at > clock_timestamp() - interval '5 minutes'
returning id;

-- name: back_of_link
select referrer
  from auth.flow_state
 where id = :flow and linking_target_id is not null and oauth_client_state_id is null;

-- name: take_state
with state as (
  delete from auth.oauth_client_states
   where id = :state and created_at > clock_timestamp() - make_interval(secs => :lasts)
  returning id, provider_type, code_verifier
)
select f.id as flow, state.provider_type as provider, state.code_verifier as sealed,
       f.code_challenge is not null as pkce, f.referrer as back, f.linking_target_id as link_to
  from state
  join auth.flow_state f on f.oauth_client_state_id = state.id;

-- name: end_flow
delete from auth.flow_state where id = :flow;

-- name: wait_for_turn
select pg_advisory_xact_lock(hashtextextended(:whose, 0));

-- name: renew_identity
with identity as (
  update auth.identities
     set identity_data = :data::jsonb, last_sign_in_at = now(), updated_at = now()
   where provider = :provider and provider_id = :subject
  returning user_id
)
select u.id, u.email::text as email, u.email_confirmed_at is not null as confirmed,
       u.deleted_at is not null or coalesce(u.banned_until > now(), false) as banned
  from identity
  join auth.users u on u.id = identity.user_id;

-- name: owner_of_identity
select user_id from auth.identities where provider = :provider and provider_id = :subject;

-- name: person_of_email
select id, email::text as email, email_confirmed_at is not null as confirmed,
       deleted_at is not null or coalesce(banned_until > now(), false) as banned
  from auth.users
 where email = :email and not is_sso_user
   for no key update;

-- name: may_be_a_strangers
-- Where addresses count as confirmed at once, anybody may have signed up with this one: there is a way in, and none of
-- them is by a provider that vouches for the address.
select not exists (
         select from auth.identities i
          where i.user_id = u.id and i.provider <> 'email' and i.email = u.email
            and i.identity_data ->> 'email_verified' = 'true'
       )
   and (coalesce(u.encrypted_password, '') <> ''
        or exists (select from auth.identities i where i.user_id = u.id and i.provider <> 'email')
        or exists (select from auth.webauthn_credentials c where c.user_id = u.id)
        or exists (select from auth.sessions s where s.user_id = u.id))
  from auth.users u
 where u.id = :person;

-- name: lock_person
select id, email::text as email, email_confirmed_at is not null as confirmed,
       coalesce(banned_until > now(), false) as banned
  from auth.users
 where id = :person and deleted_at is null
   for no key update;

-- name: create_person
insert into auth.users (
  instance_id, id, aud, role, email, email_confirmed_at, raw_app_meta_data, raw_user_meta_data, created_at, updated_at,
  confirmation_token, recovery_token, email_change_token_new, email_change
)
values (
  '00000000-0000-0000-0000-000000000000', :person, 'authenticated', 'authenticated', :email::text,
  case when :email::text is not null then now() end, '{}', :data::jsonb, now(), now(), '', '', '', ''
)
on conflict do nothing
returning id, email::text as email, true as confirmed, false as banned;

-- name: add_identity
insert into auth.identities (provider_id, user_id, identity_data, provider, last_sign_in_at, created_at, updated_at)
values (:subject, :person, :data::jsonb, :provider, now(), clock_timestamp(), now())
on conflict do nothing
returning id;

-- name: note_providers
with known as (
  select provider, min(created_at) as since from auth.identities where user_id = :person group by provider
)
update auth.users
   set raw_app_meta_data = coalesce(raw_app_meta_data, '{}') || jsonb_build_object(
         'provider', (select provider from known order by since, provider limit 1),
         'providers', (select coalesce(jsonb_agg(provider order by since, provider), '[]') from known)
       ),
       updated_at = now()
 where id = :person;

-- name: fill_details
-- What the person says of themselves stays; a provider fills what is empty, as long as a token can carry it.
update auth.users
   set raw_user_meta_data = :data::jsonb || coalesce(raw_user_meta_data, '{}'), updated_at = now()
 where id = :person
   and not coalesce(raw_user_meta_data, '{}') @> :data::jsonb
   and octet_length((:data::jsonb || coalesce(raw_user_meta_data, '{}'))::text) <= 4096;

-- name: give_email
update auth.users
   set email = :email, email_confirmed_at = now(), updated_at = now()
 where id = :person and coalesce(email, '') = '';

-- name: end_anonymity
update auth.users set is_anonymous = false, updated_at = now() where id = :person and is_anonymous;

-- name: clear_unconfirmed
with identities as (
  delete from auth.identities where user_id = :person
), sessions as (
  delete from auth.sessions where user_id = :person
), factors as (
  delete from auth.mfa_factors where user_id = :person
), passkeys as (
  delete from auth.webauthn_credentials where user_id = :person
), ceremonies as (
  delete from auth.webauthn_challenges where user_id = :person
), recovery_codes as (
  delete from auth.mfa_recovery_code_sets where user_id = :person
), devices as (
  delete from auth.known_devices where user_id = :person
), tokens as (
  delete from auth.one_time_tokens where user_id = :person
), flows as (
  delete from auth.flow_state where user_id = :person or linking_target_id = :person
)
update auth.users
   set encrypted_password = null, email_confirmed_at = now(), raw_user_meta_data = '{}',
       confirmation_token = '', recovery_token = '', reauthentication_token = '',
       email_change = '', email_change_token_new = '', email_change_token_current = '', email_change_confirm_status = 0,
       phone = null, phone_confirmed_at = null, phone_change = '', phone_change_token = '', updated_at = now()
 where id = :person;

-- name: remove_identity
-- With the identity `email` goes the password, which was its key.
with identity as (
  delete from auth.identities where id = :identity and user_id = :person
  returning provider
)
update auth.users
   set encrypted_password = null, updated_at = now()
  from identity
 where id = :person and identity.provider = 'email';

-- name: settle_email
-- When the person's address was the one of the identity that is gone, it is now one that another of theirs vouches for,
-- if any does. An address they chose otherwise stays.
update auth.users u
   set email = kept.email, email_confirmed_at = now(), updated_at = now()
  from (
    select i.email
      from auth.identities i
     where i.user_id = :person and i.email is not null
       and (i.provider = 'email' or i.identity_data ->> 'email_verified' = 'true')
     order by i.email = :gone::text desc, i.created_at
     limit 1
  ) kept
 where u.id = :person and u.email = :gone::text and u.email <> kept.email
returning u.email::text;
