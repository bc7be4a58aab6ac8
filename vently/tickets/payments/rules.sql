-- Paying: attempts, what providers tell, and orders settled.
--
-- Money that came is never turned away: it pays its order, or goes back. Whoever settles is at the till of the event, and
-- locks the order before its attempt.

create policy "the system alone keeps notices of payment" on private.payment_notices for all to service_role
  using (true) with check (true);
grant select, insert, update, delete on private.payment_notices to service_role;
create policy "the system alone pretends payments" on private.pretend_payments for all to service_role
  using (true) with check (true);
grant select, insert, update, delete on private.pretend_payments to service_role;
grant update (status, reference, begun_at, checked_at, settled_at, note) on public.payment_attempts to service_role;


-- An order is paid

create or replace function private.honour(the_order uuid, moment timestamptz) returns boolean
language plpgsql volatile set search_path = '' as $$
declare
  o public.ticket_orders;
  e public.events;
  seller uuid;
  was text;  -- what its tickets are until now
begin
  select * into o from public.ticket_orders x where x.id = the_order;
  select * into e from public.events x where x.id = o.event_id;
  if o.status not in ('pending', 'expired', 'cancelled') or o.total = 0 then
    return false;
  end if;
  if e.status = 'cancelled' then
    perform private.release(array[o.id], 'cancelled', moment);
    return false;
  end if;
  was := case o.status when 'pending' then 'held' else 'void' end;
  if was = 'void' then
    if e.ends_at <= moment then
      return false;
    end if;
    perform private.lapse(o.event_id, moment);
    if exists (select from private.stock_of(o.id, was) mine join public.ticket_stocks s on s.id = mine.stock_id
                where s.held + s.sold + mine.count > s.quantity)
       or exists (select from public.discounts d where d.id = o.discount_id and d.uses >= d.max_uses)
       or private.has_enough(o) then
      return false;
    end if;
    update public.discounts d set uses = d.uses + 1 where d.id = o.discount_id;
  end if;
  update public.ticket_stocks s
     set held = s.held - case was when 'held' then mine.count else 0 end, sold = s.sold + mine.count
    from private.stock_of(o.id, was) mine where s.id = mine.stock_id;
  update public.tickets t set status = 'valid' where t.order_id = o.id and t.status = was;
  update public.ticket_orders x
     set status = 'paid', paid = x.total, paid_at = moment, expires_at = null, ended_at = null, version = x.version + 1,
         updated_at = moment
   where x.id = o.id;

  select t.seller_id into seller from public.tills t where t.event_id = o.event_id;
  insert into public.ledger_transfers (order_id, seller_id, debit, credit, amount, currency, cause, cause_id)
  select o.id, seller, part.debit, part.credit, part.amount, o.currency, 'sale', o.id
    from (values ('buyer', 'seller', o.total - o.platform_fee), ('buyer', 'platform', o.platform_fee),
                 ('seller', 'tax', o.tax)) part (debit, credit, amount)
   where part.amount > 0;
  perform private.tell_availability(o.event_id);
  if o.buyer_id is not null then
    perform private.announce('person:' || o.buyer_id, 'order.paid', jsonb_build_object('id', o.id, 'event_id', o.event_id));
  end if;
  perform private.enqueue('mail tickets', jsonb_build_object('order_id', o.id), null, 'order:' || o.id);
  if to_regprocedure('private.issue_invoice(uuid)') is not null then
    perform private.issue_invoice(o.id);
  end if;
  return true;
end $$;
comment on function private.honour is
  'Its tickets are valid from now on, if it is pending, or is over and all it held is still there. The caller is at the till, and has the money';

-- Whoever lets holds go and pays for all of them in the end gets no more than others.
create or replace function private.has_enough(o public.ticket_orders) returns boolean
language sql stable set search_path = '' as $$
  select exists (
    select from (select t.ticket_type_id, count(*) as count from public.tickets t where t.order_id = o.id group by 1) wanted
      join public.ticket_types y on y.event_id = o.event_id and y.id = wanted.ticket_type_id
     where y.per_person_max < wanted.count + (
           select count(*)
             from public.ticket_orders x join public.tickets t on t.order_id = x.id
            where x.event_id = o.event_id and (lower(x.buyer_email) = lower(o.buyer_email) or x.buyer_id = o.buyer_id)
              and t.ticket_type_id = y.id and t.status in ('held', 'valid')))
