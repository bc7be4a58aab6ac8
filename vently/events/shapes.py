"""What events look like in requests and answers."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from vently.web.words import (
    CursorText,
    DayOrMoment,
    HttpUrl,
    Latitude,
    Longitude,
    Moment,
    PageSize,
    Reference,
    Timezone,
    also,
    label,
    line,
    text,
    together,
)

Visibility = Literal["public", "unlisted", "members"]
Status = Literal["draft", "published", "postponed", "cancelled"]
Answer = Literal["going", "interested", "declined", "waitlisted"]
Label = Annotated[str, label(40)]
Labels = Annotated[list[Label], Meta(max_length=20, extra_json_schema={"uniqueItems": True})]
Capacity = Annotated[int, Meta(ge=1, le=1_000_000)]


@also(
    allOf=[
        {"anyOf": together("lat", "lng")},
        {"anyOf": [{"required": [name], "properties": {name: {"not": {"type": "null"}}}}
                   for name in ("name", "address", "city", "lat")]},
    ]
)  # fmt: skip
class Venue(msgspec.Struct, forbid_unknown_fields=True):
    """A place: at least a name, an address, a city, or lat with lng."""

    name: Annotated[str, line(200)] | None = None
    address: Annotated[str, line(300)] | None = None
    city: Annotated[str, line(120)] | None = None
    country: Annotated[str, line(80)] | None = None
    lat: Latitude | None = None
    lng: Longitude | None = None


@also(
    anyOf=[
        {"properties": {"visibility": {"enum": ["public", "unlisted"]}}},
        {"properties": {"community": {"type": "string"}}, "required": ["community"]},
    ]
)
class NewEvent(msgspec.Struct, forbid_unknown_fields=True):
    """Without `ends_at` an event lasts two hours, or until the end of its day when it is all day."""

    title: Annotated[str, line(200)]
    starts_at: Moment
    ends_at: Moment | None = None
    timezone: Timezone = "UTC"
    all_day: bool = False
    description: Annotated[str, text(50_000)] = ""
    venue: Venue | None = None
    online: bool | None = None
    online_url: HttpUrl | None = None
    website: HttpUrl | None = None
    category: Label | None = None
    categories: Labels = []
    tags: Labels = []
    capacity: Capacity | None = None
    visibility: Visibility = "public"
    community: Reference | None = None
    recurrence: Annotated[str, line(500)] | None = None
    status: Literal["draft", "published"] = "draft"


class EventChanges(msgspec.Struct, forbid_unknown_fields=True):
    """JSON Merge Patch of an event."""

    title: Annotated[str, line(200)] | UnsetType = UNSET
    starts_at: Moment | UnsetType = UNSET
    ends_at: Moment | UnsetType = UNSET
    timezone: Timezone | UnsetType = UNSET
    all_day: bool | UnsetType = UNSET
    description: Annotated[str, text(50_000)] | UnsetType = UNSET
    venue: Venue | None | UnsetType = UNSET
    online: bool | UnsetType = UNSET
    online_url: HttpUrl | None | UnsetType = UNSET
    website: HttpUrl | None | UnsetType = UNSET
    category: Label | None | UnsetType = UNSET
    categories: Labels | UnsetType = UNSET
    tags: Labels | UnsetType = UNSET
    capacity: Capacity | None | UnsetType = UNSET
    visibility: Visibility | UnsetType = UNSET
    community: Reference | None | UnsetType = UNSET
    recurrence: Annotated[str, line(500)] | None | UnsetType = UNSET
    status: Literal["published", "postponed", "cancelled"] | UnsetType = UNSET


class PersonName(msgspec.Struct):
    """Who it is."""

    handle: str
    name: str


class CommunityName(msgspec.Struct):
    """Which community."""

    id: UUID
    slug: str
    name: str


class Counts(msgspec.Struct):
    """Heads: people with their guests."""

    going: int
    interested: int
    waitlisted: int


class Rsvp(msgspec.Struct):
    """`waitlisted` when the event is full: `position` is the place in the queue, which moves up by itself."""

    status: Answer
    guests: int
    position: int | None


class Offer(msgspec.Struct):
    """What tickets cost, from the least of them on (integer minor units), and how many are left in all."""

    from_amount: int
    currency: str
    available: int
    sold_out: bool


class Event(msgspec.Struct):
    """An event; `viewer_rsvp` is the viewer's own answer. `tickets` is null where none are for sale."""

    id: UUID
    slug: str
    title: str
    description: str
    starts_at: datetime
    ends_at: datetime
    timezone: str
    all_day: bool
    venue: Venue | None
    online: bool
    online_url: str | None
    website: str | None
    category: str | None
    categories: list[str]
    tags: list[str]
    capacity: int | None
    visibility: Visibility
    status: Status
    recurrence: str | None
    url: str
    cover: str
    organizer: PersonName | None
    community: CommunityName | None
    rsvps: Counts
    viewer_rsvp: Rsvp | None
    tickets: Offer | None
    published_at: datetime | None
    created_at: datetime
    updated_at: datetime
    version: int


