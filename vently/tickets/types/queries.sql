-- name: get_selling
-- What somebody signed in may do with an event's sale, and how far it is set up.
select e.id, e.slug, t.currency, private.event_is_mine(e.organizer_id, e.community_id) is true as runs
  from public.events e left join public.tills t on t.event_id = e.id
 where e.id = :id::uuid or e.slug = :slug::text;

-- name: get_selling_to_visitors
select e.id, e.slug, t.currency, false as runs
  from public.events e left join public.tills t on t.event_id = e.id
 where e.id = :id::uuid or e.slug = :slug::text;

-- name: open_till
insert into public.tills (event_id, currency) values (:event, :currency) on conflict do nothing;

-- name: get_currency
select t.currency from public.tills t where t.event_id = :event;

-- name: take_till
-- Whoever changes how many there are waits for the batch that is being sold, so that no buyer meets a stock that shrinks.
select t.event_id from public.tills t where t.event_id = :event for no key update;


-- name: list_types
select coalesce(json_agg(row_to_json(c) order by c.place, c.id), '[]')::text
  from (select k.id, k.event_id, k.name, k.description, k.price, k.pay_what_you_want, k.pool, k.available, k.on_sale,
               k.per_order_max, k.per_person_max, k.sales_start, k.sales_end, k.locked, k.hidden, k.members_only,
               k.transferable, k.tax_percent, k.place, k.access_code,
               case when :runs::boolean then k.quantity end as quantity, case when :runs then k.held end as held,
               case when :runs then k.sold end as sold, k.created_at, k.updated_at, k.version
          from public.ticket_type_cards k where k.event_id = :event and (:runs or not k.hidden)) c;

-- name: get_type
select row_to_json(c)::text as body, c.version
  from (select k.id, k.event_id, k.name, k.description, k.price, k.pay_what_you_want, k.pool, k.available, k.on_sale,
               k.per_order_max, k.per_person_max, k.sales_start, k.sales_end, k.locked, k.hidden, k.members_only,
               k.transferable, k.tax_percent, k.place, k.access_code,
               case when :runs::boolean then k.quantity end as quantity, case when :runs then k.held end as held,
               case when :runs then k.sold end as sold, k.created_at, k.updated_at, k.version
          from public.ticket_type_cards k where k.id = :id) c;

-- name: get_event_of_type
select y.event_id from public.ticket_types y where y.id = :id;

-- name: count_types
select count(*) from public.ticket_types y where y.event_id = :event;

-- name: add_type
with stock as (
  insert into public.ticket_stocks (event_id, quantity) values (:event, :quantity) returning id
)
insert into public.ticket_types (event_id, currency, stock_id, pool_id, name, description, price, pay_what_you_want, tax_rate,
       per_order_max, per_person_max, sales_start, sales_end, hidden, members_only, transferable, place)
select :event, :currency, stock.id, n.pool_id, n.name, n.description, n.price, n.pay_what_you_want, n.tax_rate, n.per_order_max,
       n.per_person_max, n.sales_start, n.sales_end, n.hidden, n.members_only, n.transferable, n.place
  from stock, jsonb_populate_record(null::public.ticket_types, :fields) n
returning id;

-- name: change_type
update public.ticket_types y
   set (pool_id, name, description, price, pay_what_you_want, tax_rate, per_order_max, per_person_max, sales_start, sales_end,
        hidden, members_only, transferable, place) =
       (select n.pool_id, n.name, n.description, n.price, n.pay_what_you_want, n.tax_rate, n.per_order_max, n.per_person_max,
               n.sales_start, n.sales_end, n.hidden, n.members_only, n.transferable, n.place
          from jsonb_populate_record(y, :changes) n)
 where y.id = :id and (:version::int is null or y.version = :version);

-- name: taken_of_type
select s.held + s.sold from public.ticket_types y join public.ticket_stocks s on s.id = y.stock_id where y.id = :id;

-- name: resize_type
update public.ticket_stocks s set quantity = :quantity
  from public.ticket_types y where y.id = :id and s.id = y.stock_id;

-- name: set_access_code
insert into public.ticket_type_codes (ticket_type_id, access_code) values (:id, :access_code)
on conflict (ticket_type_id) do update set access_code = excluded.access_code;

-- name: drop_access_code
delete from public.ticket_type_codes w where w.ticket_type_id = :id;

-- name: remove_type
with gone as (
  delete from public.ticket_types y where y.id = :id and (:version::int is null or y.version = :version) returning y.stock_id
)
delete from public.ticket_stocks s using gone where s.id = gone.stock_id;


-- name: list_pools
select coalesce(json_agg(json_build_object('id', p.id, 'event_id', p.event_id, 'name', p.name, 'quantity', p.quantity,
         'held', p.held, 'sold', p.sold, 'available', p.quantity - p.held - p.sold) order by p.id), '[]')::text
  from public.ticket_stocks p where p.event_id = :event and p.name is not null;

-- name: get_pool
select json_build_object('id', p.id, 'event_id', p.event_id, 'name', p.name, 'quantity', p.quantity,
         'held', p.held, 'sold', p.sold, 'available', p.quantity - p.held - p.sold)::text
  from public.ticket_stocks p where p.id = :id and p.name is not null;

-- name: get_event_of_pool
select p.event_id from public.ticket_stocks p where p.id = :id and p.name is not null;

-- name: add_pool
insert into public.ticket_stocks (event_id, name, quantity) values (:event, :name, :quantity) returning id;

-- name: taken_of_pool
select p.held + p.sold from public.ticket_stocks p where p.id = :id;

