-- Tickets: what an event sells, orders, payments, the ledger, invoices, and the door.
-- Money is integer minor units of the event's one currency. `held` is taken by an order that is not paid yet.

-- Functions that constraints and defaults call for every row: with a body that is SQL itself they unfold into the statement,
-- which a setting of their own (search_path) keeps them from. Their names are bound already.
create or replace function private.is_line(value text, longest int) returns boolean
  language sql immutable parallel safe
  return value = btrim(value) and char_length(value) between 1 and longest and value !~ '[[:cntrl:]]';
do $$
begin
  if current_setting('server_version_num')::int >= 180000 then
    create or replace function private.uuid_v7() returns uuid language sql volatile parallel safe return pg_catalog.uuidv7();
  end if;
end $$;


-- Who sells, and how

create table public.sellers (
  id uuid primary key default private.uuid_v7(),
  community_id uuid unique references public.communities (id) on delete set null,
  person_id uuid unique references public.profiles (id) on delete set null,
  name text,
  address text,
  tax_id text,
  bank_details text,
  stripe_account text unique,
  charges_enabled boolean not null default false,
  version int not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint sellers_of_one check (num_nonnulls(community_id, person_id) <= 1),
  constraint sellers_name_form check (private.is_line(name, 200)),
  constraint sellers_address_length check (char_length(address) between 1 and 1000),
  constraint sellers_tax_id_form check (private.is_line(tax_id, 60)),
  constraint sellers_bank_details_length check (char_length(bank_details) between 1 and 1000)
);
comment on table public.sellers is
  'Who sells: a community, or an organiser for themselves. What invoices say of them, and where card payments go';
comment on constraint sellers_name_form on public.sellers is '/name: takes one line of at most 200 characters';
comment on constraint sellers_address_length on public.sellers is '/address: takes at most 1,000 characters';
comment on constraint sellers_tax_id_form on public.sellers is '/tax_id: takes one line of at most 60 characters';
comment on constraint sellers_bank_details_length on public.sellers is '/bank_details: takes at most 1,000 characters';

create table public.tills (
  event_id uuid primary key references public.events (id) on delete cascade,
  seller_id uuid references public.sellers (id) on delete restrict,
  currency text not null,
  methods text[] not null default '{card}',
  hold_minutes int not null default 15,
  transfer_hours int not null default 120,
  refund_hours int,
  fee_on_top boolean not null default false,
  version int not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint tills_currency_form check (currency ~ '^[A-Z]{3}$'),
  constraint tills_one_currency unique (event_id, currency),
  constraint tills_methods_known check (
    methods <@ array['card', 'transfer', 'door'] and cardinality(methods) between 1 and 3 and private.are_labels(methods, 8)),
  constraint tills_hold_minutes_range check (hold_minutes between 5 and 60),
  constraint tills_transfer_hours_range check (transfer_hours between 1 and 720),
  constraint tills_refund_hours_range check (refund_hours between 0 and 8760)
) with (fillfactor = 50);
comment on table public.tills is
  'How an event sells. Whoever sells, settles or gives back holds this row: one at a time for an event';
comment on column public.tills.refund_hours is
  'Buyers give tickets back by themselves until so many hours before the event begins; null: only the organiser refunds';
comment on constraint tills_currency_form on public.tills is '/currency: takes an ISO 4217 code such as EUR';
comment on constraint tills_one_currency on public.tills is '/currency: an event sells in one currency';
comment on constraint tills_methods_known on public.tills is '/methods: takes card, transfer and door';
comment on constraint tills_hold_minutes_range on public.tills is '/hold_minutes: is between 5 and 60';
comment on constraint tills_transfer_hours_range on public.tills is '/transfer_hours: is between 1 and 720';
comment on constraint tills_refund_hours_range on public.tills is '/refund_hours: is between 0 and 8,760';
create index tills_seller_idx on public.tills (seller_id);

