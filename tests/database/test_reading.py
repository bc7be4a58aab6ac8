"""Reading as somebody: a visitor's connections stay a visitor's, and read."""

from uuid import uuid4

import asyncpg
import pytest
from cast import Person, Site

from vently.database.pool import VISITOR, Database, Viewer
from vently.database.queries import parse

sql = parse("""
-- name: who
select current_user::text || ' ' || coalesce(nullif(current_setting('request.jwt.claim.sub', true), ''), 'nobody')
       || ' ' || coalesce(nullif(current_setting('vently.link', true), ''), 'no link');
-- name: session
select pg_backend_pid();
-- name: write
select state from private.claim_idempotency_key('a-key-of-a-reader', 'a mark');
""")


async def test_everybody_reads_as_themselves(db: Database) -> None:
    someone = Viewer(uuid4(), "authenticated", {"role": "authenticated"})
    for _ in range(3):
        async with db.reading_as(VISITOR) as tx:
            assert await tx.value(sql.who) == "anon nobody no link"
        async with db.reading_as(someone) as tx:
            assert await tx.value(sql.who) == f"authenticated {someone.id} no link"
        async with db.acting_as(VISITOR, link="a-secret") as tx:
            assert await tx.value(sql.who) == "anon nobody a-secret"
        async with db.acting_as_system() as tx:
            assert await tx.value(sql.who) == "service_role nobody no link"


async def test_a_visitors_connection_is_nobody_elses(db: Database) -> None:
    visitors, others = set(), set()
    for _ in range(3):
        async with db.reading_as(VISITOR) as tx:
            visitors.add(await tx.value(sql.session))
        async with db.acting_as(VISITOR) as tx:
            visitors.add(await tx.value(sql.session))
        async with db.acting_as_system() as tx:
            others.add(await tx.value(sql.session))
    assert not visitors & others


async def test_reading_does_not_write(db: Database) -> None:
    with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
        async with db.reading_as(VISITOR) as tx:
            await tx.value(sql.write)
    async with db.acting_as(VISITOR) as tx:
        assert await tx.value(sql.write) == "new"


async def test_connections_are_no_more_than_were_asked_for(site: Site) -> None:
    db = await Database.open(site.settings.database_url, size=2)
    try:
        async with db.acting_as_system() as tx, db.reading_as(VISITOR) as visiting:
            assert await tx.value(sql.session) != await visiting.value(sql.session)
    finally:
        await db.close()


async def test_an_unlisted_event_is_read_with_its_link_alone(alice: Person, visitor: Person) -> None:
    event = await alice.creates(visibility="unlisted")
    for _ in range(3):
        assert (await visitor.get(f"/api/events/{event['slug']}")).status_code == 200
        assert (await visitor.get(f"/api/events/{event['id']}")).status_code == 200
        listed = (await visitor.get(f"/api/events?organizer={alice.handle}")).json()["items"]
        assert listed == []
    assert (await visitor.get(f"/api/events/{event['slug'][:-2]}")).status_code == 404