$$;
comment on function private.has_enough is 'With this order, which is over, its buyer would have more of a type than one person may';
revoke execute on function private.has_enough(public.ticket_orders) from public, anon, authenticated;

create or replace function private.stock_of(the_order uuid, standing text) returns table (stock_id uuid, count int)
language sql stable set search_path = '' as $$
  select stock.id, count(*)::int
    from public.tickets t join public.ticket_types y on y.id = t.ticket_type_id,
         lateral (values (y.stock_id), (y.pool_id)) stock (id)
   where t.order_id = the_order and t.status = standing and stock.id is not null
   group by stock.id
$$;
revoke execute on function private.honour(uuid, timestamptz), private.stock_of(uuid, text) from public, anon, authenticated;


-- Money came by a provider

create or replace function private.settle_payment(
  the_attempt uuid, the_payment text, the_amount bigint, the_currency text, the_provider text, the_reference text default null)
returns text language plpgsql volatile security definer set search_path = '' as $$
declare
  a public.payment_attempts;
  o public.ticket_orders;
  moment timestamptz;
  outcome text;
  refund uuid;
begin
  select * into a from public.payment_attempts x where x.id = the_attempt and x.provider = the_provider;
  if a.id is null then
    raise exception 'There is no such payment here.' using errcode = 'PT404', detail = 'not-found';
  end if;
  if a.status <> 'paid' then
    perform private.at_till(x.event_id) from public.ticket_orders x where x.id = a.order_id;
    select * into o from public.ticket_orders x where x.id = a.order_id for no key update;
    select * into a from public.payment_attempts x where x.id = the_attempt for update;
  end if;
  if a.status = 'paid' then
    if a.payment is distinct from the_payment then
      update public.payment_attempts x set note = 'also paid as ' || the_payment || ': look at the provider'
       where x.id = a.id and the_payment is not null;
      return 'paid_again';
    end if;
    return 'already';
  elsif coalesce(the_amount, 0) <= 0 or the_payment is null then
    update public.payment_attempts x set note = 'said to be paid, without an amount' where x.id = a.id;
    return 'nothing';
  end if;
  moment := clock_timestamp();
  update public.payment_attempts x
     set status = 'paid', settled_at = moment, payment = the_payment, reference = coalesce(x.reference, the_reference)
   where x.id = a.id;
  insert into public.ledger_transfers (order_id, seller_id, debit, credit, amount, currency, cause, cause_id)
  values (o.id, (select t.seller_id from public.tills t where t.event_id = o.event_id), 'provider:' || a.provider, 'buyer',
          the_amount, the_currency, 'payment', a.id);

  outcome := case
    when the_amount <> a.amount or the_currency <> a.currency then 'wrong_amount'
    when o.status in ('paid', 'partially_refunded', 'refunded') then 'paid_twice'
    when private.honour(o.id, moment) then 'paid'
    else 'too_late' end;
  if outcome <> 'paid' then
    insert into public.refunds (id, order_id, attempt_id, amount, currency, cause, status)
    values (private.uuid_v7(), o.id, a.id, the_amount, the_currency, outcome, 'requested') returning id into refund;
    update public.payment_attempts x
       set note = case outcome when 'wrong_amount' then 'asked for ' || a.amount || ' ' || a.currency || ' and got '
                    || the_amount || ' ' || the_currency else outcome end
     where x.id = a.id;
    perform private.enqueue('send refunds', '{}', null, 'now');
    perform private.enqueue('mail about money back', jsonb_build_object('refund_id', refund));
  end if;
  return outcome;
end $$;
comment on function private.settle_payment is
  'Money came for an attempt: once, its order is paid, or the money is on its way back. Says which: paid, too_late, paid_twice, '
  'wrong_amount, already (known), paid_again (by another payment, which only a person can untangle), nothing (no amount)';

create or replace function private.close_attempt(the_attempt uuid, ending text, why text default null) returns boolean
language sql volatile security definer set search_path = '' as $$
  update public.payment_attempts x set status = ending, settled_at = clock_timestamp(), note = coalesce(why, x.note)
   where x.id = the_attempt and x.status = 'open'
  returning true
