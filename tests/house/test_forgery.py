"""What nobody may do, however they write their SQL: forge, promote themselves, take seats, read accounts."""

from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from cast import Person, Site
from hidden import Hidden, hide
from test_access import people, touched, undone

from vently.database.pool import Database, Viewer
from vently.database.queries import Query, parse
from vently.refusals import Conflict, Invalid, NotAllowed

__all__ = ["people"]  # a fixture
HERE = Path(__file__).parent

FORGERIES = vars(parse((HERE / "forgery.sql").read_text()))

NEVER = {
    "a_reply_to_a_comment_elsewhere", "a_place_in_the_queue", "an_organiser_made_by_oneself", "an_organiser_unmade",
    "an_account_of_an_address",
}  # fmt: skip
"""Refused by constraints and by what functions ask themselves, whoever writes."""

CHANGES = vars(parse((HERE / "changes.sql").read_text()))


@pytest.fixture
async def hidden(alice: Person, bob: Person) -> Hidden:
    return await hide(alice, bob)


@pytest.fixture
async def story(site: Site, hidden: Hidden, alice: Person, dana: Person) -> dict[str, Any]:
    """What the forgeries name: beside Alice's things, Dana's circle by invitation and an open community of hers."""
    made = await dana.founds("Open")
    assert (await dana.patch(f"/api/communities/{dana.community}", {"join": "invite"})).status_code == 200
    circle = (await dana.get(f"/api/communities/{dana.community}")).json()["id"]
    events = {name: event["id"] for name, event in hidden.events.items()}
    names = {
        "alice": alice.id,
        "dana": dana.id,
        "other": (await site.signs_up("Erna")).id,
        "circle": circle,
        "open": made["id"],
    }
    return {**events, **names, "elsewhere": hidden.comments["members"]["id"]}


@pytest.mark.parametrize("name", FORGERIES)
async def test_nobody_forges(
    db: Database, site: Site, people: dict[str, Person], story: dict[str, Any], name: str
) -> None:
    statement: Query = FORGERIES[name]
    for who, person in people.items():
        assert await touched(db, person, statement, _named(statement, story, person)) == 0, who
    if name not in NEVER:  # with the guards taken away it does what it says
        superuser = await asyncpg.connect(site.settings.platform_url)
        done = [
            await _alone(superuser, statement, _named(statement, story, people[who]))
            for who in ("alice", "bob", "carol")
        ]
        await superuser.close()
        assert max(done) > 0


@pytest.mark.parametrize("name", CHANGES)
async def test_nobody_changes_the_schema(db: Database, people: dict[str, Person], name: str) -> None:
    for person in people.values():
        with pytest.raises(NotAllowed):
            async with undone(db, person) as tx:
                await tx.execute(CHANGES[name])


def _named(statement: Query, story: dict[str, Any], person: Person) -> dict[str, Any]:
    return {name: {**story, "me": person.id or uuid4()}[name] for name in statement.parameters}


async def _alone(connection: Any, statement: Query, given: dict[str, Any]) -> int:
    """How many rows it touches, before it is taken back."""
    transaction = connection.transaction()
    await transaction.start()
    try:
        done = await connection.execute(statement.text, *statement.arguments(given))
    except asyncpg.IntegrityConstraintViolationError:
        return 0
    finally:
        await transaction.rollback()
    return int(done.rsplit(" ", 1)[-1])


async def test_a_role_is_not_raised_by_whoever_has_it(db: Database, hidden: Hidden, bob: Person) -> None:
    raised = Query("raised", "update public.memberships set role = 'owner' where community_id = $1", ("community",))
    assert await touched(db, bob, raised, {"community": hidden.community["id"]}) == 0


async def test_admins_neither_make_nor_unmake_owners(db: Database, hidden: Hidden, alice: Person, bob: Person) -> None:
    path = f"/api/communities/{hidden.community['id']}/members/{bob.handle}"
    assert (await alice.patch(path, {"role": "admin"})).json()["role"] == "admin"
    for change in ("update public.memberships set role = 'owner' where person_id = $1",
                   "update public.memberships set role = 'member' where person_id <> $1",
                   "delete from public.memberships where person_id <> $1"):  # fmt: skip
        assert await touched(db, bob, Query("change", change, ("me",)), {"me": bob.id}) == 0


