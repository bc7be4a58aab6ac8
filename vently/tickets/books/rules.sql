-- The books: whether stock, tickets, orders, payments and the ledger say the same.

create or replace function private.till_differences()
returns table (kind text, event_id uuid, order_id uuid, detail text)
language sql stable security definer set search_path = '' as $$
  -- What is held and sold is what the tickets say, of each type and of each pool.
  select 'stock', s.event_id, null::uuid,
         coalesce(s.name, y.name) || ': counts ' || s.held || ' held and ' || s.sold || ' sold, and there are '
         || c.held || ' and ' || c.sold
    from public.ticket_stocks s
    left join public.ticket_types y on y.stock_id = s.id,
         lateral (select count(*) filter (where t.status = 'held') as held, count(*) filter (where t.status = 'valid') as sold
                    from public.ticket_types of_stock
                    join public.tickets t on t.event_id = of_stock.event_id and t.ticket_type_id = of_stock.id
                   where of_stock.event_id = s.event_id and s.id in (of_stock.stock_id, of_stock.pool_id)) c
   where (c.held, c.sold) is distinct from (s.held, s.sold)
   union all
  select 'discount', d.event_id, null, d.code || ': counts ' || d.uses || ' uses, and there are ' || c.uses
    from public.discounts d,
         lateral (select count(*) as uses from public.ticket_orders o
                   where o.discount_id = d.id and o.status in ('pending', 'paid', 'partially_refunded', 'refunded')) c
   where c.uses <> d.uses
   union all
  select 'order', o.event_id, o.id,
         case when t.count is null then 'has no tickets'
              when (t.price, t.paid, t.tax, t.fee) is distinct from (o.subtotal, o.total, o.tax, o.platform_fee)
                then 'its tickets add up to ' || t.paid || ', and its total is ' || o.total
              else 'is ' || o.status || ', and ' || t.held || ' of its ' || t.count || ' tickets are held, ' || t.valid || ' valid' end
    from public.ticket_orders o
    left join (select k.order_id, count(*) as count, sum(k.price) as price, sum(k.paid) as paid, sum(k.tax) as tax,
                      sum(k.platform_fee) as fee, count(*) filter (where k.status = 'held') as held,
                      count(*) filter (where k.status = 'valid') as valid,
                      count(*) filter (where k.status = 'valid' and k.paid > 0) as bought
                 from public.tickets k group by k.order_id) t on t.order_id = o.id
   where t.count is null or (t.price, t.paid, t.tax, t.fee) is distinct from (o.subtotal, o.total, o.tax, o.platform_fee)
      or case when o.status = 'pending' then t.held <> t.count
              when o.status = 'paid' and o.total = 0 then t.held > 0 or t.valid = 0
              when o.status in ('paid', 'partially_refunded') then t.held > 0
              when o.status = 'refunded' then t.held > 0 or t.bought > 0  -- what cost nothing may stay
              else t.held > 0 or t.valid > 0 end
   union all
  -- What the buyer's account owes, or is owed, is what is on its way back; what was sold is what was paid.
  select 'ledger', o.event_id, o.id,
         case when l.sold <> case when o.paid_at is not null then o.total else 0 end
                then 'is ' || o.status || ' over ' || o.total || ', and the ledger has sold ' || l.sold
              else 'the ledger has ' || l.owed || ' for its buyer, and ' || r.due || ' is on its way back' end
    from public.ticket_orders o,
         lateral (select coalesce(sum(case 'buyer' when x.credit then x.amount when x.debit then -x.amount end), 0)::bigint as owed,
                         coalesce(sum(x.amount) filter (where x.cause = 'sale' and x.debit = 'buyer'), 0)::bigint as sold
                    from public.ledger_transfers x where x.order_id = o.id) l,
         lateral (select coalesce(sum(x.amount), 0)::bigint as due
                    from public.refunds x where x.order_id = o.id and x.status <> 'succeeded') r
   where l.owed <> r.due or l.sold <> case when o.paid_at is not null then o.total else 0 end
   union all
  select 'payment', o.event_id, o.id, 'attempt ' || a.id || ' is ' || a.status || ', and the ledger has '
         || case when l.amount is null then 'nothing of it' else l.amount || ' ' || l.currency end
    from public.payment_attempts a
    join public.ticket_orders o on o.id = a.order_id
    left join public.ledger_transfers l on l.cause = 'payment' and l.cause_id = a.id
   where (a.status = 'paid') <> (l.id is not null)
   union all
  select 'stuck', o.event_id, o.id, 'its hold ended at ' || o.expires_at || ', and nobody gave it back'
    from public.ticket_orders o
   where o.status = 'pending' and o.expires_at < clock_timestamp() - interval '5 minutes'
   union all
  select 'stuck', o.event_id, o.id, 'attempt ' || a.id || ' is open since ' || a.created_at
    from public.payment_attempts a join public.ticket_orders o on o.id = a.order_id
   where a.status = 'open' and o.status <> 'pending' and a.created_at < clock_timestamp() - interval '1 day'
$$;
comment on function private.till_differences is
  'Where stock, tickets, discounts, orders, payments and the ledger do not say the same; no row: all is well';
revoke execute on function private.till_differences() from public, anon, authenticated;
grant execute on function private.till_differences() to service_role;
