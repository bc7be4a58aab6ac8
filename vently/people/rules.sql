-- People: profiles tied to accounts, organiser status, platform admins, following.

create or replace function private.i_am_platform_admin() returns boolean
language sql stable security definer set search_path = '' as $$
  select exists (select 1 from public.platform_admins where person_id = (select auth.uid()))
$$;
revoke execute on function private.i_am_platform_admin() from public;
grant execute on function private.i_am_platform_admin() to anon, authenticated, service_role;

create or replace function private.i_am_organizer() returns boolean
language sql stable security definer set search_path = '' as $$
  select exists (select 1 from public.profiles where id = (select auth.uid()) and organizer_status = 'approved')
$$;
revoke execute on function private.i_am_organizer() from public;
grant execute on function private.i_am_organizer() to anon, authenticated, service_role;

create policy "anyone sees profiles" on public.profiles for select to anon, authenticated using (true);
create policy "people edit their own profile" on public.profiles for update to authenticated
  using (id = (select auth.uid())) with check (id = (select auth.uid()));
grant select on public.profiles to anon, authenticated, service_role;
grant update (handle, name, bio, city, country) on public.profiles to authenticated;

create policy "platform admins see each other" on public.platform_admins for select to authenticated
  using (person_id = (select auth.uid()) or (select private.i_am_platform_admin()));
grant select on public.platform_admins to authenticated;
grant select, insert, delete on public.platform_admins to service_role;

create policy "people see whom they follow and who follows them" on public.person_follows for select to authenticated
  using (follower_id = (select auth.uid()) or followed_id = (select auth.uid()));
create policy "people follow for themselves" on public.person_follows for insert to authenticated
  with check (follower_id = (select auth.uid()));
create policy "people stop following for themselves" on public.person_follows for delete to authenticated
  using (follower_id = (select auth.uid()));
-- Visitors have no policy here, so they see no row; the grant lets a profile say `following` to them, too.
grant select on public.person_follows to anon;
grant select, delete on public.person_follows to authenticated;
grant insert (follower_id, followed_id) on public.person_follows to authenticated;

create trigger profiles_touch before update of handle, name, bio, city, country, organizer_status on public.profiles for each row execute function private.touch();


-- An account gets its profile in the same transaction

create or replace function private.free_handle(wanted text) returns text
language plpgsql volatile security definer set search_path = '' as $$
declare
  stem text := left(replace(private.slug(wanted), '-', '_'), 22);
  free text := stem;
begin
  if char_length(stem) < 2 or stem = 'untitled' then
    stem := 'person';
    free := stem || '_' || private.random_letters(6);
  end if;
  while exists (select 1 from public.profiles p where p.handle = free) loop
    free := stem || '_' || private.random_letters(6);
  end loop;
  return free;
end $$;
revoke execute on function private.free_handle(text) from public;

create or replace function private.make_profile(account uuid, told jsonb) returns void
language plpgsql volatile security definer set search_path = '' as $$
#variable_conflict use_column
declare
  said text := coalesce(told ->> 'name', told ->> 'full_name', '');
  -- As `line` of web/words.py takes a name: marks that turn the direction of writing forge names, blanks are not seen.
  plain text := regexp_replace(regexp_replace(said, '[\u2028-\u202e\u2066-\u2069\ufeff]', '', 'g'), '[[:cntrl:][:space:]]+', ' ', 'g');
  blanks text := '[ \u00a0\u1680\u2000-\u200f\u202f\u205f-\u2064\u3000]+';
  ends text := '^' || blanks || '|' || blanks || '$';
  called text := regexp_replace(left(regexp_replace(plain, ends, '', 'g'), 80), ends, '', 'g');
begin
  called := coalesce(nullif(called, ''), 'Someone new');
  insert into public.profiles (id, handle, name)
  values (account, private.free_handle(coalesce(told ->> 'handle', called)), called)
  on conflict (handle) do nothing;
  if not found then  -- two of the same name at the same instant
    insert into public.profiles (id, handle, name)
    values (account, 'person_' || private.random_letters(10), called);
  end if;
