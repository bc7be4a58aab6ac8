-- Invoices and credit notes: numbered without gaps, and never changed once they are written.
--
-- `content` is what the document says (vently/tickets/issued/documents.py, PrintedInvoice), kept as it was when it was issued:
-- whoever is renamed, or asks for another tax rate, later, has the same paper. Amounts contain their tax: gross = net + tax.

create policy "the system alone numbers invoices" on private.invoice_numbers for select to service_role using (true);
grant select on private.invoice_numbers to service_role;

create or replace function private.order_number(the_order uuid) returns text
language sql immutable set search_path = '' as $$
  select upper(substr(replace(the_order::text, '-', ''), 23, 5) || '-' || right(the_order::text, 5))
$$;
comment on function private.order_number is 'What people call an order by: ten of its random digits';
revoke execute on function private.order_number(uuid) from public;
grant execute on function private.order_number(uuid) to anon, authenticated, service_role;

create or replace function private.invoice_number(kind text, number int) returns text
language sql immutable set search_path = '' as $$
  select case kind when 'invoice' then 'INV-' else 'CN-' end || lpad(number::text, greatest(6, length(number::text)), '0')
$$;
revoke execute on function private.invoice_number(text, int) from public, anon, authenticated;

create or replace function private.tax_within(gross bigint, rate int) returns bigint
language sql immutable set search_path = '' as $$
  select (2 * gross * rate + 10000 + rate) / (2 * (10000 + rate))
$$;
comment on function private.tax_within is 'The tax that an amount contains, as the till reckons it; `rate` in basis points';
revoke execute on function private.tax_within(bigint, int) from public, anon, authenticated;

create or replace function private.next_invoice_number(seller uuid, kind text) returns int
language sql volatile set search_path = '' as $$
  insert into private.invoice_numbers as n (seller_id, kind, last) values (next_invoice_number.seller, next_invoice_number.kind, 1)
  on conflict (seller_id, kind) do update set last = n.last + 1
  returning last
$$;
comment on function private.next_invoice_number is
  'Keeps the seller''s other invoices waiting until this transaction ends: taken back, it leaves no gap';
revoke execute on function private.next_invoice_number(uuid, text) from public, anon, authenticated;

create or replace function private.invoice_lines(seats public.tickets[], fee_on_top boolean) returns jsonb
language sql stable set search_path = '' as $$
  with seats as (
    select y.id as type, y.name, y.place, t.price, coalesce(t.tax_rate, y.tax_rate) as rate, t.paid, t.tax,
           case when invoice_lines.fee_on_top then t.platform_fee else 0 end as fee
      from unnest(seats) t
      join public.ticket_types y on y.id = t.ticket_type_id
  ), sorts as (
    select name || case when paid - fee < price then ' (reduced)' else '' end as text, place, type,
           count(*) as quantity, paid - fee as unit, rate, sum(paid - fee) as gross,
           case when invoice_lines.fee_on_top then sum(private.tax_within(paid - fee, rate)) else sum(tax) end as tax
      from seats
     group by type, name, place, price, paid - fee, rate
  ), fees as (
    -- The till reckons tax on ticket and fee together: what the lines of tickets leave of it is the fee's.
    select rate, sum(fee) as gross, sum(tax) - sum(private.tax_within(paid - fee, rate)) as tax
      from seats where fee > 0 or invoice_lines.fee_on_top
     group by rate
  ), lines as (
    select text, quantity, unit, rate, gross, tax, place, type, 0 as last from sorts
     union all
    select 'Booking fee', 1, gross, rate, gross, tax, null, null, 1 from fees where gross > 0
  )
  select coalesce(jsonb_agg(jsonb_build_object('text', text, 'quantity', quantity, 'unit', unit, 'net', gross - tax,
                              'tax_rate', rate, 'tax', tax, 'gross', gross) order by last, place, type, unit desc, rate), '[]')
    from lines
$$;
comment on function private.invoice_lines is 'A line for each ticket type and price, and for the fee; they add up to what the tickets cost';
revoke execute on function private.invoice_lines(public.tickets[], boolean) from public, anon, authenticated;

