"""Letters about tickets, written from the database where nobody waits, and sent before the job counts as done."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from vently.database.pool import Transaction
from vently.jobs import queue
from vently.jobs.job import GiveUp, Job
from vently.outside.mail import Mail, Mailer, MailRefused
from vently.tickets.issued import issued, letters
from vently.tickets.issued.issued import Printed, sql
from vently.tickets.till import links
from vently.web.facts import Parts

_SOLD = ("paid", "partially_refunded", "refunded")


class Order(msgspec.Struct):
    """An order as its letters tell of it; `tickets` are those its buyer has."""

    id: UUID
    to: str
    name: str
    link_serial: int
    status: str
    method: letters.Way | str
    order: str
    currency: str
    total: int
    expires_at: datetime | None
    bank_details: str | None
    items: list[tuple[str, int]]
    tickets: list[UUID]
    event: dict[str, Any]


class Handed(msgspec.Struct):
    """A ticket's way from one to another. `serial` is what it had then, `present` what it has now."""

    ticket_id: UUID
    serial: int
    present: int
    status: str
    from_name: str
    from_email: str
    to_email: str
    order_id: UUID
    link_serial: int
    from_buyer: bool


class Taker(msgspec.Struct):
    """The transfer by which somebody came to have a ticket."""

    id: UUID


class Refund(msgspec.Struct):
    """Money on its way back."""

    order_id: UUID
    amount: int
    cause: str
    reason: str
    tickets: int
    by_card: bool
    credit_note: bool


async def mail_tickets(parts: Parts, job: Job) -> None:
    """{order_id}: paid, or free: here are the tickets, to the address that the order has now."""
    async with parts.database.acting_as_system() as tx:
        order = await _order(tx, job.payload["order_id"])
        rows = await _printed(tx, order.tickets)
    if order.status not in _SOLD or not rows:
        return
    told, papers = _told(parts, order), issued.papers(parts, rows)
    await _send(parts, letters.bought(parts.settings.site_url, told, await letters.enclosed(told.event, papers)))


async def mail_transfer(parts: Parts, job: Job) -> None:
    """{transfer_id, letter}: to the taker, with the ticket unless it was handed on again meanwhile; or to the giver.

    `over`: to the taker, whose ticket was taken back.
    """
    async with parts.database.acting_as_system() as tx:
        handed = await tx.maybe_one(sql.get_transfer, Handed, transfer=UUID(job.payload["transfer_id"]))
        if handed is None:
            raise GiveUp("this ticket is not there any more")
        [row] = await _printed(tx, [handed.ticket_id])
    if job.payload["letter"] == "giver":
        await _send(parts, _to_giver(parts, handed, row))
    elif job.payload["letter"] == "over":
        event = issued.event_of(row.event)
        site = parts.settings.site_url
        await _send(
            parts,
            letters.taken_back(site, handed.to_email, event, giver=handed.from_name, ticket_type=row.type),
        )
    elif handed.present == handed.serial and handed.status == "valid":
        await _send(parts, await _to_taker(parts, handed, row))


async def mail_refund(parts: Parts, job: Job) -> None:
    """{refund_id}: money is on its way back."""
    refund, order = await _money_back(parts, job.payload["refund_id"])
    await _tell_takers(parts, order.id, job.payload["refund_id"])
    way = _way(refund, order)
    mail = letters.refunded(
        parts.settings.site_url,
        _told(parts, order),
        amount=refund.amount,
        way=way,
        tickets=refund.tickets,
        reason=refund.reason,
        credit_note=refund.credit_note,
    )
    await _send(parts, mail)


async def mail_cancellation(parts: Parts, job: Job) -> None:
    """{order_id, refund_id}: the event will not take place. Without a refund nothing was paid."""
    refund: Refund | None = None
    if job.payload["refund_id"]:
        refund, order = await _money_back(parts, job.payload["refund_id"])
    else:
        async with parts.database.acting_as_system() as tx:
            order = await _order(tx, job.payload["order_id"])
    await _tell_takers(parts, order.id, job.payload["refund_id"])
    mail = letters.cancelled(
        parts.settings.site_url,
        _told(parts, order),
        amount=refund.amount if refund else 0,
        way=_way(refund, order) if refund else "card",
        message=refund.reason if refund else "",
    )
    await _send(parts, mail)