create table public.ticket_stocks (
  id uuid primary key default private.uuid_v7(),
  event_id uuid not null references public.tills (event_id) on delete cascade,
  name text,
  quantity int not null,
  held int not null default 0,
  sold int not null default 0,
  constraint ticket_stocks_of_event unique (event_id, id),
  constraint ticket_stocks_name_form check (private.is_line(name, 120)),
  constraint ticket_stocks_quantity_range check (quantity between 0 and 1000000),
  constraint ticket_stocks_never_oversold check (held >= 0 and sold >= 0 and held + sold <= quantity)
) with (fillfactor = 40);
comment on table public.ticket_stocks is
  'How many there are: the stock of one ticket type, or (with a name) a pool that several types share';
comment on constraint ticket_stocks_of_event on public.ticket_stocks is '/id: is taken';
comment on constraint ticket_stocks_name_form on public.ticket_stocks is '/name: takes one line of at most 120 characters';
comment on constraint ticket_stocks_quantity_range on public.ticket_stocks is '/quantity: is between 0 and 1,000,000';
comment on constraint ticket_stocks_never_oversold on public.ticket_stocks is
  '/quantity: must not be below what is sold and held';

create table public.ticket_types (
  id uuid primary key default private.uuid_v7(),
  event_id uuid not null,
  currency text not null,
  stock_id uuid not null,
  pool_id uuid,
  name text not null,
  description text not null default '',
  price bigint not null,
  pay_what_you_want boolean not null default false,
  tax_rate int not null default 0,
  per_order_max int not null default 10,
  per_person_max int,
  sales_start timestamptz,
  sales_end timestamptz,
  hidden boolean not null default false,
  members_only boolean not null default false,
  locked boolean not null default false,
  transferable boolean not null default true,
  place int not null default 0,
  version int not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint ticket_types_one_currency foreign key (event_id, currency)
    references public.tills (event_id, currency) on update cascade on delete cascade,
  constraint ticket_types_own_stock unique (stock_id),
  constraint ticket_types_stock_of_event foreign key (event_id, stock_id)
    references public.ticket_stocks (event_id, id) on delete cascade,
  constraint ticket_types_pool_of_event foreign key (event_id, pool_id)
    references public.ticket_stocks (event_id, id) on delete restrict,
  constraint ticket_types_of_event unique (event_id, id),
  constraint ticket_types_name_form check (private.is_line(name, 120)),
  constraint ticket_types_description_length check (char_length(description) <= 2000),
  constraint ticket_types_price_range check (price between 0 and 100000000000),
  constraint ticket_types_tax_rate_range check (tax_rate between 0 and 5000),
  constraint ticket_types_per_order_max_range check (per_order_max between 1 and 100),
  constraint ticket_types_per_person_max_range check (per_person_max between 1 and 1000),
  constraint ticket_types_sales_end_after_start check (sales_end > sales_start)
);
comment on column public.ticket_types.price is 'With pay_what_you_want the least that is taken; tax included';
comment on column public.ticket_types.tax_rate is 'Basis points: 1900 is 19 %';
comment on column public.ticket_types.locked is 'Sold to who knows the access code';
comment on constraint ticket_types_one_currency on public.ticket_types is '/price/currency: is not the currency of this event';
comment on constraint ticket_types_pool_of_event on public.ticket_types is '/pool: is no pool of this event';
comment on constraint ticket_types_own_stock on public.ticket_types is '/stock: belongs to another ticket type';
comment on constraint ticket_types_of_event on public.ticket_types is '/id: is taken';
comment on constraint ticket_types_name_form on public.ticket_types is '/name: takes one line of 1 to 120 characters';
comment on constraint ticket_types_description_length on public.ticket_types is '/description: takes at most 2,000 characters';
comment on constraint ticket_types_price_range on public.ticket_types is '/price/amount: is between 0 and 100,000,000,000';
comment on constraint ticket_types_tax_rate_range on public.ticket_types is '/tax_percent: is between 0 and 50';
comment on constraint ticket_types_per_order_max_range on public.ticket_types is '/per_order_max: is between 1 and 100';
comment on constraint ticket_types_per_person_max_range on public.ticket_types is '/per_person_max: is between 1 and 1,000';
comment on constraint ticket_types_sales_end_after_start on public.ticket_types is '/sales_end: must be after sales_start';
create index ticket_types_listing_idx on public.ticket_types (event_id, place, id);
create index ticket_types_currency_idx on public.ticket_types (event_id, currency);
create index ticket_types_stock_idx on public.ticket_types (event_id, stock_id);
create index ticket_types_pool_idx on public.ticket_types (event_id, pool_id) where pool_id is not null;