create or replace function private.invoice_parties(the_order uuid) returns jsonb
language sql stable set search_path = '' as $$
  select jsonb_build_object(
    'supplied_on', (e.starts_at at time zone e.timezone)::date,
    'order', private.order_number(o.id),
    'currency', o.currency,
    'seller', jsonb_build_object('name', coalesce(s.name, c.name, p.name, ''), 'address', coalesce(s.address, ''), 'email', '',
                                 'tax_id', coalesce(s.tax_id, '')),
    'buyer', jsonb_build_object('name', o.buyer_name, 'address', coalesce(o.buyer_address, ''), 'email', o.buyer_email,
                                'tax_id', coalesce(o.buyer_tax_id, '')))
    from public.ticket_orders o
    join public.events e on e.id = o.event_id
    join public.tills k on k.event_id = o.event_id
    join public.sellers s on s.id = k.seller_id
    left join public.communities c on c.id = s.community_id
    left join public.profiles p on p.id = s.person_id
   where o.id = invoice_parties.the_order
$$;
revoke execute on function private.invoice_parties(uuid) from public, anon, authenticated;

create or replace function private.issue_invoice(the_order uuid) returns void
language plpgsql volatile security definer set search_path = '' as $$
declare
  bought public.ticket_orders;
  seller uuid;
  zone text;
  number int;
  moment timestamptz;
  seats public.tickets[];
begin
  -- Whoever issues for the same order waits here, and then finds the invoice.
  select * into bought from public.ticket_orders o where o.id = the_order for no key update;
  select k.seller_id, e.timezone into seller, zone
    from public.tills k join public.events e on e.id = k.event_id where k.event_id = bought.event_id;
  if coalesce(bought.total, 0) = 0 or seller is null
     or exists (select from public.invoices i where i.order_id = bought.id and i.kind = 'invoice') then
    return;
  end if;
  select array_agg(t) into seats from public.tickets t where t.order_id = bought.id;
  number := private.next_invoice_number(seller, 'invoice');
  moment := clock_timestamp();  -- the numbers' order is that of their moments
  insert into public.invoices (seller_id, order_id, kind, number, content, issued_at)
  values (seller, bought.id, 'invoice', number, private.invoice_parties(bought.id) || jsonb_build_object(
    'kind', 'invoice', 'number', private.invoice_number('invoice', number), 'issued_on', (moment at time zone zone)::date,
    'lines', private.invoice_lines(seats, bought.fee > 0),
    'notes', jsonb_build_array(case bought.method when 'card' then 'Paid by card.' when 'transfer' then 'Paid by bank transfer.'
                                                  else 'Paid at the door.' end)), moment);
end $$;
comment on function private.issue_invoice is
  'The invoice of a paid order, once; none for what is free. Called within the transaction that settles it';
revoke execute on function private.issue_invoice(uuid) from public, anon, authenticated;
grant execute on function private.issue_invoice(uuid) to service_role;

create or replace function private.invoice_left(the_order uuid) returns table (rate int, gross bigint, tax bigint)
language sql stable set search_path = '' as $$
  select (line ->> 'tax_rate')::int, sum((line ->> 'gross')::bigint)::bigint, sum((line ->> 'tax')::bigint)::bigint
    from public.invoices i, jsonb_array_elements(i.content -> 'lines') line
   where i.order_id = invoice_left.the_order
   group by 1
$$;
comment on function private.invoice_left is 'What an invoice says less its credit notes, by rate';
revoke execute on function private.invoice_left(uuid) from public, anon, authenticated;

create or replace function private.credit_for_tickets(bought public.ticket_orders, back public.refunds) returns jsonb
language sql stable set search_path = '' as $$
  with lines as (
    select private.invoice_lines(array_agg(t), bought.fee > 0) as lines
      from public.tickets t
     where t.order_id = bought.id and t.id = any (back.tickets)
    having sum(t.paid) = back.amount
  ), rates as (
    select (line ->> 'tax_rate')::int as rate, sum((line ->> 'gross')::bigint) as gross, sum((line ->> 'tax')::bigint) as tax
      from lines, jsonb_array_elements(lines.lines) line
     group by 1
  )
  select lines.lines from lines
   where not exists (
     select from rates left join private.invoice_left(bought.id) still using (rate)
      where not coalesce(rates.gross = still.gross and rates.tax = still.tax
                         or rates.gross < still.gross and rates.tax <= still.tax
                            and rates.gross - rates.tax <= still.gross - still.tax, false))
