"""Working: jobs are done until the process is told to end; what runs then may finish."""

import asyncio
import signal
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager

from vently.jobs.worker import Jobs
from vently.settings import Settings

JobsOf = Callable[[Settings], AbstractAsyncContextManager[Jobs]]


def work(settings: Settings, jobs_of: JobsOf) -> None:
    """Do jobs until SIGINT, SIGTERM or SIGHUP. Raises SettingsError, and Unavailable when the database is silent."""
    from vently.app import check
    from vently.web import logs

    logs.set_up(settings.log_level, settings.log_format)
    check(settings)
    asyncio.run(_work(settings, jobs_of))


async def _work(settings: Settings, jobs_of: JobsOf) -> None:
    from vently.commands.connecting import database

    async with database(settings) as db:
        await db.ping()
    told = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is not signal.SIG_IGN:  # nohup
            asyncio.get_running_loop().add_signal_handler(number, told.set)
    async with jobs_of(settings) as jobs, jobs.working():
        print("Vently works", flush=True)  # noqa: T201
        await told.wait()
