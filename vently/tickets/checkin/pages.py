"""The door as a page: codes typed or read by the camera, people found by name, undo, and who helps."""

import hashlib
import secrets
from typing import Annotated, Any
from uuid import UUID

import msgspec
from msgspec import Meta

from vently.database.pool import Database, Transaction, Viewer
from vently.people import profiles
from vently.tickets.checkin import doors, hosts, scans
from vently.tickets.checkin.api import codes_of
from vently.tickets.checkin.doors import Door
from vently.tickets.checkin.shapes import Checkin, Counts, Host, HostFilters, Scan
from vently.web import flashes, forms, pages
from vently.web.answers import Answer, redirect
from vently.web.routes import get, post
from vently.web.words import Reference

WHY = {
    "unknown": "This is no ticket of ours.",
    "other-event": "This ticket is for another event.",
    "event-cancelled": "This event is cancelled.",
    "not-paid": "This ticket is not paid.",
    "void": "This ticket was given back.",
    "refunded": "This ticket was refunded.",
    "replaced": "This ticket was handed on: its new holder has another code.",
    "undone": "This admission was undone: scan the ticket again.",
    "scan-id-reused": "Something else was scanned meanwhile: scan the ticket again.",
}
"""Why somebody is not let in, as the door reads it."""
MOST_HELPERS = 100
Short = Annotated[str, Meta(max_length=200)]


class Look(msgspec.Struct):
    """Whom the door looks for."""

    q: Short = ""


@get("/events/{event}/door", signed_in=True)
async def show_door(request: Any, viewer: Viewer, db: Database, event: Reference, query: Look) -> Answer:
    """Check people in"""
    async with db.acting_as(viewer, link=event) as tx:
        return await _page(request, tx, await doors.at(tx, event), q=query.q.strip())


class CodeForm(msgspec.Struct):
    """A code, and the id that the page gave to this scan."""

    code: Annotated[str, Meta(max_length=2000)] = ""
    scan: Annotated[str, Meta(max_length=40)] = ""


@post("/events/{event}/door", signed_in=True)
async def admit_code(request: Any, viewer: Viewer, db: Database, event: Reference) -> Answer:
    """Admit whoever holds this code"""
    form = await forms.read(request, CodeForm)
    async with db.acting_as(viewer, link=event) as tx:
        door = await doors.at(tx, event)
        if not form.code:
            return redirect(f"/events/{event}/door")
        me = await profiles.portrait(tx)
        scan = Scan(form.code, _scan_id(form.scan, form.code), _device(me), event=str(door.id), admitted=False)
        [told] = await scans.check_in(tx, await scans.entries(codes_of(request), [scan]))
        return await _page(request, tx, door, told=told, viewer=me)


class TicketForm(msgspec.Struct):
    """A ticket found by name."""

    ticket: UUID | None = None
    scan: Annotated[str, Meta(max_length=40)] = ""
    q: Short = ""


@post("/events/{event}/door/admissions", signed_in=True)
async def admit_by_hand(request: Any, viewer: Viewer, db: Database, event: Reference) -> Answer:
    """Admit somebody without their code"""
    form = await forms.read(request, TicketForm)
    async with db.acting_as(viewer, link=event) as tx:
        door = await doors.at(tx, event)
        if form.ticket is None:
            return redirect(f"/events/{event}/door")
        me = await profiles.portrait(tx)
        entry = scans.by_hand(door.id, form.ticket, _scan_id(form.scan, str(form.ticket)), _device(me))
        [told] = await scans.check_in(tx, [entry])
        return await _page(request, tx, door, told=told, viewer=me, q=form.q)


class UndoForm(msgspec.Struct):
    """Which scan."""

    scan: Annotated[str, Meta(max_length=100)] = ""


@post("/events/{event}/door/undone", signed_in=True)
async def undo(request: Any, viewer: Viewer, db: Database, event: Reference) -> Answer:
    """Undo an admission"""
    form = await forms.read(request, UndoForm)
    async with db.acting_as(viewer, link=event) as tx:
        door = await doors.at(tx, event)
        await scans.undo(tx, str(door.id), form.scan)
    flashes.leave(request, "ok", "Undone: the ticket may come again.")
    return redirect(f"/events/{event}/door")


class HelperForm(msgspec.Struct):
    """Who, by handle; with `remove` they are let go."""

    handle: Short = ""
    remove: Short = ""


@post("/events/{event}/door/helpers", signed_in=True)
async def change_helpers(request: Any, viewer: Viewer, db: Database, event: Reference) -> Answer:
    """Name a helper, or let one go"""
    form = await forms.read(request, HelperForm)
    handle = form.handle.removeprefix("@").lower()
    try:
        async with db.acting_as(viewer, link=event) as tx:
            await doors.at(tx, event)
            if form.remove:
                await hosts.let_go(tx, event, handle)
            else:
                await hosts.name(tx, event, handle, "door")
    except hosts.NoSuchPerson as refused:
        flashes.leave(request, "error", refused.detail)
    else:
        flashes.leave(request, "ok", f"@{handle} {'no longer helps' if form.remove else 'helps'} at the door.")
    return redirect(f"/events/{event}/door#helpers")


async def _page(
    request: Any, tx: Transaction, door: Door, *, told: Checkin | None = None, q: str = "", **known: Any
) -> Answer:
    helpers: list[Host] = []
    if door.runs:
        listing = await hosts.named(tx, str(door.id), HostFilters(MOST_HELPERS), None)
        helpers = msgspec.json.decode(listing.items, type=list[Host])
    return await pages.page(
        request,
        "tickets/door.html",
        event=door,
        counts=msgspec.json.decode(await doors.counts(tx, door), type=Counts),
        latest=await doors.latest(tx, door),
        told=told,
        why=WHY,
        q=q,
        found=await doors.search(tx, door, q) if q else [],
        helpers=helpers,
        scan=secrets.token_hex(8),
        **known,
    )


def _device(me: profiles.Portrait | None) -> str:
    """Whoever is at the page is the device."""
    return f"@{me.handle}" if me else ""


def _scan_id(given: str, what: str) -> str:
    """Of the page and of what was scanned with it: sent twice it counts once; going back does no harm."""
    page = given or secrets.token_hex(8)
    return f"page-{hashlib.sha256(f'{page} {what.strip().upper()}'.encode(errors='replace')).hexdigest()[:40]}"


ROUTES: list[Any] = [show_door, admit_code, admit_by_hand, undo, change_helpers]