$$;
comment on function private.credit_for_tickets is
  'The lines of the tickets that go back, when the refund is just what they cost and that much of the invoice is left; else null';
revoke execute on function private.credit_for_tickets(public.ticket_orders, public.refunds) from public, anon, authenticated;

create or replace function private.credit_for_amount(the_order uuid, amount bigint) returns jsonb
language sql stable set search_path = '' as $$
  with still as (
    select rate, gross, tax, sum(gross) over () as total, sum(gross) over (order by rate) as upto
      from private.invoice_left(credit_for_amount.the_order) where gross > 0
  ), shares as (
    -- Each rate ends where its part of the amount ends: rounded there, the parts add up to it, and none is more than is left.
    select rate, gross, tax,
           div(least(amount, total) * upto, total) - div(least(amount, total) * (upto - gross), total) as share
      from still
  ), lines as (
    select rate, share, greatest(div(2 * tax * share + gross, 2 * gross), 0) as tax from shares where share > 0
  )
  select jsonb_agg(jsonb_build_object('text', 'Refund', 'quantity', 1, 'unit', share, 'net', share - tax, 'tax_rate', rate,
                                      'tax', tax, 'gross', share) order by rate)
    from lines
$$;
comment on function private.credit_for_amount is
  'An amount as a line for each rate, in proportion to what is left of the invoice: the last refund takes the last of the tax';
revoke execute on function private.credit_for_amount(uuid, bigint) from public, anon, authenticated;

create or replace function private.issue_credit_note(the_refund uuid) returns void
language plpgsql volatile security definer set search_path = '' as $$
declare
  back public.refunds;
  bought public.ticket_orders;
  invoice public.invoices;
  zone text;
  number int;
  moment timestamptz;
  lines jsonb;
begin
  select * into back from public.refunds r where r.id = the_refund;
  select * into bought from public.ticket_orders o where o.id = back.order_id for no key update;
  select * into invoice from public.invoices i where i.order_id = bought.id and i.kind = 'invoice';
  -- No invoice is about money that came too late, twice, or as another amount.
  if invoice.id is null or back.cause not in ('organizer', 'buyer', 'event_cancelled')
     or exists (select from public.invoices i where i.refund_id = back.id) then
    return;
  end if;
  lines := coalesce(private.credit_for_tickets(bought, back), private.credit_for_amount(bought.id, back.amount));
  if lines is null then  -- all of the invoice is corrected already
    return;
  end if;
  select jsonb_agg(line || jsonb_build_object('unit', -(line ->> 'unit')::bigint, 'net', -(line ->> 'net')::bigint,
                     'tax', -(line ->> 'tax')::bigint, 'gross', -(line ->> 'gross')::bigint) order by place)
    into lines from jsonb_array_elements(lines) with ordinality given (line, place);
  select e.timezone into zone from public.events e where e.id = bought.event_id;
  number := private.next_invoice_number(invoice.seller_id, 'credit_note');
  moment := clock_timestamp();
  insert into public.invoices (seller_id, order_id, refund_id, kind, number, content, issued_at)
  values (invoice.seller_id, bought.id, back.id, 'credit_note', number, invoice.content || jsonb_build_object(
    'kind', 'credit_note', 'number', private.invoice_number('credit_note', number), 'issued_on', (moment at time zone zone)::date,
    'corrects', jsonb_build_array(invoice.content ->> 'number', invoice.content ->> 'issued_on'),
    'lines', lines,
    'notes', case when back.reason = '' then '[]'::jsonb else jsonb_build_array(back.reason) end), moment);
end $$;
comment on function private.issue_credit_note is
  'The credit note of a refund, once, naming the invoice it corrects; never more than is left of that';
revoke execute on function private.issue_credit_note(uuid) from public, anon, authenticated;
grant execute on function private.issue_credit_note(uuid) to service_role;