$$;
comment on function private.close_attempt is
  'The provider said that it cannot be paid any more: failed or expired. The order stays as it is, and may be tried again';
revoke execute on function private.settle_payment(uuid, text, bigint, text, text, text), private.close_attempt(uuid, text, text)
  from public, anon, authenticated;
grant execute on function private.settle_payment(uuid, text, bigint, text, text, text), private.close_attempt(uuid, text, text)
  to service_role;


-- What nobody was shown cannot be paid, so it ends with its order. What was shown is closed at the provider first.
create or replace function private.close_unshown() returns trigger
language plpgsql volatile security definer set search_path = '' as $$
begin
  update public.payment_attempts a set status = 'expired', settled_at = clock_timestamp(), note = 'never shown'
    from ended join was on was.id = ended.id and was.status = 'pending'
   where ended.status <> 'pending' and a.order_id = ended.id and a.status = 'open' and a.reference is null;
  return null;
end $$;
revoke execute on function private.close_unshown() from public, anon, authenticated;
create trigger ticket_orders_close_unshown after update on public.ticket_orders
  referencing old table as was new table as ended for each statement execute function private.close_unshown();


-- Money came by hand: by bank, or at the door

create or replace function private.settle_by_hand(the_order uuid, the_method text) returns void
language plpgsql volatile security definer set search_path = '' as $$
declare
  o public.ticket_orders;
  runs boolean;
  moment timestamptz;
begin
  select * into o from public.ticket_orders x where x.id = the_order;
  runs := private.order_is_of_my_event(o);
  if o.id is null or not (runs or o.event_id in (select private.events_i_staff()) or private.order_is_mine(o)) then
    raise exception 'There is nothing here, or nothing you may see.' using errcode = 'PT404', detail = 'not-found';
  elsif not runs and (the_method <> 'door' or o.event_id not in (select private.events_i_staff())) then
    raise exception 'Only those who run the event say that money came; its door staff say so of money at the door.'
      using errcode = 'PT403', detail = 'not-allowed';
  elsif the_method not in ('transfer', 'door') then
    raise exception 'is transfer or door' using errcode = 'PT422', detail = 'invalid', hint = '/method';
  end if;
  perform private.at_till(o.event_id);
  moment := clock_timestamp();
  select * into o from public.ticket_orders x where x.id = the_order for no key update;  -- as corrections do, before its tickets
  if o.status not in ('pending', 'expired', 'cancelled') or o.total = 0 then
    raise exception 'This order is paid already.' using errcode = 'PT409', detail = 'order-paid';
  elsif not private.honour(o.id, moment) then
    raise exception 'This order is over, and what it held is gone, or its buyer has as many as one may: give the money back.' using errcode = 'PT409', detail = 'order-over';
  end if;
  update public.ticket_orders x set method = the_method where x.id = o.id;
  insert into public.ledger_transfers (order_id, seller_id, debit, credit, amount, currency, cause, cause_id)
  values (o.id, (select t.seller_id from public.tills t where t.event_id = o.event_id), 'provider:' || the_method, 'buyer',
          o.total, o.currency, 'payment', o.id);
end $$;
comment on function private.settle_by_hand is
  'Who runs the event has seen the money: all of it, by bank transfer or at the door. The viewer is judged';
revoke execute on function private.settle_by_hand(uuid, text) from public, anon;
grant execute on function private.settle_by_hand(uuid, text) to authenticated;


-- Trying to pay

create or replace function private.why_not_payable(o public.ticket_orders) returns text
language sql stable set search_path = '' as $$
  select case
    when o.status in ('paid', 'partially_refunded') then 'This order is paid already.'
    when o.status = 'refunded' then 'This order was paid, and the money given back.'
    when o.status = 'cancelled' or exists (select from public.events e where e.id = o.event_id and e.status = 'cancelled')
      then 'This order is cancelled.'
    when o.status = 'expired' or o.expires_at <= clock_timestamp()
      then 'The time to pay is over, and the tickets went back on sale: choose again.'
    when o.method <> 'card' then 'This order is not paid online.' end
$$;
revoke execute on function private.why_not_payable(public.ticket_orders) from public, anon, authenticated;

