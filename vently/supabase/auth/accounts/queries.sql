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

-- name: login_by_email
select id, encrypted_password as password,
       email_confirmed_at is not null as confirmed,
       coalesce(banned_until > now(), false) as banned
  from auth.users
 where email = :email and not is_sso_user and deleted_at is null;

-- name: email_is_taken
select exists (select from auth.users where email = :email and not is_sso_user and id <> :user);

-- name: change_user
-- Null leaves a thing as it is.
with person as (
  update auth.users
     set email = coalesce(:email::text, email),
         email_confirmed_at = case when :email::text is null then email_confirmed_at else now() end,
         encrypted_password = coalesce(:password::text, encrypted_password),
         raw_user_meta_data = (coalesce(raw_user_meta_data, '{}') || :data::jsonb) - :dropped::text[],
         updated_at = now()
   where id = :user
     and (:password::text is null or encrypted_password is not distinct from :checked::text)
  returning *
), identity as (
  update auth.identities i
     set identity_data = i.identity_data || jsonb_build_object('email', person.email, 'email_verified', true),
         updated_at = now()
    from person
   where :email::text is not null and i.user_id = person.id and i.provider = 'email'
)
select id from person;
