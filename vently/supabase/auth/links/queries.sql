-- Links and codes that go by mail. The times of one_time_tokens have no zone and are UTC's: so it is in Supabase Auth.
-- Whoever touches tokens locks the person's row first, so that two who do wait for each other instead of deadlocking.

-- name: account_of
select id, email, email_confirmed_at is not null as confirmed, coalesce(email_change, '') as email_change,
       coalesce(banned_until > now(), false) as banned
  from auth.users
 where email = :email and not is_sso_user and deleted_at is null;

-- name: account_changing_to
select id, email, email_confirmed_at is not null as confirmed, coalesce(email_change, '') as email_change,
       coalesce(banned_until > now(), false) as banned
  from auth.users
 where email_change = :email and not is_sso_user and deleted_at is null
 order by email_change_sent_at desc
 limit 1;

-- name: create_unconfirmed
with person as (
  insert into auth.users (
    instance_id, id, aud, role, email, encrypted_password,
    raw_app_meta_data, raw_user_meta_data, created_at, updated_at,
    -- Supabase Auth reads these as text: null would break it should the account ever move there.
    confirmation_token, recovery_token, email_change_token_new, email_change
  )
  values (
    '00000000-0000-0000-0000-000000000000', :id, 'authenticated', 'authenticated', :email, :password::text,
    '{"provider": "email", "providers": ["email"]}', :data::jsonb, now(), now(),
    '', '', '', ''
  )
  on conflict do nothing
  returning id
)
insert into auth.identities (provider_id, user_id, identity_data, provider, last_sign_in_at, created_at, updated_at)
select id::text, id, :identity::jsonb, 'email', now(), now(), now() from person
returning user_id;

-- name: password_that_waits
select encrypted_password from auth.users where email = :email and email_confirmed_at is null and not is_sso_user;

-- name: sign_up_again
-- A password that both have chosen (`same`) stays; of two different ones, one may be a stranger's, so none does. Who was
-- invited may have been given a role already, and is left alone. The letter before is dead at once.
with person as (
  update auth.users u
     set encrypted_password = case when u.encrypted_password = :same::text then u.encrypted_password end,
         raw_user_meta_data = :data::jsonb || jsonb_build_object('sub', u.id),
         updated_at = now()
   where u.email = :email
     and u.email_confirmed_at is null
     and not u.is_sso_user
     and u.deleted_at is null
     and u.invited_at is null
     and not exists (select from auth.identities i where i.user_id = u.id and i.provider <> 'email')
  returning u.id
), letters as (
  delete from auth.one_time_tokens t using person where t.user_id = person.id
)
select id from person;

-- name: show_account
select to_jsonb(u) as person,
       (select jsonb_agg(to_jsonb(i) order by i.created_at) from auth.identities i where i.user_id = u.id) as identities
  from auth.users u
 where u.id = :user;

-- name: keep_token
-- A person has one token of a kind: asking again replaces it.
with person as (
  update auth.users
     set confirmation_sent_at = case when :kind::text = 'confirmation_token' then now() else confirmation_sent_at end,
         recovery_sent_at = case when :kind = 'recovery_token' then now() else recovery_sent_at end,
         email_change_sent_at = case when :kind like 'email_change%' then now() else email_change_sent_at end,
         reauthentication_sent_at =
           case when :kind = 'reauthentication_token' then now() else reauthentication_sent_at end
   where id = :user
  returning id
)
insert into auth.one_time_tokens (
  id, user_id, token_type, token_hash, relates_to, code_mac, flow_id, created_at, updated_at
)
select gen_random_uuid(), id, :kind::text::auth.one_time_token_type, :hash, :address, :code_mac, :flow,
       now() at time zone 'utc', now() at time zone 'utc'
  from person
on conflict (user_id, token_type) do update
   set token_hash = excluded.token_hash, relates_to = excluded.relates_to, code_mac = excluded.code_mac,
       flow_id = excluded.flow_id, created_at = excluded.created_at, updated_at = excluded.updated_at;

-- name: redeem_link
with person as (
  select u.id, u.email, u.email_change
    from auth.users u
   where u.id = (
           select user_id from auth.one_time_tokens
            where token_hash = :hash and token_type::text = any(:kinds::text[])
         )
     for no key update
)
delete from auth.one_time_tokens t
 using person
 where t.user_id = person.id
   and t.token_hash = :hash
   and t.token_type::text = any(:kinds)
   and t.relates_to = case t.token_type::text when 'email_change_token_new' then person.email_change else person.email end
   and t.created_at > (now() at time zone 'utc') - :life::float8 * interval '1 second'
