"""Whether the database is as new as this node: a node must not be sent requests before `vently migrate` has run."""

from collections.abc import Awaitable, Callable

from vently.database.pool import VISITOR, Database
from vently.database.queries import Query
from vently.database.schema import MIGRATIONS
from vently.refusals import Unavailable

_NEWEST = Query("newest_migration", "select private.newest_migration()", ())


def until_current(db: Database) -> Callable[[], Awaitable[str | None]]:
    """`behind`, asked until the database is current: it does not grow older while a node runs."""
    current = False

    async def ask() -> str | None:
        nonlocal current
        reason = None if current else await behind(db)
        current = reason is None
        return reason

    return ask


async def behind(db: Database) -> str | None:
    """The reason why this node is not ready, or None."""
    wanted = max(path.stem for path in MIGRATIONS.glob("*.sql"))
    try:
        async with db.acting_as(VISITOR) as tx:
            found: str | None = await tx.value(_NEWEST)
    except Unavailable as error:
        return error.detail
    except Exception as error:
        if getattr(error, "sqlstate", None) in ("42883", "3F000", "42704"):
            found = None
        else:
            raise
    return None if found and found >= wanted else "The database is not up to date: run `vently migrate`."
