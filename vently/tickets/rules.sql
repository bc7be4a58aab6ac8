-- Tickets: who sees and does what. What sells, settles and admits stands in the rules of the packages below.

-- The events that the viewer runs, found once for a statement: asked row by row, a list would ask as often as it is long,
-- or Postgres looks through all events there are instead.
create or replace function private.events_i_run() returns setof uuid
language sql stable security definer set search_path = '' rows 20 as $$
  select e.id from public.events e where e.organizer_id = (select auth.uid()) and e.community_id is null
   union all
  select e.id from public.events e where e.community_id in (select private.communities_i_organize())
$$;
revoke execute on function private.events_i_run() from public;
grant execute on function private.events_i_run() to anon, authenticated, service_role;

-- Sellers: whoever runs the event's community, or the organiser themselves

create policy "sellers see themselves" on public.sellers for select to authenticated
  using (person_id = (select auth.uid()) or community_id in (select private.communities_i_organize()));
create policy "buyers see whom they buy from" on public.sellers for select to anon, authenticated
  using (exists (select 1 from public.tills t join public.ticket_orders o on o.event_id = t.event_id where t.seller_id = sellers.id));
create policy "sellers say who they are" on public.sellers for update to authenticated
  using (person_id = (select auth.uid()) or community_id in (select private.communities_i_administer()))
  with check (person_id = (select auth.uid()) or community_id in (select private.communities_i_administer()));
grant select (id, community_id, person_id, name, address, tax_id, bank_details, charges_enabled, version, created_at, updated_at)
  on public.sellers to anon, authenticated;
grant update (name, address, tax_id, bank_details) on public.sellers to authenticated;
grant select, update on public.sellers to service_role;
create trigger sellers_touch before update of name, address, tax_id, bank_details on public.sellers
  for each row execute function private.touch();


-- What is on sale is seen with its event; those who run the event change it

create policy "tills are seen with their event" on public.tills for select to anon, authenticated
  using (exists (select 1 from public.events e where e.id = event_id));
create policy "organisers open tills" on public.tills for insert to authenticated
  with check (event_id in (select private.events_i_run()));
create policy "organisers change tills" on public.tills for update to authenticated
  using (event_id in (select private.events_i_run()))
  with check (event_id in (select private.events_i_run()));
grant select on public.tills to anon, authenticated, service_role;
grant insert (event_id, currency, methods, hold_minutes, transfer_hours, refund_hours, fee_on_top)
  on public.tills to authenticated;
grant update (currency, methods, hold_minutes, transfer_hours, refund_hours, fee_on_top) on public.tills to authenticated;
create trigger tills_touch before update of methods, hold_minutes, transfer_hours, refund_hours, fee_on_top, currency, seller_id
  on public.tills for each row execute function private.touch();

create or replace function private.seller_of(event uuid) returns uuid
language plpgsql volatile set search_path = '' as $$
begin
  insert into public.sellers (community_id, person_id, name)
  select e.community_id, case when e.community_id is null then e.organizer_id end, coalesce(c.name, p.name)
    from public.events e left join public.communities c on c.id = e.community_id left join public.profiles p on p.id = e.organizer_id
   where e.id = seller_of.event
  on conflict do nothing;
  return (
    select s.id from public.sellers s join public.events e on e.id = seller_of.event
     where s.community_id = e.community_id or e.community_id is null and s.person_id = e.organizer_id);
end $$;
comment on function private.seller_of is 'What an event takes goes to its community, else to its organiser';
create or replace function private.name_seller() returns trigger
language plpgsql volatile security definer set search_path = '' as $$
begin
  new.seller_id := private.seller_of(new.event_id);
  return new;
