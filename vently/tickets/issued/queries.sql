-- name: get_ticket
select t.document::text as body, t.serial, t.status, t.mine from public.ticket_cards t where t.id = :ticket;

-- name: list_tickets
-- What is still to come and opens the door stands first, the soonest before the others; then the rest, the latest first.
with mine as materialized (
  select m.id, case when m.opens then extract(epoch from m.starts_at)
                    else 1e11 - extract(epoch from m.starts_at) end::double precision as key
    from private.my_ticket_times() m
), found as materialized (
  select m.id, m.key from mine m
   where :after_key::double precision is null or (m.key, m.id) > (:after_key, :after_id::uuid)
   order by m.key, m.id
   limit :count::int + 1
), placed as (
  select f.id, f.key, row_number() over (order by f.key, f.id) as place from found f
)
select coalesce((select json_agg(t.document order by l.place)
                   from placed l join public.ticket_cards t on t.id = l.id where l.place <= :count), '[]')::text as items,
       (select count(*) from placed) > :count as more,
       (select l.key from placed l where l.place = :count) as last_key,
       (select l.id from placed l where l.place = :count) as last_id;

-- name: check_order_link
select set_config('vently.link', '', true)
 where not exists (select from public.ticket_orders o where o.id = :order and o.link_serial = :serial);

-- name: list_printed
select * from private.my_printed_tickets(:ticket::uuid, :order::uuid);

-- name: see_order
select o.status from public.ticket_orders o where o.id = :order;

-- name: hand_on
select private.hand_on(:ticket, :email, :name);

-- name: get_told
select * from private.told_order(:order);

-- name: print_tickets
select * from private.printed_tickets(:tickets::uuid[]);

-- name: get_transfer
select x.ticket_id, x.serial, t.serial as present, t.status, x.from_name, x.from_email, x.to_email, t.order_id, o.link_serial,
       lower(o.buyer_email) = lower(x.from_email) as from_buyer
  from public.ticket_transfers x
  join public.tickets t on t.id = x.ticket_id
  join public.ticket_orders o on o.id = t.order_id
 where x.id = :transfer;

-- name: list_takers
-- The last of those to whom tickets of an order were handed on that open no door any more; of a refund, those it took back.
select last.id
  from public.tickets t
  join public.ticket_orders o on o.id = t.order_id
  join lateral (select x.id, x.to_email from public.ticket_transfers x where x.ticket_id = t.id order by x.serial desc limit 1) last
    on lower(last.to_email) <> lower(o.buyer_email)
 where t.order_id = :order and t.status in ('void', 'refunded')
   and (:refund::uuid is null or t.id in (select unnest(r.tickets) from public.refunds r where r.id = :refund));

-- name: get_refund
select r.order_id, r.amount, r.cause, r.reason, cardinality(r.tickets) as tickets, r.attempt_id is not null as by_card,
       exists (select from public.invoices i where i.refund_id = r.id) as credit_note
  from public.refunds r
 where r.id = :refund;
