-- The pretend provider

-- name: pretended_outcome
select outcome, amount, currency from private.pretend_payments where attempt_id = :attempt;

-- name: pretend_outcome
insert into private.pretend_payments as p (attempt_id, outcome, amount, currency)
values (:attempt, :outcome, :amount, :currency)
    on conflict (attempt_id) do update
   set outcome = case when p.outcome in ('paid', 'abandoned') then p.outcome else excluded.outcome end
returning outcome, amount, currency;

-- name: pretended_refunds
select refunds from private.pretend_payments where attempt_id = :attempt;

-- name: pretend_refund
with given as (
  update private.pretend_payments
     set refunds = refunds || jsonb_build_object((:refund)::text, (:amount)::bigint)
   where attempt_id = :attempt
     and outcome = 'paid'
     and (refunds ? :refund
          or amount >= (:amount)::bigint + coalesce((select sum(value::bigint) from jsonb_each_text(refunds)), 0))
  returning 1
)
select exists (select from given);

-- Attempts

-- name: open_attempt
select attempt, to_close from private.open_attempt(:order, :provider);

-- name: begin_attempt
select attempt, order_id, link_serial, state, sentence from private.begin_attempt(:attempt, :provider);

-- name: get_checkout
select attempt, provider, status, reference, opened_at, amount, currency, account, order_id, order_status, link_serial,
       platform_fee, email, expires_at, title, slug, lines
  from private.checkouts where attempt = :attempt;

-- name: keep_reference
update public.payment_attempts
   set reference = coalesce(reference, :reference), begun_at = coalesce(begun_at, clock_timestamp())
 where id = :attempt and status = 'open'
returning true;

-- name: settle_by_hand
select private.settle_by_hand(:order, :method);

-- name: settle_payment
select private.settle_payment(:attempt, :payment, :amount, :currency, :provider, :reference);

-- name: close_attempt
select private.close_attempt(:attempt, :ending, :why);

-- name: note_attempt
update public.payment_attempts set note = :note where id = :attempt and status = 'open';


-- Notices

-- name: take_notice
insert into private.payment_notices (provider, id, kind, outcome) values (:provider, :id, :kind, 'taken')
    on conflict do nothing
returning true;

-- name: note_outcome
update private.payment_notices set outcome = :outcome where provider = :provider and id = :id;

-- name: knows_attempt
select exists (select from public.payment_attempts a where a.id = :attempt and a.provider = :provider);

-- name: knows_account
select exists (select from public.sellers s where s.stripe_account = :account);

-- name: note_refund
select private.note_refund(:refund, :reference, :status, :note);

-- name: note_dispute
select true
  from jsonb_to_record(:dispute) as d (provider text, payment text, reference text, status text, amount bigint, currency text)
  join public.payment_attempts a on a.provider = d.provider and a.payment = d.payment,
       lateral (select private.note_dispute(a.id, d.reference, d.status, d.amount, d.currency)) noted;

-- name: forget_notices
delete from private.payment_notices
 where (provider, id) in (select n.provider, n.id from private.payment_notices n
                           where n.received_at < now() - interval '30 days' limit :most);


-- The reconciler

-- name: close_pretended
update public.payment_attempts a
   set status = 'expired', settled_at = clock_timestamp(), note = 'payments are not pretended any more'
  from public.ticket_orders o
 where a.status = 'open' and a.reference is not null and a.provider = 'pretend' and :provider <> 'pretend'
   and o.id = a.order_id and o.status <> 'pending';

-- name: claim_attempts
-- Those of orders that are over are closed at once; others are asked about when their buyers had time to pay. The longer
-- nothing comes of one, the less often.
with due as (
  select a.id, o.status <> 'pending' as over
    from public.payment_attempts a join public.ticket_orders o on o.id = a.order_id
   where a.status = 'open' and a.provider = :provider and a.reference is not null
     and (o.status <> 'pending' or a.begun_at < clock_timestamp() - interval '15 seconds')
     and (a.checked_at is null or a.checked_at < clock_timestamp()
           - least(interval '1 hour', greatest(interval '10 seconds', (clock_timestamp() - a.begun_at) / 4)))
   order by a.checked_at nulls first, a.id
   limit :most
     for update of a skip locked
)
update public.payment_attempts a set checked_at = clock_timestamp()
  from due where a.id = due.id
returning a.id, a.reference, due.over;

-- name: lapsing_events
select t.event_id as id from public.tills t
 where exists (select from public.ticket_orders o
                where o.event_id = t.event_id and o.status = 'pending' and o.expires_at <= clock_timestamp())
 limit :most;

-- name: lapse_holds
select private.lapse_holds(:event);


-- Whom the money is for

-- name: get_payee
select s.id, s.stripe_account as account, s.charges_enabled, null as community, null as country
  from private.payee(null, :making) s;

-- name: get_payee_of_community
select s.id, s.stripe_account as account, s.charges_enabled, c.slug as community, c.country
  from public.communities c, private.payee(c.id, :making) s
 where c.slug = :community or c.id::text = :community;

-- name: keep_account
select private.keep_account(:seller, :account);

-- name: keep_standing
update public.sellers set charges_enabled = :charges_enabled where stripe_account = :account;


-- Letters

-- name: get_letter
select o.buyer_email as email, o.buyer_name as name, e.title, o.id as order_id, o.link_serial, r.amount, r.currency, r.cause
  from public.refunds r
  join public.ticket_orders o on o.id = r.order_id
  join public.events e on e.id = o.event_id
 where r.id = :refund;
