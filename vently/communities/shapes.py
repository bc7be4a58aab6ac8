"""What communities look like in requests and answers."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec
from msgspec import UNSET, Meta, UnsetType

from vently.web.words import CursorText, Latitude, Longitude, PageSize, Slug, also, line, text, together

Join = Literal["open", "request", "invite"]
Role = Literal["member", "organizer", "moderator", "admin", "owner"]
Status = Literal["active", "requested", "banned"]


@also(anyOf=together("lat", "lng"))
class NewCommunity(msgspec.Struct, forbid_unknown_fields=True):
    """A slug is made of the name when none is given."""

    name: Annotated[str, line(120)]
    slug: Slug | None = None
    description: Annotated[str, text(20_000)] = ""
    city: Annotated[str, line(120)] | None = None
    country: Annotated[str, line(80)] | None = None
    lat: Latitude | None = None
    lng: Longitude | None = None
    join: Join = "open"


@also(anyOf=together("lat", "lng"), dependentRequired={"lat": ["lng"], "lng": ["lat"]})
class CommunityChanges(msgspec.Struct, forbid_unknown_fields=True):
    """JSON Merge Patch of a community."""

    name: Annotated[str, line(120)] | UnsetType = UNSET
    slug: Slug | UnsetType = UNSET
    description: Annotated[str, text(20_000)] | UnsetType = UNSET
    city: Annotated[str, line(120)] | None | UnsetType = UNSET
    country: Annotated[str, line(80)] | None | UnsetType = UNSET
    lat: Latitude | None | UnsetType = UNSET
    lng: Longitude | None | UnsetType = UNSET
    join: Join | UnsetType = UNSET


class Counts(msgspec.Struct):
    """Active members, and followers."""

    members: int
    followers: int


class Membership(msgspec.Struct):
    """`requested` waits for an admin of the community."""

    role: Role
    status: Status


class Community(msgspec.Struct):
    """A community; `membership` and `following` are the viewer's."""

    id: UUID
    slug: str
    name: str
    description: str
    city: str | None
    country: str | None
    lat: float | None
    lng: float | None
    join: Join
    url: str
    counts: Counts
    membership: Membership | None
    following: bool
    created_at: datetime
    updated_at: datetime
    version: int

    @property
    def members(self) -> int:
        return self.counts.members

    @property
    def followers(self) -> int:
        return self.counts.followers

    @property
    def role(self) -> Role | None:
        """The viewer's."""
        return self.membership.role if self.membership else None


class Communities(msgspec.Struct):
    """A page of communities, by name."""

    items: list[Community]
    next: str | None


class CommunityFilters(msgspec.Struct):
    """`mine=true`: those the viewer belongs to."""

    q: Annotated[str, line(200)] | None = None
    city: Annotated[str, line(120)] | None = None
    mine: bool = False
    limit: PageSize = 20
    cursor: CursorText | None = None


class MemberPerson(msgspec.Struct):
    """Who it is."""

    id: UUID
    handle: str
    name: str


class Member(msgspec.Struct):
    """One person in a community."""

    person: MemberPerson
    role: Role
    status: Status
    since: datetime


class Members(msgspec.Struct):
    """A page of members, the longest-standing first."""

    items: list[Member]
    next: str | None


class MemberFilters(msgspec.Struct):
    """`status=requested`: who waits (admins alone see them)."""

    status: Status | None = None
    limit: PageSize = 20
    cursor: CursorText | None = None


class MemberChanges(msgspec.Struct, forbid_unknown_fields=True):
    """A role, or a status: active approves, banned keeps out."""

    role: Role | None = None
    status: Status | None = None


PersonReference = Annotated[
    str, Meta(pattern=r"^(?:[a-z0-9][a-z0-9_]{1,29}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\Z")
]
"""A handle or an id."""
