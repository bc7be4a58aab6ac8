-- Signing keys. The order is that of the key set: current, standby, retired.

-- name: signing_keys
select kid, sealed, status, created_at, retired_at,
       extract(epoch from now() - created_at)::float8 as age
  from auth.signing_keys
 order by array_position(array['current', 'standby', 'retired'], status), retired_at desc, kid;

-- name: lock_signing_keys
-- Whoever changes them does so alone; reading goes on.
lock table auth.signing_keys in share row exclusive mode;

-- name: insert_signing_key
insert into auth.signing_keys (kid, sealed, status) values (:kid, :sealed, :status);

-- name: retire_signing_key
update auth.signing_keys set status = 'retired', retired_at = now(), sealed = :sealed where kid = :kid;

-- name: promote_standby_key
update auth.signing_keys set status = 'current' where status = 'standby';

-- name: delete_signing_key
delete from auth.signing_keys where kid = :kid;

-- name: delete_signing_keys
delete from auth.signing_keys;

-- name: delete_retired_keys
delete from auth.signing_keys where retired_at < now() - make_interval(secs => :seconds);
