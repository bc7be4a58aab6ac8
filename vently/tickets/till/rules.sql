-- The till: many buyers in one transaction, and each gets their own answer.
--
-- Whoever changes what an event has sold or holds first takes the event's row in `tills` (`private.at_till`), so that one
-- statement after the other sees the last one's work. What may never happen is a constraint of the tables all the same.

create or replace function private.at_till(event uuid) returns public.tills
language sql volatile set search_path = '' as $$
  select * from public.tills t where t.event_id = event for no key update
$$;
create or replace function private.at_tills(events uuid[]) returns void
language sql volatile set search_path = '' as $$
  select from public.tills t where t.event_id = any (events) order by t.event_id for no key update
$$;
comment on function private.at_tills is 'In one order, so that two who want the same rows never wait for each other';
revoke execute on function private.at_till(uuid), private.at_tills(uuid[]) from public, anon, authenticated;

create or replace function private.release(orders uuid[], ending text, moment timestamptz) returns int
language plpgsql volatile set search_path = '' as $$
declare
  ended int;
begin
  with gone as (
    update public.ticket_orders o
       set status = ending, expires_at = null, ended_at = moment, version = version + 1, updated_at = moment
     where o.id = any (orders) and o.status = 'pending'
    returning o.id, o.event_id, o.discount_id
  ), voided as (
    update public.tickets t set status = 'void' from gone where t.order_id = gone.id and t.status = 'held'
    returning t.event_id, t.ticket_type_id
  ), counts as (
    select stock.id, count(*) as taken
      from voided join public.ticket_types y on y.id = voided.ticket_type_id,
           lateral (values (y.stock_id), (y.pool_id)) stock (id)
     where stock.id is not null
     group by stock.id
  ), freed as (
    update public.ticket_stocks s set held = held - counts.taken from counts where s.id = counts.id
  ), unused as (
    update public.discounts d set uses = d.uses - given.uses
      from (select discount_id, count(*) as uses from gone where discount_id is not null group by discount_id) given
     where d.id = given.discount_id
  )
  select count(*) into ended from gone;
  return ended;
end $$;
comment on function private.release is
  'Gives back what pending orders hold; how many. The caller is at the till. Open attempts stay open: money may still come';
revoke execute on function private.release(uuid[], text, timestamptz) from public, anon, authenticated;

create or replace function private.lapse(event uuid, moment timestamptz) returns int
language plpgsql volatile set search_path = '' as $$
declare
  lapsed uuid[];
begin
  select array_agg(o.id) into lapsed from (
    select o.id from public.ticket_orders o
     where o.status = 'pending' and o.expires_at <= moment and o.event_id::text = lapse.event::text limit 1000) o;
  if lapsed is null then
    return 0;
  end if;
  return private.release(lapsed, 'expired', moment);
end $$;
comment on function private.lapse is 'Ends holds whose time is over; the caller is at the till';
revoke execute on function private.lapse(uuid, timestamptz) from public, anon, authenticated;

create or replace function private.tell_availability(event uuid) returns void
language sql volatile set search_path = '' as $$
  select private.announce('event:' || tell_availability.event, 'tickets.availability', jsonb_build_object('event_id',
    tell_availability.event, 'available', coalesce((
      select jsonb_object_agg(y.id, least(s.quantity - s.held - s.sold, p.quantity - p.held - p.sold))
        from public.ticket_types y
        join public.ticket_stocks s on s.id = y.stock_id
        left join public.ticket_stocks p on p.id = y.pool_id
       where y.event_id = tell_availability.event and not y.hidden), '{}')))
$$;
revoke execute on function private.tell_availability(uuid) from public, anon, authenticated;

create or replace function private.wrong_answer(questions public.ticket_questions[], answers jsonb) returns text
language sql immutable set search_path = '' as $$
  select coalesce(
    (select q.label || ': needs an answer' from unnest(questions) q
      where q.required and coalesce(btrim(answers ->> q.id::text), '') = '' order by q.place, q.id limit 1),
    (select q.label || ': takes one of ' || array_to_string(q.choices, ', ') from unnest(questions) q
      where q.kind = 'choice' and answers ? q.id::text and not answers ->> q.id::text = any (q.choices) limit 1),
    (select key || ': is no question of this event' from jsonb_object_keys(answers) key
      where not exists (select from unnest(questions) q where q.id::text = key) limit 1))
