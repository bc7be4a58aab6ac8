-- Whose an order is: the account's that bought, the address's that a guest gave once it is confirmed, the link's

create policy "people find the orders of their address" on public.ticket_orders for select to authenticated
  using (buyer_id is null and lower(buyer_email) = (select private.my_address()));

create or replace function private.order_is_mine(o public.ticket_orders) returns boolean
language sql stable set search_path = '' as $$
  select coalesce(o.buyer_id = (select auth.uid()), false)
      or coalesce(o.buyer_id is null and lower(o.buyer_email) = (select private.my_address()), false)
      or coalesce('order:' || o.id = (select current_setting('vently.link', true)), false)
$$;
create or replace function private.order_is_of_my_event(o public.ticket_orders) returns boolean
language sql stable set search_path = '' as $$
  select exists (select from public.events e where e.id = o.event_id and private.event_is_mine(e.organizer_id, e.community_id))
$$;
revoke execute on function private.order_is_mine(public.ticket_orders), private.order_is_of_my_event(public.ticket_orders)
  from public, anon, authenticated;

create or replace function private.held_by_me() returns table (event_id uuid, ticket_type_id uuid, order_id uuid)
language sql stable security definer set search_path = '' rows 20 as $$
  select t.event_id, t.ticket_type_id, t.order_id from public.tickets t where t.order_id in (select private.orders_of_mine())
   union all
  select t.event_id, t.ticket_type_id, t.order_id from public.tickets t where t.holder_id = (select auth.uid())
   union all
  select t.event_id, t.ticket_type_id, t.order_id from public.tickets t
   where t.holder_id is null and lower(t.email) = (select private.my_address())
   union all
  select t.event_id, t.ticket_type_id, t.order_id
    from (select string_to_array(current_setting('vently.link', true), ':')) link (part)
    join public.tickets t on t.order_id = case when part[1] = 'order' then part[2]::uuid end
   union all
  select t.event_id, t.ticket_type_id, t.order_id
    from (select string_to_array(current_setting('vently.link', true), ':')) link (part)
    join public.tickets t on t.id = case when part[1] = 'ticket' then part[2]::uuid end and t.serial = part[3]::int
$$;
comment on function private.held_by_me is 'Events, types and orders of the tickets the viewer bought, holds, or has a link to';
create or replace function private.types_held_by_me() returns setof uuid
language sql stable security definer set search_path = '' rows 20 as $$
  select h.ticket_type_id from private.held_by_me() h
$$;
revoke execute on function private.held_by_me(), private.types_held_by_me() from public;
revoke execute on function private.held_by_me() from anon, authenticated;
grant execute on function private.types_held_by_me() to anon, authenticated, service_role;

create policy "people see the types of tickets they hold" on public.ticket_types for select to anon, authenticated
  using (id in (select private.types_held_by_me()));

create or replace function private.ticketed_event(e public.events) returns json
language sql stable set search_path = '' as $$
  select json_build_object('id', e.id, 'slug', e.slug, 'title', e.title, 'starts_at', e.starts_at, 'ends_at', e.ends_at,
                           'all_day', e.all_day, 'timezone', e.timezone, 'status', e.status)
$$;
revoke execute on function private.ticketed_event(public.events) from public;
grant execute on function private.ticketed_event(public.events) to anon, authenticated, service_role;

create or replace function private.event_of_mine(event uuid) returns jsonb
language sql stable security definer set search_path = '' as $$
  select private.ticketed_event(e)::jsonb || jsonb_build_object('online', e.online, 'online_url', e.online_url,
           'venue', (select jsonb_build_object('name', v.name, 'address', v.address, 'city', v.city, 'country', v.country,
                                               'lat', v.lat, 'lng', v.lng) from public.venues v where v.id = e.venue_id))
    from public.events e
   where e.id = event_of_mine.event and e.id in (select h.event_id from private.held_by_me() h)
$$;
comment on function private.event_of_mine is
  'What a ticket is for and where, whether or not the event itself is still to be seen (unlisted, for members only)';
