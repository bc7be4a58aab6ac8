"""What a ticket, a letter and a calendar say of the event they are for."""

from datetime import datetime
from uuid import UUID

from msgspec import Struct


class TicketedEvent(Struct, frozen=True, kw_only=True):
    """`where` is one line, `url` its page. `version` and `updated_at` tell calendars which of two entries is newer."""

    id: UUID
    title: str
    starts_at: datetime
    ends_at: datetime
    timezone: str
    all_day: bool = False
    where: str = ""
    organizer: str = ""
    url: str = ""
    status: str = "published"
    version: int = 1
    updated_at: datetime
