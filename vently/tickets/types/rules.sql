-- What an event sells: ticket types, pools, discounts, questions, and how it is paid.

-- Who seals an event's fate and who sells for it take turns: after a cancellation no batch sells any more.

create or replace function private.queue_at_till() returns trigger
language plpgsql volatile security definer set search_path = '' as $$
begin
  perform private.at_till(old.id);
  return case when tg_op = 'DELETE' then old else new end;
end $$;
comment on function private.queue_at_till is
  'Waits for the batch under way. Verbs take the till before the event, as the till itself does; this is for all others';
revoke execute on function private.queue_at_till() from public, anon, authenticated;
create trigger events_queue_at_till before update of status, visibility, community_id on public.events
  for each row when (old.status is distinct from new.status or old.visibility is distinct from new.visibility
                     or old.community_id is distinct from new.community_id)
  execute function private.queue_at_till();


-- Who has a ticket keeps seeing what it is for: by account, by confirmed address, or by the link that the node has checked

create or replace function private.events_of_my_tickets() returns uuid[]
language sql stable security definer set search_path = '' as $$
  with link as (select string_to_array(current_setting('vently.link', true), ':') as parts)
  select array(
    select o.event_id from public.ticket_orders o where o.buyer_id = (select auth.uid())
     union
    select t.event_id from public.tickets t where t.holder_id = (select auth.uid())
     union
    select t.event_id from public.tickets t where t.holder_id is null and lower(t.email) = (select private.my_address())
     union
    select o.event_id from public.ticket_orders o
     where o.id = (select link.parts[2]::uuid from link where link.parts[1] = 'order')
     union
    select t.event_id from public.tickets t
     where t.id = (select link.parts[2]::uuid from link where link.parts[1] = 'ticket')
       and t.serial = (select link.parts[3]::int from link where link.parts[1] = 'ticket'))
$$;
comment on function private.events_of_my_tickets is 'An array: where all events are public it is never asked for, and costs no list anything';
revoke execute on function private.events_of_my_tickets() from public;
grant execute on function private.events_of_my_tickets() to anon, authenticated, service_role;
create policy "people keep seeing what they hold tickets for" on public.events for select to anon, authenticated
  using (visibility <> 'public' and status <> 'draft' and id = any ((select private.events_of_my_tickets())::uuid[]));


-- An access code locks its ticket type

create or replace function private.lock_ticket_type() returns trigger
language plpgsql volatile security definer set search_path = '' as $$
begin
  update public.ticket_types y
     set locked = tg_op <> 'DELETE', version = version + 1
   where y.id = coalesce(new.ticket_type_id, old.ticket_type_id);
  return null;
end $$;
revoke execute on function private.lock_ticket_type() from public, anon, authenticated;
create trigger ticket_type_codes_lock after insert or update of access_code or delete on public.ticket_type_codes
  for each row execute function private.lock_ticket_type();


-- A ticket type takes what it has sold along when it joins or leaves a pool

create or replace function private.change_pool() returns trigger
language plpgsql volatile security definer set search_path = '' as $$
declare
  own public.ticket_stocks;
begin
  perform private.at_till(new.event_id);
  if not exists (select from public.ticket_stocks p
                  where p.id = new.pool_id and p.id <> new.stock_id and p.event_id = new.event_id and p.name is not null) and new.pool_id is not null then
    raise exception using errcode = 'PT422', message = 'is no pool of this event', detail = 'invalid', hint = '/pool';
  end if;
  if tg_op = 'INSERT' then
    return new;
  end if;
  select * into own from public.ticket_stocks s where s.id = new.stock_id;
  update public.ticket_stocks p set held = p.held - own.held, sold = p.sold - own.sold where p.id = old.pool_id;
  update public.ticket_stocks p set held = p.held + own.held, sold = p.sold + own.sold
   where p.id = new.pool_id and p.quantity - p.held - p.sold >= own.held + own.sold;
  if not found and new.pool_id is not null then
    raise exception using errcode = 'PT422', message = 'has no room for what this ticket type has sold and holds',
      detail = 'invalid', hint = '/pool';
  end if;
  return new;
end $$;
revoke execute on function private.change_pool() from public, anon, authenticated;
create trigger ticket_types_pool before insert on public.ticket_types
  for each row when (new.pool_id is not null) execute function private.change_pool();
create trigger ticket_types_change_pool before update of pool_id on public.ticket_types
  for each row when (old.pool_id is distinct from new.pool_id) execute function private.change_pool();


-- What was ordered stays what it was

create or replace function private.keep_ordered_type() returns trigger
language plpgsql volatile security definer set search_path = '' as $$
begin
  if exists (select from public.tickets t where t.event_id = old.event_id and t.ticket_type_id = old.id) then
    raise exception using errcode = 'PT409', detail = 'has-tickets',
      message = 'Tickets of this type were ordered: hide it, or end its sale, instead.';
  end if;
  return old;