create table public.ticket_type_codes (
  ticket_type_id uuid primary key references public.ticket_types (id) on delete cascade,
  access_code text not null,
  constraint ticket_type_codes_form check (private.is_line(access_code, 60))
);
comment on table public.ticket_type_codes is 'Access codes of locked ticket types, for those who run the event alone';
comment on constraint ticket_type_codes_form on public.ticket_type_codes is '/access_code: takes one line of 1 to 60 characters';

create table public.discounts (
  id uuid primary key default private.uuid_v7(),
  event_id uuid not null references public.tills (event_id) on delete cascade,
  code text not null,
  percent int,
  amount bigint,
  max_uses int,
  uses int not null default 0,
  valid_from timestamptz,
  valid_until timestamptz,
  version int not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint discounts_code_form check (code ~ '^[A-Z0-9_-]{2,40}$'),
  constraint discounts_code_key unique (event_id, code),
  constraint discounts_percent_or_amount check (num_nonnulls(percent, amount) = 1),
  constraint discounts_percent_range check (percent between 1 and 100),
  constraint discounts_amount_range check (amount between 1 and 100000000000),
  constraint discounts_max_uses_range check (max_uses between 1 and 1000000),
  constraint discounts_never_overused check (uses >= 0 and uses <= max_uses),
  constraint discounts_window check (valid_until > valid_from)
) with (fillfactor = 50);
comment on constraint discounts_code_form on public.discounts is
  '/code: takes 2 to 40 letters, digits, hyphens or underscores';
comment on constraint discounts_code_key on public.discounts is '/code: this event has such a code already';
comment on constraint discounts_percent_or_amount on public.discounts is '/percent: give either percent or amount';
comment on constraint discounts_percent_range on public.discounts is '/percent: is between 1 and 100';
comment on constraint discounts_amount_range on public.discounts is '/amount: is between 1 and 100,000,000,000';
comment on constraint discounts_max_uses_range on public.discounts is '/max_uses: is between 1 and 1,000,000';
comment on constraint discounts_never_overused on public.discounts is '/max_uses: must not be below its uses so far';
comment on constraint discounts_window on public.discounts is '/valid_until: must be after valid_from';

create table public.ticket_questions (
  id uuid primary key default private.uuid_v7(),
  event_id uuid not null references public.tills (event_id) on delete cascade,
  label text not null,
  kind text not null default 'text',
  choices text[] not null default '{}',
  required boolean not null default false,
  place int not null default 0,
  created_at timestamptz not null default now(),
  constraint ticket_questions_label_form check (private.is_line(label, 200)),
  constraint ticket_questions_kind_known check (kind in ('text', 'choice', 'yes')),
  constraint ticket_questions_choices_form check (
    cardinality(choices) <= 50 and private.are_labels(choices, 100) and (kind = 'choice') = (cardinality(choices) > 0))
);
comment on table public.ticket_questions is 'What is asked of every attendee';
comment on constraint ticket_questions_label_form on public.ticket_questions is '/label: takes one line of 1 to 200 characters';
comment on constraint ticket_questions_kind_known on public.ticket_questions is '/kind: is text, choice or yes';
comment on constraint ticket_questions_choices_form on public.ticket_questions is
  '/choices: a choice has 1 to 50 different ones of at most 100 characters without commas, other kinds none';
create index ticket_questions_event_idx on public.ticket_questions (event_id, place, id);


-- Orders and their tickets

