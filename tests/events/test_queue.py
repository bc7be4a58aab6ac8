"""The waiting list where it is hardest: cancelled events, long queues, large groups, and many hands at once."""

import asyncio
import random
from typing import Any

import asyncpg
from cast import Person, Site

from vently.database.pool import Database
from vently.database.queries import parse

sql = parse("""
-- name: lose_account
delete from auth.users where id = :id;
""")

# One answer after the other, as a thousand people would send them.
CROWD = """
do $$
declare
  person uuid;
begin
  for number in 1..1500 loop
    insert into auth.users (id, aud, role, email)
    values (gen_random_uuid(), 'authenticated', 'authenticated', gen_random_uuid() || '@example.org')
    returning id into person;
    insert into public.rsvps (event_id, person_id, status) values ('{event}', person, 'going');
  end loop;
end $$
"""


async def standing(person: Person, event: Any) -> str:
    return (await person.get(f"/api/events/{event['id']}")).json()["viewer_rsvp"]["status"]


async def test_whoever_goes_may_leave_a_cancelled_event_that_others_wait_for(
    alice: Person, bob: Person, carol: Person, dana: Person, db: Database
) -> None:
    event = await alice.creates(capacity=2)
    assert (await bob.answers(event)).json()["status"] == "going"
    assert (await carol.answers(event)).json()["status"] == "going"
    assert (await dana.answers(event)).json()["status"] == "waitlisted"
    await alice.post(f"/api/events/{event['id']}/cancellation")
    assert (await bob.answers(event, "declined")).status_code == 200
    assert await standing(dana, event) == "waitlisted"
    async with db.acting_as_role("supabase_auth_admin") as tx:
        await tx.execute(sql.lose_account, id=carol.id)
    assert (await alice.patch(f"/api/events/{event['id']}", {"capacity": 5})).status_code == 200
    assert await standing(dana, event) == "waitlisted"
    await alice.patch(f"/api/events/{event['id']}", {"status": "published"})
    assert await standing(dana, event) == "going"


async def test_a_group_larger_than_the_event_has_become_holds_nobody_up(
    alice: Person, bob: Person, carol: Person, dana: Person
) -> None:
    event = await alice.creates(capacity=4)
    await bob.answers(event)
    assert (await carol.answers(event, guests=3)).json()["status"] == "waitlisted"
    assert (await dana.answers(event)).json()["position"] == 2
    await alice.patch(f"/api/events/{event['id']}", {"capacity": 3})
    assert (await standing(carol, event), await standing(dana, event)) == ("waitlisted", "going")
    await alice.patch(f"/api/events/{event['id']}", {"capacity": 6})
    assert await standing(carol, event) == "going"


async def test_more_guests_do_not_pass_those_who_wait(alice: Person, bob: Person, carol: Person, dana: Person) -> None:
    event = await alice.creates(capacity=4)
    await bob.answers(event)
    await carol.answers(event, guests=1)
    assert (await dana.answers(event, guests=1)).json()["status"] == "waitlisted"
    more = await bob.answers(event, guests=1)
    assert (more.status_code, more.json()["errors"][0]["pointer"]) == (409, "/guests")
    assert (await dana.answers(event, guests=0)).json()["status"] == "going"


async def test_a_smaller_group_lets_those_behind_in_with_it(
    alice: Person, bob: Person, carol: Person, dana: Person
) -> None:
    event = await alice.creates(capacity=4)
    await bob.answers(event, guests=1)
    await carol.answers(event, guests=2)
    assert (await dana.answers(event)).json()["position"] == 2
    assert (await carol.answers(event, guests=0)).json()["status"] == "going"
    assert await standing(dana, event) == "going"


async def test_fifteen_hundred_move_up_at_once(site: Site, alice: Person) -> None:
    event = await alice.creates(capacity=1)
    connection = await asyncpg.connect(site.settings.platform_url)
    try:
        await connection.execute(CROWD.format(event=event["id"]))
    finally:
        await connection.close()
    unlimited = await alice.patch(f"/api/events/{event['id']}", {"capacity": None})
    assert unlimited.status_code == 200
    assert unlimited.json()["rsvps"] == {"going": 1500, "interested": 0, "waitlisted": 0}


async def test_answers_edits_and_a_deletion_at_once_all_come_to_an_end(site: Site, alice: Person) -> None:
    """Whoever writes locks the event, then its counts, then answers: else two wait for each other, and one gets 503."""
    people = await asyncio.gather(*(site.signs_up(f"Guest {number}") for number in range(12)))
    for last in ("edit", "delete") * 3:
        event = await alice.creates(capacity=4)
        path = f"/api/events/{event['id']}"
        # Hiding a public event changes its address, which is a key: a stronger lock than other edits take.
        doing = [alice.patch(path, {"visibility": "unlisted", "capacity": random.randint(4, 9)}) for _ in range(2)]
        doing += [person.answers(event, random.choice(["going", "declined"]), guests=1) for person in people]
        doing += [person.post(f"{path}/comments", {"body": "Hello"}) for person in people[:6]]
        random.shuffle(doing)
        if last == "delete":
            doing.append(alice.delete(path))
        done = await asyncio.gather(*doing)
        assert {answer.status_code for answer in done} <= {200, 201, 204, 404, 409, 422}, [a.text for a in done]


async def test_whoever_is_at_the_head_and_answers_again_at_that_moment_takes_the_others_along(
    site: Site, alice: Person, bob: Person, carol: Person, dana: Person
) -> None:
    """Their row is taken, so the queue does not wait for it; they move it on themselves."""
    event = await alice.creates(capacity=3)
    await bob.answers(event, guests=2)
    for person in (carol, dana):
        assert (await person.answers(event)).json()["status"] == "waitlisted"
    connection = await asyncpg.connect(site.settings.platform_url)
    try:
        async with connection.transaction():
            mine = "from public.rsvps where event_id = $1 and person_id = $2"
            await connection.execute(f"select 1 {mine} for update", event["id"], carol.id)
            assert (await bob.answers(event, "declined")).status_code == 200
            assert (await standing(carol, event), await standing(dana, event)) == ("waitlisted", "waitlisted")
            again = "update public.rsvps set status = 'going' where event_id = $1 and person_id = $2"
            await connection.execute(again, event["id"], carol.id)
    finally:
        await connection.close()
    assert (await standing(carol, event), await standing(dana, event)) == ("going", "going")
