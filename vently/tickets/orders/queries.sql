-- name: check_link
select set_config('vently.link', '', true)
 where not exists (select from public.ticket_orders o where o.id = :order and o.link_serial = :serial);

-- name: get_order
select o.document::text as body, o.version from public.order_cards o where o.id = :order;

-- name: get_standing
select o.link_serial, private.order_number(o.id) as number, private.event_of_mine(o.event_id) as event,
       s.name as seller, s.bank_details,
       (select a.id from public.payment_attempts a where a.order_id = o.id order by a.id desc limit 1) as attempt
  from public.ticket_orders o
  left join public.tills t on t.event_id = o.event_id
  left join public.sellers s on s.id = t.seller_id
 where o.id = :order;

-- name: is_mine
select 'order:' || :order::uuid = current_setting('vently.link', true) or :order in (select private.orders_of_mine());

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

-- name: get_sale
select t.event_id, e.slug, e.title, e.timezone, t.currency, t.methods, t.fee_on_top, t.hold_minutes,
       e.status = 'cancelled' or e.ends_at < now() as closed,
       exists (select from public.memberships m
                where m.community_id = e.community_id and m.person_id = (select auth.uid()) and m.status = 'active') as member,
       coalesce((select json_agg(json_build_object('id', q.id, 'label', q.label, 'kind', q.kind, 'choices', q.choices,
                                                   'required', q.required) order by q.place, q.id)
                   from public.ticket_questions q where q.event_id = t.event_id), '[]') as questions
  from public.tills t join public.events e on e.id = t.event_id
 where (e.id = :id::uuid or e.slug = :slug::text) and e.status <> 'draft';

-- name: list_on_sale
with opened as materialized (
  select * from private.types_behind(:event, :code::text)
), known as (
  select * from public.ticket_types y where y.event_id = :event and not y.hidden
   union
  select * from opened
)
select y.id, y.name, y.description, y.price, y.pay_what_you_want, y.per_order_max, y.members_only, y.sales_start, y.sales_end,
       y.locked, exists (select from opened o where o.id = y.id) as opened,
       case when y.sales_start > now() then 'soon' when y.sales_end <= now() then 'over' else 'open' end as phase,
       greatest(0, least(s.quantity - s.held - s.sold, p.quantity - p.held - p.sold)) as left
  from known y
  join public.ticket_stocks s on s.id = y.stock_id
  left join public.ticket_stocks p on p.id = y.pool_id
 order by y.place, y.id;

-- name: find_discount
select d.percent, d.amount, d.used_up from private.discount_called(:event, :code) d;

-- name: reckon
-- As `private.sell` reckons, seat by seat.
with till as (
  select t.fee_on_top, case when 'card' = any (t.methods) then private.card_step(t.currency) else 1 end as step
    from public.tills t where t.event_id = :event
), discount as (
  select d.percent, d.amount from private.discount_called(:event, :code) d
), known as (
  select y.id, y.price, y.pay_what_you_want, y.tax_rate from public.ticket_types y where y.event_id = :event
   union
  select y.id, y.price, y.pay_what_you_want, y.tax_rate from private.types_behind(:event, :access_code) y
), priced as (
  select case when y.pay_what_you_want then coalesce(i.price, y.price) else y.price end as price, y.tax_rate, i.place, n
    from rows from (jsonb_to_recordset(:items) as (ticket_type uuid, quantity int, price bigint))
         with ordinality as i (ticket_type, quantity, price, place)
    join known y on y.id = i.ticket_type, generate_series(1, i.quantity) n
), discounted as (
  select p.price, p.tax_rate,
         coalesce(case when d.percent is not null then (p.price * d.percent + 50) / 100
                       when d.amount is not null then greatest(0, least(p.price, d.amount - coalesce(sum(p.price) over earlier, 0))) end, 0)::bigint as off
    from priced p left join discount d on true
  window earlier as (order by p.place, p.n rows between unbounded preceding and 1 preceding)
), stepped as (
  select s.price, s.tax_rate, t.fee_on_top, t.step, s.off + case when s.off > 0 then (s.price - s.off) % t.step else 0 end as off
    from discounted s cross join till t
), priced_out as (
  select s.*, case when s.fee_on_top then ((s.price - s.off) * :platform_fee::int + 5000) / 10000 else 0 end as fee
    from stepped s
), charged as (
  select p.price, p.off, p.tax_rate, p.fee - p.fee % p.step as fee from priced_out p
)
select coalesce(sum(c.price), 0)::bigint as subtotal, coalesce(sum(c.off), 0)::bigint as discount,
       coalesce(sum(c.fee), 0)::bigint as fee,
       coalesce(sum((2 * (c.price - c.off + c.fee) * c.tax_rate + 10000 + c.tax_rate) / (2 * (10000 + c.tax_rate))), 0)::bigint as tax,
       coalesce(sum(c.price - c.off + c.fee), 0)::bigint as total
  from charged c;

-- name: list_order_tickets
select t.id, y.name as type, case when t.serial < 3 or private.knows_attendee(t) then t.name end as name, t.status, t.serial,
       t.answers, private.has_ticket(t) as opens
  from public.tickets t join public.ticket_types y on y.id = t.ticket_type_id
 where t.order_id = :order
 order by y.place, t.id;

-- name: list_order_questions
select q.id, q.label, q.kind, q.choices, q.required
  from public.ticket_orders o join public.ticket_questions q on q.event_id = o.event_id
 where o.id = :order
 order by q.place, q.id;

-- name: list_my_tickets
select t.id, t.order_id, y.name as type, t.name, t.status, private.event_of_mine(t.event_id) as event
  from public.tickets t join public.ticket_types y on y.id = t.ticket_type_id
 where t.id in (select private.tickets_of_mine()) and t.status = 'valid'
 order by t.id desc
 limit 200;

-- name: get_ticket
select t.id, t.order_id, y.name as type, t.name, t.status, t.serial, y.transferable,
       coalesce(private.event_of_mine(t.event_id), private.ticketed_event(e)::jsonb) as event,
       private.has_ticket(t) as opens, o.id is not null as order_seen
  from public.tickets t
  join public.ticket_types y on y.id = t.ticket_type_id
  left join public.ticket_orders o on o.id = t.order_id
  left join public.events e on e.id = t.event_id
 where t.id = :ticket;