create table public.ticket_orders (
  id uuid primary key,
  event_id uuid not null references public.events (id) on delete cascade,
  buyer_id uuid references public.profiles (id) on delete set null,
  buyer_name text not null,
  buyer_email text not null,
  buyer_address text,
  buyer_tax_id text,
  link_serial int not null default 1,
  status text not null,
  method text not null,
  currency text not null,
  subtotal bigint not null,
  discount bigint not null default 0,
  fee bigint not null default 0,
  tax bigint not null default 0,
  total bigint not null,
  platform_fee bigint not null default 0,
  paid bigint not null default 0,
  refunded bigint not null default 0,
  discount_id uuid references public.discounts (id) on delete set null,
  expires_at timestamptz,
  paid_at timestamptz,
  ended_at timestamptz,
  version int not null default 1,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint ticket_orders_status_known check (
    status in ('pending', 'paid', 'expired', 'cancelled', 'refunded', 'partially_refunded')),
  constraint ticket_orders_method_known check (method in ('free', 'card', 'transfer', 'door')),
  constraint ticket_orders_buyer_name_form check (private.is_line(buyer_name, 120)),
  constraint ticket_orders_buyer_email_form check (
    char_length(buyer_email) <= 254 and buyer_email ~ '^[^@[:space:][:cntrl:]]+@[^@[:space:][:cntrl:]]+\.[^@[:space:][:cntrl:]]+$'),
  constraint ticket_orders_buyer_address_length check (char_length(buyer_address) between 1 and 1000),
  constraint ticket_orders_buyer_tax_id_form check (private.is_line(buyer_tax_id, 60)),
  constraint ticket_orders_adds_up check (
    subtotal >= 0 and discount between 0 and subtotal and fee >= 0 and tax >= 0 and platform_fee >= 0
    and total = subtotal - discount + fee and tax <= total and platform_fee <= total),
  constraint ticket_orders_free_needs_no_method check ((method = 'free') = (total = 0)),
  constraint ticket_orders_paid_in_full check (
    case when status in ('paid', 'refunded', 'partially_refunded') or paid_at is not null then paid = total and paid_at is not null
         else paid = 0 and paid_at is null end),
  constraint ticket_orders_refunded_within_paid check (refunded between 0 and paid),
  constraint ticket_orders_refunds_show check (
    case status when 'refunded' then refunded = paid when 'partially_refunded' then refunded between 1 and paid - 1
                when 'paid' then refunded = 0 else refunded = 0 end),
  constraint ticket_orders_held_while_pending check (status <> 'pending' or total > 0),
  constraint ticket_orders_ended check ((ended_at is not null) = (status in ('expired', 'cancelled', 'refunded')))
) with (fillfactor = 80);
comment on table public.ticket_orders is
  'pending: its tickets are held. paid: they are valid. `paid` is what the ledger has of it, whichever way it came';
comment on column public.ticket_orders.fee is 'What the buyer pays on top for the platform; platform_fee is what the platform keeps of the total';
comment on column public.ticket_orders.link_serial is 'Signed links name it: a corrected address makes the old link worthless';
comment on constraint ticket_orders_buyer_name_form on public.ticket_orders is '/buyer/name: takes one line of 1 to 120 characters';
comment on constraint ticket_orders_buyer_email_form on public.ticket_orders is '/buyer/email: is not an e-mail address';
comment on constraint ticket_orders_buyer_address_length on public.ticket_orders is '/buyer/address: takes at most 1,000 characters';
comment on constraint ticket_orders_buyer_tax_id_form on public.ticket_orders is '/buyer/tax_id: takes one line of at most 60 characters';
create index ticket_orders_listing_idx on public.ticket_orders (event_id, created_at, id);
create index ticket_orders_buyer_idx on public.ticket_orders (buyer_id, id) where buyer_id is not null;
create index ticket_orders_email_idx on public.ticket_orders (lower(buyer_email), event_id);
create index ticket_orders_discount_idx on public.ticket_orders (discount_id) where discount_id is not null;
create index ticket_orders_lapsing_idx on public.ticket_orders (expires_at, event_id) where status = 'pending';

