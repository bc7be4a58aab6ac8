-- Communities: who belongs, in which role, and who follows.

create or replace function private.my_communities() returns setof uuid
language sql stable security definer set search_path = '' rows 10 as $$
  select community_id from public.memberships where person_id = (select auth.uid()) and status = 'active'
$$;
create or replace function private.communities_with_my_role(roles text[]) returns setof uuid
language sql stable security definer set search_path = '' rows 10 as $$
  select community_id from public.memberships
   where person_id = (select auth.uid()) and status = 'active' and role = any (roles)
$$;
create or replace function private.communities_i_organize() returns setof uuid
language sql stable set search_path = '' rows 10 as $$
  select private.communities_with_my_role(array['organizer', 'admin', 'owner'])
$$;
create or replace function private.communities_i_moderate() returns setof uuid
language sql stable set search_path = '' rows 10 as $$
  select private.communities_with_my_role(array['moderator', 'admin', 'owner'])
$$;
create or replace function private.communities_i_administer() returns setof uuid
language sql stable set search_path = '' rows 10 as $$
  select private.communities_with_my_role(array['admin', 'owner'])
$$;
create or replace function private.communities_i_own() returns setof uuid
language sql stable set search_path = '' rows 10 as $$
  select private.communities_with_my_role(array['owner'])
$$;
revoke execute on function private.my_communities(), private.communities_with_my_role(text[]), private.communities_i_organize(),
  private.communities_i_moderate(), private.communities_i_administer(), private.communities_i_own() from public;
grant execute on function private.my_communities(), private.communities_with_my_role(text[]), private.communities_i_organize(),
  private.communities_i_moderate(), private.communities_i_administer(), private.communities_i_own()
  to authenticated, service_role;

create policy "anyone sees communities" on public.communities for select to anon, authenticated using (true);
create policy "people found communities" on public.communities for insert to authenticated
  with check (created_by = (select auth.uid()));
create policy "admins edit their communities" on public.communities for update to authenticated
  using (id in (select private.communities_i_administer())) with check (id in (select private.communities_i_administer()));
create policy "owners close their communities" on public.communities for delete to authenticated
  using (id in (select private.communities_i_own()));
grant select on public.communities to anon, authenticated, service_role;
grant insert (slug, name, description, city, country, lat, lng, join_policy, created_by) on public.communities to authenticated;
grant update (slug, name, description, city, country, lat, lng, join_policy) on public.communities to authenticated;
grant delete on public.communities to authenticated;

create policy "members see each other" on public.memberships for select to authenticated
  using (person_id = (select auth.uid())
         or (status = 'active' and community_id in (select private.my_communities()))
         or community_id in (select private.communities_i_administer())
         or (select private.i_am_platform_admin()));
create policy "people join for themselves" on public.memberships for insert to authenticated
  with check (person_id = (select auth.uid()) and role = 'member' and exists (
    select 1 from public.communities c
     where c.id = community_id
       and (c.join_policy = 'open' and status = 'active' or c.join_policy = 'request' and status = 'requested')));
create policy "admins set roles below owner" on public.memberships for update to authenticated
  using (community_id in (select private.communities_i_administer())
         and (role <> 'owner' or community_id in (select private.communities_i_own())))
  with check (community_id in (select private.communities_i_administer())
         and (role <> 'owner' or community_id in (select private.communities_i_own())));
create policy "people leave, and admins take out" on public.memberships for delete to authenticated
  using (person_id = (select auth.uid()) and status <> 'banned'
         or community_id in (select private.communities_i_administer())
            and (role <> 'owner' or community_id in (select private.communities_i_own())));
-- Visitors have no policy here, so they see no row; the grant lets the view below run as them.
grant select on public.memberships, public.community_follows to anon;
grant select, delete on public.memberships to authenticated;
grant insert (community_id, person_id, status) on public.memberships to authenticated;
grant update (role, status, updated_at) on public.memberships to authenticated;

create policy "people see what they follow" on public.community_follows for select to authenticated
  using (person_id = (select auth.uid()));
create policy "people follow communities for themselves" on public.community_follows for insert to authenticated
  with check (person_id = (select auth.uid()));
create policy "people unfollow communities for themselves" on public.community_follows for delete to authenticated
  using (person_id = (select auth.uid()));
grant select, delete on public.community_follows to authenticated;
grant insert (community_id, person_id) on public.community_follows to authenticated;

create or replace function private.free_community_slug(words text) returns text
language sql volatile security definer set search_path = '' as $$
  select pg_advisory_xact_lock(hashtextextended(private.slug(words), 12));  -- two of the same name at once take turns
  select case when exists (select 1 from public.communities where slug = private.slug(words))
    then private.slug(words) || '-' || private.random_letters(6) else private.slug(words) end
$$;
revoke execute on function private.free_community_slug(text) from public;
grant execute on function private.free_community_slug(text) to authenticated, service_role;


-- The founder owns; a community never loses its last owner; counts follow the rows

create or replace function private.enthrone_founder() returns trigger
language plpgsql volatile security definer set search_path = '' as $$
begin
  if new.created_by is not null then
    insert into public.memberships (community_id, person_id, role) values (new.id, new.created_by, 'owner');
  end if;
  return null;
