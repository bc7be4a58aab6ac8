"""The books: whether stock, tickets, orders, payments and the ledger say the same."""

from uuid import UUID

import msgspec

from vently.database.pool import Transaction
from vently.database.queries import load

sql = load(__package__)


class Difference(msgspec.Struct):
    """`kind`: stock, discount, order, ledger, payment or stuck; `detail` is a sentence for the operator."""

    kind: str
    event_id: UUID
    order_id: UUID | None
    detail: str


async def differences(tx: Transaction, most: int = 100) -> list[Difference]:
    """As the system. None: all is well."""
    return await tx.many(sql.till_differences, Difference, most=most)
