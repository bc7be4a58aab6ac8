"""The door over HTTP: scans, undo, counts, what an offline scanner needs, and who helps."""

from typing import Any

from vently.database.pool import Database, Viewer
from vently.tickets.checkin import doors, hosts, scans
from vently.tickets.checkin.shapes import (
    CheckinAnswer,
    Counts,
    DoorList,
    Host,
    HostFilters,
    HostRole,
    Hosts,
    NewCheckin,
    OfEvent,
    ScanId,
)
from vently.tickets.issued.codes import Codes
from vently.web import conditional, cursors, facts, lists
from vently.web.answers import Answer, nothing
from vently.web.routes import delete, get, post, put
from vently.web.words import Handle, Reference

TAG = "Check-in"


def codes_of(request: Any) -> Codes:
    """What reads the codes of this Vently."""
    codes: Codes = facts.of(request).parts.other["codes"]
    return codes


@post("/api/tickets/checkins", answers=CheckinAnswer, status=200, signed_in=True, tag=TAG)
async def check_in(request: Any, viewer: Viewer, db: Database, data: NewCheckin) -> Answer:
    """Admit whoever holds a code: one scan, or many in the order in which they were made

    A scan that comes again with its `scan_id` is answered as it was. A ticket is admitted once: the first scan
    to arrive counts, whatever the clocks of the devices say. `reason` says why a code is refused.
    """
    asked = scans.asked(data)
    read = await scans.entries(codes_of(request), asked)
    async with db.acting_as(viewer) as tx:
        results = await scans.check_in(tx, read)
    return Answer(scans.as_answer(data, results))


@delete("/api/tickets/checkins/{scan_id}", signed_in=True, may=(404, 409), tag=TAG)
async def undo_checkin(viewer: Viewer, db: Database, scan_id: ScanId, query: OfEvent) -> Answer:
    """Undo an admission: the ticket may come again"""
    async with db.acting_as(viewer) as tx:
        await scans.undo(tx, query.event, scan_id)
    return nothing()


@get("/api/events/{event}/checkins", answers=Counts, signed_in=True, may=(403, 404), tag=TAG)
async def count_checkins(request: Any, viewer: Viewer, db: Database, event: Reference) -> Answer:
    """How many are in, by ticket type and by device (who runs the event, and its door staff)"""
    async with db.acting_as(viewer) as tx:
        counted = await doors.counts(tx, await doors.at(tx, event))
    return conditional.answer(request, counted.encode())


@get("/api/events/{event}/door", answers=DoorList, signed_in=True, may=(403, 404), tag=TAG)
async def read_door(request: Any, viewer: Viewer, db: Database, event: Reference) -> Answer:
    """What a scanner without a network needs: keys that read codes, and which tickets count"""
    async with db.acting_as(viewer) as tx:
        listed = await doors.offline(tx, codes_of(request), await doors.at(tx, event))
    return conditional.answer(request, listed)


@get("/api/events/{event}/hosts", answers=Hosts, signed_in=True, may=(403, 404, 422), tag=TAG)
async def list_hosts(request: Any, viewer: Viewer, db: Database, event: Reference, query: HostFilters) -> Answer:
    """Who helps at an event"""
    name = f"hosts of {event}"
    after = cursors.read(request, name, query, query.cursor, tuple[str, str])
    async with db.acting_as(viewer) as tx:
        found = await hosts.named(tx, event, query, after)
    return lists.answer(request, found.items, lists.after(request, name, query, found))


@put("/api/events/{event}/hosts/{handle}", answers=Host, signed_in=True, may=(403, 404), tag=TAG)
async def name_host(viewer: Viewer, db: Database, event: Reference, handle: Handle, data: HostRole) -> Answer:
    """Name somebody door staff: they check tickets in, and see no money"""
    async with db.acting_as(viewer) as tx:
        return Answer((await hosts.name(tx, event, handle, data.role)).body)


@delete("/api/events/{event}/hosts/{handle}", signed_in=True, may=(403, 404), tag=TAG)
async def remove_host(viewer: Viewer, db: Database, event: Reference, handle: Handle) -> Answer:
    """Let a helper go"""
    async with db.acting_as(viewer) as tx:
        await hosts.let_go(tx, event, handle)
    return nothing()


ROUTES = [check_in, undo_checkin, count_checkins, read_door, list_hosts, name_host, remove_host]
