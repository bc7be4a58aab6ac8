-- Refunds: money goes back to where it came from, once.
--
-- Two things happen, apart from each other. A refund *counts*: at the till, in one transaction, its tickets die, their places
-- are free, the order shows it and the ledger owes the buyer. Then its money is *sent*, where nobody waits, under the refund's
-- id: whatever is lost or repeated on the way, the provider sees one id. A refund that fails keeps counting, for the
-- tickets are gone and the buyer is still owed: taking it back would bring dead tickets to life or show an order as paid
-- that its buyer gave up. It shows as failed until somebody tries again or sends the money by hand.

-- What can still go back: neither refunded nor taken by the buyer's bank.
create or replace function private.left_of(it public.ticket_orders) returns bigint
language sql stable set search_path = '' as $$
  select greatest(0, it.paid - it.refunded - coalesce((
    select sum(l.amount) from public.ledger_transfers l
     where l.order_id = it.id and l.cause = 'dispute' and l.debit = 'seller'), 0))::bigint
$$;

-- Cards take some currencies in steps only: what is reckoned here must be one that can be sent.
create or replace function private.step_of(it public.ticket_orders) returns int
language sql immutable set search_path = '' as $$
  select case when it.method = 'card' then private.card_step(it.currency) else 1 end
$$;

-- What so many of an order's valid tickets are worth: what was paid for them, or their share when less than that is left.
create or replace function private.worth_of(it public.ticket_orders, seats uuid[]) returns bigint
language sql stable set search_path = '' as $$
  select case when worth.named = 0 then 0
              when share.amount = private.left_of(it) then share.amount
              else share.amount - share.amount % private.step_of(it) end
    from (select coalesce(sum(t.paid) filter (where t.id = any (seats)), 0) as named, coalesce(sum(t.paid), 0) as all_valid
            from public.tickets t where t.order_id = it.id and t.status = 'valid') worth,
         lateral (select least(worth.named, floor(private.left_of(it) * worth.named / nullif(worth.all_valid, 0)))::bigint) share (amount)
$$;

create or replace function private.take_back(seats uuid[], ending text) returns int
language sql volatile set search_path = '' as $$
  with dead as (
    update public.tickets t set status = case when t.paid > 0 then ending else 'void' end
     where t.id = any (seats) and t.status = 'valid'
    returning t.event_id, t.ticket_type_id
  ), counts as (
    select stock.id, count(*) as taken
      from dead join public.ticket_types y on y.id = dead.ticket_type_id,
           lateral (values (y.stock_id), (y.pool_id)) stock (id)
     where stock.id is not null
     group by stock.id
  ), freed as (
    update public.ticket_stocks s set sold = sold - counts.taken from counts where s.id = counts.id
  )
  select count(*)::int from dead
$$;
comment on function private.take_back is 'Valid tickets open no door any more and their places are free; how many. The caller is at the till';

-- The attempt whose money paid the order, not one that came too late or twice.
create or replace function private.paying_attempt(it public.ticket_orders) returns public.payment_attempts
language sql stable set search_path = '' as $$
  select a.* from public.payment_attempts a
   where it.method = 'card' and a.order_id = it.id and a.status = 'paid' and a.payment is not null
     and not exists (select from public.refunds r where r.attempt_id = a.id and r.cause in ('too_late', 'paid_twice', 'wrong_amount'))
   order by a.settled_at, a.id limit 1
$$;

create or replace function private.write_refund(it public.ticket_orders, seats uuid[], amount bigint, why text, because text)
returns uuid language plpgsql volatile set search_path = '' as $$
declare
  attempt public.payment_attempts := private.paying_attempt(it);
  seller uuid := (select s.seller_id from public.tills s where s.event_id = it.event_id);
  at_hand bigint := private.left_of(it);
  of_seats record;
  taxed bigint;
  tax_back bigint;
  fee_back bigint;
  refund uuid := private.uuid_v7();
