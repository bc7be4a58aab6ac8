"""What the till leaves to others: letters for what was sold at once."""

from typing import Any

from vently.jobs import queue
from vently.jobs.job import Job
from vently.web.facts import Parts


async def mail_many_tickets(parts: Parts, job: Job) -> None:
    """A batch of the till asks once; here each order gets a job of its own, so that one letter keeps no other."""
    orders: list[str] = job.payload["order_ids"]
    async with parts.database.acting_as_system() as tx:
        await queue.enqueue_many(tx, "mail tickets", [{"order_id": order} for order in orders], keys=orders)


HANDLERS: dict[str, Any] = {"mail many tickets": mail_many_tickets}
TIMETABLE: list[Any] = []