end $$;
revoke execute on function private.enthrone_founder() from public, anon, authenticated;
create trigger communities_founder after insert on public.communities
  for each row execute function private.enthrone_founder();

create or replace function private.keep_an_owner() returns trigger
language plpgsql volatile security definer set search_path = '' as $$
begin
  if old.role = 'owner' and (tg_op = 'DELETE' or new.role <> 'owner' or new.status <> 'active') then
    -- A statement of its own: the next one must see what the owner did for whom this one waited.
    perform 1 from public.communities c where c.id = old.community_id for no key update;
    if found  -- neither where the community itself goes, nor where the person does
       and exists (select 1 from public.profiles p where p.id = old.person_id)
       and not exists (select 1 from public.memberships m
                        where m.community_id = old.community_id and m.role = 'owner' and m.status = 'active'
                          and m.person_id <> old.person_id) then
      raise exception using errcode = 'PT409', message = 'You are the last owner: make someone else owner first.',
        detail = 'last-owner', hint = '/role';
    end if;
  end if;
  return case tg_op when 'DELETE' then old else new end;
end $$;
revoke execute on function private.keep_an_owner() from public, anon, authenticated;
create trigger memberships_keep_an_owner before update or delete on public.memberships
  for each row execute function private.keep_an_owner();

create or replace function private.count_members() returns trigger
language plpgsql volatile security definer set search_path = '' as $$
declare
  change int := (case when tg_op <> 'DELETE' and new.status = 'active' then 1 else 0 end)
              - (case when tg_op <> 'INSERT' and old.status = 'active' then 1 else 0 end);
  it public.memberships := coalesce(new, old);
begin
  if change <> 0 then
    update public.communities set members_count = members_count + change where id = it.community_id;
  end if;
  perform private.announce('community:' || it.community_id,
    case tg_op when 'INSERT' then 'membership.created' when 'DELETE' then 'membership.deleted' else 'membership.updated' end,
    jsonb_build_object('person_id', it.person_id, 'role', it.role, 'status', it.status));
  return null;
end $$;
revoke execute on function private.count_members() from public, anon, authenticated;
create trigger memberships_count after insert or update or delete on public.memberships
  for each row execute function private.count_members();

create or replace function private.count_followers() returns trigger
language plpgsql volatile security definer set search_path = '' as $$
declare
  it public.community_follows := coalesce(new, old);
begin
  update public.communities
     set followers_count = followers_count + case tg_op when 'INSERT' then 1 else -1 end where id = it.community_id;
  perform private.announce('person:' || it.person_id,
    case tg_op when 'INSERT' then 'follow.created' else 'follow.deleted' end,
    jsonb_build_object('community_id', it.community_id));
  return null;
end $$;
revoke execute on function private.count_followers() from public, anon, authenticated;
create trigger community_follows_count after insert or delete on public.community_follows
  for each row execute function private.count_followers();

create trigger communities_touch before update of slug, name, description, city, country, lat, lng, join_policy
  on public.communities for each row execute function private.touch();

create or replace function private.announce_community() returns trigger
language plpgsql volatile security definer set search_path = '' as $$
declare
  it public.communities := coalesce(new, old);
begin
  perform private.announce('community:' || it.id,
    case tg_op when 'INSERT' then 'community.created' when 'DELETE' then 'community.deleted' else 'community.updated' end,
    jsonb_build_object('id', it.id, 'slug', it.slug, 'members_count', it.members_count, 'followers_count', it.followers_count));
  return null;
end $$;
revoke execute on function private.announce_community() from public, anon, authenticated;
create trigger communities_announce after insert or update or delete on public.communities
  for each row execute function private.announce_community();


-- A community as clients read it

create or replace view public.community_cards with (security_invoker = true) as
select c.id, c.slug, c.name, c.description, c.city, c.country, c.lat, c.lng, c.join_policy as "join",
       coalesce(current_setting('vently.site', true), '') || '/communities/' || c.slug as url,
       json_build_object('members', c.members_count, 'followers', c.followers_count) as counts,
       (select json_build_object('role', m.role, 'status', m.status) from public.memberships m
         where m.community_id = c.id and m.person_id = (select auth.uid())) as membership,
       exists (select 1 from public.community_follows f
                where f.community_id = c.id and f.person_id = (select auth.uid())) as following,
       c.created_at, c.updated_at, c.version
  from public.communities c;
grant select on public.community_cards to anon, authenticated, service_role;

-- Who runs a community is public: owners first, then admins and organisers.
create or replace function private.community_team(community_id uuid) returns table (person_id uuid, role text)
language sql stable security definer set search_path = '' rows 5 as $$
  select m.person_id, m.role from public.memberships m
   where m.community_id = community_team.community_id and m.status = 'active' and m.role in ('owner', 'admin', 'organizer')
   order by array_position(array['owner', 'admin', 'organizer'], m.role), m.created_at limit 12
$$;
revoke execute on function private.community_team(uuid) from public;
grant execute on function private.community_team(uuid) to anon, authenticated, service_role;
