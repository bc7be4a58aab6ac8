-- Accounts and their passwords.

-- name: create_user
with person as (
  insert into auth.users (
    instance_id, id, aud, role, email, encrypted_password, email_confirmed_at,
    raw_app_meta_data, raw_user_meta_data, created_at, updated_at,
    -- Supabase Auth reads these as text: null would break it should the account ever move there.
    confirmation_token, recovery_token, email_change_token_new, email_change
  )
  values (
    '00000000-0000-0000-0000-000000000000', :id, 'authenticated', 'authenticated', :email, :password, now(),
    '{"provider": "email", "providers": ["email"]}', :data, now(), now(),
    '', '', '', ''
  )
  on conflict do nothing
  returning id
)
insert into auth.identities (provider_id, user_id, identity_data, provider, last_sign_in_at, created_at, updated_at)
select id::text, id, :identity::jsonb, 'email', now(), now(), now() from person
returning user_id;

-- name: create_anonymous_user
insert into auth.users (
  instance_id, id, aud, role, is_anonymous, raw_app_meta_data, raw_user_meta_data, created_at, updated_at,
  encrypted_password, confirmation_token, recovery_token, email_change_token_new, email_change
)
values (
  '00000000-0000-0000-0000-000000000000', :id, 'authenticated', 'authenticated', true, '{}', :data, now(), now(),
  '', '', '', '', ''
);

-- name: login_by_email
select id, encrypted_password as password,
       email_confirmed_at is not null as confirmed,
       coalesce(banned_until > now(), false) as banned
  from auth.users
 where email = :email and not is_sso_user and deleted_at is null;

-- name: email_is_taken
select exists (select from auth.users where email = :email and not is_sso_user and id <> :user);

-- name: change_user
-- Null leaves a thing as it is. An address counts as confirmed; whoever had none is anonymous no longer.
with person as (
  update auth.users
     set email = coalesce(:email::text, email),
         email_confirmed_at = case when :email::text is null then email_confirmed_at else now() end,
         is_anonymous = is_anonymous and :email::text is null,
         encrypted_password = coalesce(:password::text, encrypted_password),
         raw_user_meta_data = (coalesce(raw_user_meta_data, '{}') || :data::jsonb) - :dropped::text[],
         raw_app_meta_data = case
           when :email::text is null or raw_app_meta_data -> 'providers' ? 'email' then raw_app_meta_data
           else coalesce(raw_app_meta_data, '{}') || jsonb_build_object(
             'provider', coalesce(raw_app_meta_data ->> 'provider', 'email'),
             'providers', coalesce(raw_app_meta_data -> 'providers', '[]') || '["email"]')
         end,
         updated_at = now()
   where id = :user
     and (:password::text is null or encrypted_password is not distinct from :checked::text)
  returning *
), identity as (
  insert into auth.identities (provider_id, user_id, identity_data, provider, last_sign_in_at, created_at, updated_at)
  select id::text, id, jsonb_build_object('sub', id, 'email', email, 'email_verified', true, 'phone_verified', false),
         'email', now(), now(), now()
    from person
   where :email::text is not null
  on conflict (provider_id, provider) do update
     set identity_data = identities.identity_data || jsonb_build_object('email', excluded.identity_data -> 'email',
           'email_verified', true),
         updated_at = now()
)
select id from person;
