-- A row written to each table: `:me` writes.

-- name: events_insert
insert into public.events (slug, title, starts_at, ends_at, organizer_id)
values ('planted-x', 'Planted', now(), now(), :me)

-- name: events_update
update public.events set title = 'Planted' where id = :draft or id = :members or id = :public

-- name: events_delete
delete from public.events where id = :draft or id = :members or id = :public

-- name: event_attendance_insert
insert into public.event_attendance (event_id) values (:draft)

-- name: event_attendance_update
update public.event_attendance set going = 0

-- name: event_attendance_delete
delete from public.event_attendance

-- name: venues_insert
insert into public.venues (name) values ('Planted')

-- name: venues_update
update public.venues set name = 'Planted'

-- name: venues_delete
delete from public.venues

-- name: rsvps_insert
insert into public.rsvps (event_id, person_id, status)
select event.id, :me, 'going' from (values (:members::uuid)) as event (id)
 where not exists (select from public.rsvps r where r.event_id = event.id and r.person_id = :me)

-- name: rsvps_update
update public.rsvps set guests = 0 where event_id = :members or event_id = :public

-- name: rsvps_delete
delete from public.rsvps where event_id = :members or event_id = :public

-- name: comments_insert
insert into public.comments (event_id, author_id, body) values (:members, :me, 'Planted')

-- name: comments_update
update public.comments set body = 'Planted' where event_id = :members or event_id = :public

-- name: comments_delete
delete from public.comments where event_id = :members or event_id = :public

-- name: communities_insert
insert into public.communities (slug, name, created_by) values ('planted-x', 'Planted', :me)

-- name: communities_update
update public.communities set name = 'Planted' where id = :community

-- name: communities_delete
delete from public.communities where id = :community

-- name: memberships_insert
insert into public.memberships (community_id, person_id, status) values (:community, :me, 'active')

-- name: memberships_update
update public.memberships set role = 'admin' where community_id = :community and person_id = :bob

-- name: memberships_delete
delete from public.memberships where community_id = :community and person_id = :bob

-- name: community_follows_insert
insert into public.community_follows (community_id, person_id) values (:community, :me) on conflict do nothing

-- name: community_follows_update
update public.community_follows set created_at = now()

-- name: community_follows_delete
delete from public.community_follows where community_id = :community and person_id = :bob

-- name: person_follows_insert
insert into public.person_follows (follower_id, followed_id) values (:me, :carol)

-- name: person_follows_update
update public.person_follows set followed_id = :me

-- name: person_follows_delete
delete from public.person_follows where follower_id = :bob

-- name: profiles_insert
insert into public.profiles (id, handle, name) values (gen_random_uuid(), 'planted', 'Planted')

-- name: profiles_update
update public.profiles set name = 'Planted' where id = :bob

-- name: profiles_delete
delete from public.profiles where id = :bob

-- name: platform_admins_insert
insert into public.platform_admins (person_id) values (:me)

-- name: platform_admins_update
update public.platform_admins set granted_by = :me

-- name: platform_admins_delete
delete from public.platform_admins

-- name: outbox_insert
insert into private.outbox (topic, kind) values ('event:planted', 'event.updated')

-- name: outbox_update
update private.outbox set payload = '{}'

-- name: outbox_delete
delete from private.outbox

-- name: idempotency_keys_insert
insert into private.idempotency_keys (scope, key, fingerprint) values (:me::text, 'planted', 'planted')

-- name: idempotency_keys_update
update private.idempotency_keys set body = 'Planted'

-- name: idempotency_keys_delete
delete from private.idempotency_keys

-- name: schema_history_insert
insert into private.schema_history (kind, name, sha256) values ('rules', 'planted', 'planted')

-- name: schema_history_update
update private.schema_history set sha256 = 'planted'

-- name: schema_history_delete
delete from private.schema_history

-- name: rule_objects_insert
insert into private.rule_objects (kind, identity, place, made_by_rules) values ('view', 'planted', 1, true)

-- name: rule_objects_update
update private.rule_objects set place = 1

-- name: rule_objects_delete
delete from private.rule_objects

-- name: jobs_insert
insert into private.jobs (kind) values ('planted')

-- name: jobs_update
update private.jobs set kind = 'planted'

-- name: jobs_delete
delete from private.jobs

-- name: ticket_orders_insert
insert into public.ticket_orders (id, event_id, buyer_id, buyer_name, buyer_email, status, method, currency, subtotal, total)
values (gen_random_uuid(), :members, :me, 'Planted', 'planted@example.org', 'paid', 'free', 'EUR', 0, 0)

-- name: ticket_orders_update
update public.ticket_orders set status = 'paid'

-- name: ticket_orders_delete
delete from public.ticket_orders

-- name: tickets_insert
insert into public.tickets (order_id, event_id, ticket_type_id, status, price, paid)
select t.order_id, t.event_id, t.ticket_type_id, 'valid', 0, 0 from public.tickets t

-- name: tickets_update
update public.tickets set status = 'valid'

-- name: tickets_delete
delete from public.tickets

-- name: ticket_transfers_insert
insert into public.ticket_transfers (ticket_id, serial) select gen_random_uuid(), 1

-- name: ticket_transfers_update
update public.ticket_transfers set serial = 2

-- name: ticket_transfers_delete
delete from public.ticket_transfers

