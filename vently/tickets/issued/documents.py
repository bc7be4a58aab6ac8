"""Tickets and invoices on paper: what they say, and as PDF."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from itertools import groupby
from typing import Any, Literal

from babel.numbers import format_percent
from msgspec import Struct

from vently.tickets.issued import press, qr
from vently.tickets.issued.events import TicketedEvent
from vently.web import dates, money, visible


class PrintedTicket(Struct, frozen=True, kw_only=True):
    """`type` and `holder` by name; `order` is what the buyer calls it by; `paid` is None where no price shows."""

    code: str
    event: TicketedEvent
    type: str
    holder: str = ""
    order: str
    paid: int | None = None
    currency: str = ""


class Party(Struct, frozen=True, kw_only=True):
    """Who sells or buys, as invoices name them. The address has a line for each of its lines."""

    name: str
    address: str = ""
    email: str = ""
    tax_id: str = ""


class InvoiceLine(Struct, frozen=True, kw_only=True):
    """Amounts in minor units; `unit` is one of them with its tax, `tax_rate` in basis points. gross = net + tax."""

    text: str
    quantity: int
    unit: int
    net: int
    tax_rate: int
    tax: int
    gross: int


class PrintedInvoice(Struct, frozen=True, kw_only=True):
    """`corrects`: number and day of the invoice that a credit note is about; `supplied_on`: the day of the event."""

    kind: Literal["invoice", "credit_note"] = "invoice"
    number: str
    issued_on: date
    supplied_on: date | None = None
    order: str = ""
    corrects: tuple[str, date] | None = None
    seller: Party
    buyer: Party
    currency: str
    lines: list[InvoiceLine]
    notes: list[str] = []


async def tickets_pdf(tickets: Sequence[PrintedTicket]) -> bytes:
    """One page (A5) for each. They may be of several events."""
    if not tickets:
        raise ValueError("a PDF needs at least one ticket")
    return await press.pdf("ticket.typ", lambda: _tickets(tickets))


async def invoice_pdf(invoice: PrintedInvoice) -> bytes:
    """A4, as many pages as its lines need; the same invoice always gives the same bytes."""
    made_at = datetime.combine(invoice.issued_on, datetime.min.time(), UTC)
    return await press.pdf("invoice.typ", lambda: _invoice(invoice), made_at)


def _tickets(tickets: Sequence[PrintedTicket]) -> dict[str, Any]:
    shown = [_ticket(ticket, number, len(tickets)) for number, ticket in enumerate(tickets, 1)]
    return {"title": f"Tickets for {visible.line(tickets[0].event.title)}", "tickets": shown}


def _ticket(ticket: PrintedTicket, number: int, count: int) -> dict[str, str]:
    event = ticket.event
    half = (len(ticket.code) + 1) // 2
    return {
        "event": visible.line(event.title),
        "when": dates.when(event),
        "where": visible.line(event.where),
        "type": visible.line(ticket.type),
        "holder": visible.line(ticket.holder),
        "order": visible.line(ticket.order),
        "organizer": visible.line(event.organizer),
        "price": "" if ticket.paid is None else money.formatted(ticket.paid, ticket.currency),
        "count": f"{number} of {count}",
        "code": f"{ticket.code[:half]}\n{ticket.code[half:]}",
        "qr": qr.svg(ticket.code),
    }


def _invoice(invoice: PrintedInvoice) -> dict[str, Any]:
    name = "Invoice" if invoice.kind == "invoice" else "Credit note"
    return {
        "title": f"{name} {visible.line(invoice.number)}",
        "seller": _party(invoice.seller),
        "buyer": _party(invoice.buyer),
        "facts": _facts(invoice),
        "lines": [_cells(line, invoice.currency) for line in invoice.lines],
        "totals": _totals(invoice),
        "total": ("Total", _told(sum(line.gross for line in invoice.lines), invoice)),
        "notes": [visible.line(note) for note in invoice.notes],
    }


def _party(who: Party) -> dict[str, Any]:
    tax_id = f"Tax ID {visible.line(who.tax_id)}" if who.tax_id else ""
    rows = [*visible.lines(who.address), visible.line(who.email), tax_id]
    return {"name": visible.line(who.name), "rows": [row for row in rows if row]}


def _facts(invoice: PrintedInvoice) -> list[tuple[str, str]]:
    facts = [("Issued", _day(invoice.issued_on))]
    if invoice.corrects:
        number, day = invoice.corrects
        facts.append(("Corrects", f"Invoice {visible.line(number)} of {_day(day)}"))
    if invoice.supplied_on:
        facts.append(("Date of the event", _day(invoice.supplied_on)))
    if invoice.order:
        facts.append(("Order", visible.line(invoice.order)))
    return facts


def _cells(line: InvoiceLine, currency: str) -> list[str]:
    net, tax, gross = (money.formatted(amount, currency) for amount in (line.net, line.tax, line.gross))
    unit = money.formatted(line.unit, currency)
    return [visible.line(line.text), str(line.quantity), unit, net, _percent(line.tax_rate), tax, gross]


def _totals(invoice: PrintedInvoice) -> list[tuple[str, str]]:
    """Net and tax of every rate."""
    ordered = sorted(invoice.lines, key=lambda line: line.tax_rate)
    totals = []
    for rate, group in groupby(ordered, key=lambda line: line.tax_rate):
        same = list(group)
        totals.append((f"Net at {_percent(rate)}", _told(sum(line.net for line in same), invoice)))
        totals.append((f"Tax at {_percent(rate)}", _told(sum(line.tax for line in same), invoice)))
    return totals


def _told(amount: int, invoice: PrintedInvoice) -> str:
    return money.formatted(amount, invoice.currency)


def _percent(basis_points: int) -> str:
    return str(format_percent(basis_points / 10_000, "#,##0.##\u00a0%", locale=dates.LOCALE))


def _day(day: date) -> str:
    """With the year, always: paper is kept."""
    return f"{day.day} {day:%B %Y}"
