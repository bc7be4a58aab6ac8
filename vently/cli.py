"""The command line: `vently up`, `migrate`, `import`, `demo`, `doctor` and the rest."""

import os
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from cyclopts import App, Parameter
from cyclopts.types import PositiveInt
from cyclopts.validators import Number

from vently import __version__
from vently.commands import ending
from vently.commands.connecting import reachable, ready
from vently.refusals import Malformed
from vently.settings import Settings, described, variable

app = App(
    name="vently",
    help="An open event platform: discover and run events, communities and tickets.",
    version=__version__,
    default_parameter=Parameter(negative=()),
)
people = App(name="people", help="Look after accounts.")
keys = App(name="keys", help="Change signing keys without logging anyone out; show the keys of programs.")
supabase = App(name="supabase", help="Run on a Supabase project.")
app.command(people)
app.command(keys)
app.command(supabase)

Data = Annotated[Path | None, Parameter(help="Folder of the embedded Postgres, keys and files (VENTLY_DATA).")]
Host = Annotated[str, Parameter(help="Address to listen on.")]
Port = Annotated[int, Parameter(validator=Number(gte=0, lte=65535), help="Port to listen on; 0: any that is free.")]
Workers = Annotated[PositiveInt, Parameter(help="Processes that answer requests.")]
Json = Annotated[bool, Parameter(name="--json", help="Print JSON, for programs.")]


def main() -> None:
    """Run one command."""
    ending.run(app)


@app.command
def up(
    *, data: Data = None, host: Host = "127.0.0.1", port: Port = 8000, workers: Workers = 1, demo: bool = False
) -> None:
    """Everything in one: the embedded Postgres (unless VENTLY_DATABASE_URL is set), migrations, and the server.

    Parameters
    ----------
    demo
        Load the demo city first, when the database holds no events.
    """
    from vently.commands import serving

    settings = _settings(data)
    serving.check_address(host, port)
    with reachable(settings) as settings:
        from vently.commands import migrating

        migrating.migrate(settings)
        if demo:
            from vently.demo import load

            load.into(settings, only_when_empty=True)
        serving.listen(settings, host, port, workers)


@app.command
def serve(*, data: Data = None, host: Host = "127.0.0.1", port: Port = 8000, workers: Workers = 1) -> None:
    """A web node alone: the database is there and migrated."""
    from vently.commands import serving

    settings = _settings(data)
    serving.check_address(host, port)
    with reachable(settings, made_before=True) as settings:
        serving.listen(settings, host, port, workers)


@app.command
def work(*, data: Data = None) -> None:
    """Do jobs alone, beside nodes that answer requests: mail, refunds, what is on the timetable."""
    from vently.app import jobs_of
    from vently.commands import working

    with reachable(_settings(data), made_before=True) as settings:
        working.work(settings, jobs_of)


@app.command
def migrate(*, data: Data = None, plan: bool = False, json: Json = False) -> None:
    """Bring the schema up to date.

    Parameters
    ----------
    plan
        Say what would be done, and do nothing.
    """
    from vently.commands import migrating

    with reachable(_settings(data)) as settings:
        migrating.run(settings, plan=plan, as_json=json)


@app.command(name="import")
def import_(
    *files: Path,
    community: str,
    as_: Annotated[str, Parameter(name="--as")],
    data: Data = None,
    dry_run: bool = False,
    json: Json = False,
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
    """
    from vently.app import gazetteer
    from vently.commands import importing

    importing.check_files(files)
    with ready(_settings(data), made_before=True) as settings:
        importing.run(
            settings, files, community=community, email=as_, places=gazetteer(), dry_run=dry_run, as_json=json
        )


@app.command
def demo(*, data: Data = None) -> None:
    """Load the demo city: communities, people and events to look at."""
    from vently.demo import load

    with ready(_settings(data)) as settings:
        load.into(settings)


@app.command
def doctor(*, data: Data = None, settings: bool = False, json: Json = False) -> int:
    """Say what is wrong and how to mend it. The exit code is 1 when something is.

    Parameters
    ----------
    settings
        List every environment variable with its meaning, and check nothing.
    """
    from vently.commands import doctor as checks

    if settings:
        checks.print_settings(described(), as_json=json)
        return 0
    return checks.run(_settings(data), as_json=json)


@people.command
def promote(email: str, /, *, role: Literal["platform_admin"], data: Data = None) -> None:
    """Make someone who has signed up platform admin.

    Parameters
    ----------
    email
        Address they signed up with.
    role
        What they become.
    """
    from vently.commands import promoting

    with ready(_settings(data), made_before=True) as settings:
        promoting.promote(settings, email)
    print(f"{email} is a {role.replace('_', ' ')} now.")  # noqa: T201


@people.command
def demote(email: str, /, *, role: Literal["platform_admin"], data: Data = None) -> None:
    """Make a platform admin an ordinary person again, at once. The only one there is stays.

    Parameters
    ----------
    email
        Address they signed up with.
    role
        What they are no longer.
    """
    from vently.commands import promoting

    with ready(_settings(data), made_before=True) as settings:
        promoting.demote(settings, email)
    print(f"{email} is no {role.replace('_', ' ')} any more.")  # noqa: T201


@keys.command(name="list")
def list_keys(*, data: Data = None, json: Json = False) -> None:
    """List the keys that sign access tokens: which signs, which will be next, which still count."""
    from vently.commands import keys as commands

    with ready(_settings(data), made_before=True) as settings:
        commands.list_(settings, as_json=json)


@keys.command
def rotate(*, data: Data = None, now: bool = False, json: Json = False) -> None:
    """Let the next key sign. Tokens signed before count until they expire, so nobody notices.

    Parameters
    ----------
    now
        Although others who verify tokens may not know the next key yet.
    """
    from vently.commands import keys as commands

    with ready(_settings(data), made_before=True) as settings:
        commands.rotate(settings, now=now, as_json=json)


@keys.command
def revoke(kid: str = "", /, *, all_: Annotated[bool, Parameter(name="--all")] = False, data: Data = None) -> None:
    """Take a key out at once, as when somebody has got hold of it: tokens it signed count no more.

    Parameters
    ----------
    kid
        The key, as `vently keys list` names it.
    all_
        Every key, as when the secret that seals them is lost.
    """
    from vently.commands import keys as commands

    if bool(kid) == all_:
        raise Malformed("Name one key of `vently keys list`, or --all.")
    with ready(_settings(data), made_before=True) as settings:
        commands.revoke(settings, kid, everything=all_)


@keys.command(name="api")
def api_keys(*, data: Data = None, json: Json = False) -> None:
    """Print the keys of programs: the publishable one opens nothing, with the secret one a program may do all."""
    from vently.commands import keys as commands

    commands.api(_settings(data), as_json=json)


@supabase.command
def export(directory: Path, /) -> None:
    """Write migrations and rules as a Supabase CLI project, for `supabase db push`. Prints what it wrote.

    Parameters
    ----------
    directory
        Folder of that project; kept from one export to the next.
    """
    from vently.app import ROOMS
    from vently.supabase.export import export as write

    for path in write(directory, ROOMS):
        print(path)  # noqa: T201


@app.command
def openapi() -> None:
    """Print the OpenAPI document."""
    from vently.app import describe
    from vently.commands.printing import print_json

    print_json(describe(_settings(None)), indent=2)


def _settings(data: Path | None) -> Settings:
    given = dict(os.environ)
    if data is not None:
        given[variable("data")] = str(data)
    settings = Settings.load(given)
    return msgspec.structs.replace(settings, data=settings.data.absolute())


if __name__ == "__main__":
    main()
