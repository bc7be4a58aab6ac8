"""What platform admins do with people: look them up, approve organisers."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec

from vently.database.pool import Document, Listing, Transaction
from vently.database.queries import load
from vently.refusals import NotAllowed
from vently.web.words import CursorText, PageSize, line

sql = load(__package__)

Status = Literal["none", "requested", "approved"]


class PersonAccount(msgspec.Struct):
    """Somebody as platform admins see them."""

    id: UUID
    handle: str
    name: str
    organizer: Status
    created_at: datetime


class PeopleAccounts(msgspec.Struct):
    """A page of people, the first to sign up first."""

    items: list[PersonAccount]
    next: str | None


class PeopleFilters(msgspec.Struct):
    """`organizer=requested`: who waits for approval."""

    organizer: Status | None = None
    q: Annotated[str, line(200)] | None = None
    limit: PageSize = 20
    cursor: CursorText | None = None


class AccountChanges(msgspec.Struct, forbid_unknown_fields=True):
    """JSON Merge Patch of what platform admins decide."""

    organizer: Literal["none", "approved"]


async def people(tx: Transaction, filters: PeopleFilters, after: Any) -> Listing:
    """Raises NotAllowed for all but platform admins."""
    if not await tx.value(sql.am_platform_admin):
        raise NotAllowed("Only platform admins may look here.")
    key, last = after or (None, None)
    return await tx.one(
        sql.list_people,
        Listing,
        organizer=filters.organizer,
        q=filters.q,
        count=filters.limit,
        after_key=datetime.fromisoformat(key) if key else None,
        after_id=last,
    )


async def decide(tx: Transaction, handle: str, wanted: AccountChanges) -> Document:
    """Approve an organiser, or take the status back. Raises NotAllowed for all but platform admins."""
    await tx.execute(sql.set_organizer_status, handle=handle, status=wanted.organizer)
    return await tx.one(sql.get_account, Document, handle=handle)
