-- name: check_link
select set_config('vently.link', '', true)
 where not exists (select from public.ticket_orders o where o.id = :order and o.link_serial = :serial);

-- name: get_order
select o.document::text as body, o.version from public.order_cards o where o.id = :order;

-- name: get_standing
select o.status, o.link_serial, private.event_of_mine(o.event_id) as event, s.name as seller, s.bank_details
  from public.ticket_orders o
  left join public.tills t on t.event_id = o.event_id
  left join public.sellers s on s.id = t.seller_id
 where o.id = :order;

-- name: list_orders
with found as materialized (
  select o.id from public.ticket_orders o
   where o.id in (select private.orders_of_mine()) and (:after_id::uuid is null or o.id < :after_id)
   order by o.id desc
   limit :count::int + 1
), placed as (
  select f.id, row_number() over (order by f.id desc) as place from found f
)
select coalesce((select json_agg(o.document order by l.place)
                   from placed l join public.order_cards o on o.id = l.id where l.place <= :count), '[]')::text as items,
       (select count(*) from placed) > :count as more,
       null as last_key,
       (select l.id from placed l where l.place = :count) as last_id;

-- name: give_back
select private.give_back(:order, :version);

-- name: correct_order
select private.correct_order(:order, :buyer, :attendees, :version);
