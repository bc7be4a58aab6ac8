"""Paying in tests: orders that wait for money, what buyers do at a provider, and what the database says then."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg
import httpx
from cast import Person, Site
from selling import Sale

from vently.database.pool import Database
from vently.database.queries import parse
from vently.tickets.payments import reconciling

sql = parse("""
-- name: order_of
select o.status, o.method, o.paid, o.total,
       (select count(*)::int from public.tickets t where t.order_id = o.id and t.status = 'valid') as valid,
       (select count(*)::int from public.invoices i where i.order_id = o.id) as invoices,
       (select count(*)::int from private.outbox b
         where b.topic = 'person:' || o.buyer_id and b.kind = 'order.paid' and b.payload ->> 'id' = o.id::text) as told,
       (select count(*)::int from private.jobs j
         where j.kind = 'mail tickets' and j.payload ->> 'order_id' = o.id::text) as mails
  from public.ticket_orders o where o.id = :order;
-- name: attempts_of
select a.id, a.provider, a.status, a.reference, a.payment, a.note, a.account from public.payment_attempts a
 where a.order_id = :order order by a.created_at, a.id;
-- name: refunds_of
select r.cause, r.amount::int, r.currency, r.attempt_id as attempt
  from public.refunds r where r.order_id = :order order by r.id;
-- name: ledger_of
select l.debit, l.credit, l.amount::int, l.cause from public.ledger_transfers l where l.order_id = :order order by l.id;
-- name: differences_of
select kind || ': ' || detail as text from private.till_differences() where event_id = :event;
-- name: age_attempt
update public.payment_attempts set begun_at = begun_at - make_interval(secs => :seconds),
       checked_at = checked_at - make_interval(secs => :seconds)
 where id = :attempt;
""")


@dataclass(frozen=True)
class Kept:
    """An order as the database has it."""

    status: str
    method: str
    paid: int
    total: int
    valid: int
    invoices: int
    told: int
    mails: int


@dataclass(frozen=True)
class Attempt:
    id: UUID
    provider: str
    status: str
    reference: str | None
    payment: str | None
    note: str | None
    account: str | None


@dataclass(frozen=True)
class Refund:
    cause: str
    amount: int
    currency: str
    attempt: UUID


@dataclass(frozen=True)
class Transfer:
    debit: str
    credit: str
    amount: int
    cause: str


@dataclass(frozen=True)
class Said:
    text: str


@dataclass
class Books:
    """What became of one order; `order` as it was answered when it was placed."""

    db: Database
    order: Any

    @property
    def id(self) -> UUID:
        return UUID(self.order["id"])

    async def now(self) -> Kept:
        async with self.db.acting_as_system() as tx:
            return await tx.one(sql.order_of, Kept, order=self.id)

    async def attempts(self) -> list[Attempt]:
        async with self.db.acting_as_system() as tx:
            return await tx.many(sql.attempts_of, Attempt, order=self.id)

    async def attempt(self) -> Attempt:
        """The latest."""
        return (await self.attempts())[-1]

    async def refunds(self) -> list[Refund]:
        async with self.db.acting_as_system() as tx:
            return await tx.many(sql.refunds_of, Refund, order=self.id)

    async def ledger(self) -> list[tuple[str, str, int, str]]:
        async with self.db.acting_as_system() as tx:
            return [
                (t.debit, t.credit, t.amount, t.cause) for t in await tx.many(sql.ledger_of, Transfer, order=self.id)
            ]

    async def ages(self, seconds: float) -> None:
        """Time passes for its latest attempt."""
        async with self.db.acting_as_system() as tx:
            await tx.execute(sql.age_attempt, attempt=(await self.attempt()).id, seconds=seconds)


async def orders(sale: Sale, person: Person, /, **items: int) -> Books:
    """An order that waits for money, with its `link`."""
    answer = await sale.sells(person, **items)
    assert answer.status_code == 201, answer.text
    order = answer.json()
    assert order["status"] == "pending"
    return Books(sale.db, order)


def key_of(order: Any) -> str:
    """Of a guest's link."""
    return str(httpx.URL(order["link"]).params["key"])


async def pretends(site: Site, books: Books, outcome: str) -> httpx.Response:
    """As a program does: no cookies, no token."""
    return await site.client.post(
        f"/pretend/checkout/{(await books.attempt()).id}", data={"outcome": outcome}, headers={"accept": "text/html"}
    )


async def runs_out(site: Site, books: Books) -> None:
    """The time to pay is over; nobody has noticed yet."""
    connection = await asyncpg.connect(site.settings.platform_url)
    try:
        await connection.execute(
            "update public.ticket_orders set expires_at = now() - interval '1 second' where id = $1", books.id
        )
    finally:
        await connection.close()


async def lapses(site: Site, books: Books) -> None:
    """The time to pay is over, and what was held is on sale again."""
    await runs_out(site, books)
    await reconciling.lapse_holds(site.app.parts)
    assert (await books.now()).status == "expired"


async def differences(sale: Sale) -> list[str]:
    """Where the books of this event are not right."""
    async with sale.db.acting_as_system() as tx:
        return [one.text for one in await tx.many(sql.differences_of, Said, event=UUID(sale.event["id"]))]
