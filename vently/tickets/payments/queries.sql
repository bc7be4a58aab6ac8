-- The pretend provider

-- name: pretended_outcome
select outcome, amount, currency from private.pretend_payments where attempt_id = :attempt;

-- name: pretend_outcome
insert into private.pretend_payments as p (attempt_id, outcome, amount, currency)
values (:attempt, :outcome, :amount, :currency)
    on conflict (attempt_id) do update
   set outcome = case when p.outcome in ('paid', 'abandoned') then p.outcome else excluded.outcome end
returning outcome, amount, currency;

-- name: pretended_refunds
select refunds from private.pretend_payments where attempt_id = :attempt;

-- name: pretend_refund
with given as (
  update private.pretend_payments
     set refunds = refunds || jsonb_build_object((:refund)::text, (:amount)::bigint)
   where attempt_id = :attempt
     and outcome = 'paid'
     and (refunds ? :refund
          or amount >= (:amount)::bigint + coalesce((select sum(value::bigint) from jsonb_each_text(refunds)), 0))
  returning 1
)
select exists (select from given);
