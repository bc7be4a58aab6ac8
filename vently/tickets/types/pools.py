"""Pools: so many in all, for several ticket types that share them."""

from uuid import UUID

from vently.database.pool import Transaction, Viewer
from vently.database.queries import load
from vently.refusals import Conflict
from vently.tickets.types import selling
from vently.tickets.types.selling import Selling
from vently.tickets.types.shapes import NewPool, PoolChanges
from vently.web.merge_patch import changes

sql = load(__package__)


class StillShared(Conflict):
    """Ticket types still share this pool: take them out of it first."""

    type = "pool-in-use"


async def listed(tx: Transaction, viewer: Viewer, event: str) -> str:
    """All of them as JSON, for those who run the event."""
    found = await selling.run(tx, viewer, event)
    text: str = await tx.value(sql.list_pools, event=found.id)
    return text


async def add(tx: Transaction, viewer: Viewer, event: str, new: NewPool) -> str:
    """Raises NotOpen before the event sells anything."""
    found = await selling.run(tx, viewer, event)
    if found.currency is None:
        raise selling.NotOpen
    return await _document(tx, await tx.value(sql.add_pool, event=found.id, name=new.name, quantity=new.quantity))


async def edit(tx: Transaction, viewer: Viewer, pool: UUID, patch: PoolChanges) -> str:
    """Raises Invalid for a quantity below what is sold and held."""
    found = await _run(tx, viewer, pool)
    given = changes(patch)
    if "quantity" in given:
        await tx.execute(sql.take_till, event=found.id)
        selling.not_below(given["quantity"], await tx.value(sql.taken_of_pool, id=pool))
    await tx.execute(sql.change_pool, id=pool, changes=given)
    return await _document(tx, pool)


async def remove(tx: Transaction, viewer: Viewer, pool: UUID) -> None:
    """Raises StillShared."""
    found = await _run(tx, viewer, pool)
    await tx.execute(sql.take_till, event=found.id)
    if await tx.value(sql.is_pool_used, event=found.id, id=pool):
        raise StillShared
    await tx.execute(sql.remove_pool, id=pool)


async def _run(tx: Transaction, viewer: Viewer, pool: UUID) -> Selling:
    return await selling.run_by_id(tx, viewer, await tx.value(sql.get_event_of_pool, id=pool))


async def _document(tx: Transaction, pool: UUID) -> str:
    text: str = await tx.value(sql.get_pool, id=pool)
    return text