async def test_the_banned_do_not_come_back(db: Database, hidden: Hidden, alice: Person, bob: Person) -> None:
    path = f"/api/communities/{hidden.community['id']}"
    assert (await alice.patch(f"{path}/members/{bob.handle}", {"status": "banned"})).json()["status"] == "banned"
    assert (await alice.patch(path, {"join": "open"})).status_code == 200
    for change in ("delete from public.memberships where person_id = $1",
                   "update public.memberships set status = 'active' where person_id = $1"):  # fmt: skip
        assert await touched(db, bob, Query("change", change, ("me",)), {"me": bob.id}) == 0
    assert (await bob.delete(f"{path}/membership")).status_code == 204
    assert (await bob.put(f"{path}/membership")).status_code == 403
    assert (await bob.get(f"/api/events/{hidden.members['id']}")).status_code == 404


async def test_nobody_takes_a_seat_past_the_capacity(db: Database, hidden: Hidden, bob: Person, carol: Person) -> None:
    event = hidden.public["id"]
    takes = Query("takes", "insert into public.rsvps (event_id, person_id, status, guests) values ($1, $2, $3, $4)",
                  ("event", "me", "status", "guests"))  # fmt: skip
    for status, guests in (("going", 3), ("going", -1), ("going", 11), ("waitlisted", -1), ("interested", -1)):
        assert (
            await touched(db, carol, takes, {"event": event, "me": carol.id, "status": status, "guests": guests}) == 0
        )
    raises = Query(
        "raises", "update public.rsvps set guests = $1, status = $2 where person_id = $3", ("guests", "status", "me")
    )
    assert await touched(db, bob, raises, {"guests": 1, "status": "going", "me": bob.id}) == 0
    read = Query("read", "select status from public.rsvps where event_id = $1 and person_id = $2", ("event", "me"))
    async with undone(db, carol) as tx:
        for status in ("going", "waitlisted"):
            await tx.execute(
                Query("queues", "insert into public.rsvps (event_id, person_id, status) values ($1, $2, $3)"
                      " on conflict (event_id, person_id) do update set status = excluded.status",
                      ("event", "me", "status")), event=event, me=carol.id, status=status,
            )  # fmt: skip
            assert await tx.value(read, event=event, me=carol.id) == "waitlisted"
        changed = await tx.execute(raises, guests=0, status="going", me=carol.id)
        assert (changed, await tx.value(read, event=event, me=carol.id)) == (1, "waitlisted")
    counts = (await bob.get(f"/api/events/{event}")).json()["rsvps"]
    assert counts == {"going": 1, "interested": 0, "waitlisted": 0}


async def test_an_answer_kept_for_one_is_not_given_to_another(
    db: Database, site: Site, alice: Person, people: dict[str, Person]
) -> None:
    key = f"key-{uuid4()}"
    made = await alice.post("/api/communities", {"name": "Once"}, headers={"idempotency-key": key})
    assert made.status_code == 201
    superuser = await asyncpg.connect(site.settings.platform_url)
    kept = await superuser.fetchrow("select scope, fingerprint from private.idempotency_keys where key = $1", key)
    await superuser.close()
    claim = Query("claim", "select state from private.claim_idempotency_key($1, $2)", ("key", "fingerprint"))
    forged = (kept["fingerprint"], kept["scope"], f"visitor:{kept['scope']}")
    for who in ("bob", "carol", "visitor"):
        for fingerprint in forged:
            async with undone(db, people[who]) as tx:
                assert await tx.value(claim, key=key, fingerprint=fingerprint) == "new"
    keep = Query("keep", "select private.keep_idempotent_answer($1, $2, 200, '{}', 'Forged')", ("key", "fingerprint"))
    for who in ("bob", "carol", "visitor"):
        async with db.acting_as(people[who].viewer) as tx:
            await tx.value(keep, key=key, fingerprint=kept["fingerprint"])
    again = await alice.post("/api/communities", {"name": "Once"}, headers={"idempotency-key": key})
    assert again.content == made.content


async def test_missing_claims_see_less(db: Database, hidden: Hidden) -> None:
    """A viewer without an id sees what visitors see; the login role itself sees nothing."""
    nobody = Viewer(None, "authenticated", {})
    mine = Query("mine", "select count(*) from public.events where id = any($1::uuid[])", ("ids",))
    ids = [event["id"] for event in hidden.events.values()]
    async with db.acting_as(nobody) as tx:
        assert await tx.value(mine, ids=ids) == 1
    async with db._transaction(db._pool, "begin") as tx:
        with pytest.raises(NotAllowed):
            await tx.value(mine, ids=ids)


async def test_an_event_keeps_the_seats_it_gave(db: Database, hidden: Hidden, alice: Person) -> None:
    await alice.patch(f"/api/events/{hidden.public['id']}", {"capacity": 5})
    lowers = Query("lowers", "update public.events set capacity = 0 where id = $1", ("event",))
    with pytest.raises((Invalid, Conflict)):
        async with db.acting_as(alice.viewer) as tx:
            await tx.execute(lowers, event=hidden.public["id"])