begin
  insert into public.refunds (id, order_id, attempt_id, amount, currency, tickets, reason, cause, status, requested_by)
  values (refund, it.id, attempt.id, amount, it.currency, seats, coalesce(why, ''), because,
          case when attempt.id is null then 'by_hand' else 'requested' end, (select auth.uid()));

  -- Tax as the tickets have it; without tickets, or with more than they cost, in proportion. Never more than is left of it,
  -- and never so little that what stays would be more tax than money.
  select coalesce(sum(t.paid), 0) as paid, coalesce(sum(t.tax), 0) as tax into of_seats from public.tickets t where t.id = any (seats);
  taxed := it.tax - coalesce((select sum(l.amount) from public.ledger_transfers l
                               where l.order_id = it.id and l.cause = 'refund' and l.debit = 'tax'), 0);
  tax_back := round(case when of_seats.paid >= amount then of_seats.tax::numeric * amount / of_seats.paid
                         else taxed::numeric * amount / at_hand end);
  tax_back := least(greatest(tax_back, taxed - (at_hand - amount)), taxed, amount);
  -- The platform keeps no fee of what went back: in proportion, as Stripe gives it back, and in all no unit more or less.
  fee_back := round(it.platform_fee::numeric * (it.refunded + amount) / it.total) - round(it.platform_fee::numeric * it.refunded / it.total);
  insert into public.ledger_transfers (order_id, seller_id, debit, credit, amount, currency, cause, cause_id)
  select it.id, seller, t.debit, t.credit, t.amount, it.currency, 'refund', refund
    from (values ('seller', 'buyer', write_refund.amount - fee_back), ('platform', 'buyer', fee_back), ('tax', 'seller', tax_back))
         t (debit, credit, amount)
   where t.amount > 0;

  if attempt.id is not null then
    perform private.enqueue('send refunds', '{}', null, it.event_id::text);  -- of other events nobody waits for it
  end if;
  return refund;
end $$;
revoke execute on function private.left_of(public.ticket_orders), private.step_of(public.ticket_orders),
  private.worth_of(public.ticket_orders, uuid[]), private.take_back(uuid[], text), private.paying_attempt(public.ticket_orders),
  private.write_refund(public.ticket_orders, uuid[], bigint, text, text) from public, anon, authenticated;

-- The caller is at the till and has the order locked. Gives the refund; none when no money goes back.
create or replace function private.count_refund(it public.ticket_orders, seats uuid[], amount bigint, why text, because text)
returns uuid language plpgsql volatile set search_path = '' as $$
declare
  refund uuid;
  given int;
  ending text := it.status;
begin
  if amount > 0 then
    refund := private.write_refund(it, seats, amount, why, because);
    ending := case when it.refunded + amount = it.paid then 'refunded' else 'partially_refunded' end;
  end if;
  given := private.take_back(seats, 'refunded');
  if it.total = 0 and not exists (select from public.tickets t where t.order_id = it.id and t.status = 'valid') then
    ending := 'cancelled';
    update public.discounts d set uses = uses - 1 where d.id = it.discount_id;  -- as holds that are given back do
  end if;
  update public.ticket_orders o
     set refunded = o.refunded + count_refund.amount, status = ending, version = o.version + 1, updated_at = clock_timestamp(),
         ended_at = case when ending in ('refunded', 'cancelled') then coalesce(o.ended_at, clock_timestamp()) end
   where o.id = it.id;
  if refund is not null then
    perform private.issue_credit_note(refund);
  end if;
  if given > 0 then
    perform private.tell_availability(it.event_id);
  end if;
  if it.buyer_id is not null then
    perform private.announce('person:' || it.buyer_id, 'order.refunded', jsonb_build_object('id', it.id, 'event_id', it.event_id));
  end if;
  if because = 'event_cancelled' then
    perform private.enqueue('mail cancellation', jsonb_build_object('order_id', it.id, 'refund_id', refund));
  elsif refund is not null then
    perform private.enqueue('mail refund', jsonb_build_object('refund_id', refund));
  end if;
  return refund;
end $$;
revoke execute on function private.count_refund(public.ticket_orders, uuid[], bigint, text, text) from public, anon, authenticated;

create or replace function private.admitted_of(seats uuid[]) returns boolean
language sql stable set search_path = '' as $$
  select exists (select from public.ticket_scans s where s.ticket_id = any (seats) and s.result = 'admitted' and s.undone_at is null)
$$;
-- Whoever was given a ticket keeps it, unless the organiser decides otherwise: who paid cannot turn it into money behind their back.
create or replace function private.handed_on(it public.ticket_orders, seat public.tickets) returns boolean
language sql stable set search_path = '' as $$
  select seat.serial > 1 and (seat.holder_id is distinct from it.buyer_id
                              or coalesce(seat.holder_id is null and lower(seat.email) <> lower(it.buyer_email), false)
                              -- A guest's own address says nothing: they may have corrected it since.
                              or seat.holder_id is null
                                 and exists (select from public.ticket_transfers x where x.ticket_id = seat.id))