-- name: change_pool
update public.ticket_stocks p set (name, quantity) = (select n.name, n.quantity from jsonb_populate_record(p, :changes) n)
 where p.id = :id;

-- name: is_pool_used
select exists (select from public.ticket_types y where y.event_id = :event and y.pool_id = :id);

-- name: remove_pool
delete from public.ticket_stocks p where p.id = :id and p.name is not null;


-- name: list_discounts
with found as materialized (
  select d.* from public.discounts d
   where d.event_id = :event and (:after_id::uuid is null or d.id > :after_id) order by d.id limit :count::int + 1
), placed as (
  select f.*, t.currency, row_number() over (order by f.id) as place
    from found f join public.tills t on t.event_id = f.event_id
)
select coalesce((select json_agg(json_build_object('id', l.id, 'code', l.code, 'percent', l.percent, 'amount', l.amount,
                    'currency', l.currency, 'max_uses', l.max_uses, 'uses', l.uses, 'valid_from', l.valid_from,
                    'valid_until', l.valid_until, 'created_at', l.created_at, 'updated_at', l.updated_at,
                    'version', l.version) order by l.place)
                   from placed l where l.place <= :count), '[]')::text as items,
       (select count(*) from placed) > :count as more,
       0 as last_key,
       (select l.id from placed l where l.place = :count) as last_id;

-- name: get_discount
select json_build_object('id', d.id, 'code', d.code, 'percent', d.percent, 'amount', d.amount, 'currency', t.currency,
         'max_uses', d.max_uses, 'uses', d.uses, 'valid_from', d.valid_from, 'valid_until', d.valid_until,
         'created_at', d.created_at, 'updated_at', d.updated_at, 'version', d.version)::text as body, d.version
  from public.discounts d join public.tills t on t.event_id = d.event_id
 where d.event_id = :event and d.code = upper(:code);

-- name: add_discount
insert into public.discounts (event_id, code, percent, amount, max_uses, valid_from, valid_until)
values (:event, upper(:code), :percent, :amount, :max_uses, :valid_from, :valid_until);

-- name: change_discount
update public.discounts d
   set (percent, amount, max_uses, valid_from, valid_until) =
       (select n.percent, n.amount, n.max_uses, n.valid_from, n.valid_until from jsonb_populate_record(d, :changes) n)
 where d.event_id = :event and d.code = upper(:code) and (:version::int is null or d.version = :version);

-- name: remove_discount
delete from public.discounts d
 where d.event_id = :event and d.code = upper(:code) and (:version::int is null or d.version = :version);


-- name: list_questions
select coalesce(json_agg(json_build_object('id', q.id, 'event_id', q.event_id, 'label', q.label, 'kind', q.kind,
         'choices', q.choices, 'required', q.required, 'place', q.place) order by q.place, q.id), '[]')::text
  from public.ticket_questions q where q.event_id = :event;

-- name: get_question
select json_build_object('id', q.id, 'event_id', q.event_id, 'label', q.label, 'kind', q.kind,
         'choices', q.choices, 'required', q.required, 'place', q.place)::text
  from public.ticket_questions q where q.id = :id;

-- name: get_event_of_question
select q.event_id from public.ticket_questions q where q.id = :id;

-- name: count_questions
select count(*) from public.ticket_questions q where q.event_id = :event;

-- name: add_question
insert into public.ticket_questions (event_id, label, kind, choices, required, place)
values (:event, :label, :kind, :choices, :required, :place) returning id;

-- name: change_question
update public.ticket_questions q
   set (label, kind, choices, required, place) =
       (select n.label, n.kind, n.choices, n.required, n.place from jsonb_populate_record(q, :changes) n)
 where q.id = :id;

-- name: remove_question
delete from public.ticket_questions q where q.id = :id;


-- name: get_sale
-- The seller's bank details are told to those who run the event; buyers find them with their order.
select json_build_object('event_id', t.event_id, 'currency', t.currency, 'methods', t.methods, 'hold_minutes', t.hold_minutes,
         'transfer_hours', t.transfer_hours, 'refund_hours', t.refund_hours, 'fee_on_top', t.fee_on_top,
         'seller', case when s.id is not null then json_build_object('name', s.name, 'address', s.address, 'tax_id', s.tax_id,
                     'bank_details', case when :runs::boolean then s.bank_details end) end,
         'created_at', t.created_at, 'updated_at', greatest(t.updated_at, s.updated_at),
         'version', t.version + coalesce(s.version, 0))::text as body,
       t.version + coalesce(s.version, 0) as version
  from public.tills t left join public.sellers s on s.id = t.seller_id
 where t.event_id = :event;

-- name: change_till
update public.tills t
   set (currency, methods, hold_minutes, transfer_hours, refund_hours, fee_on_top) =
       (select n.currency, n.methods, n.hold_minutes, n.transfer_hours, n.refund_hours, n.fee_on_top
          from jsonb_populate_record(t, :changes) n)
 where t.event_id = :event;

-- name: any_priced
select exists (select from public.ticket_types y where y.event_id = :event and y.price > 0)
    or exists (select from public.discounts d where d.event_id = :event and d.amount > 0);

-- name: change_seller
update public.sellers s
   set name = case when :changes::jsonb ? 'name' then :changes ->> 'name' else s.name end,
       address = case when :changes ? 'address' then :changes ->> 'address' else s.address end,
       tax_id = case when :changes ? 'tax_id' then :changes ->> 'tax_id' else s.tax_id end,
       bank_details = case when :changes ? 'bank_details' then :changes ->> 'bank_details' else s.bank_details end
  from public.tills t where t.event_id = :event and s.id = t.seller_id;
