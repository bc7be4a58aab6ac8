-- Administration of accounts.

-- name: count_users
select count(*)
  from auth.users
 where aud = 'authenticated'
   and (:filter::text = '' or strpos(lower(email), lower(:filter)) > 0
        or strpos(lower(raw_user_meta_data ->> 'full_name'), lower(:filter)) > 0);

-- name: list_users
-- By page number and not by the last one seen: so it is in the contract.
select to_jsonb(u) as person,
       (select jsonb_agg(to_jsonb(i) order by i.created_at) from auth.identities i where i.user_id = u.id) as identities,
       (select jsonb_agg(to_jsonb(f) - 'secret' order by f.created_at) from auth.mfa_factors f where f.user_id = u.id)
         as factors
  from auth.users u
 where u.aud = 'authenticated'
   and (:filter::text = '' or strpos(lower(u.email), lower(:filter)) > 0
        or strpos(lower(u.raw_user_meta_data ->> 'full_name'), lower(:filter)) > 0)
 order by u.created_at desc nulls last, u.id desc
 limit :count offset :skip;

-- name: get_user
select to_jsonb(u) as person,
       (select jsonb_agg(to_jsonb(i) order by i.created_at) from auth.identities i where i.user_id = u.id) as identities,
       (select jsonb_agg(to_jsonb(f) - 'secret' order by f.created_at) from auth.mfa_factors f where f.user_id = u.id)
         as factors
  from auth.users u
 where u.id = :user;

-- name: email_is_taken
select exists (select from auth.users where email = :email and not is_sso_user and id <> :user);

-- name: create_user
-- `roles` is kept by the rules of people, and by nobody else.
with person as (
  insert into auth.users (
    instance_id, id, aud, role, email, encrypted_password, email_confirmed_at, banned_until,
    raw_app_meta_data, raw_user_meta_data, created_at, updated_at,
    -- Supabase Auth reads these as text: null would break it should the account ever move there.
    confirmation_token, recovery_token, email_change_token_new, email_change
  )
  values (
    '00000000-0000-0000-0000-000000000000', :id, 'authenticated', 'authenticated', :email::text, :password::text,
    case when :confirmed::boolean then now() end,
    case when :ban::interval > interval '0' then now() + :ban end,
    '{"provider": "email", "providers": ["email"]}'::jsonb || (:app_metadata::jsonb - 'roles'), :user_metadata::jsonb,
    now(), now(), '', '', '', ''
  )
  on conflict do nothing
  returning *
)
insert into auth.identities (provider_id, user_id, identity_data, provider, last_sign_in_at, created_at, updated_at)
select id::text, id,
       jsonb_build_object('sub', id, 'email', email, 'email_verified', :confirmed, 'phone_verified', false),
       'email', now(), now(), now()
  from person
returning user_id;

-- name: change_user
-- Null leaves a thing as it is; in metadata it takes a key away. Who has a new password or is banned (`shut`)
-- signs in anew, by nothing that was under way before.
with person as (
  update auth.users u
     set email = coalesce(:email::text, u.email),
         email_confirmed_at = coalesce(u.email_confirmed_at, case when :confirmed::boolean then now() end),
         email_change = case when :email::text is null then u.email_change else '' end,
         is_anonymous = u.is_anonymous and :email::text is null,
         encrypted_password = coalesce(:password::text, u.encrypted_password),
         banned_until = case
           when :ban::interval is null then u.banned_until
           when :ban > interval '0' then now() + :ban
         end,
         raw_user_meta_data = (coalesce(u.raw_user_meta_data, '{}') || :user_metadata::jsonb) - :user_dropped::text[],
         raw_app_meta_data =
           (coalesce(u.raw_app_meta_data, '{}') || (:app_metadata::jsonb - 'roles')) - array_remove(:app_dropped::text[], 'roles'),
         updated_at = now()
   where u.id = :user
  returning u.*
), identity as (
  insert into auth.identities (provider_id, user_id, identity_data, provider, last_sign_in_at, created_at, updated_at)
  select id::text, id, jsonb_build_object('sub', id, 'email', email, 'email_verified', email_confirmed_at is not null),
         'email', now(), now(), now()
    from person
   where :email::text is not null
  on conflict (provider_id, provider) do update
     set identity_data = identities.identity_data || excluded.identity_data, updated_at = now()
), letters as (
  delete from auth.one_time_tokens t
   using person
   where t.user_id = person.id and (:email::text is not null or :shut::boolean)
), flows as (
  delete from auth.flow_state f
   using person
   where person.id in (f.user_id, f.linking_target_id) and (:email::text is not null or :shut)
), sessions as (
  delete from auth.sessions s using person where s.user_id = person.id and :shut
)
select id from person;

-- name: delete_user
delete from auth.users where id = :user returning id;

-- name: hide_user
-- What identifies somebody becomes a hash with their id, as in Supabase Auth: the row stays for what refers to it.
with person as (
  update auth.users
     set email = :hide_email, phone = null, encrypted_password = '', email_change = '', phone_change = '',
         confirmation_token = '', recovery_token = '', email_change_token_new = '', email_change_token_current = '',
         phone_change_token = '', reauthentication_token = '',
         raw_user_meta_data = '{}', raw_app_meta_data = '{}', deleted_at = now(), updated_at = now()
   where id = :user and deleted_at is null
  returning id
), identities as (
  update auth.identities i
     set provider_id = translate(encode(sha256(convert_to(i.user_id::text || i.provider_id, 'utf8')), 'base64'), '+/=', '-_'),
         identity_data = '{}', updated_at = now()
    from person
   where i.user_id = person.id
), sessions as (
  delete from auth.sessions s using person where s.user_id = person.id
), factors as (
  delete from auth.mfa_factors f using person where f.user_id = person.id
), recovery_codes as (
  delete from auth.mfa_recovery_code_sets r using person where r.user_id = person.id
), passkeys as (
  delete from auth.webauthn_credentials c using person where c.user_id = person.id
), ceremonies as (
  delete from auth.webauthn_challenges c using person where c.user_id = person.id
), devices as (
  delete from auth.known_devices d using person where d.user_id = person.id
), flows as (
  delete from auth.flow_state f using person where person.id in (f.user_id, f.linking_target_id)
)
delete from auth.one_time_tokens t using person where t.user_id = person.id;

-- name: delete_factor
delete from auth.mfa_factors f
 where f.id = :factor and f.user_id = :user
returning to_jsonb(f) - 'secret';

-- name: mark_invited
update auth.users set invited_at = now(), updated_at = now() where id = :user;

-- name: add_to_waiting
-- The password there may be that of anybody who knew the address: it is not to be confirmed with the account.
update auth.users
   set encrypted_password = :password::text,
       raw_user_meta_data = coalesce(raw_user_meta_data, '{}') || :data::jsonb, updated_at = now()
 where id = :user;

-- name: begin_email_change
-- Asked for each of the two addresses: the second time changes nothing about what the first has confirmed.
update auth.users
   set email_change_confirm_status = case
         when email_change = :email then email_change_confirm_status
         when coalesce(email, '') = '' or email_confirmed_at is null then 1
         else 0
       end,
       email_change = :email, updated_at = now()
 where id = :user;