$$;
-- Until when buyers give tickets back by themselves; null: never. What cost nothing they give back until it begins, and
-- what is for an event that will not take place, always.
create or replace function private.give_back_until(event public.events, refund_hours int, worth bigint) returns timestamptz
language sql immutable set search_path = '' as $$
  select case when event.status = 'cancelled' then 'infinity'
              when worth = 0 then event.starts_at
              else event.starts_at - make_interval(hours => refund_hours) end
$$;
revoke execute on function private.admitted_of(uuid[]), private.handed_on(public.ticket_orders, public.tickets),
  private.give_back_until(public.events, int, bigint) from public, anon, authenticated;


-- Asking for a refund: whoever runs the event, or the buyer as the organiser's policy allows

create or replace function private.request_refund(the_order uuid, named uuid[], wanted bigint, why text)
returns table (refund uuid, tickets uuid[]) language plpgsql volatile security definer set search_path = '' as $$
declare
  it public.ticket_orders;
  sells public.tills;
  of_event public.events;
  runs boolean;
  valid uuid[];
  seats uuid[];
  at_hand bigint;
  worth bigint;
  wrong text;
  until timestamptz;
begin
  select o.* into it from public.ticket_orders o where o.id = the_order;
  runs := private.order_is_of_my_event(it);
  if it.id is null or not (runs or private.order_is_mine(it)) then
    raise exception 'There is nothing here, or nothing you may see.' using errcode = 'PT404', detail = 'not-found';
  end if;

  sells := private.at_till(it.event_id);
  select o.* into it from public.ticket_orders o where o.id = the_order for no key update;
  select e.* into of_event from public.events e where e.id = it.event_id;
  -- Nobody is let in with one of them meanwhile.
  perform from public.tickets t where t.order_id = it.id order by t.id for no key update;
  select coalesce(array_agg(t.id order by t.id), '{}') into valid from public.tickets t where t.order_id = it.id and t.status = 'valid';
  at_hand := private.left_of(it);

  if it.status = 'pending' then
    raise exception 'This order is not paid: give it back instead of asking for money.' using errcode = 'PT409', detail = 'not-paid';
  elsif at_hand = 0 and valid = '{}' then
    raise exception 'Nothing is left of this order to give back.' using errcode = 'PT409', detail = 'nothing-left';
  elsif exists (select from public.disputes d where d.order_id = it.id and d.status = 'open') then
    raise exception 'The buyer disputes this payment with their bank: nothing can be given back until that has ended.'
      using errcode = 'PT409', detail = 'disputed';
  end if;

  -- Which tickets?
  select '/tickets/' || n.place - 1 into wrong from unnest(named) with ordinality n (id, place)
   where not exists (select from public.tickets t where t.id = n.id and t.order_id = it.id) order by n.place limit 1;
  if wrong is not null then
    raise exception 'is no ticket of this order' using errcode = 'PT422', detail = 'invalid', hint = wrong;
  elsif not coalesce(named, '{}') <@ valid then
    raise exception 'A ticket was given back already: look at the order again.' using errcode = 'PT409', detail = 'given-back-already';
  end if;
  seats := case when coalesce(named, '{}') <> '{}' then array(select distinct n from unnest(named) n order by n)
                when wanted is null or wanted = at_hand then valid
                else '{}' end;
  worth := private.worth_of(it, seats);

  if runs then
    -- How much? With nothing named, all that is left; an amount alone leaves the tickets valid.
    if wanted is null then
      wanted := case when coalesce(named, '{}') = '{}' then at_hand else worth end;
    elsif wanted < 1 then
      raise exception 'is more than nothing' using errcode = 'PT422', detail = 'invalid', hint = '/amount';
    elsif wanted > at_hand then
      raise exception 'This is more than what is left of this order to give back.'
        using errcode = 'PT409', detail = 'more-than-left', hint = '/amount';
    elsif wanted % private.step_of(it) <> 0 and wanted < at_hand then
      raise exception 'goes back to cards in steps of % only', private.step_of(it)
        using errcode = 'PT422', detail = 'invalid', hint = '/amount';
    elsif wanted = at_hand and private.worth_of(it, valid) > private.worth_of(it, seats) then
      raise exception 'is all that is left, also of the tickets you did not name: name none to give the whole order back'
        using errcode = 'PT422', detail = 'invalid', hint = '/amount';
    end if;
  else
    if wanted is not null then
      raise exception 'Only who runs the event chooses an amount: name the tickets you give back.'
        using errcode = 'PT403', detail = 'not-allowed', hint = '/amount';
    elsif seats = '{}' then
      raise exception 'Nothing is left of this order to give back.' using errcode = 'PT409', detail = 'nothing-left';
    elsif private.admitted_of(seats) then
      raise exception 'A ticket that was used cannot be given back: name the others.' using errcode = 'PT409', detail = 'ticket-used';
    elsif of_event.status <> 'cancelled'
          and exists (select from public.tickets t where t.id = any (seats) and private.handed_on(it, t)) then
      raise exception 'A ticket was handed on, and is not yours to give back: name the others, or ask the organiser.'
        using errcode = 'PT409', detail = 'handed-on';
    end if;
    until := private.give_back_until(of_event, sells.refund_hours, worth);
    if until is null then
      raise exception 'The organiser gives refunds for this event: ask them.' using errcode = 'PT403', detail = 'refunds-by-organizer';
    elsif clock_timestamp() >= until then
      raise exception 'It is too late to give tickets of this event back: ask its organiser.' using errcode = 'PT409', detail = 'too-late';
    end if;
    wanted := worth;
  end if;

  refund := private.count_refund(it, seats, wanted, why, case when runs then 'organizer' else 'buyer' end);
  tickets := seats;
  return next;
