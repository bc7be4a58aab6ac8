-- name: get_desk
select e.id, e.slug, e.title, e.timezone, t.currency, private.event_is_mine(e.organizer_id, e.community_id) as runs
  from public.events e
  left join public.tills t on t.event_id = e.id
 where e.id = :id::uuid or e.slug = :slug::text;

-- name: read_sales
with orders as materialized (
  select o.id, o.status, o.method, o.discount_id, o.subtotal, o.discount, o.fee, o.tax, o.total, o.refunded,
         o.platform_fee - coalesce(round(o.platform_fee::numeric * o.refunded / nullif(o.total, 0)), 0)::bigint as platform_fee,
         (o.paid_at at time zone :timezone)::date as day
    from public.ticket_orders o
   where o.event_id = :event and (o.paid_at is not null or o.status = 'pending')
), seats as materialized (
  select t.order_id, t.ticket_type_id, t.status, t.paid from public.tickets t where t.event_id = :event and t.status <> 'void'
), sizes as materialized (
  select order_id, count(*) as seats from seats group by order_id
), sold as materialized (
  select o.*, coalesce(s.seats, 0) as seats from orders o left join sizes s on s.order_id = o.id where o.day is not null
)
select json_build_object(
  'currency', :currency::text,
  'totals', (select json_build_object(
      'orders', count(*), 'tickets', (select count(*) from seats where status = 'valid'),
      'gross', coalesce(sum(subtotal), 0), 'discounts', coalesce(sum(discount), 0), 'fees', coalesce(sum(fee), 0),
      'total', coalesce(sum(total), 0), 'tax', coalesce(sum(tax), 0), 'refunds', coalesce(sum(refunded), 0),
      'platform_fees', coalesce(sum(platform_fee), 0),
      'net', coalesce(sum(total - refunded - platform_fee), 0)) from sold),
  'held', (select json_build_object('orders', count(*), 'tickets', (select count(*) from seats where status = 'held'),
                                    'amount', coalesce(sum(total), 0)) from orders where status = 'pending'),
  'by_type', coalesce((
      select json_agg(json_build_object('ticket_type', json_build_object('id', y.id, 'name', y.name), 'quantity', k.quantity,
               'sold', coalesce(n.sold, 0), 'held', coalesce(n.held, 0), 'refunded', coalesce(n.refunded, 0),
               'amount', coalesce(n.amount, 0)) order by y.place, y.id)
        from public.ticket_types y
        join public.ticket_stocks k on k.id = y.stock_id
        left join (select ticket_type_id, count(*) filter (where status = 'valid') as sold,
                          count(*) filter (where status = 'held') as held, count(*) filter (where status = 'refunded') as refunded,
                          sum(paid) filter (where status in ('valid', 'refunded')) as amount
                     from seats group by ticket_type_id) n on n.ticket_type_id = y.id
       where y.event_id = :event), '[]'),
  'by_day', coalesce((
      select json_agg(json_build_object('day', d.day, 'orders', d.orders, 'tickets', d.tickets, 'amount', d.amount,
                                        'refunded', d.refunded) order by d.day)
        from (select day, count(*) as orders, sum(seats) as tickets, sum(total) as amount, sum(refunded) as refunded
                from sold group by day) d), '[]'),
  'by_discount', coalesce((
      select json_agg(json_build_object('code', c.code, 'orders', d.orders, 'tickets', d.tickets, 'discounts', d.discounts,
                                        'amount', d.amount) order by d.amount desc, c.code)
        from (select discount_id, count(*) as orders, sum(seats) as tickets, sum(discount) as discounts, sum(total) as amount
                from sold where discount_id is not null group by discount_id) d
        join public.discounts c on c.id = d.discount_id), '[]'),
  'by_method', coalesce((
      select json_agg(json_build_object('method', d.method, 'orders', d.orders, 'amount', d.amount, 'refunded', d.refunded)
                      order by d.amount desc, d.method)
        from (select method, count(*) as orders, sum(total) as amount, sum(refunded) as refunded from sold group by method) d), '[]')
)::text;

