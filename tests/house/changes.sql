-- Changes to the schema, which no request makes.

-- name: a_table
create table public.forged (id int)

-- name: a_function
create function private.forged() returns int language sql as 'select 1'

-- name: a_policy
create policy "forged" on public.events for select to authenticated using (true)

-- name: row_security_off
alter table public.events disable row level security

-- name: a_trigger_off
alter table public.rsvps disable trigger all

-- name: everything_gone
truncate public.events cascade
