-- name: enqueue
select private.enqueue(:kind, :payload, :at, :key)

-- name: enqueue_many
select id from private.enqueue_many(:kind, :payloads, :at, :keys) as id

-- name: read_job
select j.id, j.kind, j.status, j.attempt, j.done, j.total, j.note, j.created_at, j.due_at, j.started_at, j.finished_at,
       j.last_error
  from private.jobs j
 where j.id = :id

-- name: report_progress
update private.jobs
   set done = :done, total = :total, note = :note
 where id = :id and worker = :worker and attempt = :attempt

-- name: settle_timetable
insert into private.jobs as j (kind, every_seconds)
select entry.kind, entry.seconds
  from unnest(:kinds::text[], :seconds::int[]) as entry (kind, seconds)
 order by entry.kind
    on conflict (kind) where every_seconds is not null do update
   set every_seconds = excluded.every_seconds,
       due_at = case when j.status = 'waiting' then now() else j.due_at end
 where j.every_seconds <> excluded.every_seconds

-- name: take_jobs
-- What is due: waiting, or running with a lease that has ended, for then its worker is gone. Kind by kind, so that a
-- hundred thousand of one are not read to find the first of another.
update private.jobs j
   set status = 'running',
       worker = :worker,
       attempt = j.attempt + 1,
       due_at = now() + make_interval(secs => :lease),
       started_at = now(),
       finished_at = null,
       last_error = case when j.status = 'running' then 'its worker ended before it did' else j.last_error end
 where j.id = any (array(
         select due.id
           from unnest(:kinds::text[]) as handled (kind)
          cross join lateral (
                select d.id, d.due_at
                  from private.jobs d
                 where d.status in ('waiting', 'running')
                   and d.kind = handled.kind
                   and d.due_at <= now()
                   and (d.every_seconds is null or d.kind = any (:timetable::text[]))
                 order by d.due_at
                 limit :most
                   for update skip locked
                ) due
          order by due.due_at
          limit :most
       ))
returning j.id, j.kind, j.payload, j.attempt, j.started_at, j.last_error,
          j.every_seconds is null and j.attempt > j.most_attempts as hopeless

-- name: keep_leases
update private.jobs j
   set due_at = now() + make_interval(secs => :lease)
  from unnest(:ids::uuid[], :attempts::int[]) as mine (id, attempt)
 where j.id = mine.id and j.attempt = mine.attempt and j.worker = :worker
returning j.id, j.attempt

-- name: finish_job
update private.jobs
   set status = case when every_seconds is null then 'done' else 'waiting' end,
       due_at = case when every_seconds is null then due_at else private.next_slot(every_seconds) end,
       attempt = case when every_seconds is null then attempt else 0 end,
       worker = null, last_error = null, finished_at = now()
 where id = :id and worker = :worker and attempt = :attempt
returning status

-- name: fail_job
-- Again after a while that doubles, and no two after the same; at its next slot if that is sooner. When another of its kind and key waits, that one does it.
with verdict as (
  select j.id,
         case when j.every_seconds is not null then 'waiting'
              when :final or j.attempt >= j.most_attempts then 'failed'
              when exists (select from private.jobs other
                            where other.kind = j.kind and other.key = j.key and other.status = 'waiting') then 'replaced'
              else 'waiting' end as status
    from private.jobs j
   where j.id = :id and j.worker = :worker and j.attempt = :attempt
     for update
)
update private.jobs j
   set status = verdict.status,
       attempt = case when verdict.status = 'failed' then least(j.attempt, j.most_attempts) else j.attempt end,
       due_at = least(private.next_slot(j.every_seconds), now() + make_interval(secs =>
                  least(:longest, :shortest * power(2, least(j.attempt, 30) - 1)) * (0.75 + random() / 2))),
       worker = null, last_error = :reason,
       finished_at = case when verdict.status <> 'waiting' or j.every_seconds is not null then now() end
  from verdict
 where j.id = verdict.id
returning verdict.status

-- name: release_job
-- Whoever must end before its job leaves it to others, as if it had not begun.
with verdict as (
  select j.id,
         case when exists (select from private.jobs other
                            where other.kind = j.kind and other.key = j.key and other.status = 'waiting') then 'replaced'
              else 'waiting' end as status
    from private.jobs j
   where j.id = :id and j.worker = :worker and j.attempt = :attempt
     for update
)
update private.jobs j
   set status = verdict.status, due_at = now(), attempt = j.attempt - 1, worker = null,
       finished_at = case when verdict.status = 'replaced' then now() end
  from verdict
 where j.id = verdict.id
returning verdict.status

-- name: forget_jobs
delete from private.jobs
 where id in (
         select j.id
           from private.jobs j
          where j.status <> 'running'
            and j.finished_at < now() - make_interval(secs => coalesce(j.every_seconds, 0))
                                      - case j.status when 'failed' then interval '90 days' else interval '7 days' end
          order by j.finished_at
          limit :most
            for update skip locked
       )
