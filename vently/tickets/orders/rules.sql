-- An order as people read it: with its lines, its tickets, and where to pay.

create or replace view public.order_cards with (security_invoker = true) as
select o.id, o.event_id, o.buyer_id, o.status, o.version, o.link_serial, o.created_at,
       json_build_object(
         'id', o.id,
         'event', json_build_object('id', e.id, 'slug', e.slug, 'title', e.title, 'starts_at', e.starts_at, 'ends_at', e.ends_at,
                                    'timezone', e.timezone, 'status', e.status),
         'status', o.status,
         'method', o.method,
         'buyer', json_build_object('name', o.buyer_name, 'email', o.buyer_email, 'address', o.buyer_address,
                                    'tax_id', o.buyer_tax_id),
         'subtotal', json_build_object('amount', o.subtotal, 'currency', o.currency),
         'discount', json_build_object('amount', o.discount, 'currency', o.currency),
         'fee', json_build_object('amount', o.fee, 'currency', o.currency),
         'tax', json_build_object('amount', o.tax, 'currency', o.currency),
         'total', json_build_object('amount', o.total, 'currency', o.currency),
         'refunded', json_build_object('amount', o.refunded, 'currency', o.currency),
         'items', (
           select json_agg(json_build_object(
                    'ticket_type', json_build_object('id', lines.id, 'name', lines.name),
                    'quantity', lines.quantity,
                    'price', json_build_object('amount', lines.price, 'currency', o.currency),
                    'amount', json_build_object('amount', lines.paid, 'currency', o.currency)) order by lines.place, lines.id)
             from (select y.id, y.name, y.place, t.price, count(*) as quantity, sum(t.paid) as paid
                     from public.tickets t join public.ticket_types y on y.event_id = t.event_id and y.id = t.ticket_type_id
                    where t.order_id = o.id
                    group by y.id, y.name, y.place, t.price) lines),
         'tickets', (
           select json_agg(json_build_object('id', t.id, 'ticket_type', t.ticket_type_id, 'status', t.status,
                    'attendee', json_build_object('name', t.name, 'email', t.email),
                    'amount', json_build_object('amount', t.paid, 'currency', o.currency)) order by t.id)
             from public.tickets t where t.order_id = o.id),
         'expires_at', case when o.status = 'pending' then o.expires_at end,
         'paid_at', o.paid_at,
         'checkout_url', case when o.status = 'pending' and o.method = 'card' then (
           select coalesce(current_setting('vently.site', true), '')
                  || case a.provider when 'pretend' then '/pretend/checkout/' else '/checkout/' end || a.id
             from public.payment_attempts a where a.order_id = o.id and a.status = 'open' order by a.id desc limit 1) end,
         'url', coalesce(current_setting('vently.site', true), '') || '/orders/' || o.id,
         'created_at', o.created_at,
         'updated_at', o.updated_at,
         'version', o.version) as document
  from public.ticket_orders o
  join public.events e on e.id = o.event_id;
comment on view public.order_cards is '`document` is what the API answers';
grant select on public.order_cards to anon, authenticated, service_role;
