"""Loading the demo town: `vently demo` and `vently up --demo`."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from time import perf_counter
from zoneinfo import ZoneInfo

import msgspec
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn

from vently.app import gazetteer
from vently.commands.connecting import database
from vently.database.pool import Database
from vently.demo import dates, sources
from vently.demo.settling import Settlement, settle, sql, steps
from vently.refusals import Conflict, NotAllowed
from vently.settings import Settings

Tell = Callable[[str], None]
Begin = Callable[[int], Tell]
"""Told how many steps there will be, it gives what is called at each."""


class NoAccountsToMake(NotAllowed):
    """The demo town needs a database that Vently prepared itself: a Supabase project makes accounts by sign-up only."""


class StandsAlready(Conflict):
    """The demo town stands already; nothing was changed."""


class Loaded(msgspec.Struct, frozen=True):
    """What there is to see now."""

    city: str
    people: int
    communities: int
    events: int
    answers: int
    comments: int


def into(settings: Settings, *, only_when_empty: bool = False) -> None:
    """Load the town and say what stands; a second time changes nothing. Raises NoAccountsToMake (Supabase project)."""
    console = Console(highlight=False, soft_wrap=True)
    started = perf_counter()
    try:
        loaded = asyncio.run(_load(settings, only_when_empty))
    except StandsAlready as refused:
        if not only_when_empty:
            console.print(refused.detail)
        return
    if loaded is None:
        return
    console.print(
        f"[bold]{escape(loaded.city)}[/bold] stands: {loaded.people} people in {loaded.communities} communities, "
        f"{loaded.events} events, {loaded.answers:,} answers, {loaded.comments} comments "
        f"({perf_counter() - started:.1f} s)."
    )
    if not only_when_empty:
        console.print(f"Look around at [bold]{escape(settings.site_url)}[/bold] once `vently up` runs.")


async def town(db: Database, *, begin: Begin | None = None, only_when_empty: bool = False) -> Loaded | None:
    """All of it or nothing: one transaction. None when `only_when_empty` and there are events. Raises StandsAlready."""
    async with db.acting_as_system() as tx:
        if only_when_empty and await tx.value(sql.any_events):
            return None
        if not await tx.value(sql.may_make_accounts):
            raise NoAccountsToMake
    places = gazetteer()
    place = dates.home(places)
    planned = dates.occasions(datetime.now(ZoneInfo(place.timezone)).date(), places)
    async with db.acting_as_role("supabase_auth_admin") as tx:
        await tx.execute(sql.take_turns)
        if await tx.value(sql.stands_already):
            raise StandsAlready
        tell = begin(steps(planned)) if begin else _silence
        settlement = Settlement(tx, place, tell)
        await settle(settlement, planned)
    return Loaded(
        city=place.name,
        people=len(sources.neighbours()),
        communities=len(sources.circles()),
        events=len(planned),
        answers=settlement.answers,
        comments=settlement.comments,
    )


async def _load(settings: Settings, only_when_empty: bool) -> Loaded | None:
    async with database(settings) as db:
        with _bar() as begin:
            return await town(db, begin=begin, only_when_empty=only_when_empty)


@contextmanager
def _bar() -> Iterator[Begin]:
    """A progress bar on standard error, gone when it is full; nothing where that is no terminal."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description:30}"), BarColumn(), TextColumn("{task.percentage:>3.0f} %"))
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:

        def begin(count: int) -> Tell:
            task = progress.add_task("", total=count)
            return lambda doing: progress.update(task, description=doing, advance=1)

        yield begin


def _silence(_: str) -> None:
    pass