revoke execute on function private.event_of_mine(uuid) from public;
grant execute on function private.event_of_mine(uuid) to anon, authenticated, service_role;


-- Whom a ticket was handed on to is known to who did it, and no further: what its taker does with it is not the buyer's business.
create or replace function private.knows_attendee(t public.tickets) returns boolean
language sql stable security definer set search_path = '' as $$
  select (select count(*) from public.ticket_transfers x where x.ticket_id = t.id) < 2
      or coalesce(t.holder_id = (select auth.uid()), false)
      or coalesce(t.holder_id is null and lower(t.email) = (select private.my_address()), false)
      or coalesce('ticket:' || t.id || ':' || t.serial = (select current_setting('vently.link', true)), false)
      or exists (select from public.events e where e.id = t.event_id and private.event_is_mine(e.organizer_id, e.community_id))
$$;
revoke execute on function private.knows_attendee(public.tickets) from public;
grant execute on function private.knows_attendee(public.tickets) to anon, authenticated, service_role;


-- An order as people read it: with its lines, its tickets, and where to pay.

create or replace view public.order_cards with (security_invoker = true) as
select o.id, o.event_id, o.buyer_id, o.status, o.version, o.link_serial, o.created_at,
       json_build_object(
         'id', o.id,
         'event', coalesce(
           -- As private.ticketed_event: a call for each would cost a batch of the till milliseconds.
           case when e.id is not null then
             json_build_object('id', e.id, 'slug', e.slug, 'title', e.title, 'starts_at', e.starts_at, 'ends_at', e.ends_at,
                               'all_day', e.all_day, 'timezone', e.timezone, 'status', e.status) end,
           (private.event_of_mine(o.event_id) - array['venue', 'online', 'online_url'])::json),
         'status', o.status,
         'method', o.method,
         'buyer', json_build_object('name', o.buyer_name, 'email', o.buyer_email, 'address', o.buyer_address,
                                    'tax_id', o.buyer_tax_id),
         'subtotal', json_build_object('amount', o.subtotal, 'currency', o.currency),
         'discount', json_build_object('amount', o.discount, 'currency', o.currency),
         'fee', json_build_object('amount', o.fee, 'currency', o.currency),
         'tax', json_build_object('amount', o.tax, 'currency', o.currency),
         'total', json_build_object('amount', o.total, 'currency', o.currency),
         'refunded', json_build_object('amount', o.refunded, 'currency', o.currency),
         'items', (
           select json_agg(json_build_object(
                    'ticket_type', json_build_object('id', lines.id, 'name', lines.name),
                    'quantity', lines.quantity,
                    'price', json_build_object('amount', lines.price, 'currency', o.currency),
                    'amount', json_build_object('amount', lines.paid, 'currency', o.currency)) order by lines.place, lines.id)
             from (select y.id, y.name, y.place, t.price, count(*) as quantity, sum(t.paid) as paid
                     from public.tickets t join public.ticket_types y on y.id = t.ticket_type_id
                    where t.order_id = o.id
                    group by y.id, y.name, y.place, t.price) lines),
         'tickets', (
           select json_agg(json_build_object('id', t.id, 'ticket_type', t.ticket_type_id, 'status', t.status,
                    'attendee', case when t.serial < 3 or private.knows_attendee(t)
                                     then json_build_object('name', t.name, 'email', t.email)
                                     else json_build_object('name', null, 'email', null) end,
                    'amount', json_build_object('amount', t.paid, 'currency', o.currency)) order by t.id)
             from public.tickets t where t.order_id = o.id),
         'expires_at', case when o.status = 'pending' then o.expires_at end,
         'paid_at', o.paid_at,
         -- Whoever comes there pays as the buyer, and is shown their order: those who run the event do not.
         'checkout_url', case when o.status = 'pending' and o.method = 'card' and (
             o.buyer_id = (select auth.uid()) or o.event_id not in (select private.events_i_run())) then (
           select coalesce(current_setting('vently.site', true), '')
                  || case a.provider when 'pretend' then '/pretend/checkout/' else '/checkout/' end || a.id
             from public.payment_attempts a where a.order_id = o.id and a.status = 'open' order by a.id desc limit 1) end,
         'url', coalesce(current_setting('vently.site', true), '') || '/orders/' || o.id,
         'created_at', o.created_at,
         'updated_at', o.updated_at,
         'version', o.version) as document
  from public.ticket_orders o
  left join public.events e on e.id = o.event_id;  -- whoever bought keeps seeing what it is for