create or replace function private.add_attempt(o public.ticket_orders, the_provider text) returns uuid
language sql volatile set search_path = '' as $$
  insert into public.payment_attempts (id, order_id, provider, amount, currency)
  values (private.uuid_v7(), o.id, the_provider, o.total, o.currency) returning id
$$;
revoke execute on function private.add_attempt(public.ticket_orders, text) from public, anon, authenticated;

-- A checkout is first started within half an hour of its attempt, and shown to nobody before its reference is kept
-- (vently/outside/payments): one without a reference cannot be paid, whether or not the provider was asked. Asking takes
-- less than half a minute; an answer that never came may stay lost for that attempt.
create or replace function private.is_fresh(a public.payment_attempts, the_provider text) returns boolean
language sql stable set search_path = '' as $$
  select a.provider = the_provider and a.reference is null and a.created_at > clock_timestamp() - interval '25 minutes'
     and coalesce(a.begun_at > clock_timestamp() - interval '30 seconds', true)
$$;
-- What was shown may be paid until its provider has closed it; the pretender closes with the day Stripe takes over.
create or replace function private.is_shown(a public.payment_attempts, the_provider text) returns boolean
language sql stable set search_path = '' as $$
  select coalesce(a.reference is not null and (a.provider = the_provider or a.provider <> 'pretend'), false)
$$;
revoke execute on function private.is_fresh(public.payment_attempts, text), private.is_shown(public.payment_attempts, text)
  from public, anon, authenticated;

create or replace function private.open_attempt(the_order uuid, the_provider text)
returns table (attempt uuid, to_close boolean)
language plpgsql volatile security definer set search_path = '' as $$
declare
  o public.ticket_orders;
  a public.payment_attempts;
begin
  select * into o from public.ticket_orders x where x.id = the_order for no key update;
  if o.id is null or not (private.order_is_mine(o) or private.order_is_of_my_event(o)) then
    raise exception 'There is nothing here, or nothing you may see.' using errcode = 'PT404', detail = 'not-found';
  elsif not private.order_is_mine(o) then
    raise exception 'Only who bought pays.' using errcode = 'PT403', detail = 'not-allowed';
  elsif private.why_not_payable(o) is not null then
    raise exception '%', private.why_not_payable(o) using errcode = 'PT409', detail = 'not-payable';
  end if;
  select * into a from public.payment_attempts x where x.order_id = o.id and x.status = 'open' for update;
  if private.is_shown(a, the_provider) then
    return query select a.id, true;
    return;
  elsif private.is_fresh(a, the_provider) then
    return query select a.id, false;
    return;
  end if;
  perform private.close_attempt(a.id, 'expired', 'never shown');
  return query select private.add_attempt(o, the_provider), false;
end $$;
comment on function private.open_attempt is
  'The attempt by which who bought may pay now; `to_close`: it has a checkout, and the provider must close it before there is another';
revoke execute on function private.open_attempt(uuid, text) from public;
grant execute on function private.open_attempt(uuid, text) to anon, authenticated;

create or replace function private.begin_attempt(the_attempt uuid, the_provider text)
returns table (attempt uuid, order_id uuid, link_serial int, state text, sentence text)
language plpgsql volatile security definer set search_path = '' as $$
declare
  a public.payment_attempts;
  o public.ticket_orders;
begin
  select x.order_id into order_id from public.payment_attempts x where x.id = the_attempt;
  select * into o from public.ticket_orders x where x.id = begin_attempt.order_id for no key update;
  if o.id is null then
    raise exception 'There is no such payment here.' using errcode = 'PT404', detail = 'not-found';
  end if;
  attempt := the_attempt;
  link_serial := o.link_serial;
  sentence := private.why_not_payable(o);
  select * into a from public.payment_attempts x where x.order_id = o.id and x.status = 'open' for update;
  if sentence is not null then
    state := case when o.status in ('paid', 'partially_refunded') then 'paid' else 'over' end;
  elsif a.id is null then
    state := 'again';
    sentence := 'This try to pay has ended. Your tickets are still held for you.';
  elsif not private.is_shown(a, the_provider) and not private.is_fresh(a, the_provider) then
    perform private.close_attempt(a.id, 'expired', 'never shown');
    state := 'moved';
    attempt := private.add_attempt(o, the_provider);
  elsif a.id <> the_attempt then
    state := 'moved';
    attempt := a.id;
  elsif a.provider <> the_provider then
    state := 'over';
    sentence := 'Whoever was to take this payment is not asked any more: write to the organiser.';
  else
    state := 'begun';
    update public.payment_attempts x
       set begun_at = clock_timestamp(),
           account = (select s.stripe_account from public.tills t join public.sellers s on s.id = t.seller_id
                       where t.event_id = o.event_id and s.charges_enabled
                         and s.stripe_account like case the_provider when 'stripe' then 'acct' else the_provider end || '\_%')
     where x.id = a.id and x.begun_at is null;
  end if;
  return next;
