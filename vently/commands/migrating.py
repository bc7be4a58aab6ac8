"""`vently migrate`: do what is missing, or say what that is."""

import asyncio
from collections.abc import Callable

from vently.app import ROOMS
from vently.commands.printing import print_json
from vently.database import migrate as schema
from vently.database.migrate import Report
from vently.settings import Settings


def run(settings: Settings, *, plan: bool, as_json: bool) -> None:
    report = pending(settings) if plan else migrate(settings, quiet=as_json)
    if as_json:
        print_json(report)
    elif not report.changed:
        print("The schema is up to date.")  # noqa: T201
    elif plan:
        for step in _steps(report):
            print(step)  # noqa: T201


def migrate(settings: Settings, *, quiet: bool = False) -> Report:
    """Raises CannotMigrate."""
    tell: Callable[[str], None] = (lambda _: None) if quiet else print
    return asyncio.run(
        schema.migrate(_owner(settings), rooms=ROOMS, platform_url=settings.platform_url or None, on_step=tell)
    )


def pending(settings: Settings) -> Report:
    """What `migrate` would do. Raises CannotMigrate."""
    return asyncio.run(schema.plan(_owner(settings), rooms=ROOMS, platform_url=settings.platform_url or None))


def _owner(settings: Settings) -> str:
    return settings.owner_url or settings.database_url


def _steps(report: Report) -> list[str]:
    platform = ["platform"] if report.platform else []
    return [*platform, *(f"migration {name}" for name in report.migrations), *(f"rules of {r}" for r in report.rules)]
