-- Issued tickets: whose they are, what they look like to read and to print, and handing them on.

create policy "organisers see who handed tickets on" on public.ticket_transfers for select to authenticated
  using (exists (select 1 from public.tickets t where t.id = ticket_id and t.event_id in (select private.events_i_run())));
grant select on public.ticket_transfers to authenticated, service_role;

create or replace function private.has_ticket(t public.tickets) returns boolean
language sql stable security definer set search_path = '' as $$
  select coalesce(t.holder_id = (select auth.uid()), false)
      or coalesce(t.holder_id is null and lower(t.email) = (select private.my_address()), false)
      or coalesce('ticket:' || t.id || ':' || t.serial = (select current_setting('vently.link', true)), false)
      or not exists (select from public.ticket_transfers x where x.ticket_id = t.id)
         and (coalesce('order:' || t.order_id = (select current_setting('vently.link', true)), false)
              or t.order_id in (select private.orders_of_mine()))
$$;
comment on function private.has_ticket is
  'It is the viewer''s to show at the door or to hand on: whoever bought it has it no more once it was handed on';

create or replace function private.tickets_of_mine() returns setof uuid
language sql stable security definer set search_path = '' rows 20 as $$
  select t.id from public.tickets t where t.holder_id = (select auth.uid())
   union
  select t.id from public.tickets t where t.holder_id is null and lower(t.email) = (select private.my_address())
   union
  select t.id from public.tickets t
   where t.order_id in (select private.orders_of_mine())
     and not exists (select from public.ticket_transfers x where x.ticket_id = t.id)
$$;
comment on function private.tickets_of_mine is 'What `has_ticket` is true of, without links';

create or replace function private.my_ticket_times() returns table (id uuid, opens boolean, starts_at timestamptz)
language sql stable security definer set search_path = '' rows 20 as $$
  select t.id, t.status in ('held', 'valid') and e.ends_at >= now(), e.starts_at
    from public.tickets t join public.events e on e.id = t.event_id
   where t.id in (select private.tickets_of_mine())
$$;
comment on function private.my_ticket_times is 'My tickets to be put in order; `opens`: a door that is still to come';

create or replace function private.admitted_at(ticket uuid) returns timestamptz
language sql stable security definer set search_path = '' as $$
  select s.scanned_at
    from public.ticket_scans s
    join public.tickets t on t.id = s.ticket_id
    join public.events e on e.id = t.event_id
   where s.ticket_id = admitted_at.ticket and s.result = 'admitted' and s.undone_at is null
     and (private.has_ticket(t) or t.order_id in (select private.orders_of_mine())
          or 'order:' || t.order_id = (select current_setting('vently.link', true))
          or private.event_is_mine(e.organizer_id, e.community_id) or e.id in (select private.events_i_staff()))
$$;
comment on function private.admitted_at is 'When the ticket was let in, for whoever may see the ticket; null: it was not';
revoke execute on function private.has_ticket(public.tickets), private.tickets_of_mine(), private.my_ticket_times(),
  private.admitted_at(uuid) from public;
grant execute on function private.has_ticket(public.tickets), private.admitted_at(uuid) to anon, authenticated, service_role;
grant execute on function private.tickets_of_mine(), private.my_ticket_times() to authenticated;


-- A ticket as people read it. Its code is added by the node, where `mine`.

create or replace view public.ticket_cards with (security_invoker = true) as
select t.id, t.order_id, t.event_id, t.serial, own.mine,
       case when t.status = 'valid' and own.used_at is not null then 'used' else t.status end as status,
       what.event, (what.event ->> 'starts_at')::timestamptz as starts_at, (what.event ->> 'ends_at')::timestamptz as ends_at,
       json_build_object(
         'id', t.id,
         'status', case when t.status = 'valid' and own.used_at is not null then 'used' else t.status end,
         'used_at', own.used_at,
         'event', what.event,
         'ticket_type', json_build_object('id', t.ticket_type_id, 'name', coalesce(y.name, 'Ticket')),
         'attendee', case when t.serial < 3 or private.knows_attendee(t) then json_build_object('name', t.name, 'email', t.email)
                          else json_build_object('name', null, 'email', null) end,
         'holder', case when p.id is not null and (t.serial < 3 or private.knows_attendee(t)) then json_build_object('handle', p.handle, 'name', p.name) end,
         'order', o.id,
         'amount', case when o.id is not null then json_build_object('amount', t.paid, 'currency', o.currency) end,
         'transferable', own.mine and t.status = 'valid' and own.used_at is null and coalesce(y.transferable, false)
                         and what.event ->> 'status' <> 'cancelled' and (what.event ->> 'ends_at')::timestamptz > now(),
         'serial', t.serial,
         'url', coalesce(current_setting('vently.site', true), '') || '/tickets/' || t.id,
         'calendar_url', coalesce(current_setting('vently.site', true), '') || '/api/tickets/' || t.id || '/calendar.ics',
         'pdf_url', case when own.mine and t.status = 'valid'
                         then coalesce(current_setting('vently.site', true), '') || '/api/tickets/' || t.id || '.pdf' end,
         'created_at', t.created_at) as document
  from public.tickets t
  left join public.events e on e.id = t.event_id  -- of what is unlisted or for members, holders have what they need to know
  left join public.ticket_types y on y.id = t.ticket_type_id
  left join public.ticket_orders o on o.id = t.order_id
  left join public.profiles p on p.id = t.holder_id,
       lateral (select private.has_ticket(t) as mine, private.admitted_at(t.id) as used_at) own,
       lateral (select coalesce(private.event_of_mine(t.event_id), private.ticketed_event(e)::jsonb) as event) what;
