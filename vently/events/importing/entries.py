"""What reading a file gives: events, and the entries that could not be read, each with its line and the reason."""

from datetime import UTC, date, datetime, timedelta

from msgspec import Struct

from vently.refusals import Invalid

MAX_BYTES = 20_000_000
MAX_ROWS = 50_000
MAX_ROW_BYTES = 200_000

# What the events table takes (its constraints say the same).
MAX_TITLE = 200
MAX_DESCRIPTION = 50_000
MAX_UID = 255
MAX_URL = 2_000
MAX_CATEGORIES = 20
MAX_CATEGORY = 40
FIRST = datetime(1970, 1, 1, tzinfo=UTC)
END = datetime(2200, 1, 1, tzinfo=UTC)


class ReadVenue(Struct, frozen=True):
    """Where an event is held. `lat` and `lng` (degrees) are the entry's own, or else its city's."""

    name: str | None = None
    address: str | None = None
    city: str | None = None
    country: str | None = None
    lat: float | None = None
    lng: float | None = None


class ReadEvent(Struct, frozen=True, kw_only=True):
    """One event. What is None was not said, so that it takes nothing away from an event that has it already.

    An all-day event runs from local midnight to the midnight after its last day. `derived` tells a UID made here
    from the title, the day and the address from one that the file gave.
    """

    uid: str
    derived: bool = False
    line: int
    title: str
    starts_at: datetime
    ends_at: datetime
    timezone: str
    all_day: bool = False
    description: str | None = None
    venue: ReadVenue | None = None
    online: bool | None = None
    online_url: str | None = None
    url: str | None = None
    categories: tuple[str, ...] = ()
    rrule: str | None = None
    exdates: tuple[datetime, ...] = ()
    private: bool = False
    status: str = "published"
    sequence: int = 0
    last_modified: datetime | None = None


class Refused(Struct, frozen=True, omit_defaults=True):
    """An entry left out: the line it stands on (from 1), its UID when it has one, and one sentence that says why."""

    line: int
    uid: str | None
    reason: str
    file: str | None = None


class Reading(Struct, frozen=True):
    """All of one file, or of several. `rows` counts the entries met, refused ones included."""

    events: tuple[ReadEvent, ...]
    refused: tuple[Refused, ...]
    rows: int


class Draft(Struct, kw_only=True):
    """An entry as its file's format says it, before it is judged.

    A naive start or end is local; a date is a whole day and a last day is exclusive (RFC 5545, 3.8.2.2).
    """

    line: int
    start: date | datetime
    title: str = ""
    end: date | datetime | timedelta | None = None
    uid: str | None = None
    zone: str | None = None
    description: str | None = None
    location: str | None = None
    venue_name: str | None = None
    geo: tuple[float, float] | None = None
    online: bool | None = None
    online_url: str | None = None
    url: str | None = None
    categories: list[str] = []
    rrule: str | None = None
    exdates: list[date | datetime] = []
    private: bool = False
    status: str = "published"
    sequence: int = 0
    last_modified: datetime | None = None


class NotReadable(Invalid):
    """The file as a whole cannot be read."""

    type = "not-readable"


class Unreadable(Exception):
    """One entry is refused; the sentence is what its owner reads."""

    def __init__(self, reason: str, line: int | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.line = line