create table public.tickets (
  id uuid primary key default private.uuid_v7(),
  order_id uuid not null references public.ticket_orders (id) on delete cascade,
  event_id uuid not null,
  ticket_type_id uuid not null,
  status text not null,
  holder_id uuid references public.profiles (id) on delete set null,
  name text,
  email text,
  answers jsonb not null default '{}',
  price bigint not null,
  paid bigint not null,
  tax bigint not null default 0,
  tax_rate int,
  platform_fee bigint not null default 0,
  serial int not null default 1,
  created_at timestamptz not null default now(),
  constraint tickets_type_of_event foreign key (event_id, ticket_type_id)
    references public.ticket_types (event_id, id) on delete restrict,
  constraint tickets_status_known check (status in ('held', 'valid', 'void', 'refunded')),
  constraint tickets_name_form check (private.is_line(name, 120)),
  constraint tickets_email_form check (
    char_length(email) <= 254 and email ~ '^[^@[:space:][:cntrl:]]+@[^@[:space:][:cntrl:]]+\.[^@[:space:][:cntrl:]]+$'),
  constraint tickets_answers_form check (jsonb_typeof(answers) = 'object' and pg_column_size(answers) <= 16000),
  constraint tickets_adds_up check (price >= 0 and paid >= 0 and tax between 0 and paid and platform_fee between 0 and paid),
  constraint tickets_serial_positive check (serial > 0)
) with (fillfactor = 80);
comment on table public.tickets is
  'held: until its order is paid. valid: opens the door. void: the hold lapsed, or it was given back. `paid`: what of the total is for it';
comment on column public.tickets.tax_rate is 'Basis points when it was sold: its type may change since; null: as its type';
comment on column public.tickets.serial is 'Its code names it: handing the ticket on makes the old code worthless';
comment on constraint tickets_name_form on public.tickets is '/name: takes one line of 1 to 120 characters';
comment on constraint tickets_email_form on public.tickets is '/email: is not an e-mail address';
comment on constraint tickets_answers_form on public.tickets is '/answers: takes an object of at most 16,000 bytes';
create index tickets_order_idx on public.tickets (order_id);
create index tickets_type_idx on public.tickets (event_id, ticket_type_id);
create index tickets_holder_idx on public.tickets (holder_id) where holder_id is not null;
create index tickets_email_idx on public.tickets (lower(email)) where holder_id is null and email is not null;

create table public.ticket_transfers (
  id uuid primary key default private.uuid_v7(),
  ticket_id uuid not null references public.tickets (id) on delete cascade,
  serial int not null,
  from_id uuid references public.profiles (id) on delete set null,
  from_name text not null,
  from_email text not null,
  to_email text not null,
  created_at timestamptz not null default now(),
  constraint ticket_transfers_one_a_serial unique (ticket_id, serial)
);
comment on table public.ticket_transfers is
  'Who handed a ticket on, and to whom: from then on its code is for the taker alone. `serial`: the ticket''s since';
create index ticket_transfers_from_idx on public.ticket_transfers (from_id) where from_id is not null;


-- Payments

create table public.payment_attempts (
  id uuid primary key,
  order_id uuid not null references public.ticket_orders (id) on delete cascade,
  provider text not null,
  status text not null default 'open',
  amount bigint not null,
  currency text not null,
  account text,
  reference text,
  payment text,
  checked_at timestamptz,
  settled_at timestamptz,
  note text,
  created_at timestamptz not null default now(),
  begun_at timestamptz,
  constraint payment_attempts_status_known check (status in ('open', 'paid', 'failed', 'expired')),
  constraint payment_attempts_amount_positive check (amount > 0),
  constraint payment_attempts_settled check ((status = 'open') = (settled_at is null)),
  constraint payment_attempts_reference_key unique (provider, reference)
) with (fillfactor = 80);
comment on table public.payment_attempts is
  'Tries to pay. The id is the provider''s idempotency key; `reference` its checkout, `payment` the money that came';
comment on column public.payment_attempts.begun_at is
  'When its buyer first went to pay; whom the money goes to (`account`) stands from then on';
create unique index payment_attempts_one_open on public.payment_attempts (order_id) where status = 'open';
create index payment_attempts_order_idx on public.payment_attempts (order_id);
create index payment_attempts_payment_idx on public.payment_attempts (provider, payment) where payment is not null;
create index payment_attempts_open_idx on public.payment_attempts (checked_at nulls first, id)
  where status = 'open' and reference is not null;

create table private.payment_notices (
  provider text not null,
  id text not null,
  kind text not null,
  received_at timestamptz not null default now(),
  outcome text not null,
  primary key (provider, id)
);
comment on table private.payment_notices is 'Webhooks taken, once each, whatever their order';
create index payment_notices_age_idx on private.payment_notices using brin (received_at);

