"""Discovery: the list of events, its filters, and what there is to filter by."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec

from vently.database.pool import Listing, Transaction
from vently.database.queries import load
from vently.events.shapes import Event, EventFilters, Facet
from vently.refusals import Invalid
from vently.web.references import split

sql = load(__package__)


async def search(tx: Transaction, filters: EventFilters, after: Any) -> Listing:
    """One page; `after` is (key, id) of the last event seen. Raises Invalid for a span that ends before it begins."""
    starting, ending = span(filters)
    key, last = after or (None, None)
    named = split(filters.community) if filters.community else {"id": None, "slug": None}
    return await tx.one(
        sql.list_events,
        Listing,
        q=filters.q,
        starting=starting,
        ending=ending,
        city=filters.city,
        category=filters.category,
        tag=filters.tag,
        community_given=filters.community is not None,
        community_id=named["id"],
        community_slug=named["slug"],
        organizer=filters.organizer,
        online=filters.online,
        sort="soonest" if filters.sort == "relevance" and not filters.q else filters.sort,
        after_key=key,
        after_id=last,
        count=filters.limit,
    )


async def answered(tx: Transaction, since: datetime, until: datetime) -> list[Event]:
    """What the viewer answered and that ends within the span, soonest first; at most 100."""
    return msgspec.json.decode(await tx.value(sql.list_answered, since=since, until=until), type=list[Event])


async def hosted(tx: Transaction, since: datetime) -> list[Event]:
    """What the viewer organises, drafts too, and that has not ended by `since`; at most 100."""
    return msgspec.json.decode(await tx.value(sql.list_hosted, since=since), type=list[Event])


class Agenda(msgspec.Struct):
    """A page of events for another room's page, and the listing it came from."""

    events: list[Event]
    listing: Any


async def of_community(tx: Transaction, community: str, after: Any, *, until: datetime | None = None) -> Agenda:
    """What it has ahead, or with `until` what it had before, the last first."""
    if until is None:
        filters = EventFilters(community=community)
    else:
        filters = EventFilters(community=community, to=until.isoformat(timespec="seconds"), sort="latest", limit=12)
    listing = await search(tx, filters, after)
    return Agenda(msgspec.json.decode(listing.items, type=list[Event]), listing)


async def of_person(tx: Transaction, handle: str) -> list[Event]:
    """What somebody has ahead for everyone to see."""
    listing = await search(tx, EventFilters(organizer=handle, limit=12), None)
    return msgspec.json.decode(listing.items, type=list[Event])


async def facets(tx: Transaction, since: datetime) -> list[Facet]:
    return msgspec.json.decode(await tx.value(sql.list_facets, since=since), type=list[Facet])


def span(filters: EventFilters) -> tuple[datetime | None, datetime | None]:
    """From when (whatever has not ended by then) until when (whatever starts before). Now on, when neither is given."""
    if filters.from_ is None and filters.to is None:
        return datetime.now(UTC), None
    starting = _moment(filters.from_) if filters.from_ else None
    ending = _moment(filters.to, whole_day=True) if filters.to else None
    if starting and ending and ending < starting:
        raise Invalid.at("/query/to", "must not be before from")
    return starting, ending


def _moment(text: str, *, whole_day: bool = False) -> datetime:
    if "T" in text:
        return datetime.fromisoformat(text)
    day = date.fromisoformat(text)
    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return start + timedelta(days=1) if whole_day else start