end $$;
comment on function private.request_refund is
  'Gives tickets back, or an amount, or all that is left. `refund` is null when no money goes back';

-- For the buyer's page: which tickets could be given back now, for how much each, and until when.
create or replace function private.give_back_terms(the_order uuid) returns json
language sql stable security definer set search_path = '' as $$
  select json_build_object(
           'currency', o.currency, 'method', o.method, 'event', e.id, 'by_organizer', terms.until is null,
           'until', case when isfinite(terms.until) then terms.until end, 'late', coalesce(clock_timestamp() >= terms.until, false),
           'disputed', exists (select from public.disputes d where d.order_id = o.id and d.status = 'open'),
           'tickets', coalesce((
             select json_agg(json_build_object('id', t.id, 'type', y.name, 'name', t.name, 'amount', private.worth_of(o, array[t.id]),
                      'used', private.admitted_of(array[t.id]), 'handed_on', private.handed_on(o, t)) order by t.id)
               from public.tickets t join public.ticket_types y on y.id = t.ticket_type_id
              where t.order_id = o.id and t.status = 'valid'), '[]'))
    from public.ticket_orders o
    join public.events e on e.id = o.event_id
    left join public.tills s on s.event_id = o.event_id,
         lateral (select private.give_back_until(e, s.refund_hours, o.total)) terms (until)
   where o.id = the_order and (private.order_is_mine(o) or private.order_is_of_my_event(o))
$$;
comment on function private.give_back_terms is 'What a buyer may give back, for who sees the order';

create or replace function private.refund_card(r public.refunds) returns json
language sql immutable set search_path = '' as $$
  select json_build_object('id', r.id, 'order', r.order_id, 'status', r.status, 'amount', r.amount, 'currency', r.currency,
           'tickets', r.tickets, 'reason', r.reason, 'cause', r.cause, 'created_at', r.created_at, 'settled_at', r.settled_at)
$$;
revoke execute on function private.refund_card(public.refunds) from public;
grant execute on function private.refund_card(public.refunds) to anon, authenticated, service_role;

-- By hand: the organiser has sent the money another way, or wants a refund tried again that the provider never made.
create or replace function private.settle_refund(the_refund uuid, outcome text) returns uuid
language plpgsql volatile security definer set search_path = '' as $$
declare
  it public.refunds;