end $$;
create or replace function private.keep_ordered_currency() returns trigger
language plpgsql volatile security definer set search_path = '' as $$
begin
  if exists (select from public.ticket_orders o where o.event_id = old.event_id) then
    raise exception using errcode = 'PT409', detail = 'has-orders', hint = '/currency',
      message = 'Tickets were ordered in ' || old.currency || ': the currency stays.';
  end if;
  return new;
end $$;
revoke execute on function private.keep_ordered_type(), private.keep_ordered_currency() from public, anon, authenticated;
create trigger ticket_types_keep_ordered before delete on public.ticket_types
  for each row execute function private.keep_ordered_type();
create trigger tills_keep_currency before update of currency on public.tills
  for each row when (old.currency <> new.currency) execute function private.keep_ordered_currency();


-- Cards take some currencies in steps only (outside/payments/amounts.py): a price must be one that can be paid.

create or replace function private.card_step(currency text) returns int
  language sql immutable parallel safe
  return case when currency in ('BHD', 'IQD', 'JOD', 'KWD', 'LYD', 'OMR', 'TND') then 10 when currency = 'MGA' then 100 else 1 end;
create or replace function private.keep_payable() returns trigger
language plpgsql volatile security definer set search_path = '' as $$
begin
  if tg_table_name = 'ticket_types' then
    if exists (select from public.tills t
                where t.event_id = new.event_id and 'card' = any (t.methods) and new.price % private.card_step(t.currency) <> 0) then
      raise exception 'cards take % in steps of % only', new.currency, private.card_step(new.currency)
        using errcode = 'PT422', detail = 'invalid', hint = '/price/amount';
    end if;
  elsif 'card' = any (new.methods) and exists (
          select from public.ticket_types y where y.event_id = new.event_id and y.price % private.card_step(new.currency) <> 0) then
    raise exception 'cards take % in steps of % only: change the prices first', new.currency, private.card_step(new.currency)
      using errcode = 'PT422', detail = 'invalid', hint = '/methods';
  end if;
  return new;
end $$;
revoke execute on function private.keep_payable() from public, anon, authenticated;
revoke execute on function private.card_step(text) from public;
grant execute on function private.card_step(text) to anon, authenticated, service_role;
create trigger ticket_types_keep_payable before insert or update of price on public.ticket_types
  for each row execute function private.keep_payable();
create trigger tills_keep_payable before update of methods, currency on public.tills
  for each row execute function private.keep_payable();


-- The outbox hears of what is for sale. Selling itself, which changes `held` and `sold`, says so by itself.

create or replace function private.follow_sale() returns trigger
language plpgsql volatile security definer set search_path = '' as $$
declare
  the_event uuid := coalesce(new.event_id, old.event_id);
begin
  if tg_table_name = 'ticket_stocks' and tg_op = 'UPDATE' then
    update public.ticket_types y set version = version + 1 where y.event_id = the_event and y.stock_id = new.id;
  end if;
  if exists (select from public.tills t where t.event_id = the_event) then  -- else all of it goes
    perform private.tell_availability(the_event);
  end if;
  return null;
end $$;
revoke execute on function private.follow_sale() from public, anon, authenticated;
create trigger ticket_types_follow after insert or delete or update of currency, pool_id, name, description, price,
  pay_what_you_want, per_order_max, sales_start, sales_end, hidden, members_only, locked, place on public.ticket_types
  for each row execute function private.follow_sale();
create trigger ticket_stocks_follow after update of quantity on public.ticket_stocks
  for each row when (old.quantity <> new.quantity) execute function private.follow_sale();


-- A ticket type as people read it. `quantity`, `held` and `sold` are told to those who run the event: queries.sql

create or replace view public.ticket_type_cards with (security_invoker = true) as
select y.id, y.event_id, y.name, y.description, json_build_object('amount', y.price, 'currency', y.currency) as price,
       y.pay_what_you_want, y.pool_id as pool, lefts.available,
       case when e.status = 'cancelled' or e.ends_at <= now() or y.sales_end <= now() then 'over'
            when e.status = 'draft' or y.sales_start > now() then 'upcoming'
            when lefts.available = 0 then 'sold_out' else 'on_sale' end as on_sale,
       y.per_order_max, y.per_person_max, y.sales_start, y.sales_end, y.locked, y.hidden, y.members_only, y.transferable,
       round(y.tax_rate / 100.0, 2) as tax_percent, y.place, s.quantity, s.held, s.sold, w.access_code,
       y.created_at, y.updated_at, y.version
  from public.ticket_types y
  join public.events e on e.id = y.event_id
  join public.ticket_stocks s on s.event_id = y.event_id and s.id = y.stock_id
  left join public.ticket_stocks p on p.event_id = y.event_id and p.id = y.pool_id
  left join public.ticket_type_codes w on w.ticket_type_id = y.id
 cross join lateral (
   select greatest(0, least(s.quantity - s.held - s.sold, p.quantity - p.held - p.sold)) as available) lefts;
grant select on public.ticket_type_cards to anon, authenticated, service_role;
