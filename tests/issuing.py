"""Issued tickets as tests hold them: their links and codes, the database under them, and the letters that are due."""

import asyncio
import io
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pypdf
from cast import Person, Site
from selling import Sale

from vently.jobs.job import Job
from vently.outside.mail import Mail
from vently.tickets import jobs
from vently.tickets.issued.codes import Seat
from vently.tickets.till import links


@dataclass
class Pretender:
    """A mailer that keeps what it is given; `trouble` is raised instead."""

    letters: list[Mail] = field(default_factory=list)
    trouble: Exception | None = None

    async def send(self, mail: Mail) -> None:
        await asyncio.sleep(0)
        if self.trouble:
            raise self.trouble
        self.letters.append(mail)


@dataclass
class Box:
    """A ticket box: the site, its database as the superuser has it, and a mailer of its own."""

    site: Site
    owner: Any
    mailer: Pretender = field(default_factory=Pretender)

    async def sells(self, sale: Sale, person: Person, /, **items: int) -> Any:
        answer = await sale.sells(person, **items)
        assert answer.status_code == 201, answer.text
        return answer.json()

    async def settles(self, order: Any) -> None:
        """As paying does, with its invoice."""
        async with self.owner.transaction():
            await self.owner.execute(
                "update ticket_orders set status = 'paid', paid = total, paid_at = now(), expires_at = null"
                " where id = $1",
                UUID(order["id"]),
            )
            await self.owner.execute("update tickets set status = 'valid' where order_id = $1", UUID(order["id"]))
            await self.owner.execute("select private.issue_invoice($1)", UUID(order["id"]))

    async def refunds(
        self, order: Any, amount: int, tickets: list[str] | None = None, cause: str = "organizer"
    ) -> UUID:
        """Written down, with its credit note."""
        refund: UUID = await self.owner.fetchval(
            "insert into refunds (id, order_id, amount, currency, tickets, cause, reason, status)"
            " select private.uuid_v7(), id, $2, currency, $3, $4, 'Rain', 'by_hand' from ticket_orders where id = $1"
            " returning id",
            UUID(order["id"]), amount, [UUID(one) for one in tickets or []], cause,
        )  # fmt: skip
        await self.owner.execute("select private.issue_credit_note($1)", refund)
        return refund

    async def admits(self, ticket: Any) -> None:
        await self.owner.execute(
            "insert into ticket_scans (event_id, scan_id, ticket_id, serial, result, scanned_at)"
            " select event_id, $2, id, serial, 'admitted', now() from tickets where id = $1",
            UUID(ticket["id"]),
            str(uuid4()),
        )

    def key(self, ticket: Any, serial: int = 1) -> str:
        """Of the ticket's link."""
        return links.of_ticket(self.site.app.parts, UUID(ticket["id"]), serial).partition("key=")[2]

    def reads(self, code: str) -> Seat | None:
        seat: Seat | None = self.site.app.parts.other["codes"].read(code)
        return seat

    async def mails(self, kind: str, **named: str) -> list[Mail]:
        """Does the jobs of this kind that name these ids; the letters they wrote."""
        rows = await self.owner.fetch(
            "select id, payload::text from private.jobs where kind = $1 and payload @> $2::text::jsonb order by id",
            kind,
            json.dumps(named),
        )
        assert rows, f"nobody asked for {kind}"
        before = len(self.mailer.letters)
        for row in rows:
            await self.does(kind, json.loads(row["payload"]))
        return self.mailer.letters[before:]

    async def does(self, kind: str, payload: dict[str, Any]) -> None:
        parts = self.site.app.parts
        job = Job(uuid4(), kind, payload, 1, datetime.now(UTC), None, uuid4(), parts.database)
        kept, parts.other["mailer"] = parts.other["mailer"], self.mailer
        try:
            await jobs.HANDLERS[kind](parts, job)
        finally:
            parts.other["mailer"] = kept


@asynccontextmanager
async def opened(site: Site) -> AsyncIterator[Box]:
    connection = await asyncpg.connect(site.settings.platform_url)
    try:
        yield Box(site, connection)
    finally:
        await connection.close()


def pages(pdf: bytes) -> list[str]:
    """What a reader copies from each page, every kind of blank as one."""
    return [" ".join(page.extract_text().split()) for page in pypdf.PdfReader(io.BytesIO(pdf)).pages]