comment on view public.order_cards is '`document` is what the API answers';
grant select on public.order_cards to anon, authenticated, service_role;


-- What buyers do with their order themselves; those who run the event may do it for them

create or replace function private.order_to_change(the_order uuid, wanted int) returns public.ticket_orders
language plpgsql volatile set search_path = '' as $$
declare
  found public.ticket_orders;
begin
  select * into found from public.ticket_orders o where o.id = the_order for no key update;
  if found.id is null or not (private.order_is_mine(found) or private.order_is_of_my_event(found)) then
    raise exception 'There is nothing here, or nothing you may see.' using errcode = 'PT404', detail = 'not-found';
  elsif wanted is not null and found.version <> wanted then
    raise exception 'This order was changed since you read it: read it again.' using errcode = 'PT412', detail = 'stale';
  elsif found.status in ('expired', 'cancelled', 'refunded') then
    raise exception 'This order is over: nothing about it can be changed.' using errcode = 'PT409', detail = 'order-over';
  end if;
  return found;
end $$;
revoke execute on function private.order_to_change(uuid, int) from public, anon, authenticated;

create or replace function private.give_back(the_order uuid, wanted int default null) returns void
language plpgsql volatile security definer set search_path = '' as $$
declare
  moment timestamptz;
  found public.ticket_orders;
begin
  perform private.at_till(o.event_id) from public.ticket_orders o
    where o.id = the_order and (private.order_is_mine(o) or private.order_is_of_my_event(o));
  moment := clock_timestamp();
  found := private.order_to_change(the_order, wanted);
  if found.status <> 'pending' then
    raise exception 'This order is paid: ask for your money back instead.' using errcode = 'PT409', detail = 'order-paid';
  end if;
  perform private.release(array[found.id], case when found.expires_at <= moment then 'expired' else 'cancelled' end, moment);
  perform private.tell_availability(found.event_id);
end $$;
comment on function private.give_back is 'What an order holds goes back on sale; money that still comes goes back as well';
revoke execute on function private.give_back(uuid, int) from public;
grant execute on function private.give_back(uuid, int) to anon, authenticated;

-- `buyer`: the fields to set. `attendees`: {ticket, name?, answers?} each.
create or replace function private.correct_order(the_order uuid, buyer jsonb, attendees jsonb, wanted int default null) returns void
language plpgsql volatile security definer set search_path = '' as $$
declare
  found public.ticket_orders;
  moved boolean;
  asked record;
  questions public.ticket_questions[];
  trouble text;
