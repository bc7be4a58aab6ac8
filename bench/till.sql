-- What the till is measured with: events that sell, and the same sale as a row for each buyer.

-- name: open_tills
-- The first so many gigs sell free tickets; each has a type that is sold out too, for the time after the millionth ticket.
with tills as (
  insert into public.tills (event_id, currency)
  select id, 'EUR' from public.events where slug in (select 'gig-' || n from generate_series(1, :count) n)
  on conflict do nothing returning event_id
), stocks as (
  insert into public.ticket_stocks (event_id, quantity) select event_id, 1000000 from tills returning event_id, id
)
insert into public.ticket_types (event_id, currency, stock_id, name, price)
select event_id, 'EUR', id, 'Entry', 0 from stocks;

-- name: list_types
select e.slug, y.id as ticket_type
  from public.ticket_types y join public.events e on e.id = y.event_id
 where y.name = 'Entry'
 order by e.slug;

-- name: sell_a_million
-- 250,000 orders of four tickets, all of one event.
with stock as (
  insert into public.ticket_stocks (event_id, quantity, sold)
  select id, 1000000, 1000000 from public.events where slug = :slug returning event_id, id
), kind as (
  insert into public.ticket_types (event_id, currency, stock_id, name, price)
  select event_id, 'EUR', id, 'Early bird', 0 from stock returning event_id, id
), orders as (
  insert into public.ticket_orders (id, event_id, buyer_name, buyer_email, status, method, currency, subtotal, total, paid_at)
  select private.uuid_v7(), kind.event_id, 'Early', 'early-' || n || '@example.org', 'paid', 'free', 'EUR', 0, 0, now()
    from kind, generate_series(1, 250000) n returning id, event_id
)
insert into public.tickets (order_id, event_id, ticket_type_id, status, email, price, paid)
select o.id, o.event_id, kind.id, 'valid', 'early@example.org', 0, 0 from orders o, kind, generate_series(1, 4);

-- name: make_reference
create schema if not exists bench;
create table if not exists bench.stock (id int primary key, quantity int not null, sold int not null, check (sold <= quantity));
create table if not exists bench.orders (id uuid primary key, email text not null, made_at timestamptz not null default now());
create table if not exists bench.tickets (id uuid primary key default gen_random_uuid(), order_id uuid not null references bench.orders (id));
insert into bench.stock values (1, 2000000000, 0) on conflict do nothing;

-- name: give_event
-- Person 1 runs it from now on.
update public.events set organizer_id = '00000000-0000-7000-8000-000000000001', community_id = null where slug = :slug;

-- name: list_tickets
select t.id from public.tickets t join public.events e on e.id = t.event_id where e.slug = :slug and t.status = 'valid' limit 30000;
