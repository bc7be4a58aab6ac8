-- name: check_order_link
select set_config('vently.link', '', true)
 where not exists (select from public.ticket_orders o where o.id = :order and o.link_serial = :serial);

-- name: list_invoices
select coalesce(json_agg(json_build_object(
         'id', i.id, 'kind', i.kind, 'number', i.content ->> 'number', 'corrects', i.content -> 'corrects' ->> 0,
         'total', json_build_object('amount', sums.gross, 'currency', i.content ->> 'currency'),
         'tax', json_build_object('amount', sums.tax, 'currency', i.content ->> 'currency'),
         'issued_at', i.issued_at,
         'pdf_url', coalesce(current_setting('vently.site', true), '') || '/api/tickets/invoices/' || i.id || '.pdf' || :suffix::text)
         order by i.issued_at, i.id) filter (where i.id is not null), '[]')::text as items
  from public.ticket_orders o
  left join public.invoices i on i.order_id = o.id
  left join lateral (
    select sum((line ->> 'gross')::bigint) as gross, sum((line ->> 'tax')::bigint) as tax
      from jsonb_array_elements(i.content -> 'lines') line) sums on true
 where o.id = :order
having count(o.id) > 0;

-- name: get_invoice
select i.content from public.invoices i where i.id = :invoice;
