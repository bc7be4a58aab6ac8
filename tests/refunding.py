"""Paid orders, what providers were asked to give back, and whether the books are right."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg
import httpx
from cast import Person, Site
from fake_stripe import FakeStripe
from selling import Sale

from vently.outside.payments import Checkout, Line
from vently.outside.payments.stripe import Stripe
from vently.tickets.refunds import sending


@dataclass
class Till:
    """The provider's side, and the database as its superuser."""

    site: Site
    owner: asyncpg.Connection
    fake: FakeStripe | None = None

    async def buys(self, sale: Sale, person: Person, /, **items: int) -> Any:
        """An order, paid for by card."""
        answer = await sale.sells(person, **items)
        assert answer.status_code == 201, answer.text
        order = answer.json()
        if order["status"] == "pending":
            await self.pays(order)
        return order

    async def pays(self, order: Any, account: str | None = None) -> str:
        """The provider's name for the money that came; with an account, its organiser's."""
        attempt = await self.owner.fetchrow(
            "select id, amount, currency, created_at, provider from public.payment_attempts"
            " where order_id = $1 and status = 'open'",
            UUID(order["id"]),
        )
        payments = self.site.app.parts.other["payments"]
        if self.fake is None:
            await payments.decide(attempt["id"], "paid", amount=attempt["amount"], currency=attempt["currency"])
            payment = f"pretend_payment_{attempt['id']}"
        else:
            payment = await self._pays_at_stripe(payments, order, attempt, account)
        await self.owner.execute(
            "select private.settle_payment($1, $2, $3, $4, $5)",
            attempt["id"],
            payment,
            attempt["amount"],
            attempt["currency"],
            attempt["provider"],
        )
        return payment

    async def _pays_at_stripe(self, payments: Any, order: Any, attempt: Any, account: str | None) -> str:
        assert self.fake is not None
        await self.owner.execute(
            "update public.payment_attempts set account = $2 where id = $1", attempt["id"], account
        )
        started = await payments.start(
            Checkout(
                attempt=attempt["id"],
                order=UUID(order["id"]),
                opened_at=datetime.now(UTC),
                amount=attempt["amount"],
                currency=attempt["currency"],
                title="A gig",
                lines=[Line("A seat", 1, attempt["amount"])],
                email="bob@example.org",
                success_url="http://vently.test/",
                cancel_url="http://vently.test/",
                account=account,
                platform_fee=attempt["amount"] // 20 if account else 0,
            )
        )
        await self.fake.pay(started.reference)
        standing = await payments.look_up(started.reference)
        assert standing.payment
        return str(standing.payment)

    async def sends(self, workers: int = 1) -> None:
        """The job, as if all that waits had waited long enough: each worker thinks that the others are gone."""
        async with asyncio.TaskGroup() as group:
            for _ in range(workers):
                await self.owner.execute("update public.refunds set checked_at = checked_at - interval '2 hours'")
                group.create_task(sending.send_due(self.site.app.parts))
                await asyncio.sleep(0.05 if workers > 1 else 0)

    async def order(self, order: Any) -> asyncpg.Record:
        return await self.owner.fetchrow("select * from public.ticket_orders where id = $1", UUID(order["id"]))

    async def refunds(self, order: Any) -> list[asyncpg.Record]:
        found: list[asyncpg.Record] = await self.owner.fetch(
            "select * from public.refunds where order_id = $1 order by id", UUID(order["id"])
        )
        return found

    async def accounts(self, order: Any) -> dict[str, int]:
        """What the ledger has of an order, by account: what went in less what went out. Those at zero are left out."""
        rows = await self.owner.fetch(
            "select moved.account, sum(moved.amount)::bigint as amount from public.ledger_transfers l,"
            " lateral (values (l.credit, l.amount), (l.debit, -l.amount)) moved (account, amount)"
            " where l.order_id = $1 group by moved.account having sum(moved.amount) <> 0",
            UUID(order["id"]),
        )
        return {row["account"]: row["amount"] for row in rows}

    async def check(self, sale: Sale) -> None:
        """The books of an event: order by order, ticket by ticket, place by place."""
        event = UUID(sale.event["id"])
        wrong = await self.owner.fetch(BOOKS, event)
        assert [dict(row) for row in wrong] == []
        different = await self.owner.fetch("select * from private.till_differences() where event_id = $1", event)
        assert [dict(row) for row in different] == []

    def given_back(self, payment: str) -> int:
        """What Stripe gave back of a payment, in its units."""
        assert self.fake is not None
        return sum(one["amount"] for one in self.fake.refunds() if one["payment_intent"] == payment)


