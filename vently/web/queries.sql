-- name: claim_idempotency_key
select state, status, headers, body
  from private.claim_idempotency_key(:key, :fingerprint)

-- name: keep_idempotent_answer
select private.keep_idempotent_answer(:key, :fingerprint, :status, :headers, :body)

-- name: forget_old_answers
select private.forget_old_answers(:batch::int);
