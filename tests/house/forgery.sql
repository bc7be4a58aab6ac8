-- What nobody may do: `:me` tries.

-- name: an_announcement
select private.announce('event:' || :draft, 'event.updated', '{}')

-- name: a_profile_of_an_organiser
update public.profiles set organizer_status = 'approved' where id = :me

-- name: a_version
update public.profiles set version = 1 where id = :me

-- name: a_count_of_followers
update public.profiles set followers_count = 100 where id = :me

-- name: an_event_in_the_name_of_another
insert into public.events (slug, title, starts_at, ends_at, organizer_id)
values ('forged', 'Forged', now(), now(), :dana)

-- name: an_event_of_nobody
insert into public.events (slug, title, starts_at, ends_at) values ('forged', 'Forged', now(), now())

-- name: an_event_in_a_community_one_does_not_run
insert into public.events (slug, title, starts_at, ends_at, organizer_id, community_id)
values ('forged', 'Forged', now(), now(), :me, :circle)

-- name: an_event_moved_into_a_community_one_does_not_run
update public.events set community_id = :circle where organizer_id = :me

-- name: an_organiser
update public.events set organizer_id = :dana where organizer_id = :me

-- name: words_to_be_found_by
update public.events set search = 'a:1A' where organizer_id = :me

-- name: a_count_of_answers
update public.event_attendance set going = 0

-- name: a_capacity_past_the_event
update public.event_attendance set capacity = null

-- name: an_answer_of_another
insert into public.rsvps (event_id, person_id, status) values (:public, :dana, 'going')

-- name: an_answer_given_to_another
update public.rsvps set person_id = :dana where person_id = :me

-- name: a_place_in_the_queue
update public.rsvps set queued_at = '2000-01-01' where person_id = :me

-- name: a_place_in_the_queue_from_the_start
insert into public.rsvps (event_id, person_id, status, queued_at) values (:public, :me, 'waitlisted', '2000-01-01')

-- name: a_comment_of_another
insert into public.comments (event_id, author_id, body) values (:public, :dana, 'Forged')

-- name: a_comment_on_a_draft
insert into public.comments (event_id, author_id, body) values (:draft, :me, 'Forged')

-- name: a_comment_moved_elsewhere
update public.comments set event_id = :draft where author_id = :me

-- name: a_reply_to_a_comment_elsewhere
insert into public.comments (event_id, author_id, body, reply_to) values (:public, :me, 'Forged', :elsewhere)

-- name: a_community_founded_by_another
insert into public.communities (slug, name, created_by) values ('forged', 'Forged', :dana)

-- name: a_community_of_nobody
insert into public.communities (slug, name) values ('forged', 'Forged')

-- name: a_count_of_members
update public.communities set members_count = 100

-- name: a_member_who_did_not_ask
insert into public.memberships (community_id, person_id, status) values (:open, :other, 'active')

-- name: a_member_of_what_is_by_invitation
insert into public.memberships (community_id, person_id, status) values (:circle, :me, 'active')

-- name: a_request_to_what_is_by_invitation
insert into public.memberships (community_id, person_id, status) values (:circle, :me, 'requested')

-- name: a_role_from_the_start
insert into public.memberships (community_id, person_id, role, status) values (:open, :me, 'owner', 'active')

-- name: a_follower_who_did_not_follow
insert into public.person_follows (follower_id, followed_id) values (:dana, :me)

-- name: a_follower_of_a_community
insert into public.community_follows (community_id, person_id) values (:open, :other)

-- name: a_platform_admin
insert into public.platform_admins (person_id) values (:me)

-- name: somebody_moved_up
select private.move_up(:public)

-- name: an_organiser_made_by_oneself
select private.set_organizer_status(:me, 'approved')

-- name: an_organiser_unmade
select private.set_organizer_status(:alice, 'none')

-- name: an_account_of_an_address
select * from private.account_of('alice@example.org')

-- name: a_free_handle
select private.free_handle('alice')

-- name: an_account
insert into auth.users (id, email) values (gen_random_uuid(), 'forged@example.org')

-- name: an_address_of_an_account
update auth.users set email = 'forged@example.org' where id = :me

-- name: a_session
insert into auth.sessions (id, user_id) values (gen_random_uuid(), :me)

-- name: accounts_read
select id, email from auth.users

-- name: sessions_read
select id from auth.sessions

-- name: refresh_tokens_read
select token from auth.refresh_tokens
