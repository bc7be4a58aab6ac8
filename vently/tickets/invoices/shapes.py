"""What invoices look like in requests and answers."""

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

import msgspec

from vently.tickets.till.shapes import Money
from vently.web.words import line

_Key = Annotated[str, line(100, shortest=0)]


class OrderKey(msgspec.Struct):
    """The key of an order's signed link, for who has no account."""

    key: _Key | None = None


class InvoiceKey(msgspec.Struct):
    """An order with the key of its signed link, for who has no account."""

    order: UUID | None = None
    key: _Key | None = None


class Invoice(msgspec.Struct):
    """An invoice or a credit note; `tax` is contained in `total`, and both are negative on a credit note."""

    id: UUID
    kind: Literal["invoice", "credit_note"]
    number: str
    corrects: str | None
    total: Money
    tax: Money
    issued_at: datetime
    pdf_url: str


class Invoices(msgspec.Struct):
    """All papers of an order, the first one first."""

    items: list[Invoice]
    next: str | None