end $$;
-- Sold tickets are the seller's to honour and to refund: what has sold stays with them.
create or replace function private.move_seller() returns trigger
language plpgsql volatile security definer set search_path = '' as $$
begin
  if exists (select from public.ticket_orders o
              where o.event_id = new.id and o.total > 0
                and (o.status not in ('expired', 'cancelled')
                     or exists (select from public.ledger_transfers l where l.order_id = o.id)
                     or exists (select from public.payment_attempts a where a.order_id = o.id and a.status = 'open'))) then
    raise exception 'Tickets were sold for this event: it stays where its money goes.'
      using errcode = 'PT409', detail = 'has-orders', hint = '/community';
  end if;
  update public.tills t set seller_id = private.seller_of(new.id) where t.event_id = new.id;
  return null;
end $$;
revoke execute on function private.seller_of(uuid), private.name_seller(), private.move_seller() from public, anon, authenticated;
create trigger events_move_seller after update of community_id on public.events
  for each row when (old.community_id is distinct from new.community_id) execute function private.move_seller();
create trigger tills_name_seller before insert on public.tills for each row execute function private.name_seller();

create policy "stocks are seen with their event" on public.ticket_stocks for select to anon, authenticated
  using (exists (select 1 from public.events e where e.id = event_id));
create policy "organisers add stocks" on public.ticket_stocks for insert to authenticated
  with check (event_id in (select private.events_i_run()));
create policy "organisers resize stocks" on public.ticket_stocks for update to authenticated
  using (event_id in (select private.events_i_run()))
  with check (event_id in (select private.events_i_run()));
create policy "organisers take stocks away" on public.ticket_stocks for delete to authenticated
  using (event_id in (select private.events_i_run()));
grant select on public.ticket_stocks to anon, authenticated, service_role;
grant insert (event_id, name, quantity) on public.ticket_stocks to authenticated;
grant update (name, quantity) on public.ticket_stocks to authenticated;
grant delete on public.ticket_stocks to authenticated;

create policy "ticket types are seen with their event" on public.ticket_types for select to anon, authenticated
  using (not hidden and exists (select 1 from public.events e where e.id = event_id));
create policy "organisers see hidden ticket types" on public.ticket_types for select to authenticated
  using (hidden and event_id in (select private.events_i_run()));
create policy "organisers add ticket types" on public.ticket_types for insert to authenticated
  with check (event_id in (select private.events_i_run()));
create policy "organisers change ticket types" on public.ticket_types for update to authenticated
  using (event_id in (select private.events_i_run()))
  with check (event_id in (select private.events_i_run()));
create policy "organisers take ticket types away" on public.ticket_types for delete to authenticated
  using (event_id in (select private.events_i_run()));
grant select on public.ticket_types to anon, authenticated, service_role;
grant insert (event_id, currency, stock_id, pool_id, name, description, price, pay_what_you_want, tax_rate, per_order_max,
  per_person_max, sales_start, sales_end, hidden, members_only, locked, transferable, place) on public.ticket_types to authenticated;
grant update (pool_id, name, description, price, pay_what_you_want, tax_rate, per_order_max, per_person_max, sales_start, sales_end,
  hidden, members_only, locked, transferable, place) on public.ticket_types to authenticated;
grant delete on public.ticket_types to authenticated;
create trigger ticket_types_touch before update on public.ticket_types for each row execute function private.touch();

create policy "organisers know the access codes" on public.ticket_type_codes for select to authenticated
  using (exists (select 1 from public.ticket_types k where k.id = ticket_type_id and k.event_id in (select private.events_i_run())));
create policy "organisers set access codes" on public.ticket_type_codes for insert to authenticated
  with check (exists (select 1 from public.ticket_types k where k.id = ticket_type_id and k.event_id in (select private.events_i_run())));
create policy "organisers change access codes" on public.ticket_type_codes for update to authenticated
  using (exists (select 1 from public.ticket_types k where k.id = ticket_type_id and k.event_id in (select private.events_i_run())));
create policy "organisers take access codes away" on public.ticket_type_codes for delete to authenticated
  using (exists (select 1 from public.ticket_types k where k.id = ticket_type_id and k.event_id in (select private.events_i_run())));
-- Visitors have no policy here, so they see no row; the grant lets the view of ticket types run as them.
grant select on public.ticket_type_codes to anon;
grant select, delete on public.ticket_type_codes to authenticated;
grant insert (ticket_type_id, access_code) on public.ticket_type_codes to authenticated;
grant update (access_code) on public.ticket_type_codes to authenticated;
grant select on public.ticket_type_codes to service_role;