create table public.refunds (
  id uuid primary key,
  order_id uuid not null references public.ticket_orders (id) on delete cascade,
  attempt_id uuid references public.payment_attempts (id) on delete restrict,
  amount bigint not null,
  currency text not null,
  tickets uuid[] not null default '{}',
  reason text not null default '',
  cause text not null,
  status text not null default 'requested',
  reference text,
  requested_by uuid references public.profiles (id) on delete set null,
  checked_at timestamptz,
  settled_at timestamptz,
  note text,
  created_at timestamptz not null default now(),
  constraint refunds_amount_positive check (amount > 0),
  constraint refunds_reason_length check (char_length(reason) <= 500),
  constraint refunds_cause_known check (
    cause in ('organizer', 'buyer', 'event_cancelled', 'too_late', 'paid_twice', 'wrong_amount')),
  constraint refunds_status_known check (status in ('requested', 'pending', 'succeeded', 'failed', 'by_hand')),
  constraint refunds_settled check ((status in ('succeeded', 'failed')) = (settled_at is not null))
);
comment on table public.refunds is
  'Money on its way back: to the attempt it came by, or (`by_hand`) by the organiser. The id is the provider''s idempotency key';
create index refunds_order_idx on public.refunds (order_id);
create index refunds_attempt_idx on public.refunds (attempt_id) where attempt_id is not null;
create index refunds_requested_by_idx on public.refunds (requested_by) where requested_by is not null;
create index refunds_open_idx on public.refunds (checked_at nulls first, id) where status in ('requested', 'pending');

create table public.disputes (
  id uuid primary key default private.uuid_v7(),
  order_id uuid not null references public.ticket_orders (id) on delete cascade,
  attempt_id uuid not null references public.payment_attempts (id) on delete restrict,
  reference text not null,
  amount bigint not null,
  currency text not null,
  status text not null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint disputes_status_known check (status in ('open', 'won', 'lost')),
  constraint disputes_reference_key unique (attempt_id, reference)
);
create index disputes_order_idx on public.disputes (order_id);

create table public.ledger_transfers (
  id uuid primary key default private.uuid_v7(),
  order_id uuid not null references public.ticket_orders (id) on delete restrict,
  seller_id uuid references public.sellers (id) on delete restrict,
  debit text not null,
  credit text not null,
  amount bigint not null,
  currency text not null,
  cause text not null,
  cause_id uuid not null,
  created_at timestamptz not null default now(),
  constraint ledger_transfers_amount_positive check (amount > 0),
  constraint ledger_transfers_accounts_known check (
    debit <> credit and debit ~ '^(buyer|seller|platform|tax|provider:[a-z]+)$'
    and credit ~ '^(buyer|seller|platform|tax|provider:[a-z]+)$'),
  constraint ledger_transfers_cause_known check (cause in ('sale', 'payment', 'refund', 'return', 'dispute')),
  constraint ledger_transfers_once unique (cause_id, cause, debit, credit)
);
comment on table public.ledger_transfers is
  'Append-only double entry: each row takes an amount from one account to another, so that all accounts sum to zero by construction';
create index ledger_transfers_order_idx on public.ledger_transfers (order_id);
create index ledger_transfers_seller_idx on public.ledger_transfers (seller_id, created_at) where seller_id is not null;

create table private.invoice_numbers (
  seller_id uuid not null references public.sellers (id) on delete restrict,
  kind text not null,
  last int not null default 0,
  primary key (seller_id, kind)
) with (fillfactor = 50);
comment on table private.invoice_numbers is 'The last number given; taken in the transaction of its invoice, so that none is missing';

create table public.invoices (
  id uuid primary key default private.uuid_v7(),
  seller_id uuid not null references public.sellers (id) on delete restrict,
  order_id uuid not null references public.ticket_orders (id) on delete restrict,
  refund_id uuid unique references public.refunds (id) on delete restrict,
  kind text not null,
  number int not null,
  content jsonb not null,
  issued_at timestamptz not null default now(),
  constraint invoices_kind_known check (kind in ('invoice', 'credit_note')),
  constraint invoices_credit_notes_are_of_refunds check ((kind = 'credit_note') = (refund_id is not null)),
  constraint invoices_number_key unique (seller_id, kind, number)
);
create index invoices_order_idx on public.invoices (order_id);
create unique index invoices_one_for_order on public.invoices (order_id) where kind = 'invoice';

