-- Jobs: work that is asked for in a transaction and done after it, by whichever worker is free.

create table private.jobs (
  id uuid primary key default private.uuid_v7(),
  kind text not null,
  key text,
  payload jsonb not null default '{}',
  every_seconds int,
  status text not null default 'waiting',
  due_at timestamptz not null default now(),
  attempt int not null default 0,
  most_attempts int not null default 20,
  worker uuid,
  done bigint,
  total bigint,
  note text,
  last_error text,
  created_at timestamptz not null default now(),
  started_at timestamptz,
  finished_at timestamptz,
  constraint jobs_kind_form check (kind ~ '^[a-z][a-z0-9 _-]{0,79}$'),
  constraint jobs_key_form check (char_length(key) between 1 and 200),
  constraint jobs_payload_form check (jsonb_typeof(payload) = 'object'),
  constraint jobs_every_seconds_range check (every_seconds between 1 and 31536000),
  constraint jobs_status_known check (status in ('waiting', 'running', 'done', 'failed', 'replaced')),
  constraint jobs_attempt_range check (attempt >= 0 and most_attempts >= 1),
  constraint jobs_worker_while_running check ((status = 'running') = (worker is not null)),
  constraint jobs_progress_range check (done >= 0 and total >= 0),
  constraint jobs_timetable_goes_on check (every_seconds is null or status in ('waiting', 'running'))
);
comment on table private.jobs is
  'Work for later. Ids and public facts in `payload`, nothing personal: finished rows are kept for a week, failed ones longer';
comment on column private.jobs.key is 'Of one kind and key only one job waits';
comment on column private.jobs.every_seconds is 'Set for the timetable: one row a kind, which waits for its next slot when it has run';
comment on column private.jobs.due_at is 'When a worker may take it: while it runs, when the lease of its worker ends';
comment on column private.jobs.worker is 'Who runs it; with `attempt` what says that a worker still holds it';
comment on column private.jobs.note is 'What it is at, in words that may be shown; `done` of `total` is how far';
comment on constraint jobs_kind_form on private.jobs is
  '/kind: takes lower-case letters, digits, spaces, - and _, beginning with a letter; 80 characters at most';
comment on constraint jobs_key_form on private.jobs is '/key: takes 1 to 200 characters';
comment on constraint jobs_payload_form on private.jobs is '/payload: takes an object';
comment on constraint jobs_every_seconds_range on private.jobs is '/every_seconds: takes 1 second to a year';
comment on constraint jobs_status_known on private.jobs is '/status: takes waiting, running, done, failed or replaced';
comment on constraint jobs_attempt_range on private.jobs is '/attempt: counts from 0, and one may be made at least';
comment on constraint jobs_worker_while_running on private.jobs is '/worker: is named while a job runs, and only then';
comment on constraint jobs_progress_range on private.jobs is '/done: counts from 0, as does the total';
comment on constraint jobs_timetable_goes_on on private.jobs is '/status: of the timetable nothing is ever finished';
create index jobs_due_idx on private.jobs (kind, due_at) where status in ('waiting', 'running');
create unique index jobs_waiting_key on private.jobs (kind, key) where status = 'waiting' and key is not null;
comment on index private.jobs_waiting_key is '/key: such a job waits already';
create unique index jobs_timetable_kind on private.jobs (kind) where every_seconds is not null;
comment on index private.jobs_timetable_kind is '/kind: is on the timetable already';
create index jobs_finished_idx on private.jobs (finished_at) where finished_at is not null;
-- Every row is written three times and then left alone.
alter table private.jobs set (autovacuum_vacuum_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.05);
alter table private.jobs enable row level security;
