"""Events: creating, reading, editing, publishing, cancelling, deleting."""

from contextlib import suppress
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from msgspec import UNSET

from vently.database.pool import VISITOR, Database, Document, Transaction, Viewer
from vently.database.queries import load
from vently.events.importing import recurrence
from vently.events.importing.entries import Unreadable
from vently.events.shapes import EventChanges, Fields, NewEvent, Venue
from vently.refusals import Conflict, Invalid, NotAllowed, NotFound, Stale
from vently.web.merge_patch import changes
from vently.web.references import split

sql = load(__package__)

USUAL_LENGTH = timedelta(hours=2)
ANY_DAY = datetime(2024, 1, 1)  # noqa: DTZ001 - a rule is local
"""A rule is judged from here: whether it ever comes true hardly depends on the day."""

SHUT = {"status", "visibility", "community_id"}
"""Fields that decide whether an event sells, and to whom."""


class Found(msgspec.Struct):
    """Where a row stands."""

    id: UUID


class Rights(msgspec.Struct, frozen=True):
    """Whether the viewer runs the event, and moderates its community."""

    runs: bool
    moderates: bool


class AlreadyPublished(Conflict):
    """This event is published already."""

    type = "already-published"


async def create(tx: Transaction, new: NewEvent) -> Document:
    """A draft, or published at once. Raises NotAllowed for people who are not organisers."""
    fields = msgspec.structs.asdict(new)
    fields["ends_at"] = new.ends_at or _usual_end(new)
    fields["online"] = new.online if new.online is not None else new.online_url is not None
    await _place(tx, fields, new.venue)
    await _community(tx, fields)
    _categories(fields)
    _recurrence(fields)
    try:
        # Two of one title at one moment find the same address free: the second try sees the first and takes another.
        made = await tx.maybe_one(sql.create_event, Found, fields=fields)
        event: Found = made if made is not None else await tx.one(sql.create_event, Found, fields=fields)
    except NotAllowed:
        raise NotAllowed(
            "Become an organiser first (POST /api/me/organizer), and in a community have its admins make you organizer."
        ) from None
    return await by_id(tx, event.id)


async def read(tx: Transaction, event: str) -> Document:
    return await tx.one(sql.get_event, Document, **split(event))


async def seen(db: Database, viewer: Viewer, event: str) -> Document:
    """What the link in hand shows. Most events are public and need none: then a visitor takes the short way."""
    if viewer == VISITOR:
        with suppress(NotFound):
            async with db.reading_as(viewer) as tx:
                return await read(tx, event)
    async with db.acting_as(viewer, link=event) as tx:
        return await read(tx, event)


async def by_id(tx: Transaction, event_id: UUID) -> Document:
    return await tx.one(sql.get_event, Document, id=event_id, slug=None)


async def rights(tx: Transaction, event_id: UUID) -> Rights:
    """For pages, to offer what would be allowed; the database judges each deed by itself."""
    return await tx.one(sql.get_rights, Rights, event_id=event_id)


async def edit(tx: Transaction, event: str, patch: EventChanges, *, version: int | None) -> Document:
    """Raises NotAllowed for all who do not run it, Stale when it is not at `version`."""
    fields = changes(patch)
    if "venue" in fields:
        await _place(tx, fields, patch.venue if patch.venue is not UNSET else None)
    await _community(tx, fields)
    _categories(fields)
    _recurrence(fields)
    return await _update(tx, event, fields, version)


async def publish(tx: Transaction, event: str) -> Document:
    """Raises Conflict when it is out already."""
    if msgspec.json.decode((await read(tx, event)).body, type=_Standing).status == "published":
        raise AlreadyPublished
    return await _update(tx, event, {"status": "published"}, None)


async def cancel(tx: Transaction, event: str) -> Document:
    """Everyone still sees it, as cancelled. Cancelling twice changes nothing."""
    return await _update(tx, event, {"status": "cancelled"}, None)


async def delete(tx: Transaction, event: str, *, version: int | None) -> None:
    await tx.execute(sql.wait_at_till, **split(event))
    if not await tx.execute(sql.delete_event, version=version, **split(event)):
        raise await why_not(tx, event, version, "Only those who run this event may delete it.")


async def why_not(tx: Transaction, event: str, version: int | None, sentence: str) -> Exception:
    """Row-level security touched no row: is it out of sight, changed meanwhile, or not theirs?"""
    found = await read(tx, event)
    return Stale() if version is not None and found.version != version else NotAllowed(sentence)


class _Standing(msgspec.Struct):
    status: str


async def _update(tx: Transaction, event: str, fields: Fields, version: int | None) -> Document:
    if fields.keys() & SHUT:
        await tx.execute(sql.wait_at_till, **split(event))
    done = await tx.maybe_one(sql.update_event, Found, changes=fields, version=version, **split(event))
    if done is None:
        raise await why_not(tx, event, version, "Only those who run this event may change it.")
    return await by_id(tx, done.id)


async def _place(tx: Transaction, fields: Fields, venue: Venue | None) -> None:
    fields.pop("venue", None)
    fields["venue_id"] = None
    if venue is not None:
        if not any(value is not None for value in (venue.name, venue.address, venue.city, venue.lat)):
            raise Invalid.at("/venue", "needs at least a name, an address, a city, or lat with lng")
        fields["venue_id"] = await tx.value(sql.find_place, **msgspec.structs.asdict(venue))


async def _community(tx: Transaction, fields: Fields) -> None:
    if (reference := fields.pop("community", UNSET)) is UNSET:
        return
    fields["community_id"] = None
    if reference is not None:
        try:
            fields["community_id"] = (await tx.one(sql.find_community, Found, **split(reference))).id
        except NotFound:
            raise Invalid.at("/community", "is no community") from None


def _categories(fields: Fields) -> None:
    """`category` is the first of `categories`; giving it alone sets it alone."""
    first = fields.pop("category", UNSET)
    if first is UNSET:
        return
    others = [label for label in fields.get("categories", []) if label != first]
    fields["categories"] = [first, *others] if first is not None else others


def _recurrence(fields: Fields) -> None:
    """Raises Invalid for what is no RRULE (RFC 5545, section 3.3.10)."""
    if (rule := fields.get("recurrence")) is not None:
        try:
            fields["recurrence"] = recurrence.checked(rule, ANY_DAY)
        except Unreadable as error:
            raise Invalid.at("/recurrence", error.reason) from None


def _usual_end(new: NewEvent) -> datetime:
    if not new.all_day:
        return new.starts_at + USUAL_LENGTH
    day = new.starts_at.astimezone(ZoneInfo(new.timezone)).date() + timedelta(days=1)
    return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(new.timezone))