-- name: list_attendees
with found as materialized (
  select t.id, t.status, t.ticket_type_id, t.name, t.email, t.answers, t.paid, o.created_at, o.id as order_id, o.status as order_status,
         o.method, o.currency, o.buyer_name, o.buyer_email
    from public.ticket_orders o
    join public.tickets t on t.order_id = o.id
   where o.event_id = :event and t.status = :status::text
     and (:ticket_type::uuid is null or t.ticket_type_id = :ticket_type)
     and (:q::text is null or strpos(lower(concat_ws(E'\n', t.name, t.email, o.buyer_name, o.buyer_email)), lower(:q)) > 0
          or starts_with(o.id::text, lower(:q)) or t.id::text = lower(:q))
     -- Written so that the index serves it also in a plan that is kept for all pages.
     and o.created_at <= coalesce(:after_key::timestamptz, 'infinity')
     and (o.created_at, t.id) < (coalesce(:after_key, 'infinity'), coalesce(:after_id::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff'))
   order by o.created_at desc, t.id desc
   limit :count::int + 1
), placed as (
  select f.*, row_number() over (order by f.created_at desc, f.id desc) as place from found f
)
select coalesce((select json_agg(json_build_object(
                    'id', p.id, 'status', p.status, 'ticket_type', json_build_object('id', y.id, 'name', y.name),
                    'name', coalesce(p.name, p.buyer_name), 'email', coalesce(p.email, p.buyer_email), 'answers', p.answers,
                    'paid', json_build_object('amount', p.paid, 'currency', p.currency),
                    'order', json_build_object('id', p.order_id, 'status', p.order_status, 'method', p.method,
                                               'buyer', json_build_object('name', p.buyer_name, 'email', p.buyer_email),
                                               'created_at', p.created_at),
                    'admitted_at', s.admitted_at) order by p.place)
                   from placed p
                   join public.ticket_types y on y.id = p.ticket_type_id
                   left join public.ticket_scans s on s.ticket_id = p.id and s.result = 'admitted' and s.undone_at is null
                  where p.place <= :count), '[]')::text as items,
       (select count(*) from placed) > :count as more,
       (select p.created_at from placed p where p.place = :count) as last_key,
       (select p.id from placed p where p.place = :count) as last_id;

-- name: list_questions
select q.id, q.label from public.ticket_questions q where q.event_id = :event order by q.place, q.id;

-- name: list_types
select y.id, y.name from public.ticket_types y where y.event_id = :event order by y.place, y.id;

-- name: list_orders
with found as materialized (
  select o.id, o.status, o.method, o.buyer_name, o.buyer_email, o.currency, o.total, o.refunded, o.expires_at, o.paid_at, o.created_at
    from public.ticket_orders o
   where o.event_id = :event
     and (:status::text is null or o.status = :status)
     and (:method::text is null or o.method = :method)
     and (:q::text is null or strpos(lower(o.buyer_name || E'\n' || o.buyer_email), lower(:q)) > 0 or starts_with(o.id::text, lower(:q)))
     and (o.created_at, o.id)
         < (coalesce(:after_key::timestamptz, 'infinity'), coalesce(:after_id::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff'))
   order by o.created_at desc, o.id desc
   limit :count::int + 1
), placed as (
  select f.*, row_number() over (order by f.created_at desc, f.id desc) as place from found f
)
select coalesce((select json_agg(json_build_object(
                    'id', p.id, 'status', p.status, 'method', p.method,
                    'buyer', json_build_object('name', p.buyer_name, 'email', p.buyer_email),
                    'total', json_build_object('amount', p.total, 'currency', p.currency),
                    'refunded', json_build_object('amount', p.refunded, 'currency', p.currency),
                    'tickets', (select count(*) from public.tickets t where t.order_id = p.id),
                    'expires_at', case when p.status = 'pending' then p.expires_at end,
                    'paid_at', p.paid_at, 'created_at', p.created_at) order by p.place)
                   from placed p where p.place <= :count), '[]')::text as items,
       (select count(*) from placed) > :count as more,
       (select p.created_at from placed p where p.place = :count) as last_key,
       (select p.id from placed p where p.place = :count) as last_id;