begin
  select r.* into it
    from public.refunds r join public.ticket_orders o on o.id = r.order_id join public.events e on e.id = o.event_id
   where r.id = the_refund and private.event_is_mine(e.organizer_id, e.community_id)
     for no key update of r;
  if it.id is null then
    raise exception 'There is nothing here, or nothing you may see.' using errcode = 'PT404', detail = 'not-found';
  elsif outcome = 'succeeded' and it.status in ('by_hand', 'failed') then
    update public.refunds r set status = 'succeeded', settled_at = clock_timestamp(), note = 'Sent by hand.' where r.id = it.id;
    perform private.record_return(it, 'provider:' || case o.method when 'door' then 'door' else 'transfer' end)
       from public.ticket_orders o where o.id = it.order_id;
  elsif outcome = 'requested' and it.status = 'failed' and it.reference is null and it.attempt_id is not null then
    -- The same id again: should the provider have made it after all, that is found and the money does not go twice.
    update public.refunds r set status = 'requested', settled_at = null, note = null, checked_at = it.created_at where r.id = it.id;
    perform private.enqueue('send refunds', '{}', null, it.order_id::text);
  elsif outcome = 'requested' and it.status in ('failed', 'by_hand') then
    raise exception 'This money does not go back by itself: send it another way, then mark it as sent.'
      using errcode = 'PT409', detail = 'not-by-itself';
  elsif it.status in ('requested', 'pending') and outcome = 'succeeded' then
    raise exception 'This refund is on its way by itself: do not send the money again.' using errcode = 'PT409', detail = 'on-its-way';
  end if;
  return it.id;
end $$;
comment on function private.settle_refund is '`succeeded`: the organiser has sent it. `requested`: it is tried again. Asked twice changes nothing';

revoke execute on function private.request_refund(uuid, uuid[], bigint, text), private.give_back_terms(uuid),
  private.settle_refund(uuid, text) from public;
grant execute on function private.request_refund(uuid, uuid[], bigint, text), private.give_back_terms(uuid) to anon, authenticated;
grant execute on function private.settle_refund(uuid, text) to authenticated;


-- Sending: the job asks the provider outside of any transaction, and notes what it said

create or replace function private.record_return(it public.refunds, provider_account text) returns void
language sql volatile set search_path = '' as $$
  insert into public.ledger_transfers (order_id, seller_id, debit, credit, amount, currency, cause, cause_id)
  select it.order_id, s.seller_id, 'buyer', provider_account, it.amount, it.currency, 'return', it.id
    from public.ticket_orders o left join public.tills s on s.event_id = o.event_id
   where o.id = it.order_id
  on conflict on constraint ledger_transfers_once do nothing
$$;
revoke execute on function private.record_return(public.refunds, text) from public, anon, authenticated;

-- Each at most every ten seconds, and the longer it takes the more rarely, up to an hour. `asked`: it was asked for before.
create or replace function private.claim_refunds(provider text, most int)
returns table (id uuid, payment text, account text, amount bigint, currency text, reference text, asked boolean)
language sql volatile security definer set search_path = '' as $$
  with due as (
    select r.id, r.checked_at is not null as asked, a.payment, a.account
      from public.refunds r join public.payment_attempts a on a.id = r.attempt_id
     where r.status in ('requested', 'pending') and a.provider = claim_refunds.provider and a.payment is not null
       and (r.checked_at is null
            or r.checked_at + least(greatest(r.checked_at - r.created_at, interval '10 seconds'), interval '1 hour') <= clock_timestamp())
     order by r.checked_at nulls first, r.id
     limit most
       for no key update of r skip locked
  )
  update public.refunds r set checked_at = clock_timestamp()
    from due where r.id = due.id
  returning r.id, due.payment, due.account, r.amount, r.currency, r.reference, due.asked
$$;
comment on function private.claim_refunds is 'Refunds to send or to ask about now, for one worker; another takes them when nothing was noted for a while';

-- Noted twice, or in another order, comes to the same: requested < pending < succeeded < failed, for banks send money back days
-- later but never take a failed refund up again. Failed without a reference means that the provider would not make it.
create or replace function private.note_refund(refund uuid, reference text, status text, note text) returns void
language plpgsql volatile security definer set search_path = '' as $$
declare
  it public.refunds;
  account text;  -- of its provider, in the ledger
  sent boolean;
