"""A node says it is ready when its database is as new as it is."""

from scratch import Scratch, run

from vently.app import ROOMS
from vently.database.migrate import migrate
from vently.database.pool import Database
from vently.database.readiness import behind


async def test_a_node_waits_for_the_migrations(scratch: Scratch) -> None:
    name = await scratch.database()
    db = await Database.open(scratch.url(name, "authenticator"))
    try:
        assert "vently migrate" in str(await behind(db))
        await migrate(scratch.url(name, "postgres"), rooms=ROOMS)
        assert await behind(db) is None
        await run(
            scratch.url(name), "update private.schema_history set name = '20200101000000_old' where kind = 'migration'"
        )
        assert "vently migrate" in str(await behind(db))
    finally:
        await db.close()