BOOKS = """
select 'refunded is not the sum of what was refunded' as wrong, o.id from public.ticket_orders o
 where o.event_id = $1
   and o.refunded <> coalesce((select sum(r.amount) from public.refunds r where r.order_id = o.id
                                and r.cause in ('organizer', 'buyer', 'event_cancelled')), 0)
union all
select 'refunded more than was paid', o.id from public.ticket_orders o where o.event_id = $1 and o.refunded > o.paid
union all
select 'places sold are not valid tickets', s.id from public.ticket_stocks s
 where s.event_id = $1
   and s.sold <> (select count(*) from public.tickets t join public.ticket_types y on y.id = t.ticket_type_id
                   where t.status = 'valid' and s.id in (y.stock_id, y.pool_id))
union all
select 'the seller keeps what is not what is left', o.id from public.ticket_orders o
 where o.event_id = $1 and o.paid > 0
   and not exists (select from public.disputes d where d.order_id = o.id and d.status = 'lost')
   and o.paid - o.refunded <> (select coalesce(sum(moved.amount), 0)
         from public.ledger_transfers l,
              lateral (values (l.credit, l.amount), (l.debit, -l.amount)) moved (account, amount)
        where l.order_id = o.id and moved.account in ('seller', 'platform', 'tax'))
union all
select 'the provider sent what was not noted', r.id
  from public.refunds r join public.ticket_orders o on o.id = r.order_id
 where o.event_id = $1
   and (r.status = 'succeeded') <> exists (
         select from public.ledger_transfers l where l.cause_id = r.id and l.cause = 'return' and l.debit = 'buyer'
            and not exists (select from public.ledger_transfers b where b.cause_id = r.id and b.cause = 'return'
                             and b.credit = 'buyer' and b.debit = l.credit))
   and r.note is distinct from 'Taken by the buyer''s bank: they won a dispute.'
union all
select 'an order is over and has tickets that were paid for', o.id from public.ticket_orders o
  join public.tickets t on t.order_id = o.id
 where o.event_id = $1 and o.status in ('refunded', 'cancelled', 'expired') and t.status = 'valid' and t.paid > 0
union all
select 'more tax or fee went back than was taken', o.id from public.ticket_orders o
  join public.ledger_transfers l on l.order_id = o.id and l.cause = 'refund'
 where o.event_id = $1
 group by o.id, o.tax, o.platform_fee, o.refunded, o.paid
having coalesce(sum(l.amount) filter (where l.debit = 'tax'), 0) > o.tax
    or coalesce(sum(l.amount) filter (where l.debit = 'platform'), 0) > o.platform_fee
    or o.refunded = o.paid and (coalesce(sum(l.amount) filter (where l.debit = 'tax'), 0) <> o.tax
         or coalesce(sum(l.amount) filter (where l.debit = 'platform'), 0) <> o.platform_fee)
"""


@asynccontextmanager
async def opened(site: Site) -> AsyncIterator[Till]:
    """Payments are pretended."""
    owner = await asyncpg.connect(site.settings.platform_url)
    try:
        yield Till(site, owner)
    finally:
        await owner.close()


@asynccontextmanager
async def at_stripe(site: Site) -> AsyncIterator[Till]:
    """Stripe takes the cards, over the fake and the real SDK."""
    other = site.app.parts.other
    pretend, till = other["payments"], other["till"]
    async with opened(site) as opened_till, FakeStripe.running() as fake:
        opened_till.fake = fake
        other["payments"] = stripe = Stripe(fake.key, fake.secret, api_base=fake.address)
        till._provider = "stripe"
        try:
            yield opened_till
        finally:
            other["payments"] = pretend
            till._provider = "pretend"
            await stripe.aclose()
            # Nobody knows of this Stripe any more.
            await opened_till.owner.execute(
                "update public.payment_attempts set provider = 'gone' where provider = 'stripe'"
            )


async def refund(person: Person, order: Any, **body: Any) -> httpx.Response:
    return await person.post(f"/api/tickets/orders/{order['id']}/refunds", body)
