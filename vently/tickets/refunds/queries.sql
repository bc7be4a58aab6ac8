-- Refunds of an order, as whoever sees the order

-- name: check_link
select set_config('vently.link', '', true)
 where not exists (select from public.ticket_orders o where o.id = :order and o.link_serial = :serial);

-- name: request_refund
select g.refund, g.tickets, o.currency
  from private.request_refund(:order, :tickets, :amount, :reason) g join public.ticket_orders o on o.id = :order;

-- name: get_refund
select private.refund_card(r)::text as body from public.refunds r where r.id = :refund;

-- name: list_refunds
select coalesce((select json_agg(private.refund_card(r) order by r.created_at desc, r.id desc)
                   from public.refunds r where r.order_id = o.id), '[]')::text as items
  from public.ticket_orders o where o.id = :order;

-- name: give_back_terms
select private.give_back_terms(:order);

-- name: settle_refund
select private.settle_refund(:refund, :outcome);


-- What organisers see

-- name: progress
with sums as (
  select count(*) filter (where r.cause = 'event_cancelled') as requested,
         count(*) filter (where r.cause = 'event_cancelled' and r.status = 'succeeded') as done,
         count(*) filter (where r.cause = 'event_cancelled' and r.status = 'failed') as failed,
         count(*) filter (where r.cause = 'event_cancelled' and r.status = 'by_hand') as by_hand,
         coalesce(sum(r.amount) filter (where r.cause = 'event_cancelled'), 0)::bigint as amount,
         count(*) filter (where r.status in ('requested', 'pending')) as under_way
    from public.ticket_orders o join public.refunds r on r.order_id = o.id where o.event_id = :event
), still as (
  select count(*) as orders
    from public.events e join public.ticket_orders o on o.event_id = e.id
   where e.id = :event and e.status = 'cancelled' and o.status in ('paid', 'partially_refunded', 'refunded')
     and exists (select from public.tickets t where t.order_id = o.id and t.status = 'valid' and t.paid > 0)
     and not exists (select from public.disputes d where d.order_id = o.id and d.status = 'open')
)
select (sums.requested + still.orders)::int as total, sums.done::int, sums.failed::int, sums.by_hand::int, sums.amount,
       (select s.currency from public.tills s where s.event_id = :event) as currency,
       sums.under_way + still.orders > 0 as running
  from sums, still;

-- name: list_open_refunds
-- What waits for the organiser's hand, the oldest first.
select r.id, r.order_id, o.buyer_name, r.status, r.amount, r.currency, r.note, r.created_at,
       r.status = 'failed' and r.reference is null and r.attempt_id is not null as again
  from public.ticket_orders o join public.refunds r on r.order_id = o.id
 where o.event_id = :event and r.status in ('by_hand', 'failed')
 order by r.created_at, r.id limit 100;

-- name: list_disputes
select d.id, d.order_id, o.buyer_name, d.status, d.amount, d.currency, d.created_at
  from public.ticket_orders o join public.disputes d on d.order_id = o.id
 where o.event_id = :event
 order by d.status <> 'open', d.created_at desc, d.id limit 100;

-- name: show_order
select o.document::text as body from public.order_cards o where o.id = :order and o.event_id = :event;

-- name: show_tickets
select t.id, y.name as type, coalesce(t.name, t.email) as name, t.status, t.paid,
       exists (select from public.ticket_scans s where s.ticket_id = t.id and s.result = 'admitted' and s.undone_at is null) as used
  from public.tickets t join public.ticket_types y on y.id = t.ticket_type_id
 where t.order_id = :order order by t.id;

-- name: show_refunds
select r.id, r.status, r.amount, r.currency, r.reason, r.cause, r.note, r.created_at, cardinality(r.tickets) as tickets,
       r.status = 'failed' and r.reference is null and r.attempt_id is not null as again
  from public.refunds r where r.order_id = :order order by r.created_at desc, r.id desc;

-- name: show_disputes
select d.id, d.status, d.amount, d.currency, d.created_at
  from public.disputes d where d.order_id = :order order by d.created_at desc, d.id;

-- name: settle_by_hand
select private.settle_by_hand(:order, :method);


-- Jobs

-- name: claim_refunds
select id, payment, account, amount, currency, reference, asked from private.claim_refunds(:provider, :most);

-- name: note_refund
select private.note_refund(:refund, :reference, :status, :note);

-- name: told_refund
select r.order_id, r.status, r.amount, r.currency, r.note from public.refunds r where r.id = :refund;

-- name: told_dispute
select d.order_id, d.status, d.amount, d.currency, d.reference as note from public.disputes d where d.id = :dispute;

-- name: count_orders_to_refund
select count(*)::int from public.ticket_orders o
 where o.event_id = :event and o.status in ('paid', 'partially_refunded', 'refunded')
   and exists (select from public.tickets t where t.order_id = o.id and t.status = 'valid');

-- name: list_orders_to_refund
select o.id, o.created_at from public.ticket_orders o
 where o.event_id = :event and o.status in ('paid', 'partially_refunded', 'refunded')
   and (:after_id::uuid is null or (o.created_at, o.id) > (:after_at, :after_id))
   and exists (select from public.tickets t where t.order_id = o.id and t.status = 'valid')
 order by o.created_at, o.id
 limit :most;

-- name: list_events_to_refund
select e.id from public.events e
 where e.status = 'cancelled' and e.ends_at > now() - interval '90 days'
   and exists (select from public.tickets t join public.ticket_orders o on o.id = t.order_id
                where t.event_id = e.id and t.status = 'valid'
                  and not exists (select from public.disputes d where d.order_id = o.id and d.status = 'open'))
 limit :most;

-- name: refund_cancelled
select private.refund_cancelled(:order);