class Events(msgspec.Struct):
    """A page of events."""

    items: list[Event]
    next: str | None


class CalendarFilters(msgspec.Struct, rename={"from_": "from"}):
    """The filters of a list that is subscribed to."""

    q: Annotated[str, line(200)] | None = None
    from_: DayOrMoment | None = None
    to: DayOrMoment | None = None
    city: Annotated[str, line(120)] | None = None
    category: Label | None = None
    tag: Label | None = None
    community: Reference | None = None
    organizer: Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9_]{1,29}\Z")] | None = None
    online: bool | None = None


class EventFilters(CalendarFilters, rename={"from_": "from"}):
    """Without `from` and `to`: what has not ended yet. A day as `to` is meant whole (UTC)."""

    sort: Literal["soonest", "latest", "relevance", "popular"] = "soonest"
    limit: PageSize = 20
    cursor: CursorText | None = None


class NewRsvp(msgspec.Struct, forbid_unknown_fields=True):
    """An answer to an event, with how many guests come along."""

    status: Literal["going", "interested", "declined"]
    guests: Annotated[int, Meta(ge=0, le=10)] = 0
    answers: dict[Annotated[str, line(200)], Annotated[str, text(2000)]] = {}


class Attendee(msgspec.Struct):
    """Somebody's answer, as organisers (and, for those going, each other) see it."""

    person: "AttendeePerson"
    status: Answer
    guests: int
    answered_at: datetime


class AttendeePerson(msgspec.Struct):
    """Who it is."""

    id: UUID
    handle: str
    name: str


class Attendees(msgspec.Struct):
    """A page of answers, the first to answer first."""

    items: list[Attendee]
    next: str | None


class AttendeeFilters(msgspec.Struct):
    """By answer."""

    status: Answer | None = None
    limit: PageSize = 20
    cursor: CursorText | None = None


class NewComment(msgspec.Struct, forbid_unknown_fields=True):
    """A comment, or the reply to one."""

    body: Annotated[str, text(5000, shortest=1)]
    reply_to: UUID | None = None


class CommentChanges(msgspec.Struct, forbid_unknown_fields=True):
    """JSON Merge Patch of a comment."""

    body: Annotated[str, text(5000, shortest=1)]


class Comment(msgspec.Struct):
    """A comment; the author is null when they left."""

    id: UUID
    event_id: UUID
    body: str
    reply_to: UUID | None
    author: PersonName | None
    created_at: datetime
    updated_at: datetime
    version: int


class Comments(msgspec.Struct):
    """A page of comments, the oldest first."""

    items: list[Comment]
    next: str | None


class CommentFilters(msgspec.Struct):
    """Where the page begins."""

    limit: PageSize = 20
    cursor: CursorText | None = None


class Facet(msgspec.Struct):
    """A category or city, and how many events ahead have it."""

    kind: Literal["category", "city"]
    name: str
    count: int


Fields = dict[str, Any]