end $$;
comment on function private.begin_attempt is
  'A buyer goes to pay. `state`: begun (ask the provider for its checkout), moved (another attempt counts), again (make one), '
  'paid, or over; `sentence` says why not';
revoke execute on function private.begin_attempt(uuid, text) from public, anon, authenticated;
grant execute on function private.begin_attempt(uuid, text) to service_role;

create or replace view private.checkouts with (security_invoker = true) as
select a.id as attempt, a.provider, a.status, a.reference, a.created_at as opened_at, a.amount, a.currency, a.account,
       o.id as order_id, o.status as order_status, o.link_serial, o.platform_fee, o.buyer_email as email, o.expires_at,
       e.title, e.slug,
       coalesce((select json_agg(json_build_object('name', l.name, 'quantity', l.quantity, 'amount', l.paid)
                                 order by l.place, l.name, l.paid)
          from (select y.name, y.place, t.paid, count(*) as quantity
                  from public.tickets t join public.ticket_types y on y.id = t.ticket_type_id
                 where t.order_id = o.id group by y.name, y.place, t.paid) l), '[]') as lines
  from public.payment_attempts a
  join public.ticket_orders o on o.id = a.order_id
  join public.events e on e.id = o.event_id;
comment on view private.checkouts is 'What a provider is told of an attempt';
grant select on private.checkouts to service_role;


-- Whom the money is for

create or replace function private.payee(the_community uuid, making boolean) returns public.sellers
language plpgsql volatile security definer set search_path = '' as $$
declare
  found public.sellers;
begin
  if the_community is not null and the_community not in (select private.communities_i_administer()) then
    raise exception 'Only who administers the community says where its money goes.' using errcode = 'PT403', detail = 'not-allowed';
  elsif (select auth.uid()) is null then
    raise exception 'Sign in first.' using errcode = 'PT401', detail = 'unauthenticated';
  end if;
  if making then
    insert into public.sellers (community_id, person_id, name)
    select the_community, case when the_community is null then p.id end, coalesce(c.name, p.name)
      from public.profiles p left join public.communities c on c.id = the_community
     where p.id = (select auth.uid())
    on conflict do nothing;
  end if;
  select * into found from public.sellers s
   where case when the_community is null then s.person_id = (select auth.uid()) else s.community_id = the_community end;
  return found;
end $$;
comment on function private.payee is 'The seller that the viewer is (no community), or administers; `making`: made when there is none yet';
revoke execute on function private.payee(uuid, boolean) from public, anon;
grant execute on function private.payee(uuid, boolean) to authenticated;

create or replace function private.keep_account(the_seller uuid, the_account text) returns text
language sql volatile security definer set search_path = '' as $$
  update public.sellers s set stripe_account = coalesce(s.stripe_account, the_account) where s.id = the_seller
  returning s.stripe_account
$$;
comment on function private.keep_account is 'The account opened for a seller; the first one stays';
revoke execute on function private.keep_account(uuid, text) from public, anon, authenticated;
grant execute on function private.keep_account(uuid, text) to service_role;


-- Holds past their time

create or replace function private.lapse_holds(the_event uuid) returns int
language plpgsql volatile security definer set search_path = '' as $$
declare
  ended int;
begin
  perform private.at_till(the_event);
  ended := private.lapse(the_event, clock_timestamp());
  if ended > 0 then
    perform private.tell_availability(the_event);
  end if;
  return ended;
end $$;
comment on function private.lapse_holds is 'Ends holds of an event whose time is over, up to 1,000; how many';
revoke execute on function private.lapse_holds(uuid) from public, anon, authenticated;
grant execute on function private.lapse_holds(uuid) to service_role;