comment on view public.ticket_cards is '`document` is what the API answers, but for the code';
grant select on public.ticket_cards to anon, authenticated, service_role;


-- What is printed and mailed: also where the event is out of the viewer's sight (unlisted, for members, cancelled)

create or replace function private.printed_event(event uuid) returns jsonb
language sql stable set search_path = '' as $$
  select jsonb_build_object(
           'id', e.id, 'title', e.title, 'starts_at', e.starts_at, 'ends_at', e.ends_at, 'timezone', e.timezone, 'all_day', e.all_day,
           'where', coalesce(nullif(concat_ws(', ', v.name, v.address, v.city), ''), case when e.online then 'Online' else '' end),
           'organizer', coalesce(c.name, p.name, ''),
           'url', coalesce(current_setting('vently.site', true), '') || '/events/' || e.slug,
           'status', e.status, 'version', e.version, 'updated_at', e.updated_at)
    from public.events e
    left join public.venues v on v.id = e.venue_id
    left join public.communities c on c.id = e.community_id
    left join public.profiles p on p.id = e.organizer_id
   where e.id = printed_event.event
$$;

create or replace function private.printed_tickets(tickets uuid[])
returns table (id uuid, serial int, status text, type text, holder text, "order" text, paid bigint, currency text, event jsonb)
language sql stable security definer set search_path = '' as $$
  select t.id, t.serial, t.status, y.name, coalesce(t.name, case when x.id is null then o.buyer_name else p.name end, ''),
         private.order_number(o.id), case when x.id is null then t.paid end, o.currency, private.printed_event(t.event_id)
    from public.tickets t
    join public.ticket_types y on y.id = t.ticket_type_id
    join public.ticket_orders o on o.id = t.order_id
    left join public.profiles p on p.id = t.holder_id
    left join public.ticket_transfers x on x.ticket_id = t.id and x.serial = (
      select max(l.serial) from public.ticket_transfers l where l.ticket_id = t.id)
   where t.id = any (tickets)
   order by y.place, y.id, t.id
$$;
comment on function private.printed_tickets is 'What is on paper; whoever was given a ticket does not read there what it cost or who bought it';

create or replace function private.my_printed_tickets(ticket uuid, the_order uuid)
returns table (id uuid, serial int, status text, type text, holder text, "order" text, paid bigint, currency text, event jsonb)
language sql stable security definer set search_path = '' as $$
  select printed.*
    from private.printed_tickets(array(
           select t.id from public.tickets t
            where (t.id = my_printed_tickets.ticket or t.order_id = my_printed_tickets.the_order) and private.has_ticket(t))) printed
$$;
comment on function private.my_printed_tickets is 'One ticket, or those of an order, as far as they are the viewer''s';

create or replace function private.told_order(the_order uuid)
returns table (id uuid, "to" text, name text, link_serial int, status text, method text, "order" text, currency text, total bigint,
               expires_at timestamptz, bank_details text, items jsonb, tickets uuid[], event jsonb)
language sql stable security definer set search_path = '' as $$
  select o.id, o.buyer_email, o.buyer_name, o.link_serial, o.status, o.method, private.order_number(o.id), o.currency, o.total,
         o.expires_at, s.bank_details,
         (select coalesce(jsonb_agg(jsonb_build_array(k.name, k.count) order by k.place, k.id), '[]')
            from (select y.id, y.name, y.place, count(*) as count
                    from public.tickets t join public.ticket_types y on y.id = t.ticket_type_id
                   where t.order_id = o.id group by y.id, y.name, y.place) k),
         array(select t.id from public.tickets t
                where t.order_id = o.id and t.status = 'valid'
                  and not exists (select from public.ticket_transfers x where x.ticket_id = t.id) order by t.id),
         private.printed_event(o.event_id)
    from public.ticket_orders o
    left join public.tills k on k.event_id = o.event_id
    left join public.sellers s on s.id = k.seller_id
   where o.id = told_order.the_order
$$;
comment on function private.told_order is 'An order as its letters tell of it; `tickets`: the valid ones that its buyer has';

revoke execute on function private.printed_event(uuid), private.printed_tickets(uuid[]), private.told_order(uuid)
  from public, anon, authenticated;
