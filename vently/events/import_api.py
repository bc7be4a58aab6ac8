"""Import over HTTP: a calendar file uploaded into a community, by programs and by the page."""

import asyncio
from typing import Any

import msgspec

from vently.communities import communities
from vently.communities.shapes import Community
from vently.database.pool import Database, Viewer
from vently.events import imports
from vently.events.importing import MAX_BYTES, read
from vently.events.imports import ImportReport
from vently.outside.places import Places
from vently.refusals import Invalid, NotAllowed, Refusal, TooLarge
from vently.web import facts, forms, pages
from vently.web.answers import Answer
from vently.web.form_pages import wrong
from vently.web.routes import get, post
from vently.web.words import Reference

ENVELOPE = 100_000
"""Bytes that a multipart form adds to its file."""


class ImportWish(msgspec.Struct):
    """`dry_run=true`: report, and change nothing."""

    dry_run: bool = False


@post(
    "/api/communities/{community}/imports",
    answers=ImportReport,
    status=200,
    signed_in=True,
    upload="file",
    limit=MAX_BYTES + ENVELOPE,
    may=(403, 404),
    tag="Events",
)
async def import_file(request: Any, viewer: Viewer, db: Database, community: Reference, query: ImportWish) -> Answer:
    """Import an .ics or .csv file: again changes only what changed; each refused row is named by line and reason"""
    _, report = await _import(request, viewer, db, community, dry_run=query.dry_run)
    return Answer(report)


@get("/communities/{community}/import", signed_in=True)
async def import_page(request: Any, viewer: Viewer, db: Database, community: Reference) -> Answer:
    """Choose a file"""
    return await _page(request, await _community(viewer, db, community))


@post("/communities/{community}/import", signed_in=True, limit=MAX_BYTES + ENVELOPE)
async def import_by_page(request: Any, viewer: Viewer, db: Database, community: Reference) -> Answer:
    """Import it, and say what came of it"""
    try:
        dry_run = "dry_run" in await forms.fields(request)
        found, report = await _import(request, viewer, db, community, dry_run=dry_run)
    except (Invalid, NotAllowed, TooLarge) as refused:
        return await _page(request, await _community(viewer, db, community), refused=refused)
    return await _page(request, found, report=report)


async def _import(
    request: Any, viewer: Viewer, db: Database, community: str, *, dry_run: bool
) -> tuple[Community, ImportReport]:
    found = await _community(viewer, db, community)
    imports.check_role(found)
    file = await forms.upload(request)
    places: Places = facts.of(request).parts.other["places"]
    clock = imports.clock_of(found, places)
    reading = await asyncio.to_thread(
        lambda: read(file.body, file.filename or "upload", default_timezone=clock, places=places)
    )
    async with db.acting_as(viewer) as tx:
        return found, await imports.import_events(tx, found.id, reading, dry_run=dry_run)


async def _community(viewer: Viewer, db: Database, community: str) -> Community:
    async with db.acting_as(viewer) as tx:
        return msgspec.json.decode((await communities.read(tx, community)).body, type=Community)


async def _page(
    request: Any, community: Community, *, report: ImportReport | None = None, refused: Refusal | None = None
) -> Answer:
    return await pages.page(
        request,
        "events/import.html",
        status=refused.status if refused else 200,
        community=community,
        report=report,
        errors=wrong(refused) if refused else {},
    )


ROUTES = [import_file]
PAGES = [import_page, import_by_page]