begin
  found := private.order_to_change(the_order, wanted);
  moved := coalesce(lower(buyer ->> 'email') <> lower(found.buyer_email), false);
  update public.ticket_orders o
     set buyer_name = case when buyer ? 'name' then buyer ->> 'name' else o.buyer_name end,
         buyer_email = case when buyer ? 'email' then buyer ->> 'email' else o.buyer_email end,
         buyer_address = case when buyer ? 'address' then buyer ->> 'address' else o.buyer_address end,
         buyer_tax_id = case when buyer ? 'tax_id' then buyer ->> 'tax_id' else o.buyer_tax_id end,
         link_serial = o.link_serial + moved::int, version = o.version + 1, updated_at = clock_timestamp()
   where o.id = found.id;
  if moved and found.link_serial >= 10 and not private.order_is_of_my_event(found) then
    raise exception 'The address was corrected very often: ask the organiser to do it.' using errcode = 'PT409', detail = 'corrected-often';
  end if;
  if moved then
    -- Codes that went to the address before it was corrected open nothing any more.
    update public.tickets t
       set serial = t.serial + 1, email = case when lower(t.email) = lower(found.buyer_email) then buyer ->> 'email' else t.email end
     where t.order_id = found.id and t.status in ('held', 'valid')
       and not private.was_handed_on(t.id)  -- its code went to its taker
       and (lower(t.email) = lower(found.buyer_email) or t.email is null and t.holder_id is not distinct from found.buyer_id);
    if found.status <> 'pending' then
      perform private.enqueue('mail tickets', jsonb_build_object('order_id', found.id), key => 'order:' || found.id);
    end if;
  end if;
  if jsonb_array_length(attendees) > 0 then
    select array_agg(q order by q.place, q.id) into questions from public.ticket_questions q where q.event_id = found.event_id;
  end if;
  for asked in
    select a.n, a.given, t.id, t.status, t.holder_id, t.answers
      from jsonb_array_elements(attendees) with ordinality a (given, n)
      left join public.tickets t on t.order_id = found.id and t.id = (a.given ->> 'ticket')::uuid
     order by a.n
  loop
    trouble := case
      when asked.id is null then '/ticket: is no ticket of this order'
      when asked.status not in ('held', 'valid') then '/ticket: opens no door any more'
      when (asked.holder_id is not null and asked.holder_id is distinct from found.buyer_id
            or asked.holder_id is null and private.was_handed_on(asked.id))
           and not private.order_is_of_my_event(found) then '/ticket: belongs to somebody else now'
      when asked.given ? 'answers' and private.wrong_answer(questions, asked.given -> 'answers') is not null
        then '/answers: ' || private.wrong_answer(questions, asked.given -> 'answers') end;
    if trouble is not null then
      raise exception '%', substr(trouble, strpos(trouble, ': ') + 2)
        using errcode = 'PT422', detail = 'invalid', hint = '/attendees/' || asked.n - 1 || split_part(trouble, ':', 1);
    end if;
    update public.tickets t
       set name = case when asked.given ? 'name' then asked.given ->> 'name' else t.name end,
           answers = case when asked.given ? 'answers' then asked.given -> 'answers' else t.answers end
     where t.id = asked.id;
  end loop;
end $$;
comment on function private.correct_order is
  'A corrected address makes the old link and the codes sent there worthless, and has the tickets mailed again';
revoke execute on function private.correct_order(uuid, jsonb, jsonb, int) from public;
grant execute on function private.correct_order(uuid, jsonb, jsonb, int) to anon, authenticated;


-- Codes that buyers type: what they are worth is told, a list of them never

create or replace function private.sells_to_me(event uuid) returns boolean
language sql stable set search_path = '' as $$
  select exists (
    select from public.events e
     where e.id = sells_to_me.event and e.status <> 'draft'
       and (e.visibility <> 'members' or private.event_is_mine(e.organizer_id, e.community_id)
            or e.community_id in (select private.my_communities())))
$$;
revoke execute on function private.sells_to_me(uuid) from public, anon, authenticated;

create or replace function private.discount_called(event uuid, code text)
returns table (percent int, amount bigint, used_up boolean)
language sql stable security definer set search_path = '' as $$
  select d.percent, d.amount, coalesce(d.uses >= d.max_uses, false)
    from public.discounts d
   where d.event_id = discount_called.event and d.code = upper(discount_called.code) and private.sells_to_me(d.event_id)
     and coalesce(d.valid_from <= now(), true) and coalesce(d.valid_until > now(), true)
$$;
create or replace function private.types_behind(event uuid, code text) returns setof public.ticket_types
language sql stable security definer set search_path = '' rows 5 as $$
  select y.*
    from public.ticket_types y join public.ticket_type_codes w on w.ticket_type_id = y.id
   where y.event_id = types_behind.event and y.locked and upper(w.access_code) = upper(types_behind.code)
     and private.sells_to_me(y.event_id)
$$;
comment on function private.types_behind is 'Ticket types, hidden ones as well, that this access code opens';
revoke execute on function private.discount_called(uuid, text), private.types_behind(uuid, text) from public;
grant execute on function private.discount_called(uuid, text), private.types_behind(uuid, text) to anon, authenticated;
