-- name: sell
select place, status, slug, pointer, sentence, body, replayed
  from private.sell(:carts, :provider, :platform_fee);
