-- Limits: buckets of tokens. The clock is the database's, which all nodes share, read after the row is locked.

-- name: spend
-- No row comes back when the bucket holds too little.
insert into auth.rate_limits as bucket (key, tokens, updated_at)
values (:key, :size::float8 - :times::float8, clock_timestamp())
on conflict (key) do update
   set tokens = least(:size, bucket.tokens
         + :rate::float8 * greatest(0, extract(epoch from clock_timestamp() - bucket.updated_at)::float8)) - :times,
       updated_at = greatest(bucket.updated_at, clock_timestamp())
 where least(:size, bucket.tokens
         + :rate * greatest(0, extract(epoch from clock_timestamp() - bucket.updated_at)::float8)) >= :times
returning tokens;

-- name: tokens_left
select least(:size::float8, tokens
         + :rate::float8 * greatest(0, extract(epoch from clock_timestamp() - updated_at)::float8))
  from auth.rate_limits
 where key = :key;
