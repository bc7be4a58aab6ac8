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
        newest = "(select max(name) from private.schema_history where kind = 'migration')"
        await run(scratch.url(name), f"delete from private.schema_history where kind = 'migration' and name = {newest}")
        assert "vently migrate" in str(await behind(db))
    finally:
        await db.close()
