"""A worker to be killed while it refunds a cancelled event and sends the money back."""

import asyncio
import sys
from functools import partial
from typing import Any, cast

from vently.database.pool import Database
from vently.jobs.job import Every
from vently.jobs.worker import Jobs, Pace
from vently.outside.payments.stripe import Stripe
from vently.tickets.refunds import cancelled, jobs
from vently.web.facts import Parts

cancelled.BATCH = 5
KINDS = ("refund event", "send refunds")


async def main(url: str, key: str, secret: str, stripe: str) -> None:
    nothing = cast("Any", None)
    parts = Parts(nothing, nothing, nothing)
    parts.open_database = database = await Database.open(url, size=4)
    parts.other["payments"] = Stripe(key, secret, api_base=stripe)
    handlers = {kind: partial(jobs.HANDLERS[kind], parts) for kind in KINDS}
    pace = Pace(poll=0.05, lease=1, first_retry=0.1, longest_retry=1)
    async with Jobs(database, handlers, [Every(1, "send refunds")], pace=pace).working():
        await asyncio.sleep(3600)


asyncio.run(main(*sys.argv[1:]))
