"""`vently import`: read files, store them as a person, report each refused row."""

import asyncio
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from vently.commands.connecting import database
from vently.communities import communities
from vently.communities.shapes import Community
from vently.database.pool import Viewer
from vently.events import imports
from vently.events.importing import Reading, read_many
from vently.events.imports import ImportReport
from vently.outside.places import Places
from vently.people import profiles
from vently.people.profiles import Account
from vently.refusals import Refusal
from vently.settings import Settings


class NothingToImport(Refusal):
    """Name at least one .ics or .csv file."""


def run(
    settings: Settings,
    files: Iterable[Path],
    *,
    community: str,
    email: str,
    places: Places,
    dry_run: bool = False,
    as_json: bool = False,
) -> int:
    """Exit code 0, also when single rows were refused: the report names them."""
    paths = list(files)
    if not paths:
        raise NothingToImport
    report = asyncio.run(_import(settings, paths, community, email, places, dry_run=dry_run))
    if as_json:
        sys.stdout.buffer.write(msgspec.json.encode(report) + b"\n")
    else:
        _print(report)
    return 0


async def _import(
    settings: Settings, paths: list[Path], community: str, email: str, places: Places, *, dry_run: bool
) -> ImportReport:
    async with database(settings) as db:
        async with db.acting_as_system() as tx:
            account = await profiles.account(tx, email)
        viewer = _viewer(account)
        async with db.acting_as(viewer) as tx:
            found = msgspec.json.decode((await communities.read(tx, community)).body, type=Community)
        with _bar() as bar:
            reading = _read(bar, paths, imports.clock_of(found, places), places)
            task = bar.add_task("storing", total=len(reading.events))
            async with db.acting_as(viewer) as tx:
                return await imports.import_events(tx, found.id, reading, dry_run=dry_run, on_row=_moving(bar, task))


def _read(bar: Progress, paths: list[Path], timezone: str, places: Places) -> Reading:
    tasks = {path.name: bar.add_task(f"reading {path.name}", total=None) for path in paths}

    def moved(name: str, done: int, total: int) -> None:
        bar.update(tasks[name], completed=done, total=total)

    return read_many(paths, default_timezone=timezone, places=places, on_row=moved)


def _viewer(account: Account) -> Viewer:
    claims = {"sub": str(account.id), "role": "authenticated", "email": account.email}
    return Viewer(account.id, "authenticated", claims)


def _bar() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    return Progress(*columns, console=Console(stderr=True), transient=True)


def _moving(bar: Progress, task: object) -> Callable[[int, int], None]:
    def moved(done: int, total: int) -> None:
        bar.update(task, completed=done, total=total)  # type: ignore[arg-type]

    return moved


def _print(report: ImportReport) -> None:
    console = Console()
    if report.refused:
        table = Table("line", "entry", "reason", title=f"{len(report.refused)} refused", title_justify="left")
        for entry in report.refused:
            table.add_row(str(entry.line), entry.uid or "", entry.reason)
        console.print(table)
    would = "would be " if report.dry_run else ""
    console.print(
        f"{report.created} {would}created, {report.updated} {would}updated, {report.unchanged} unchanged,"
        f" {len(report.refused)} refused"
    )