end $$;
revoke execute on function private.make_profile(uuid, jsonb) from public, anon, authenticated;

create or replace function private.welcome() returns trigger
language plpgsql volatile security definer set search_path = '' as $$
begin
  perform private.make_profile(new.id, new.raw_user_meta_data);
  return new;
end $$;
revoke execute on function private.welcome() from public, anon, authenticated;
create trigger vently_welcome after insert on auth.users for each row execute function private.welcome();


-- Organiser status and platform role

create or replace function private.become_organizer(approval text) returns text
language plpgsql volatile security definer set search_path = '' as $$
declare
  status text;
begin
  update public.profiles p
     set organizer_status = case when approval = 'automatic' and p.organizer_since is null then 'approved' else 'requested' end,
         organizer_since = case when approval = 'automatic' then coalesce(p.organizer_since, now()) else p.organizer_since end
   where p.id = (select auth.uid()) and p.organizer_status = 'none';
  select p.organizer_status into status from public.profiles p where p.id = (select auth.uid());
  return status;
end $$;
comment on function private.become_organizer is
  '`approval` is the operator''s setting, which the node passes. Who lost the status asks, and a platform admin decides';
revoke execute on function private.become_organizer(text) from public;
grant execute on function private.become_organizer(text) to authenticated;

create or replace function private.set_organizer_status(person uuid, status text) returns void
language plpgsql volatile security definer set search_path = '' as $$
begin
  if not private.i_am_platform_admin() then
    raise exception using errcode = 'PT403', message = 'Only platform admins decide who organises.', detail = 'not-allowed';
  end if;
  update public.profiles p
     set organizer_status = status, organizer_since = case when status = 'approved' then now() else p.organizer_since end
   where p.id = person and p.organizer_status <> status;
end $$;
revoke execute on function private.set_organizer_status(uuid, text) from public;
grant execute on function private.set_organizer_status(uuid, text) to authenticated;

-- Roles are shown in tokens as `app_metadata.roles`, for clients to know what to offer. A token may be an hour old, so
-- nothing here ever asks it: the tables are the judge.

create or replace function private.roles_of(person uuid) returns jsonb
language sql stable set search_path = '' as $$
  select coalesce(jsonb_agg(role), '[]')
    from (select 'event_organizer' as role from public.profiles where id = person and organizer_status = 'approved'
          union all
          select 'platform_admin' from public.platform_admins where person_id = person) as roles
$$;
revoke execute on function private.roles_of(uuid) from public, anon, authenticated;

create or replace function private.show_roles() returns trigger
language plpgsql volatile security definer set search_path = '' as $$
declare
  person uuid := to_jsonb(coalesce(new, old)) ->> tg_argv[0];
begin
  -- First the lock: of two changes at once, the second then sees what the first has made of it.
  perform from auth.users u where u.id = person for no key update;
  update auth.users u
     set raw_app_meta_data = coalesce(u.raw_app_meta_data, '{}') || jsonb_build_object('roles', private.roles_of(person))
   where u.id = person and coalesce(u.raw_app_meta_data -> 'roles', '[]') <> private.roles_of(person);
  return null;
end $$;
revoke execute on function private.show_roles() from public, anon, authenticated;
create trigger profiles_show_first_roles after insert on public.profiles
  for each row when (new.organizer_status = 'approved') execute function private.show_roles('id');
create trigger profiles_show_roles after update of organizer_status on public.profiles
  for each row when (old.organizer_status is distinct from new.organizer_status)
  execute function private.show_roles('id');
create trigger platform_admins_show_roles after insert or delete on public.platform_admins
  for each row execute function private.show_roles('person_id');