$$;
comment on function private.wrong_answer is 'What is wrong with the answers of one attendee; null: nothing';
revoke execute on function private.wrong_answer(public.ticket_questions[], jsonb) from public, anon, authenticated;

-- `carts`: one object each, with `place` (its turn) and `event` (id or slug): those of many events cost one transaction, too.
-- A cart gets all it asks for or nothing. `status` 0: ask again in the next batch (its key or its person is in this one
-- already, and only then can it be judged).
create or replace function private.sell(carts jsonb, provider text, platform_fee int)
returns table (place int, status int, slug text, pointer text, sentence text, body text, replayed boolean)
language plpgsql volatile security definer set search_path = ''
-- Planned once for a connection, and for tables that grow: what is planned for a small table must not read a large one whole.
-- Conditions that no index shall answer are written so that none can (`event_id::text`, `created_at + interval`), and what is
-- looked up for each cart stands behind `offset 0`: a table that was empty when it was analysed must not be where it begins.
set plan_cache_mode = 'force_generic_plan' set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off as $$
declare
  references_given text[] := array(select distinct each ->> 'event' from jsonb_array_elements(carts) each);
  events uuid[];
  moment timestamptz;
  questions public.ticket_questions[];
  asked public.ticket_questions[];  -- of the cart's event
  stock_ids uuid[];
  free int[];  -- what is left of each stock, after the carts so far
  left_now int[];  -- the same within the cart at hand
  touched int[];  -- where the cart takes from
  to_hold int[];
  to_sell int[];
  discounts public.discounts[];
  uses_left int[];
  used int[];
  cart record;
  line record;
  persons text[] := array[]::text[];  -- who has bought of which limited type in this batch
  people text[];
  keys text[] := array[]::text[];
  the_order public.ticket_orders;
  seat public.tickets;
  seats public.tickets[];
  made_orders public.ticket_orders[] := array[]::public.ticket_orders[];
  made_seats public.tickets[] := array[]::public.tickets[];
  made_attempts public.payment_attempts[] := array[]::public.payment_attempts[];
  made_keys private.idempotency_keys[] := array[]::private.idempotency_keys[];
  made_places int[] := array[]::int[];
  attempt public.payment_attempts;
  kept private.idempotency_keys;
  discount_at int;
  amount_off bigint;
  off bigint;
  fee bigint;
  at_stock int;
  at_pool int;
  mine int;
  together int;