async def mail_transfer_instructions(parts: Parts, job: Job) -> None:
    """{order_id}: how to pay by bank transfer. Nothing once it is paid or over."""
    async with parts.database.acting_as_system() as tx:
        order = await _order(tx, job.payload["order_id"])
    if order.status != "pending" or order.expires_at is None:
        return
    mail = letters.to_transfer(
        parts.settings.site_url,
        _told(parts, order),
        bank_details=order.bank_details or "Please ask the organiser where to transfer it to.",
        reference=order.order,
        pay_by=order.expires_at,
    )
    await _send(parts, mail)


async def _tell_takers(parts: Parts, order: UUID, refund: str | None) -> None:
    """Letters of their own, so that one that cannot be sent keeps no other back."""
    async with parts.database.acting_as_system() as tx:
        takers = await tx.many(sql.list_takers, Taker, order=order, refund=refund and UUID(refund))
        told = [{"transfer_id": str(one.id), "letter": "over"} for one in takers]
        await queue.enqueue_many(tx, "mail transfer", told, keys=[f"over:{one.id}" for one in takers])


def _to_giver(parts: Parts, handed: Handed, row: Printed) -> Mail:
    site = parts.settings.site_url
    link = links.of_order(parts, handed.order_id, handed.link_serial) if handed.from_buyer else f"{site}/me/tickets"
    event = issued.event_of(row.event)
    return letters.handed_on(site, handed.from_email, event, taker=handed.to_email, ticket_type=row.type, link=link)


async def _to_taker(parts: Parts, handed: Handed, row: Printed) -> Mail:
    event, papers = issued.event_of(row.event), issued.papers(parts, [row])
    return letters.given(
        parts.settings.site_url,
        handed.to_email,
        event,
        giver=handed.from_name,
        ticket_type=row.type,
        link=links.of_ticket(parts, handed.ticket_id, handed.serial),
        attachments=await letters.enclosed(event, papers),
    )


async def _money_back(parts: Parts, refund_id: str) -> tuple[Refund, Order]:
    async with parts.database.acting_as_system() as tx:
        refund = await tx.maybe_one(sql.get_refund, Refund, refund=UUID(refund_id))
        if refund is None:
            raise GiveUp("this refund is not there any more")
        return refund, await _order(tx, refund.order_id)


async def _order(tx: Transaction, order: UUID | str) -> Order:
    found = await tx.maybe_one(sql.get_told, Order, order=UUID(str(order)))
    if found is None:
        raise GiveUp("this order is not there any more")
    return found


async def _printed(tx: Transaction, tickets: Sequence[UUID]) -> list[Printed]:
    return await tx.many(sql.print_tickets, Printed, tickets=list(tickets))


def _told(parts: Parts, order: Order) -> letters.Told:
    return letters.Told(
        to=order.to,
        event=issued.event_of(order.event),
        order=order.order,
        link=links.of_order(parts, order.id, order.link_serial),
        currency=order.currency,
        total=order.total,
        items=[(name, count) for name, count in order.items],
    )


def _way(refund: Refund, order: Order) -> letters.Way:
    """Money goes back the way it came; by hand where no provider took it."""
    if refund.by_card:
        return "card"
    return "door" if order.method == "door" else "transfer"


async def _send(parts: Parts, mail: Mail) -> None:
    """Returns when it is out of our hands. A letter that no server will ever take is not tried again."""
    mailer: Mailer = parts.other["mailer"]
    try:
        await mailer.send(mail)
    except MailRefused as refused:
        raise GiveUp(str(refused)) from None


HANDLERS: dict[str, Any] = {
    "mail tickets": mail_tickets,
    "mail transfer": mail_transfer,
    "mail refund": mail_refund,
    "mail cancellation": mail_cancellation,
    "mail transfer instructions": mail_transfer_instructions,
}
"""Jobs by kind: `async def handler(parts: Parts, job: Job) -> None`."""
TIMETABLE: list[Any] = []
