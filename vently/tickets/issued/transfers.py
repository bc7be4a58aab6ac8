"""Handing a ticket on: the code before it dies at once, and the taker gets one of their own by mail."""

from uuid import UUID

from vently.database.pool import Transaction
from vently.tickets.issued.issued import sql
from vently.tickets.issued.shapes import NewTransfer, Ticket, Transfer
from vently.tickets.till.shapes import AttendeeName


async def hand_on(tx: Transaction, ticket: UUID, new: NewTransfer) -> None:
    """Raises Conflict when it was handed on already, used, or may not be; Invalid for oneself; NotFound."""
    await tx.execute(sql.hand_on, ticket=ticket, email=new.email, name=new.name)


def told(before: Ticket, new: NewTransfer) -> Transfer:
    """What the giver is answered: they may not see the ticket any more."""
    return Transfer(before.id, before.event, before.ticket_type, AttendeeName(new.name, new.email))
