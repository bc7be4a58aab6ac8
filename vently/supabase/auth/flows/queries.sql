-- Flows.

-- name: begin_flow
insert into auth.flow_state (
  id, user_id, provider_type, authentication_method, code_challenge, code_challenge_method, referrer, linking_target_id,
  session_id, created_at, updated_at
)
values (
  :flow, :user, :provider, :method, :challenge, :challenge_method::text::auth.code_challenge_method, :back, :link_to,
  :session, clock_timestamp(), clock_timestamp()
);

-- name: issue_code
update auth.flow_state
   set auth_code = :code, auth_code_issued_at = clock_timestamp(), user_id = :user, updated_at = clock_timestamp(),
       provider_access_token = :token, provider_refresh_token = :refresh_token
 where id = :flow and auth_code is null and code_challenge is not null
returning id;

-- name: take_code
delete from auth.flow_state
 where auth_code = :code and user_id is not null and code_challenge is not null
returning id, user_id, authentication_method, code_challenge, code_challenge_method::text as code_challenge_method,
          provider_access_token, provider_refresh_token,
          auth_code_issued_at < clock_timestamp() - make_interval(secs => :seconds) as expired;
