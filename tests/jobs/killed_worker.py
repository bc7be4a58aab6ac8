"""A worker to be killed: says so when it has a job, and never finishes one."""

import asyncio
import sys

from queues import PACE

from vently.database.pool import Database
from vently.jobs.job import Job
from vently.jobs.worker import Jobs


async def hangs(job: Job) -> None:
    await job.progress(1, 3, "half way")
    print("has it", job.attempt, flush=True)  # noqa: T201 - read by the test
    await asyncio.sleep(3600)


async def main(url: str) -> None:
    database = await Database.open(url, size=4)
    async with Jobs(database, {"mail": hangs}, pace=PACE).working():
        await asyncio.sleep(3600)


asyncio.run(main(sys.argv[1]))