returning t.user_id, t.token_type::text as kind, t.relates_to as address, t.flow_id;

-- name: redeem_code
with person as (
  select u.id, u.email, u.email_change
    from auth.users u
   where u.id = (
           select user_id from auth.one_time_tokens
            where relates_to = :address and code_mac = any(:macs::text[]) and token_type::text = any(:kinds::text[])
            limit 1
         )
     for no key update
)
delete from auth.one_time_tokens t
 using person
 where t.user_id = person.id
   and t.relates_to = :address
   and t.code_mac = any(:macs)
   and t.token_type::text = any(:kinds)
   and t.relates_to = case t.token_type::text when 'email_change_token_new' then person.email_change else person.email end
   and t.created_at > (now() at time zone 'utc') - :life::float8 * interval '1 second'
returning t.user_id, t.token_type::text as kind, t.relates_to as address, t.flow_id;

-- name: forget_tokens
with person as (
  update auth.users
     set email_change = '', email_change_confirm_status = 0
   where id = :user
  returning id
), flows as (
  delete from auth.flow_state f using person where person.id in (f.user_id, f.linking_target_id)
)
delete from auth.one_time_tokens t using person where t.user_id = person.id;

-- name: confirm_account
-- Who confirms by a letter that no sign-up asked for did not choose the password that may stand there: it goes.
with person as (
  update auth.users
     set email_confirmed_at = now(),
         encrypted_password = case when :keep_password::boolean then encrypted_password end,
         raw_user_meta_data = coalesce(raw_user_meta_data, '{}') || '{"email_verified": true}',
         is_anonymous = false,
         updated_at = now()
   where id = :user and email_confirmed_at is null
  returning id
), identity as (
  update auth.identities i
     set identity_data = i.identity_data || '{"email_verified": true}', updated_at = now()
    from person
   where i.user_id = person.id and i.provider = 'email'
), sessions as (
  delete from auth.sessions s using person where s.user_id = person.id and not :keep_password
)
delete from auth.one_time_tokens t using person where t.user_id = person.id;

-- name: begin_email_change
update auth.users
   set email_change = :email,
       email_change_confirm_status = case when coalesce(email, '') = '' or email_confirmed_at is null then 1 else 0 end,
       updated_at = now()
 where id = :user
returning email_change_confirm_status;

-- name: confirm_one_address
update auth.users
   set email_change_confirm_status = 1, updated_at = now()
 where id = :user and email_change_confirm_status = 0 and coalesce(email_change, '') <> ''
returning id;

-- name: finish_email_change
-- An account that had no address of its own (an anonymous one) has its first e-mail identity from now on.
with old as (
  select id, coalesce(email, '') as email from auth.users where id = :user
), person as (
  update auth.users u
     set email = u.email_change, email_confirmed_at = now(), is_anonymous = false,
         email_change = '', email_change_confirm_status = 0,
         raw_user_meta_data = coalesce(u.raw_user_meta_data, '{}')
           || jsonb_build_object('email', u.email_change, 'email_verified', true),
         raw_app_meta_data = coalesce(u.raw_app_meta_data, '{}')
           || jsonb_build_object('provider', coalesce(u.raw_app_meta_data ->> 'provider', 'email'))
           || jsonb_build_object('providers', (
                select jsonb_agg(distinct name)
                  from (select jsonb_array_elements_text(coalesce(u.raw_app_meta_data -> 'providers', '[]')) as name
                         union select 'email') as names
              )),
         updated_at = now()
    from old
   where u.id = old.id and coalesce(u.email_change, '') <> ''
  returning u.id, u.email
), identity as (
  insert into auth.identities (provider_id, user_id, identity_data, provider, last_sign_in_at, created_at, updated_at)
  select id::text, id, jsonb_build_object('sub', id, 'email', email, 'email_verified', true),
         'email', now(), now(), now()
    from person
  on conflict (provider_id, provider) do update
     set identity_data = identities.identity_data || excluded.identity_data, updated_at = now()
), dead as (
  delete from auth.one_time_tokens t using person where t.user_id = person.id
)
select old.email as old, person.email as new from old, person;

-- name: meet_device
-- True when the person has signed in before, but never with this browser.
with known as (
  select count(*) as browsers from auth.known_devices where user_id = :user
), met as (
  insert into auth.known_devices (user_id, mark)
  select id, :mark from auth.users where id = :user
  on conflict do nothing
  returning mark
)
select known.browsers > 0 and exists (select from met) from known;
