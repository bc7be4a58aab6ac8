-- name: claim_idempotency_key
select state, status, headers, body
  from private.claim_idempotency_key(:key, :fingerprint)

-- name: keep_idempotent_answer
select private.keep_idempotent_answer(:key, :fingerprint, :status, :headers, :body)