create table private.pretend_payments (
  attempt_id uuid primary key,
  outcome text not null,
  amount bigint not null,
  currency text not null,
  refunds jsonb not null default '{}',
  created_at timestamptz not null default now(),
  constraint pretend_payments_outcome_known check (outcome in ('paid', 'declined', 'abandoned'))
);
comment on table private.pretend_payments is 'What the pretend provider knows: which attempts were paid, and what it gave back';


-- The door

create table public.event_hosts (
  event_id uuid not null references public.events (id) on delete cascade,
  person_id uuid not null references public.profiles (id) on delete cascade,
  role text not null,
  created_at timestamptz not null default now(),
  primary key (event_id, person_id),
  constraint event_hosts_role_known check (role in ('door'))
);
comment on table public.event_hosts is 'Who helps at an event: door staff check tickets in';
comment on constraint event_hosts_role_known on public.event_hosts is '/role: is door';
create index event_hosts_person_idx on public.event_hosts (person_id, event_id);

create table public.ticket_scans (
  id uuid primary key default private.uuid_v7(),
  event_id uuid not null references public.events (id) on delete cascade,
  scan_id text not null,
  ticket_id uuid references public.tickets (id) on delete cascade,
  serial int,
  result text not null,
  reason text,
  admitted_at timestamptz,
  is_double boolean not null default false,
  device text not null default '',
  scanned_by uuid references public.profiles (id) on delete set null,
  scanned_at timestamptz not null,
  undone_at timestamptz,
  created_at timestamptz not null default now(),
  constraint ticket_scans_once unique (event_id, scan_id),
  constraint ticket_scans_scan_id_form check (private.is_line(scan_id, 100)),
  constraint ticket_scans_device_form check (char_length(device) <= 100),
  constraint ticket_scans_result_known check (result in ('admitted', 'already', 'refused')),
  constraint ticket_scans_admits_a_ticket check (result <> 'admitted' or ticket_id is not null)
);
comment on table public.ticket_scans is 'What was held to a scanner, each scan once';
comment on column public.ticket_scans.serial is 'What the code said; null: admitted by hand, or no code of ours';
comment on column public.ticket_scans.admitted_at is 'When the ticket was admitted, as far as this scan met it admitted';
comment on column public.ticket_scans.is_double is 'Two devices let somebody in with this ticket, at least one of them without a network';
create unique index ticket_scans_admitted_once on public.ticket_scans (ticket_id) where result = 'admitted' and undone_at is null;
create index ticket_scans_latest_idx on public.ticket_scans (event_id, created_at);
create index ticket_scans_ticket_idx on public.ticket_scans (ticket_id) where ticket_id is not null;
create index ticket_scans_scanned_by_idx on public.ticket_scans (scanned_by) where scanned_by is not null;

-- Answers stay where they are: pressing an order's into less room costs more than selling it.
alter table private.idempotency_keys set (toast_tuple_target = 8160);

alter table public.sellers enable row level security;
alter table public.tills enable row level security;
alter table public.ticket_stocks enable row level security;
alter table public.ticket_types enable row level security;
alter table public.ticket_type_codes enable row level security;
alter table public.discounts enable row level security;
alter table public.ticket_questions enable row level security;
alter table public.ticket_orders enable row level security;
alter table public.tickets enable row level security;
alter table public.ticket_transfers enable row level security;
alter table public.payment_attempts enable row level security;
alter table private.payment_notices enable row level security;
alter table public.refunds enable row level security;
alter table public.disputes enable row level security;
alter table public.ledger_transfers enable row level security;
alter table private.invoice_numbers enable row level security;
alter table public.invoices enable row level security;
alter table private.pretend_payments enable row level security;
alter table public.event_hosts enable row level security;
alter table public.ticket_scans enable row level security;