revoke execute on function private.my_printed_tickets(uuid, uuid) from public;
grant execute on function private.my_printed_tickets(uuid, uuid) to anon, authenticated;
grant execute on function private.printed_event(uuid), private.printed_tickets(uuid[]), private.told_order(uuid) to service_role;


-- Handing on: the ticket's serial goes up, so that the code before it opens no door

create or replace function private.was_handed_on(ticket uuid) returns boolean
language sql stable set search_path = '' as $$
  select exists (select from public.ticket_transfers x where x.ticket_id = was_handed_on.ticket)
$$;
create or replace function private.giver(it public.tickets) returns table (id uuid, name text, email text)
language sql stable set search_path = '' as $$
  select p.id, p.name, u.email from public.profiles p join auth.users u on u.id = p.id where p.id = (select auth.uid())
   union all
  select null, o.buyer_name, o.buyer_email
    from public.ticket_orders o
   where (select auth.uid()) is null and o.id = it.order_id and not private.was_handed_on(it.id)
   union all
  select null, coalesce(it.name, it.email), it.email where (select auth.uid()) is null and private.was_handed_on(it.id)
$$;
comment on function private.giver is 'Who hands a ticket on: an account; by link the buyer, or who was given it before';
revoke execute on function private.was_handed_on(uuid), private.giver(public.tickets) from public, anon, authenticated;

create or replace function private.refuse_handing_on(it public.tickets) returns void
language plpgsql stable security definer set search_path = '' as $$
declare
  at_event public.events;
begin
  select * into at_event from public.events e where e.id = it.event_id;
  if it.status <> 'valid' then
    raise exception 'Only a valid ticket can be handed on.' using errcode = 'PT409', detail = 'not-valid';
  elsif at_event.status = 'cancelled' then
    raise exception 'This event is cancelled.' using errcode = 'PT409', detail = 'event-cancelled';
  elsif at_event.ends_at <= now() then
    raise exception 'This event is over.' using errcode = 'PT409', detail = 'event-over';
  elsif not (select y.transferable from public.ticket_types y where y.event_id = it.event_id and y.id = it.ticket_type_id) then
    raise exception 'Tickets of this type cannot be handed on.' using errcode = 'PT409', detail = 'not-transferable';
  elsif exists (select from public.ticket_scans s where s.ticket_id = it.id and s.result = 'admitted' and s.undone_at is null) then
    raise exception 'This ticket has been used: somebody came in with it.' using errcode = 'PT409', detail = 'used';
  end if;
end $$;
revoke execute on function private.refuse_handing_on(public.tickets) from public, anon, authenticated;

create or replace function private.hand_on(ticket uuid, email text, name text) returns void
language plpgsql volatile security definer set search_path = '' as $$
declare
  before public.tickets;
  it public.tickets;
  who record;
  taker uuid;
  transfer uuid;
begin
  select * into before from public.tickets t where t.id = hand_on.ticket;
  select * into it from public.tickets t where t.id = hand_on.ticket for no key update;
  if it.id is null or not private.has_ticket(before) and not exists (
       select from public.ticket_transfers x where x.ticket_id = it.id
          and (x.from_id = (select auth.uid()) or 'order:' || it.order_id = current_setting('vently.link', true))) then
    raise exception 'There is nothing here that you could hand on.' using errcode = 'PT404', detail = 'not-found';
  elsif not private.has_ticket(it) or it.serial <> before.serial then
    raise exception 'This ticket was handed on already.' using errcode = 'PT409', detail = 'handed-on';
  end if;
  perform private.refuse_handing_on(it);
  select * into who from private.giver(it);
  if lower(hand_on.email) in (lower(who.email), case when private.was_handed_on(it.id) then lower(it.email) end) then
    raise exception 'has this ticket already' using errcode = 'PT422', detail = 'invalid', hint = '/email';
  end if;
  select u.id into taker from auth.users u join public.profiles p on p.id = u.id
   where u.email = lower(hand_on.email) and not u.is_sso_user and u.email_confirmed_at is not null and u.deleted_at is null;

  -- The answers were about somebody else.
  update public.tickets t
     set serial = t.serial + 1, holder_id = taker, email = hand_on.email, name = hand_on.name, answers = '{}'
   where t.id = it.id;
  insert into public.ticket_transfers (ticket_id, serial, from_id, from_name, from_email, to_email)
  values (it.id, it.serial + 1, who.id, who.name, who.email, hand_on.email) returning id into transfer;
  perform private.enqueue('mail transfer', jsonb_build_object('transfer_id', transfer, 'letter', letter))
     from unnest(array['taker', 'giver']) letter;
  perform private.announce('person:' || person, 'ticket.transferred', jsonb_build_object('id', it.id, 'event_id', it.event_id))
     from unnest(array[who.id, taker]) person where person is not null;
end $$;
comment on function private.hand_on is
  'The ticket belongs to an address from now on, and to the account that has confirmed it. Of two at once one is refused';
revoke execute on function private.hand_on(uuid, text, text) from public;
grant execute on function private.hand_on(uuid, text, text) to anon, authenticated;