begin
  if note_refund.status not in ('pending', 'succeeded', 'failed') then
    raise exception 'A refund is noted as pending, succeeded or failed.' using errcode = 'PT422', detail = 'invalid';
  end if;
  select r.* into it from public.refunds r where r.id = note_refund.refund for no key update;
  select 'provider:' || a.provider into account from public.payment_attempts a where a.id = it.attempt_id;
  if account is null or it.status = 'failed' and it.reference is not null then
    return;
  end if;
  sent := exists (select from public.ledger_transfers l where l.cause_id = it.id and l.cause = 'return' and l.credit = account);
  if it.status = 'succeeded' and not sent then
    -- It failed, and went by hand or by the bank. A provider that now says it sent it too: the ledger has to know.
    if note_refund.status <> 'succeeded' then
      return;
    end if;
    perform private.enqueue('report refund', jsonb_build_object('refund_id', it.id));
  elsif it.status = 'succeeded' and (note_refund.status <> 'failed' or note_refund.reference is null) then
    return;
  end if;
  update public.refunds r
     set status = note_refund.status, reference = coalesce(note_refund.reference, r.reference), checked_at = clock_timestamp(),
         settled_at = case when note_refund.status = 'pending' then null else clock_timestamp() end,
         note = case when it.status = 'succeeded' and note_refund.status = 'succeeded'
                     then 'Sent twice: by hand, and by the provider.' else nullif(note_refund.note, '') end
   where r.id = it.id;
  if note_refund.status = 'succeeded' then
    perform private.record_return(it, account);
  elsif note_refund.status = 'failed' then
    if sent then
      insert into public.ledger_transfers (order_id, seller_id, debit, credit, amount, currency, cause, cause_id)
      select l.order_id, l.seller_id, l.credit, l.debit, l.amount, l.currency, l.cause, l.cause_id
        from public.ledger_transfers l where l.cause_id = it.id and l.cause = 'return' and l.credit = account
      on conflict on constraint ledger_transfers_once do nothing;
    end if;
    perform private.enqueue('report refund', jsonb_build_object('refund_id', it.id));
  end if;
end $$;
comment on function private.note_refund is 'What became of a refund, as the provider says';
revoke execute on function private.claim_refunds(text, int), private.note_refund(uuid, text, text, text) from public, anon, authenticated;
grant execute on function private.claim_refunds(text, int), private.note_refund(uuid, text, text, text) to service_role;


-- A cancelled event: what is held comes back at once, and a job gives everybody their money back

create or replace function private.follow_cancellation() returns trigger
language plpgsql volatile security definer set search_path = '' as $$
declare
  sells public.tills := private.at_till(new.id);
  pending uuid[];
begin
  if sells.event_id is null then
    return null;
  end if;
  -- Whoever buys or pays from here on sees it cancelled.
  select array_agg(o.id) into pending from public.ticket_orders o where o.event_id = new.id and o.status = 'pending';
  perform private.release(pending, 'cancelled', clock_timestamp());
  perform private.enqueue_many('mail cancellation', array(
    select jsonb_build_object('order_id', o.id, 'refund_id', null) from public.ticket_orders o where o.id = any (pending) and o.method <> 'card'));
  if exists (select from public.tickets t where t.event_id = new.id and t.status = 'valid') then
    perform private.enqueue('refund event', jsonb_build_object('event_id', new.id), null, new.id::text);
  end if;
  perform private.tell_availability(new.id);
  return null;
end $$;
revoke execute on function private.follow_cancellation() from public, anon, authenticated;
create trigger events_refund after update of status on public.events
  for each row when (new.status = 'cancelled' and old.status <> 'cancelled') execute function private.follow_cancellation();

-- One order of a cancelled event. What its buyer gave back before stays as it was settled then. False: the event takes place
-- after all, and whoever works through its orders stops.
create or replace function private.refund_cancelled(the_order uuid) returns boolean
language plpgsql volatile security definer set search_path = '' as $$
declare
  it public.ticket_orders;
  seats uuid[];
begin
  select o.* into it from public.ticket_orders o where o.id = the_order;
  perform private.at_till(it.event_id);
  select o.* into it from public.ticket_orders o where o.id = the_order for no key update;
  if not exists (select from public.events e where e.id = it.event_id and e.status = 'cancelled') then
    return false;
  elsif exists (select from public.disputes d where d.order_id = it.id and d.status = 'open') then
    return true;  -- its bank decides; private.note_dispute comes back to it
  end if;
  perform from public.tickets t where t.order_id = it.id order by t.id for no key update;
  select array_agg(t.id order by t.id) into seats from public.tickets t where t.order_id = it.id and t.status = 'valid';
  if seats is not null then
    perform private.count_refund(it, seats, private.worth_of(it, seats), '', 'event_cancelled');
  end if;
  return true;