create policy "organisers know their discounts" on public.discounts for select to authenticated
  using (event_id in (select private.events_i_run()));
create policy "organisers give discounts" on public.discounts for insert to authenticated
  with check (event_id in (select private.events_i_run()));
create policy "organisers change discounts" on public.discounts for update to authenticated
  using (event_id in (select private.events_i_run()));
create policy "organisers end discounts" on public.discounts for delete to authenticated
  using (event_id in (select private.events_i_run()));
grant select, delete on public.discounts to authenticated;
grant insert (event_id, code, percent, amount, max_uses, valid_from, valid_until) on public.discounts to authenticated;
grant update (percent, amount, max_uses, valid_from, valid_until) on public.discounts to authenticated;
grant select on public.discounts to service_role;
create trigger discounts_touch before update of percent, amount, max_uses, valid_from, valid_until on public.discounts
  for each row execute function private.touch();

create policy "questions are seen with their event" on public.ticket_questions for select to anon, authenticated
  using (exists (select 1 from public.events e where e.id = event_id));
create policy "organisers ask" on public.ticket_questions for insert to authenticated
  with check (event_id in (select private.events_i_run()));
create policy "organisers change questions" on public.ticket_questions for update to authenticated
  using (event_id in (select private.events_i_run()));
create policy "organisers take questions back" on public.ticket_questions for delete to authenticated
  using (event_id in (select private.events_i_run()));
grant select on public.ticket_questions to anon, authenticated, service_role;
grant insert (event_id, label, kind, choices, required, place) on public.ticket_questions to authenticated;
grant update (label, kind, choices, required, place) on public.ticket_questions to authenticated;
grant delete on public.ticket_questions to authenticated;


-- Orders and tickets: buyers, holders, whoever has a signed link (the node has checked it), and those who run the event

create policy "buyers see their orders" on public.ticket_orders for select to authenticated
  using (buyer_id = (select auth.uid()));
create policy "whoever holds the link sees the order" on public.ticket_orders for select to anon, authenticated
  using ('order:' || id = (select current_setting('vently.link', true)));
create policy "organisers see their event's orders" on public.ticket_orders for select to authenticated
  using (event_id in (select private.events_i_run()));
grant select on public.ticket_orders to anon, authenticated, service_role;

create or replace function private.my_address() returns text
language sql stable security definer set search_path = '' as $$
  select lower(u.email) from auth.users u
   where u.id = (select auth.uid()) and u.email_confirmed_at is not null and u.deleted_at is null
$$;
comment on function private.my_address is 'The viewer''s own confirmed address: what was handed on to it is theirs';
create or replace function private.orders_of_mine() returns setof uuid
language sql stable security definer set search_path = '' rows 20 as $$
  select o.id from public.ticket_orders o where o.buyer_id = (select auth.uid())
   union all
  select o.id from public.ticket_orders o where o.buyer_id is null and lower(o.buyer_email) = (select private.my_address())
$$;
comment on function private.orders_of_mine is 'Orders of the viewer''s account, and those a guest placed with their confirmed address';
create or replace function private.events_i_staff() returns setof uuid
language sql stable security definer set search_path = '' rows 10 as $$
  select h.event_id from public.event_hosts h where h.person_id = (select auth.uid())
$$;
revoke execute on function private.orders_of_mine(), private.my_address(), private.events_i_staff() from public;
grant execute on function private.orders_of_mine(), private.my_address(), private.events_i_staff() to authenticated, service_role;

create policy "buyers see the tickets of their orders" on public.tickets for select to authenticated
  using (order_id in (select private.orders_of_mine()));
create policy "holders see their tickets" on public.tickets for select to authenticated
  using (holder_id = (select auth.uid()) or holder_id is null and lower(email) = (select private.my_address()));
