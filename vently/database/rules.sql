-- What every room leans on: the outbox, versions, words, and exactly-once requests.

create or replace function private.announce(topic text, kind text, payload jsonb default '{}')
returns void language sql volatile security definer set search_path = '' as $$
  insert into private.outbox (topic, kind, payload) values (topic, kind, payload)
$$;
comment on function private.announce is 'One row in the outbox, in the transaction of the change it tells of';
revoke execute on function private.announce(text, text, jsonb) from public, anon, authenticated;

create or replace function private.touch() returns trigger language plpgsql set search_path = '' as $$
begin
  if new is distinct from old then
    new.version := old.version + 1;
    new.updated_at := now();
  end if;
  return new;
end $$;
comment on function private.touch is 'Counts the versions of a row: what If-Match compares';
revoke execute on function private.touch() from public, anon, authenticated;

create or replace function private.slug(words text) returns text
language sql immutable parallel safe set search_path = '' as $$
  select coalesce(nullif(btrim(left(btrim(regexp_replace(
    regexp_replace(normalize(lower(words), nfkd), '[\u0300-\u036f]', '', 'g'),
    '[^a-z0-9]+', '-', 'g'), '-'), 60), '-'), ''), 'untitled')
$$;
comment on function private.slug is 'Words as they stand in an address: "Café Zürich" is cafe-zurich';
revoke execute on function private.slug(text) from public;
grant execute on function private.slug(text) to anon, authenticated, service_role;

create or replace function private.random_letters(count int) returns text
language sql volatile parallel safe set search_path = '' as $$
  select left(translate(encode(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid()), 'base64'), '+/=' || chr(10) || 'ABCDEFGHIJKLMNOPQRSTUVWXYZ', ''), count)
$$;
comment on function private.random_letters is 'Lower-case letters and digits nobody can guess, some 5 bits each; at most 12 or so';
revoke execute on function private.random_letters(int) from public;
grant execute on function private.random_letters(int) to authenticated, service_role;

create or replace function private.newest_migration() returns text
language sql stable security definer set search_path = '' as $$
  select max(name) from private.schema_history where kind = 'migration'
$$;
comment on function private.newest_migration is 'For readiness: whether this database is as new as the node';
revoke execute on function private.newest_migration() from public;
grant execute on function private.newest_migration() to anon, authenticated, service_role;


-- Whoever's token it is may still act: their session lives, their second factor was shown, and nobody has suspended them.
-- A token alone would count for up to an hour. Nodes ask this as they open a transaction for somebody; in front of Supabase's
-- Data API it can be `pgrst.db_pre_request` (docs/supabase.md).

create or replace function private.viewer_standing(viewer uuid, session uuid, assurance text) returns text
language plpgsql stable security definer set search_path = '' as $$
begin
  if exists (select from auth.users u where u.id = viewer and (u.banned_until > now() or u.deleted_at is not null)) then
    return 'suspended';
  end if;
  if session is not null then
    -- The lesser of the two: what raised the session may be gone since its token was made.
    select least(coalesce(assurance, 'aal1'), coalesce(s.aal::text, 'aal1')) into assurance
      from auth.sessions s
     where s.id = session and s.user_id = viewer and (s.not_after is null or s.not_after > now());
    if not found then
      return 'session-ended';
    end if;
  end if;
  if assurance is distinct from 'aal2'
     and exists (select from auth.mfa_factors f where f.user_id = viewer and f.status = 'verified') then
    return 'insufficient-aal';
  end if;
  return null;
end $$;
comment on function private.viewer_standing is 'Why this person may not act with that session: suspended, session-ended, insufficient-aal';
revoke execute on function private.viewer_standing(uuid, uuid, text) from public, anon, authenticated;

create or replace function private.check_viewer() returns void
language plpgsql stable security definer set search_path = '' as $$
declare
  standing constant text := private.viewer_standing(
    auth.uid(), nullif(auth.jwt() ->> 'session_id', '')::uuid, auth.jwt() ->> 'aal');
begin
  if standing is not null then
    raise exception '%', case standing
        when 'suspended' then 'This account is suspended.'
        when 'session-ended' then 'This session has ended: sign in again.'
        else 'Give your second factor first: this session was begun without it.' end
      using errcode = 'PT401', detail = standing;
  end if;
