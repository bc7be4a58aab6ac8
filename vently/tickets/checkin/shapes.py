"""Scans and their answers, the door, and who helps there, as requests and answers have them."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from vently.web.words import CursorText, Moment, PageSize, Reference, also, line, text

MOST_SCANS = 500
LONGEST_CODE = 8000
"""Characters of the largest QR code there is; whatever it says is answered, so that no stray code holds up a batch."""

Result = Literal["admitted", "already", "refused"]
Reason = Literal[
    "unknown",
    "other-event",
    "event-cancelled",
    "not-paid",
    "void",
    "refunded",
    "replaced",
    "undone",
    "scan-id-reused",
]
"""Why a code is refused: no code of ours; of another event; not paid yet; given back; handed on since, so that another
code counts; the scan was undone; the scan id came before with another code."""
ScanId = Annotated[str, line(100)]
Code = Annotated[str, Meta(max_length=LONGEST_CODE)]
Device = Annotated[str, line(100, shortest=0)]
LetIn = Annotated[
    bool | None,
    Meta(description="whether the device let them in without asking us; left out, a late scan counts as such"),
]


class Scan(msgspec.Struct, forbid_unknown_fields=True):
    """A code held to a scanner. `scan_id` is the device's own: sent again, it is answered again."""

    code: Code
    scan_id: ScanId
    device: Device = ""
    scanned_at: Moment | None = None
    event: Reference | None = None
    admitted: LetIn = None


@also(
    anyOf=[
        {
            "required": ["code", "scan_id"],
            "properties": {"code": {"type": "string"}, "scan_id": {"type": "string"}, "scans": {"type": "null"}},
        },
        {
            "required": ["scans"],
            "properties": {"code": {"type": "null"}, "scan_id": {"type": "null"}, "scans": {"type": "array"}},
        },
    ]
)
class NewCheckin(msgspec.Struct, forbid_unknown_fields=True):
    """One scan (`code` and `scan_id`), or up to 500 as `scans`; `event` says whose door it is."""

    code: Code | None = None
    scan_id: ScanId | None = None
    device: Device = ""
    scanned_at: Moment | None = None
    event: Reference | None = None
    admitted: LetIn = None
    scans: Annotated[list[Scan], Meta(min_length=1, max_length=MOST_SCANS)] | None = None


class TicketType(msgspec.Struct):
    """Which kind of ticket."""

    id: UUID
    name: str


class Attendee(msgspec.Struct):
    """Who comes with it: the holder, else who bought it."""

    name: str


class DoorTicket(msgspec.Struct):
    """A ticket as the door sees it."""

    id: UUID
    status: Literal["held", "valid", "void", "refunded"]
    type: TicketType
    attendee: Attendee


class Checkin(msgspec.Struct):
    """`admitted_at`: when the ticket came in first. `double`: two devices let somebody in with this ticket."""

    result: Result
    reason: Reason | None
    scan_id: str
    event_id: UUID | None
    ticket: DoorTicket | None
    admitted_at: datetime | None
    double: bool


class Checkins(msgspec.Struct):
    """Answers in the order of the scans."""

    results: list[Checkin]


@also(oneOf=[{"required": list(Checkin.__struct_fields__)}, {"required": ["results"]}])
class CheckinAnswer(msgspec.Struct):
    """Of one scan what became of it; of several `results`, in their order."""

    result: Result | UnsetType = UNSET
    reason: Reason | None | UnsetType = UNSET
    scan_id: str | UnsetType = UNSET
    event_id: UUID | None | UnsetType = UNSET
    ticket: DoorTicket | None | UnsetType = UNSET
    admitted_at: datetime | None | UnsetType = UNSET
    double: bool | UnsetType = UNSET
    results: list[Checkin] | UnsetType = UNSET


class OfEvent(msgspec.Struct):
    """Scan ids are of an event's devices."""

    event: Reference


class TypeCount(msgspec.Struct):
    """Of one ticket type."""

    ticket_type: TicketType
    admitted: int
    expected: int


class DeviceCount(msgspec.Struct):
    """At one device."""

    device: str
    admitted: int


class Counts(msgspec.Struct):
    """How many are in, and how many hold a ticket; `doubles`: scans that let somebody in a second time."""

    admitted: int
    expected: int
    doubles: int
    by_type: list[TypeCount]
    by_device: list[DeviceCount]


class DoorEvent(msgspec.Struct):
    """Whose door it is."""

    id: UUID
    slug: str
    title: str
    starts_at: datetime
    ends_at: datetime
    timezone: str
    status: str


class DoorList(msgspec.Struct):
    """`keys`: Ed25519 public keys in base64 by key id. `tickets`: [id, serial, place in `types`] of those that count;
    `refused`: given back; `admitted`: in already.
    """

    event: DoorEvent
    keys: dict[str, str]
    types: list[TicketType]
    tickets: list[tuple[UUID, int, int]]
    refused: list[UUID]
    admitted: list[UUID]


class HostPerson(msgspec.Struct):
    """Who it is."""

    id: UUID
    handle: str
    name: str


class Host(msgspec.Struct):
    """Somebody who helps at an event."""

    person: HostPerson
    role: Literal["door"]
    since: datetime


class Hosts(msgspec.Struct):
    """A page of helpers, the longest-standing first."""

    items: list[Host]
    next: str | None


class HostRole(msgspec.Struct, forbid_unknown_fields=True):
    """Door staff check tickets in."""

    role: Literal["door"]


class HostFilters(msgspec.Struct):
    """Which page."""

    limit: PageSize = 20
    cursor: CursorText | None = None


class Search(msgspec.Struct):
    """What the door looks for."""

    q: Annotated[str, text(200)] = ""