create policy "whoever holds the link sees the tickets" on public.tickets for select to anon, authenticated
  using ('order:' || order_id = (select current_setting('vently.link', true))
         or 'ticket:' || id || ':' || serial = (select current_setting('vently.link', true)));
create policy "organisers see their event's tickets" on public.tickets for select to authenticated
  using (event_id in (select private.events_i_run()));
grant select on public.tickets to anon, authenticated, service_role;


-- Money is seen with its order; only the till, the hooks and the jobs write it

create policy "attempts are seen with their order" on public.payment_attempts for select to anon, authenticated
  using (exists (select 1 from public.ticket_orders o where o.id = order_id));
grant select on public.payment_attempts to anon, authenticated, service_role;
create policy "refunds are seen with their order" on public.refunds for select to anon, authenticated
  using (exists (select 1 from public.ticket_orders o where o.id = order_id));
grant select on public.refunds to anon, authenticated, service_role;
create policy "organisers see disputes" on public.disputes for select to authenticated
  using (exists (select 1 from public.ticket_orders o where o.id = order_id and o.event_id in (select private.events_i_run())));
grant select on public.disputes to authenticated, service_role;
create policy "organisers read the ledger" on public.ledger_transfers for select to authenticated
  using (exists (select 1 from public.ticket_orders o where o.id = order_id and o.event_id in (select private.events_i_run())));
grant select on public.ledger_transfers to authenticated, service_role;
create policy "invoices are seen with their order" on public.invoices for select to anon, authenticated
  using (exists (select 1 from public.ticket_orders o where o.id = order_id));
grant select on public.invoices to anon, authenticated, service_role;

create or replace function private.keep_ledger() returns trigger language plpgsql set search_path = '' as $$
begin
  raise exception 'The ledger is append-only: write a transfer that takes it back.' using errcode = 'PT409', detail = 'append-only';
end $$;
revoke execute on function private.keep_ledger() from public, anon, authenticated;
create trigger ledger_transfers_append_only before update or delete on public.ledger_transfers
  for each row execute function private.keep_ledger();
create trigger ledger_transfers_not_emptied before truncate on public.ledger_transfers
  for each statement execute function private.keep_ledger();
create trigger invoices_append_only before update or delete on public.invoices
  for each row execute function private.keep_ledger();


-- An event that has sold is cancelled, never deleted

create or replace function private.keep_sold_event() returns trigger
language plpgsql volatile security definer set search_path = '' as $$
begin
  if exists (select from public.ticket_orders o where o.event_id = old.id and o.status not in ('expired', 'cancelled'))
     or exists (select from public.ticket_orders o join public.ledger_transfers l on l.order_id = o.id where o.event_id = old.id)
     or exists (select from public.ticket_orders o join public.payment_attempts a on a.order_id = o.id
                 where o.event_id = old.id and a.status = 'open') then
    raise exception 'Tickets were ordered for this event: cancel it instead.' using errcode = 'PT409', detail = 'has-orders';
  end if;
  delete from public.ticket_orders o where o.event_id = old.id;  -- lapsed ones: their tickets keep the ticket types
  return old;
end $$;
revoke execute on function private.keep_sold_event() from public, anon, authenticated;
create trigger events_keep_sold before delete on public.events for each row execute function private.keep_sold_event();


-- The door

create policy "people see where they help" on public.event_hosts for select to authenticated
  using (person_id = (select auth.uid()));
create policy "organisers see who helps" on public.event_hosts for select to authenticated
  using (event_id in (select private.events_i_run()));
create policy "organisers name who helps" on public.event_hosts for insert to authenticated
  with check (event_id in (select private.events_i_run()));
create policy "organisers let helpers go" on public.event_hosts for delete to authenticated
  using (event_id in (select private.events_i_run()));
grant select, delete on public.event_hosts to authenticated;
grant insert (event_id, person_id, role) on public.event_hosts to authenticated;

create policy "organisers and door staff see scans" on public.ticket_scans for select to authenticated
  using (event_id in (select private.events_i_staff()) or event_id in (select private.events_i_run()));
grant select on public.ticket_scans to authenticated, service_role;
