-- name: pick
with ahead as (
  select e.id, e.slug, e.organizer_id, e.community_id, v.city from public.events e join public.venues v on v.id = e.venue_id
   where e.starts_at > now() and e.visibility = 'public' and e.status = 'published'
), cities as (select city, count(*) from ahead group by 1 order by 2 desc, 1)
select (select city from cities limit 1) as large_city,
       (select city from cities offset (select count(*) / 2 from cities) limit 1) as middle_city,
       (select city from cities order by count, 1 limit 1) as small_city,
       (select c.slug from public.communities c order by c.members_count desc, (select count(*) from ahead a where a.community_id = c.id) desc limit 1) as community,
       p.id as organizer_id, p.handle as organizer,
       (select word from ts_stat('select search from public.events limit 20000') order by ndoc desc, 1 limit 1) as common_word,
       (select word from ts_stat('select search from public.events limit 20000') where word ~ '^[a-z]+$' order by abs(ndoc - 200), 1 limit 1) as middle_word,
       (select word from ts_stat('select search from public.events limit 20000') where word ~ '^[a-z]+$' order by ndoc, 1 limit 1) as rare_word,
       (select a.slug from ahead a join public.comments c on c.event_id = a.id limit 1) as talked_about,
       a.id as event_id, a.slug as event_slug
  from ahead a join public.profiles p on p.id = a.organizer_id
 where a.community_id is null
 order by a.id limit 1;