end $$;
comment on function private.refund_cancelled is 'Asked twice, it refunds once';
revoke execute on function private.refund_cancelled(uuid) from public, anon, authenticated;
grant execute on function private.refund_cancelled(uuid) to service_role;


-- Disputes: a buyer asks their bank for the money. Until that is decided nothing changes but that nothing is refunded. Lost, the
-- money is gone from the seller: tickets that were paid with it open no door, and their places are for sale again.

create or replace function private.note_dispute(attempt uuid, reference text, status text, amount bigint, currency text) returns void
language plpgsql volatile security definer set search_path = '' as $$
declare
  it public.ticket_orders;
  paid_by public.payment_attempts;
  dispute public.disputes;
  ranks text[] := array['open', 'won', 'lost'];  -- what ended stays so, whatever comes late
  pays boolean;
  owed bigint;
begin
  if note_dispute.status <> all (ranks) then
    raise exception 'A dispute is noted as open, won or lost.' using errcode = 'PT422', detail = 'invalid';
  end if;
  select a.* into paid_by from public.payment_attempts a where a.id = note_dispute.attempt;
  if paid_by.id is null then
    return;
  end if;
  select o.* into it from public.ticket_orders o where o.id = paid_by.order_id;
  perform private.at_till(it.event_id);
  select o.* into it from public.ticket_orders o where o.id = it.id for no key update;
  select d.* into dispute from public.disputes d where d.attempt_id = paid_by.id and d.reference = note_dispute.reference;
  if array_position(ranks, dispute.status) >= array_position(ranks, note_dispute.status) then
    return;
  end if;
  insert into public.disputes (order_id, attempt_id, reference, amount, currency, status)
  values (it.id, paid_by.id, note_dispute.reference, note_dispute.amount, note_dispute.currency, note_dispute.status)
  on conflict on constraint disputes_reference_key do update set status = excluded.status, amount = excluded.amount, updated_at = now()
  returning * into dispute;
  perform private.enqueue('report dispute', jsonb_build_object('dispute_id', dispute.id));

  if dispute.status = 'lost' then
    -- First what the buyer was owed and had not been sent: their bank has given it to them.
    with settled as (
      update public.refunds r
         set status = 'succeeded', settled_at = clock_timestamp(), note = 'Taken by the buyer''s bank: they won a dispute.'
       where r.attempt_id = paid_by.id and r.status in ('requested', 'failed') and r.amount <= dispute.amount
      returning r.amount
    )
    select least(coalesce(sum(s.amount), 0), dispute.amount) into owed from settled s;
    -- Of money that bought nothing (it came too late, or twice) the seller never had any.
    pays := coalesce(paid_by.id = (private.paying_attempt(it)).id, false);
    insert into public.ledger_transfers (order_id, seller_id, debit, credit, amount, currency, cause, cause_id)
    select it.id, s.seller_id, t.debit, 'provider:' || paid_by.provider, t.amount, dispute.currency, 'dispute', dispute.id
      from (values ('buyer', owed), (case when pays then 'seller' else 'platform' end, dispute.amount - owed)) t (debit, amount)
      left join public.tills s on s.event_id = it.event_id
     where t.amount > 0;
    if pays and private.left_of(it) = 0 then
      perform private.take_back(array(select t.id from public.tickets t where t.order_id = it.id order by t.id), 'void');
      perform private.tell_availability(it.event_id);
      update public.ticket_orders o set version = o.version + 1, updated_at = clock_timestamp() where o.id = it.id;
    end if;
  elsif dispute.status = 'won' then
    -- What the provider would not give back meanwhile is still owed.
    update public.refunds r set status = 'requested', settled_at = null, note = null, checked_at = r.created_at
     where r.attempt_id = paid_by.id and r.status = 'failed' and r.reference is null;
    perform private.enqueue('send refunds', '{}', null, it.event_id::text);
    if exists (select from public.events e where e.id = it.event_id and e.status = 'cancelled') then
      perform private.enqueue('refund event', jsonb_build_object('event_id', it.event_id), null, it.event_id::text);
    end if;
  end if;
end $$;
comment on function private.note_dispute is 'What became of a dispute, as the provider says; in any order, any number of times';
revoke execute on function private.note_dispute(uuid, text, text, bigint, text) from public, anon, authenticated;
grant execute on function private.note_dispute(uuid, text, text, bigint, text) to service_role;