begin
  events := array(select e.id from public.events e
                   where e.slug = any (references_given)
                      or e.id = any (array(select r::uuid from unnest(references_given) r where r ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$')));
  perform private.at_tills(events);
  moment := clock_timestamp();
  perform private.lapse(lapsing.event_id, moment)
     from (select distinct o.event_id from public.ticket_orders o
            where o.status = 'pending' and o.expires_at <= moment and o.event_id::text = any (events::text[])) lapsing;

  select array_agg(s.id), array_agg(s.quantity - s.held - s.sold), array_agg(0), array_agg(0)
    into stock_ids, free, to_hold, to_sell
    from public.ticket_stocks s where s.event_id = any (events);
  select array_agg(q order by q.place, q.id) into questions from public.ticket_questions q where q.event_id = any (events);
  select array_agg(d), array_agg(d.max_uses - d.uses), array_agg(0) into discounts, uses_left, used
    from public.discounts d
   where d.event_id = any (events)
     and d.code in (select upper(each ->> 'code') from jsonb_array_elements(carts) each where each ->> 'code' is not null);

  for cart in
    select c.place, c.id, c.attempt, p.id as viewer, c.items, coalesce(c.name, p.name) as name, c.email, c.address, c.tax_id, c.code,
           c.access_code, c.method, c.scope, c.key, c.fingerprint,
           e.id as event_id, e.status as event_status, e.visibility, e.starts_at, e.ends_at,
           t.event_id is not null as sells, t.currency, t.methods, t.hold_minutes, t.transfer_hours, t.fee_on_top,
           case when 'card' = any (t.methods) then private.card_step(t.currency) else 1 end as step,
           k.fingerprint as known_as, k.status as known_status, k.body as known_body,
           case when c.viewer is not null then private.viewer_standing(c.viewer, c.session, c.aal) end as standing,
           case when c.viewer is not null then exists (select from public.memberships m
             where m.community_id = e.community_id and m.person_id = c.viewer and m.status = 'active') else false end as member
      from jsonb_to_recordset(carts) as c (place int, event text, id uuid, attempt uuid, viewer uuid, session uuid, aal text,
             name text, email text, address text, tax_id text, items jsonb, code text, access_code text, method text,
             scope text, key text, fingerprint text)
      left join public.events e on e.id = any (events) and (e.slug = c.event or e.id::text = c.event)
      left join public.tills t on t.event_id = e.id
      left join public.profiles p on p.id = c.viewer
      left join private.idempotency_keys k
        on k.scope = c.scope and k.key = c.key and k.created_at + interval '24 hours' > moment
     order by c.place
  loop
    place := cart.place; slug := null; pointer := null; sentence := null; body := null; replayed := false; status := 201;

    -- Was it asked before?
    if cart.key is not null then
      if cart.scope || ' ' || cart.key = any (keys) then
        status := 0;
        return next;
        continue;
      elsif cart.known_as is not null then
        if cart.known_as = cart.fingerprint and cart.known_body is not null then
          status := cart.known_status; body := cart.known_body; replayed := true;
        else
          status := 422; slug := 'invalid'; pointer := '/header/Idempotency-Key';
          sentence := 'was used for another request within 24 hours; send a new key';
        end if;
        return next;
        continue;
      end if;
    end if;

    -- May this person buy at this event, now?
    if cart.standing is not null then
      status := 401; slug := cart.standing; sentence := 'Sign in again: this session does not count any more.';
    elsif cart.event_id is null or cart.event_status = 'draft' or cart.visibility = 'members' and not cart.member then
      status := 404; slug := 'not-found';
    elsif not cart.sells then
      status := 409; slug := 'not-on-sale'; sentence := 'This event sells no tickets.';
    elsif cart.event_status = 'cancelled' then
      status := 409; slug := 'event-cancelled'; sentence := 'This event is cancelled.';
    elsif cart.ends_at < moment then
      status := 409; slug := 'not-on-sale'; sentence := 'This event is over.';
    end if;
    if status <> 201 then
      return next;
      continue;
    end if;

    -- Its discount
    discount_at := null;
    if cart.code is not null then
      select n into discount_at from generate_subscripts(discounts, 1) n
       where (discounts[n]).event_id = cart.event_id and (discounts[n]).code = upper(cart.code)
         and coalesce((discounts[n]).valid_from <= moment, true) and coalesce((discounts[n]).valid_until > moment, true);
      if discount_at is null then
        status := 422; slug := 'invalid'; pointer := '/discount_code'; sentence := 'is no discount code of this event now';
      elsif uses_left[discount_at] <= 0 then
        status := 409; slug := 'discount-used-up'; pointer := '/discount_code'; sentence := 'This discount code is used up.';
      end if;
      if status <> 201 then
        return next;
        continue;
      end if;
    end if;
    amount_off := coalesce((discounts[discount_at]).amount, 0);

    the_order := null;
    the_order.id := cart.id;
    the_order.subtotal := 0; the_order.discount := 0; the_order.fee := 0; the_order.tax := 0; the_order.platform_fee := 0;
    seats := array[]::public.tickets[];
    people := array[]::text[];
    touched := array[]::int[];
    asked := case when questions is not null then array(select q from unnest(questions) q where q.event_id = cart.event_id) end;
    left_now := free;

    for line in
      select i.n, i.quantity, i.price as offered, i.currency as offered_in, i.attendees, y.*, w.access_code
        from rows from (jsonb_to_recordset(cart.items) as (ticket_type uuid, quantity int, price bigint, currency text, attendees jsonb))
             with ordinality as i (ticket_type, quantity, price, currency, attendees, n)
        left join public.ticket_types y on y.event_id = cart.event_id and y.id = i.ticket_type
        left join public.ticket_type_codes w on y.locked and w.ticket_type_id = y.id
       order by i.n
    loop
      together := line.quantity;
      if line.n > 1 then
        together := together + (select count(*) from unnest(seats) s where s.ticket_type_id = line.id);
      end if;
      pointer := '/items/' || line.n - 1 || '/ticket_type';
      if line.id is null then
        status := 422; slug := 'invalid'; sentence := 'is no ticket type of this event'; exit;
      elsif line.members_only and not cart.member then
        status := 403; slug := 'members-only'; sentence := '“' || line.name || '” is for members of the community.'; exit;
      elsif line.locked and (upper(cart.access_code) = upper(line.access_code)) is not true then
        status := 403; slug := 'access-code'; pointer := '/access_code';
        sentence := '“' || line.name || '” needs its access code.'; exit;
      elsif line.sales_start > moment then
        status := 409; slug := 'not-on-sale'; sentence := 'The sale of “' || line.name || '” has not begun.'; exit;
      elsif line.sales_end <= moment then
        status := 409; slug := 'not-on-sale'; sentence := 'The sale of “' || line.name || '” is over.'; exit;
      elsif line.offered_in <> cart.currency then
        status := 422; slug := 'invalid'; pointer := '/items/' || line.n - 1 || '/price/currency';
        sentence := 'this event sells in ' || cart.currency; exit;
      elsif line.pay_what_you_want and line.offered < line.price then
        status := 422; slug := 'invalid'; pointer := '/items/' || line.n - 1 || '/price/amount';
        sentence := 'is less than the least for “' || line.name || '”'; exit;
      elsif line.pay_what_you_want and line.offered % cart.step <> 0 then
        status := 422; slug := 'invalid'; pointer := '/items/' || line.n - 1 || '/price/amount';
        sentence := 'cards take ' || cart.currency || ' in steps of ' || cart.step || ' only'; exit;
      elsif not line.pay_what_you_want and line.offered <> line.price then
        status := 409; slug := 'price-changed'; pointer := '/items/' || line.n - 1 || '/price/amount';
        sentence := 'The price of “' || line.name || '” has changed: look again.'; exit;
      elsif together > line.per_order_max then
        status := 422; slug := 'invalid'; pointer := '/items/' || line.n - 1 || '/quantity';
        sentence := 'at most ' || line.per_order_max || ' of “' || line.name || '” in one order'; exit;
      end if;

      -- Is it left?
      at_stock := array_position(stock_ids, line.stock_id);
      at_pool := array_position(stock_ids, line.pool_id);
      left_now[at_stock] := left_now[at_stock] - line.quantity;
      touched := touched || at_stock;
      if at_pool is not null then
        touched := touched || at_pool;
        left_now[at_pool] := left_now[at_pool] - line.quantity;
      end if;
      if left_now[at_stock] < 0 or left_now[at_pool] < 0 then
        mine := line.quantity + least(left_now[at_stock], left_now[at_pool]);
        status := 409; slug := 'sold-out';
        sentence := case when mine > 0 then 'Only ' || mine || ' of “' || line.name || '” left.'
                         else '“' || line.name || '” is sold out.' end;
        exit;
      end if;

      -- Has this person enough? Who is in this batch already is judged in the next.
      if line.per_person_max is not null then
        people := people || array[line.id || ' ' || lower(cart.email), line.id || ' ' || cart.viewer];
        if people && persons then
          status := 0;
        end if;
        select count(*) into mine
          from (select o.id from public.ticket_orders o
                 where lower(o.buyer_email) = lower(cart.email) and o.event_id::text = cart.event_id::text
                 union
                select o.id from public.ticket_orders o
                 where o.buyer_id = cart.viewer and o.event_id::text = cart.event_id::text) theirs
          join public.tickets t on t.order_id = theirs.id and t.ticket_type_id = line.id and t.status in ('held', 'valid');
        if mine + together > line.per_person_max then
          status := 409; slug := 'limit-per-person'; pointer := '/items/' || line.n - 1 || '/quantity';
          sentence := 'At most ' || line.per_person_max || ' of “' || line.name || '” for one person.';
        end if;
        exit when status <> 201;
      end if;

      for n in 1 .. line.quantity loop
        seat := null;
        seat.id := private.uuid_v7();
        seat.order_id := cart.id;
        seat.event_id := cart.event_id;
        seat.ticket_type_id := line.id;
        seat.holder_id := cart.viewer;
        seat.name := line.attendees -> n - 1 ->> 'name';
        seat.email := coalesce(line.attendees -> n - 1 ->> 'email', case when cart.viewer is null then cart.email end);
        seat.answers := coalesce(line.attendees -> n - 1 -> 'answers', '{}');
        if (questions is not null or seat.answers <> '{}') and private.wrong_answer(asked, seat.answers) is not null then
          status := 422; slug := 'invalid'; pointer := '/items/' || line.n - 1 || '/attendees/' || n - 1 || '/answers';
          sentence := private.wrong_answer(asked, seat.answers); exit;
        end if;
        seat.price := case when line.pay_what_you_want then coalesce(line.offered, line.price) else line.price end;
        off := case when discount_at is null then 0
                    when (discounts[discount_at]).percent is not null then (seat.price * (discounts[discount_at]).percent + 50) / 100
                    else least(seat.price, amount_off) end;
        amount_off := amount_off - case when (discounts[discount_at]).amount is not null then off else 0 end;
        if off > 0 then
          off := off + (seat.price - off) % cart.step;  -- what cards cannot take is let off
        end if;
        fee := ((seat.price - off) * platform_fee + 5000) / 10000;
        if cart.fee_on_top then
          fee := fee - fee % cart.step;
        end if;
        seat.platform_fee := fee;
        seat.paid := seat.price - off + case when cart.fee_on_top then fee else 0 end;
        seat.tax := (2 * seat.paid * line.tax_rate + 10000 + line.tax_rate) / (2 * (10000 + line.tax_rate));
        seat.tax_rate := line.tax_rate;
        seat.serial := 1;
        seat.created_at := moment;
        seats := seats || seat;
        the_order.subtotal := the_order.subtotal + seat.price;
        the_order.discount := the_order.discount + off;
        the_order.fee := the_order.fee + case when cart.fee_on_top then fee else 0 end;
        the_order.tax := the_order.tax + seat.tax;
        the_order.platform_fee := the_order.platform_fee + fee;
      end loop;
      exit when status <> 201;
    end loop;

    -- How is it paid?
    the_order.total := the_order.subtotal - the_order.discount + the_order.fee;
    the_order.method := case when the_order.total = 0 then 'free' else coalesce(cart.method, cart.methods[1]) end;
    if status = 201 and the_order.total > 0 and not the_order.method = any (cart.methods) then
      status := 422; slug := 'invalid'; pointer := '/method';
      sentence := 'this event takes ' || array_to_string(cart.methods, ', ');
    end if;
    if status <> 201 then
      return next;
      continue;
    end if;

    -- Sold, or held.
    pointer := null;
    foreach seat in array seats loop
      seat.status := case when the_order.total = 0 then 'valid' else 'held' end;
      made_seats := made_seats || seat;
    end loop;
    foreach at_stock in array touched loop
      if the_order.total = 0 then
        to_sell[at_stock] := to_sell[at_stock] + free[at_stock] - left_now[at_stock];
      else
        to_hold[at_stock] := to_hold[at_stock] + free[at_stock] - left_now[at_stock];
      end if;
      free[at_stock] := left_now[at_stock];
    end loop;
    if discount_at is not null then
      used[discount_at] := used[discount_at] + 1;
      uses_left[discount_at] := uses_left[discount_at] - 1;
    end if;
    the_order.event_id := cart.event_id;
    the_order.buyer_id := cart.viewer;
    the_order.buyer_name := cart.name;
    the_order.buyer_email := cart.email;
    the_order.buyer_address := cart.address;
    the_order.buyer_tax_id := cart.tax_id;
    the_order.link_serial := 1;
    the_order.status := case when the_order.total = 0 then 'paid' else 'pending' end;
    the_order.currency := cart.currency;
    the_order.paid := 0;
    the_order.refunded := 0;
    the_order.discount_id := (discounts[discount_at]).id;
    the_order.expires_at := case the_order.method when 'card' then moment + make_interval(mins => cart.hold_minutes)
      when 'transfer' then least(moment + make_interval(hours => cart.transfer_hours), greatest(cart.starts_at, moment))
      when 'door' then cart.ends_at end;
    the_order.paid_at := case when the_order.total = 0 then moment end;
    the_order.version := 1;
    the_order.created_at := moment;
    the_order.updated_at := moment;
    made_orders := made_orders || the_order;
    made_places := made_places || cart.place;
    if the_order.method = 'card' then
      attempt := null;
      attempt.id := cart.attempt; attempt.order_id := cart.id; attempt.provider := provider; attempt.status := 'open';
      attempt.amount := the_order.total; attempt.currency := cart.currency; attempt.created_at := moment;
      made_attempts := made_attempts || attempt;
    end if;
    if cart.key is not null then
      kept := null;
      kept.scope := cart.scope; kept.key := cart.key; kept.fingerprint := cart.fingerprint; kept.status := 201;
      kept.body := cart.id;  -- until its document is ready
      kept.created_at := moment;
      made_keys := made_keys || kept;
      keys := keys || (cart.scope || ' ' || cart.key);
    end if;
    persons := persons || array_remove(people, null);
  end loop;

  if cardinality(made_orders) > 0 then
    update public.ticket_stocks s set held = s.held + took.held, sold = s.sold + took.sold
      from unnest(stock_ids, to_hold, to_sell) took (id, held, sold)
     where s.id = any (stock_ids) and s.id = took.id and took.held + took.sold > 0;
    update public.discounts d set uses = d.uses + used[n] from generate_subscripts(discounts, 1) n
     where d.event_id = any (events) and d.id = (discounts[n]).id and used[n] > 0;
    insert into public.ticket_orders select * from unnest(made_orders);
    insert into public.tickets select * from unnest(made_seats);
    insert into public.payment_attempts select * from unnest(made_attempts);
    perform private.tell_availability(sold.event_id) from (select distinct o.event_id from unnest(made_orders) o) sold;
    perform private.announce('person:' || o.buyer_id, 'order.paid', jsonb_build_object('id', o.id, 'event_id', o.event_id))
       from unnest(made_orders) o where o.status = 'paid' and o.buyer_id is not null;
    if exists (select from unnest(made_orders) o where o.status = 'paid') then
      perform private.enqueue('mail many tickets', jsonb_build_object('order_ids',
        (select jsonb_agg(o.id) from unnest(made_orders) o where o.status = 'paid')));
    end if;
    if exists (select from unnest(made_orders) o where o.method = 'transfer') then
      perform private.enqueue_many('mail transfer instructions', (
        select array_agg(jsonb_build_object('order_id', o.id)) from unnest(made_orders) o where o.method = 'transfer'));
    end if;
    -- A key that another batch keeps at this moment, for another event, ends this one: asked again, its cart is told so.
    delete from private.idempotency_keys k
     where k.ctid = any (array(select old.ctid from unnest(made_keys) made cross join lateral (
             select x.ctid from private.idempotency_keys x
              where x.scope = made.scope and x.key = made.key and x.created_at + interval '24 hours' <= moment offset 0) old));
    return query
    with documents as (
      select made.place, o.document::text as document, made.id
        from unnest(made_places, array(select (unnest(made_orders)).id)) made (place, id)
             cross join lateral (select each.document from public.order_cards each where each.id = made.id offset 0) o
    ), answers as (
      insert into private.idempotency_keys (scope, key, fingerprint, status, headers, body, created_at)
      select k.scope, k.key, k.fingerprint, k.status,
             jsonb_build_object('content-type', 'application/json', 'location',
               current_setting('vently.site', true) || '/api/tickets/orders/' || d.id), d.document, k.created_at
        from unnest(made_keys) k join documents d on d.id::text = k.body
    )
    select d.place, 201, null::text, null::text, null::text, d.document, false from documents d;
  end if;
end $$;
comment on function private.sell is
  'First come, first served, in one transaction: an order with its tickets for each cart that fits, a refusal for each that does not';
revoke execute on function private.sell(jsonb, text, int) from public, anon, authenticated;
grant execute on function private.sell(jsonb, text, int) to service_role;
