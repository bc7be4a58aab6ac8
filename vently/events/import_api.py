"""Import over HTTP: a calendar file uploaded into a community."""

import asyncio
from typing import Any
from uuid import UUID

import msgspec

from vently.communities import communities
from vently.communities.shapes import Community
from vently.database.pool import Database, Viewer
from vently.events import imports
from vently.events.importing import MAX_BYTES, read
from vently.events.imports import ImportReport
from vently.outside.places import Places
from vently.web import facts, forms
from vently.web.answers import Answer
from vently.web.routes import post
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
    async with db.acting_as(viewer) as tx:
        found = msgspec.json.decode((await communities.read(tx, community)).body, type=Community)
    file = await forms.upload(request)
    places: Places = facts.of(request).parts.other["places"]
    reading = await asyncio.to_thread(
        lambda: read(
            file.body, file.filename or "upload", default_timezone=imports.clock_of(found, places), places=places
        )
    )
    async with db.acting_as(viewer) as tx:
        report = await imports.import_events(tx, UUID(str(found.id)), reading, dry_run=query.dry_run)
    return Answer(report)


ROUTES = [import_file]
