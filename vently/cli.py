"""The command line: `vently up`, `migrate`, `import`, `demo`, `doctor` and the rest."""

import asyncio
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from cyclopts import App, Parameter

from vently import __version__
from vently.refusals import Refusal
from vently.settings import Settings, SettingsError, described, variable

app = App(
    name="vently",
    help="An open event platform: discover and run events, communities and tickets.",
    version=__version__,
)
people = App(name="people", help="Look after accounts.")
supabase = App(name="supabase", help="Run on a Supabase project.")
app.command(people)
app.command(supabase)

Data = Annotated[Path | None, Parameter(help="Folder of the embedded Postgres, keys and files (VENTLY_DATA).")]


def main() -> None:
    """Run one command; an error is one sentence on standard error and exit code 1."""
    from vently.database.embedded import EmbeddedError
    from vently.database.migrate import CannotMigrate

    try:
        app()
    except (SettingsError, EmbeddedError, CannotMigrate, Refusal, FileNotFoundError, PermissionError) as error:
        sentence = error.detail if isinstance(error, Refusal) else str(error)
        print(f"vently: {sentence}", file=sys.stderr)  # noqa: T201
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)


@app.command
def up(
    *,
    data: Data = None,
    host: str = "127.0.0.1",
    port: int = 8000,
    workers: int = 1,
    demo: bool = False,
) -> None:
    """Everything in one: the embedded Postgres (unless VENTLY_DATABASE_URL is set), migrations, and the server.

    Parameters
    ----------
    host
        Address to listen on.
    port
        Port to listen on.
    workers
        Processes that answer requests.
    demo
        Load the demo city first, when the database holds no events.
    """
    settings = _settings(data)
    with reachable(settings) as settings:
        _migrate(settings)
        if demo:
            from vently.demo import load

            load.into(settings, only_when_empty=True)
        _listen(settings, host, port, workers)


@app.command
def serve(*, data: Data = None, host: str = "127.0.0.1", port: int = 8000, workers: int = 1) -> None:
    """A web node alone: the database is there and migrated."""
    settings = _settings(data)
    with reachable(settings) as settings:
        _listen(settings, host, port, workers)


@app.command
def migrate(*, data: Data = None, plan: bool = False) -> None:
    """Bring the schema up to date.

    Parameters
    ----------
    plan
        Say what would be done, and do nothing.
    """
    with reachable(_settings(data)) as settings:
        _migrate(settings, plan=plan)


@app.command(name="import")
def import_(
    *files: Path,
    community: str,
    as_: Annotated[str, Parameter(name="--as")],
    data: Data = None,
    dry_run: bool = False,
    json: Annotated[bool, Parameter(name="--json")] = False,
) -> None:
    """Import .ics or .csv calendars into a community; importing again changes only what changed.

    Parameters
    ----------
    files
        Calendars to read.
    community
        Slug or id of the community.
    as_
        E-mail address of the person who imports, who organises that community.
    dry_run
        Read and report, and change nothing.
    json
        Print the report as JSON.
    """
    from vently.app import gazetteer
    from vently.commands import importing

    with reachable(_settings(data)) as settings:
        _migrate(settings, quiet=True)
        code = importing.run(
            settings, files, community=community, email=as_, places=gazetteer(), dry_run=dry_run, as_json=json
        )
    sys.exit(code)


@app.command
def demo(*, data: Data = None) -> None:
    """Load the demo city: communities, people and events to look at."""
    from vently.demo import load

    with reachable(_settings(data)) as settings:
        _migrate(settings, quiet=True)
        load.into(settings)


@app.command
def doctor(
    *, data: Data = None, settings: bool = False, json: Annotated[bool, Parameter(name="--json")] = False
) -> None:
    """Say what is wrong and how to mend it.

    Parameters
    ----------
    settings
        List every environment variable with its meaning.
    json
        Print as JSON.
    """
    from vently.commands import doctor as checks

    if settings:
        checks.print_settings(described(), as_json=json)
        return
    sys.exit(checks.run(_settings(data), as_json=json))


@people.command
def promote(email: str, *, role: Literal["platform_admin"], data: Data = None) -> None:
    """Make someone who has signed up platform admin."""
    from vently.people import profiles

    async def work(settings: Settings) -> None:
        async with _database(settings) as db, db.acting_as_system() as tx:
            await profiles.promote(tx, email)

    with reachable(_settings(data)) as found:
        _migrate(found, quiet=True)
        asyncio.run(work(found))
    print(f"{email} is a {role.replace('_', ' ')} now.")  # noqa: T201


@supabase.command
def export(directory: Path) -> None:
    """Write migrations and rules as a Supabase CLI project, for `supabase db push`."""
    from vently.app import ROOMS
    from vently.supabase.export import export as write

    for path in write(directory, ROOMS):
        print(path)  # noqa: T201


@app.command
def openapi() -> None:
    """Print the OpenAPI document."""
    from vently.app import describe

    sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(describe(_settings(None))), indent=2) + b"\n")


def _settings(data: Path | None) -> Settings:
    given = dict(os.environ)
    if data is not None:
        given[variable("data")] = str(data)
    settings = Settings.load(given)
    return msgspec.structs.replace(settings, data=settings.data.absolute())


@contextmanager
def reachable(settings: Settings) -> Iterator[Settings]:
    """Settings whose database answers: the embedded server runs meanwhile, unless another one is named."""
    if not settings.embedded:
        yield settings
        return
    from vently.database import embedded

    pg_bin = Path(settings.pg_bin) if settings.pg_bin else None
    with embedded.running(settings.data, pg_bin=pg_bin) as server:
        yield msgspec.structs.replace(
            settings,
            database_url=server.url("authenticator"),
            owner_url=server.url("postgres"),
            platform_url=server.url("supabase_admin"),
        )


def _migrate(settings: Settings, *, plan: bool = False, quiet: bool = False) -> None:
    from vently.app import ROOMS
    from vently.database import migrate as migrating

    def tell(step: str) -> None:
        if not quiet:
            print(step)  # noqa: T201

    owner_url, platform_url = settings.owner_url or settings.database_url, settings.platform_url or None
    if plan:
        report = asyncio.run(migrating.plan(owner_url, rooms=ROOMS, platform_url=platform_url))
        for step in [*(["platform"] if report.platform else []), *report.migrations, *report.rules]:
            tell(step)
        return
    asyncio.run(migrating.migrate(owner_url, rooms=ROOMS, platform_url=platform_url, on_step=tell))


def _listen(settings: Settings, host: str, port: int, workers: int) -> None:
    from vently.commands import serving

    serving.listen(settings, host, port, workers)


def _database(settings: Settings) -> Any:
    from vently.commands.connecting import database

    return database(settings)


if __name__ == "__main__":
    main()
