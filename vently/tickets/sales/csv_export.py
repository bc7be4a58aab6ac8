"""Attendees as CSV for a spreadsheet, which must not take anything that people typed for a formula."""

import csv
import io
from collections.abc import Sequence
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from vently.database.pool import Transaction
from vently.refusals import TooLarge
from vently.tickets.sales import desk as desks
from vently.tickets.sales.desk import Desk, Question
from vently.tickets.sales.shapes import Attendee, AttendeeChoice
from vently.web import money

MOST_ROWS = 100_000
PAGE = 500
"""Rows of one statement, and written before others have their turn."""
MARK = "\ufeff"
"""What tells Excel that a file is UTF-8."""
HEADINGS = (
    "Ticket", "Type", "Status", "Name", "E-mail", "Paid", "Currency", "Admitted",
    "Order", "Ordered", "Payment", "Buyer", "Buyer's e-mail",
)  # fmt: skip
_FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # noqa: RUF001 - spreadsheets take these too


class TooManyRows(TooLarge):
    """There are more than 100,000 attendees: export one ticket type at a time."""

    type = "too-many-rows"


async def attendees(tx: Transaction, desk: Desk, choice: AttendeeChoice) -> bytes:
    """All of them in one snapshot's order, with a column for each question. Raises TooManyRows."""
    asked = await desks.questions(tx, desk)
    zone = ZoneInfo(desk.timezone)
    written = io.StringIO(MARK)
    written.seek(0, io.SEEK_END)
    sheet = csv.writer(written)
    sheet.writerow([*HEADINGS, *(safe(question.label) for question in asked)])
    after: Any = None
    rows = 0
    while True:
        page = await desks.attendees(tx, desk, choice, after, PAGE)
        people = msgspec.json.decode(page.items, type=list[Attendee])
        rows += len(people)
        if rows > MOST_ROWS:
            raise TooManyRows
        sheet.writerows(_row(one, asked, zone) for one in people)
        if not page.more:
            return written.getvalue().encode()
        after = (page.last_key, page.last_id)


def safe(text: str | None) -> str:
    """With an apostrophe before what a spreadsheet would reckon (OWASP, CSV injection)."""
    return f"'{text}" if text and text.lstrip(" ").startswith(_FORMULAS) else text or ""


def _row(one: Attendee, asked: Sequence[Question], zone: ZoneInfo) -> list[str]:
    order = one.order
    return [
        str(one.id),
        safe(one.ticket_type.name),
        one.status,
        safe(one.name),
        safe(one.email),
        str(money.plain(one.paid.amount, one.paid.currency)),
        one.paid.currency,
        one.admitted_at.astimezone(zone).isoformat(" ", "seconds") if one.admitted_at else "",
        str(order.id),
        order.created_at.astimezone(zone).isoformat(" ", "seconds"),
        order.method,
        safe(order.buyer.name),
        safe(order.buyer.email),
        *(safe(one.answers.get(str(question.id))) for question in asked),
    ]