end $$;
comment on function private.check_viewer is
  'Raises PT401 for sessions that have ended, people who are suspended, and below AAL2 for who has a second factor';
revoke execute on function private.check_viewer() from public;
grant execute on function private.check_viewer() to anon, authenticated, service_role;


-- Exactly-once requests. A key belongs to a scope: the person, or for a visitor the request itself.

create or replace function private.idempotency_scope(fingerprint text) returns text
language sql stable set search_path = '' as $$
  select coalesce((select auth.uid())::text, 'visitor:' || fingerprint)
$$;
revoke execute on function private.idempotency_scope(text) from public;

create or replace function private.claim_idempotency_key(key text, fingerprint text)
returns table (state text, status int, headers jsonb, body text)
language plpgsql volatile security definer set search_path = '' as $$
declare
  whose text := private.idempotency_scope(claim_idempotency_key.fingerprint);
  kept private.idempotency_keys;
begin
  if not pg_try_advisory_xact_lock(hashtextextended(whose || ' ' || claim_idempotency_key.key, 7)) then
    return query select 'in_flight', null::int, null::jsonb, null::text;
    return;
  end if;
  delete from private.idempotency_keys k
   where k.scope = whose and k.key = claim_idempotency_key.key and k.created_at < now() - interval '24 hours';
  select * into kept from private.idempotency_keys k where k.scope = whose and k.key = claim_idempotency_key.key;
  if not found then
    insert into private.idempotency_keys (scope, key, fingerprint)
    values (whose, claim_idempotency_key.key, claim_idempotency_key.fingerprint);
    return query select 'new', null::int, null::jsonb, null::text;
  elsif kept.fingerprint <> claim_idempotency_key.fingerprint then
    return query select 'mismatch', null::int, null::jsonb, null::text;
  else
    return query select 'replay', kept.status, kept.headers, kept.body;
  end if;
end $$;
comment on function private.claim_idempotency_key is
  'new: go on, and keep the answer; replay: here it is; mismatch: the key came with another request; in_flight: it runs now';
revoke execute on function private.claim_idempotency_key(text, text) from public;
grant execute on function private.claim_idempotency_key(text, text) to anon, authenticated, service_role;

create or replace function private.keep_idempotent_answer(
  key text, fingerprint text, status int, headers jsonb, body text)
returns void language sql volatile security definer set search_path = '' as $$
  update private.idempotency_keys k
     set status = keep_idempotent_answer.status, headers = keep_idempotent_answer.headers, body = keep_idempotent_answer.body
   where k.scope = private.idempotency_scope(keep_idempotent_answer.fingerprint) and k.key = keep_idempotent_answer.key
     and k.fingerprint = keep_idempotent_answer.fingerprint and k.status is null
$$;
revoke execute on function private.keep_idempotent_answer(text, text, int, jsonb, text) from public;
grant execute on function private.keep_idempotent_answer(text, text, int, jsonb, text) to anon, authenticated, service_role;

create or replace function private.forget_old_answers(most int) returns int
language plpgsql volatile security definer set search_path = '' as $$
declare
  forgotten int;
begin
  if not pg_try_advisory_xact_lock(hashtextextended('vently: sweep of answers', 0)) then
    return 0; -- another node is at it
  end if;
  delete from private.idempotency_keys
   where (scope, key) in (
           select k.scope, k.key from private.idempotency_keys k
            where k.created_at < now() - interval '24 hours'
            order by k.created_at
            limit most
              for update skip locked
         );
  get diagnostics forgotten = row_count;
  return forgotten;
end $$;
comment on function private.forget_old_answers is
  'Throws out answers that claim_idempotency_key would not replay any more; how many';
revoke execute on function private.forget_old_answers(int) from public;
grant execute on function private.forget_old_answers(int) to service_role;

create policy "nodes alone keep answers" on private.idempotency_keys for all to service_role using (true) with check (true);
create policy "nodes alone read the outbox" on private.outbox for select to service_role using (true);
grant select on private.outbox to service_role;