-- Who had a role before there were these triggers.
update auth.users u
   set raw_app_meta_data = coalesce(u.raw_app_meta_data, '{}') || jsonb_build_object('roles', private.roles_of(u.id))
 where (u.raw_app_meta_data ? 'roles'
        or u.id in (select p.id from public.profiles p where p.organizer_status = 'approved')
        or u.id in (select a.person_id from public.platform_admins a))
   and coalesce(u.raw_app_meta_data -> 'roles', '[]') <> private.roles_of(u.id);

create or replace function private.account_of(email text) returns table (id uuid, email text)
language sql stable security definer set search_path = '' rows 1 as $$
  select u.id, u.email::text from auth.users u where lower(u.email) = lower(account_of.email) and u.deleted_at is null
$$;
comment on function private.account_of is 'For the command line: whose account an address is';
revoke execute on function private.account_of(text) from public;
grant execute on function private.account_of(text) to service_role;


-- Sessions. A Supabase project keeps them in the same table; only its owner and `postgres` look into it.

create or replace function private.my_sessions()
returns table (id uuid, created_at timestamptz, refreshed_at timestamptz, user_agent text, ip text, aal text, current boolean)
language sql stable security definer set search_path = '' rows 5 as $$
  select s.id, s.created_at, coalesce(s.refreshed_at at time zone 'UTC', s.updated_at, s.created_at), s.user_agent,
         host(s.ip), s.aal::text, s.id::text is not distinct from (select auth.jwt() ->> 'session_id')
    from auth.sessions s
   where s.user_id = (select auth.uid()) and (s.not_after is null or s.not_after > now())
$$;
revoke execute on function private.my_sessions() from public;
grant execute on function private.my_sessions() to authenticated;

create or replace function private.end_my_session(session uuid) returns boolean
language plpgsql volatile security definer set search_path = '' as $$
begin
  delete from auth.sessions s where s.id = session and s.user_id = (select auth.uid());
  return found;
end $$;
comment on function private.end_my_session is 'Its refresh tokens go with it; private.check_viewer refuses its access token from then on';
revoke execute on function private.end_my_session(uuid) from public;
grant execute on function private.end_my_session(uuid) to authenticated;


-- The outbox

create or replace function private.announce_profile() returns trigger
language plpgsql volatile security definer set search_path = '' as $$
begin
  if tg_op = 'DELETE' then
    perform private.announce('person:' || old.id, 'person.deleted', jsonb_build_object('id', old.id));
  else
    perform private.announce('person:' || new.id, case tg_op when 'INSERT' then 'person.created' else 'person.updated' end,
      jsonb_build_object('id', new.id, 'handle', new.handle, 'organizer_status', new.organizer_status));
  end if;
  return null;
end $$;
revoke execute on function private.announce_profile() from public, anon, authenticated;
create trigger profiles_announce after insert or update of handle, name, bio, city, country, organizer_status or delete
  on public.profiles
  for each row execute function private.announce_profile();

create or replace function private.announce_person_follow() returns trigger
language plpgsql volatile security definer set search_path = '' as $$
declare
  it public.person_follows := coalesce(new, old);
begin
  update public.profiles set followers_count = followers_count + case tg_op when 'INSERT' then 1 else -1 end
   where id = it.followed_id;
  perform private.announce('person:' || it.followed_id,
    case tg_op when 'INSERT' then 'follow.created' else 'follow.deleted' end,
    jsonb_build_object('follower_id', it.follower_id));
  return null;
end $$;
revoke execute on function private.announce_person_follow() from public, anon, authenticated;
create trigger person_follows_announce after insert or delete on public.person_follows
  for each row execute function private.announce_person_follow();


-- Accounts that were there before Vently was, as on a Supabase project that people use already

do $$
begin
  perform private.make_profile(u.id, u.raw_user_meta_data)
     from auth.users u
    where u.deleted_at is null and not exists (select 1 from public.profiles p where p.id = u.id);
end $$;
