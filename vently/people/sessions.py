"""Sessions: where a person is signed in, and ending one from elsewhere."""

from datetime import datetime
from uuid import UUID

import msgspec

from vently.database.pool import Transaction
from vently.database.queries import load
from vently.refusals import NotFound
from vently.supabase import browsers

sql = load(__package__)


class MySession(msgspec.Struct, frozen=True):
    """One browser or program that is signed in. `current`: the one that asks."""

    id: UUID
    created_at: datetime
    refreshed_at: datetime
    browser: str
    user_agent: str | None
    ip: str | None
    aal: str | None
    current: bool


class MySessions(msgspec.Struct):
    """All of them, the one used last first."""

    items: list[MySession]
    next: None = None


class _Row(msgspec.Struct, frozen=True):
    id: UUID
    created_at: datetime
    refreshed_at: datetime
    user_agent: str | None
    ip: str | None
    aal: str | None
    current: bool


async def mine(tx: Transaction) -> list[MySession]:
    rows = await tx.many(sql.list_my_sessions, _Row)
    return [MySession(browser=browsers.in_words(row.user_agent), **msgspec.structs.asdict(row)) for row in rows]


async def end(tx: Transaction, session: UUID) -> None:
    """Raises NotFound for a session that is not the viewer's, or has ended."""
    if not await tx.value(sql.end_my_session, session=session):
        raise NotFound("This session has ended already.")
