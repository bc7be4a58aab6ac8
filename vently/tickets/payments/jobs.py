"""Jobs of paying: asking the provider about what is left open, ending holds, and letters about money that goes back."""

from typing import Any
from uuid import UUID

from vently.database.queries import load
from vently.jobs.job import Every, Job
from vently.outside.mail import Mailer
from vently.outside.payments import Payments
from vently.tickets.payments import letters, payouts, reconciling
from vently.web.facts import Parts

sql = load(__package__)


class NotYetKnown(Exception):
    """No payment of that name yet: its own notice may still come."""


async def ask_about_payments(parts: Parts, _: Job) -> None:
    await reconciling.reconcile(parts)


async def lapse_holds(parts: Parts, _: Job) -> None:
    await reconciling.lapse_holds(parts)


async def forget_notices(parts: Parts, _: Job) -> None:
    await reconciling.forget_notices(parts)


async def ask_about_account(parts: Parts, job: Job) -> None:
    provider: Payments = parts.other["payments"]
    account = str(job.payload["account"])
    await payouts.keep(parts, account, await provider.look_up_account(account))


async def hear_of_dispute(parts: Parts, job: Job) -> None:
    """Raises NotYetKnown, to be tried again later."""
    async with parts.database.acting_as_system() as tx:
        if not await tx.value(sql.note_dispute, dispute=job.payload):
            raise NotYetKnown(f"no payment {job.payload['payment']}")


async def mail_about_money_back(parts: Parts, job: Job) -> None:
    mailer: Mailer = parts.other["mailer"]
    async with parts.database.acting_as_system() as tx:
        found = await tx.one(sql.get_letter, letters.Payer, refund=UUID(job.payload["refund_id"]))
    await mailer.send(letters.money_back(parts, found))


HANDLERS: dict[str, Any] = {
    "ask about payments": ask_about_payments,
    "lapse holds": lapse_holds,
    "forget payment notices": forget_notices,
    "ask about account": ask_about_account,
    "hear of dispute": hear_of_dispute,
    "mail about money back": mail_about_money_back,
}
"""Jobs by kind: `async def handler(parts: Parts, job: Job) -> None`."""
TIMETABLE: list[Any] = [
    Every(15, "ask about payments"),
    Every(5, "lapse holds"),
    Every(86_400, "forget payment notices"),
]
