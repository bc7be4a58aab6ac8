-- name: till_differences
select kind, event_id, order_id, detail from private.till_differences() limit :most;