-- name: payment_attempts_insert
insert into public.payment_attempts (id, order_id, provider, amount, currency)
select gen_random_uuid(), gen_random_uuid(), 'planted', 1, 'EUR'

-- name: payment_attempts_update
update public.payment_attempts set status = 'paid'

-- name: payment_attempts_delete
delete from public.payment_attempts

-- name: payment_notices_insert
insert into private.payment_notices (provider, id, kind, outcome) values ('planted', 'planted', 'paid', 'planted')

-- name: payment_notices_update
update private.payment_notices set outcome = 'planted'

-- name: payment_notices_delete
delete from private.payment_notices

-- name: pretend_payments_insert
insert into private.pretend_payments (attempt_id, outcome, amount, currency)
values (gen_random_uuid(), 'paid', 1, 'EUR')

-- name: pretend_payments_update
update private.pretend_payments set outcome = 'paid'

-- name: pretend_payments_delete
delete from private.pretend_payments

-- name: ledger_transfers_insert
insert into public.ledger_transfers (order_id, debit, credit, amount, currency, cause, cause_id)
values (gen_random_uuid(), 'buyer', 'seller', 1, 'EUR', 'sale', gen_random_uuid())

-- name: ledger_transfers_update
update public.ledger_transfers set amount = 1

-- name: ledger_transfers_delete
delete from public.ledger_transfers

-- name: refunds_insert
insert into public.refunds (id, order_id, amount, currency, cause)
values (gen_random_uuid(), gen_random_uuid(), 1, 'EUR', 'organizer')

-- name: refunds_update
update public.refunds set status = 'requested'

-- name: refunds_delete
delete from public.refunds

-- name: disputes_insert
insert into public.disputes (order_id, attempt_id, reference, amount, currency, status)
values (gen_random_uuid(), gen_random_uuid(), 'planted', 1, 'EUR', 'won')

-- name: disputes_update
update public.disputes set status = 'won'

-- name: disputes_delete
delete from public.disputes

-- name: invoices_insert
insert into public.invoices (seller_id, order_id, kind, number, content)
values (gen_random_uuid(), gen_random_uuid(), 'invoice', 1, '{}')

-- name: invoices_update
update public.invoices set number = 1

-- name: invoices_delete
delete from public.invoices

-- name: invoice_numbers_insert
insert into private.invoice_numbers (seller_id, kind) values (gen_random_uuid(), 'invoice')

-- name: invoice_numbers_update
update private.invoice_numbers set last = 0

-- name: invoice_numbers_delete
delete from private.invoice_numbers

-- name: sellers_insert
insert into public.sellers (person_id, name) values (:me, 'Planted')

-- name: sellers_update
update public.sellers set bank_details = 'Planted'

-- name: sellers_delete
delete from public.sellers

-- name: tills_insert
insert into public.tills (event_id, currency) values (:unlisted, 'EUR')

-- name: tills_update
update public.tills set hold_minutes = 5 where event_id = :draft or event_id = :members or event_id = :public

-- name: tills_delete
delete from public.tills

-- name: ticket_stocks_insert
insert into public.ticket_stocks (event_id, quantity) values (:members, 1)

-- name: ticket_stocks_update
update public.ticket_stocks set quantity = 0 where event_id = :draft or event_id = :public

-- name: ticket_stocks_delete
delete from public.ticket_stocks where event_id = :draft or event_id = :public

-- name: ticket_types_insert
insert into public.ticket_types (event_id, currency, stock_id, name, price)
select s.event_id, 'EUR', s.id, 'Planted', 0 from public.ticket_stocks s where s.event_id = :members and s.name = 'The hall'

-- name: ticket_types_update
update public.ticket_types set price = 0 where event_id = :draft or event_id = :members or event_id = :public

-- name: ticket_types_delete
delete from public.ticket_types where event_id = :draft or event_id = :public

-- name: ticket_type_codes_insert
insert into public.ticket_type_codes (ticket_type_id, access_code)
select y.id, 'Planted' from public.ticket_types y where y.event_id = :members

-- name: ticket_type_codes_update
update public.ticket_type_codes set access_code = 'Planted'

-- name: ticket_type_codes_delete
delete from public.ticket_type_codes

-- name: discounts_insert
insert into public.discounts (event_id, code, percent) values (:members, 'PLANTED', 100)

-- name: discounts_update
update public.discounts set percent = 100 where event_id = :draft or event_id = :members or event_id = :public

-- name: discounts_delete
delete from public.discounts where event_id = :draft or event_id = :members or event_id = :public

-- name: ticket_questions_insert
insert into public.ticket_questions (event_id, label) values (:members, 'Planted?')

-- name: ticket_questions_update
update public.ticket_questions set label = 'Planted?' where event_id = :draft or event_id = :members or event_id = :public

-- name: ticket_questions_delete
delete from public.ticket_questions where event_id = :draft or event_id = :members or event_id = :public

-- name: event_hosts_insert
insert into public.event_hosts (event_id, person_id, role) values (:members, :carol, 'door')

-- name: event_hosts_update
update public.event_hosts set person_id = :carol where event_id = :public

-- name: event_hosts_delete
delete from public.event_hosts where event_id = :public

-- name: ticket_scans_insert
insert into public.ticket_scans (event_id, scan_id, result, scanned_at) values (:public, 'planted', 'refused', now())

-- name: ticket_scans_update
update public.ticket_scans set undone_at = now()

-- name: ticket_scans_delete
delete from public.ticket_scans
