"""Comments on events."""

from typing import Any
from uuid import UUID

from vently.database.pool import Document, Listing, Transaction
from vently.database.queries import load
from vently.events.shapes import CommentChanges, CommentFilters, NewComment
from vently.refusals import NotAllowed, Stale
from vently.web.references import split

sql = load(__package__)


async def create(tx: Transaction, event: str, new: NewComment) -> Document:
    """Raises NotFound for an event out of sight, Invalid for a reply to a comment of another event."""
    return await tx.one(sql.create_comment, Document, body=new.body, reply_to=new.reply_to, **split(event))


async def read(tx: Transaction, comment: UUID) -> Document:
    return await tx.one(sql.get_comment, Document, id=comment)


async def edit(tx: Transaction, comment: UUID, patch: CommentChanges, *, version: int | None) -> Document:
    """Raises NotAllowed for all but its author."""
    if not await tx.execute(sql.edit_comment, id=comment, body=patch.body, version=version):
        found = await read(tx, comment)
        raise (
            Stale
            if version is not None and found.version != version
            else NotAllowed("Only its author may change a comment.")
        )
    return await read(tx, comment)


async def delete(tx: Transaction, comment: UUID) -> None:
    """By its author, those who run the event, and the community's moderators."""
    if not await tx.execute(sql.delete_comment, id=comment):
        await read(tx, comment)
        raise NotAllowed("Only its author, or who runs the event, may remove a comment.")


async def thread(tx: Transaction, event: str, filters: CommentFilters, after: Any) -> Listing:
    _, last = after or (None, None)
    return await tx.one(sql.list_comments, Listing, count=filters.limit, after_id=last, **split(event))
