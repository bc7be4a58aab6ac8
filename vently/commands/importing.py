"""`vently import`: read files, store them as a person, report each refused row."""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from vently.commands.connecting import database
from vently.commands.printing import print_json
from vently.communities import communities
from vently.communities.shapes import Community
from vently.database.pool import Database, Viewer
from vently.events import imports
from vently.events.importing import NotReadable, Reading, read_many
from vently.events.imports import ImportReport
from vently.outside.places import Places
from vently.people import profiles
from vently.people.profiles import Account
from vently.refusals import NotFound, Refusal
from vently.settings import Settings


class NothingToImport(Refusal):
    """Name at least one .ics or .csv file."""


class NoSuchCommunity(NotFound):
    """There is no such community."""


def check_files(files: Sequence[Path]) -> None:
    """Raises a refusal at once for what would only be found out after the database has been started."""
    if not files:
        raise NothingToImport
    for path in files:
        if not path.is_file():
            raise NotReadable(f"{path} is {'no file' if path.exists() else 'not there'}: name a calendar to import.")


def run(
    settings: Settings,
    files: Sequence[Path],
    *,
    community: str,
    email: str,
    places: Places,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Nothing is wrong when single rows are refused: the report names them."""
    report = asyncio.run(_import(settings, files, community, email, places, dry_run=dry_run))
    if as_json:
        print_json(report)
    else:
        _print(report)


async def _import(
    settings: Settings, paths: Sequence[Path], community: str, email: str, places: Places, *, dry_run: bool
) -> ImportReport:
    async with database(settings) as db:
        async with db.acting_as_system() as tx:
            account = await profiles.account(tx, email)
        viewer = _viewer(account)
        found = await _community(db, viewer, community)
        with _bar() as bar:
            reading = _read(bar, paths, imports.clock_of(found, places), places)
            task = bar.add_task("storing", total=len(reading.events))
            async with db.acting_as(viewer) as tx:
                return await imports.import_events(tx, found.id, reading, dry_run=dry_run, on_row=_moving(bar, task))


async def _community(db: Database, viewer: Viewer, community: str) -> Community:
    async with db.acting_as(viewer) as tx:
        try:
            document = await communities.read(tx, community)
        except NotFound:
            raise NoSuchCommunity(f"There is no community {community}: give its slug, or its id.") from None
    return msgspec.json.decode(document.body, type=Community)


def _read(bar: Progress, paths: Sequence[Path], timezone: str, places: Places) -> Reading:
    tasks: dict[str, TaskID] = {}

    def moved(name: str, done: int, total: int) -> None:
        if name not in tasks:
            tasks[name] = bar.add_task(f"reading {escape(name)}", total=total)
        bar.update(tasks[name], completed=done, total=total)

    return read_many(paths, default_timezone=timezone, places=places, on_row=moved)


def _viewer(account: Account) -> Viewer:
    claims = {"sub": str(account.id), "role": "authenticated", "email": account.email}
    return Viewer(account.id, "authenticated", claims)


def _bar() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    console = Console(stderr=True)
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)


def _moving(bar: Progress, task: TaskID) -> Callable[[int, int], None]:
    def moved(done: int, total: int) -> None:
        bar.update(task, completed=done, total=total)

    return moved


def _print(report: ImportReport) -> None:
    """A line for each refused entry, as compilers write them, then the sum."""
    for entry in report.refused:
        whose = f" ({entry.uid})" if entry.uid else ""
        print(f"{entry.file or 'the file'}:{entry.line}: {entry.reason}{whose}")  # noqa: T201
    would = "would be " if report.dry_run else ""
    print(  # noqa: T201
        f"{report.created} {would}created, {report.updated} {would}updated, {report.unchanged} unchanged,"
        f" {len(report.refused)} refused"
    )
