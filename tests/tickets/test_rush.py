"""A rush on two nodes: never more than there are, an answer for every buyer, and what happens without the guards."""

import asyncio
import os
import random
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest
from cast import Person, Site
from lifespan import living
from selling import Sale, on_sale

from vently.app import create
from vently.database.embedded import Server
from vently.database.pool import Database

POOL, BUYERS, AT_ONCE = 1000, 5000, 64
KEYS = int(os.environ.get("VENTLY_KEYS", "2000"))
LIMIT = "ticket_stocks_never_oversold"

Answer = tuple[int, Any]


@pytest.fixture
async def nodes(site: Site) -> AsyncIterator[list[httpx.AsyncClient]]:
    """The site, and another node on the same database."""
    async with AsyncExitStack() as stack:
        other = create(site.settings)
        await stack.enter_async_context(living(other))
        transport = httpx.ASGITransport(other, raise_app_exceptions=False)
        yield [
            site.client,
            await stack.enter_async_context(httpx.AsyncClient(transport=transport, base_url="http://vently.test")),
        ]


@pytest.fixture
async def rush(db: Database, alice: Person) -> Sale:
    """Three types over one pool, each with room for more than half of it."""
    types = {"free": (0, 600), "seat": (2500, 600), "box": (9900, 600)}
    return await on_sale(db, alice, await alice.creates("A rush"), types, pool=("the hall", POOL))


async def test_five_thousand_buyers_get_a_thousand_tickets(rush: Sale, nodes: list[httpx.AsyncClient]) -> None:
    answers = await buy(nodes, carts(rush, BUYERS))
    assert set(Counter(status for status, _ in answers)) <= {201, 409, 503}
    sold = [order for status, order in answers if status == 201]
    assert all(order["tickets"] for order in sold)
    ids = [ticket["id"] for order in sold for ticket in order["tickets"]]
    assert len(ids) == len(set(ids)) == POOL
    hall = await rush.stock("the hall")
    assert hall.held + hall.sold == POOL
    assert await rush.tickets() == {"held": hall.held, "valid": hall.sold}
    for name in rush.types:
        stock = await rush.stock(name)
        asked = [ticket for order in sold for ticket in order["tickets"] if ticket["ticket_type"] == rush.types[name]]
        assert stock.held + stock.sold == len(asked) <= 600
    refused = [order for status, order in answers if status == 409]
    assert all(problem["type"] == "/problems/sold-out" for problem in refused)


@pytest.mark.parametrize("constraint", [True, False], ids=["with the constraint", "without it"])
async def test_without_its_turn_at_the_till(
    constraint: bool, alice: Person, db: Database, nodes: list[httpx.AsyncClient], server: Server, database_name: str
) -> None:
    """The negative control: nodes that do not take turns are stopped by the constraint, and by nothing else."""
    owner = await asyncpg.connect(server.url("supabase_admin", database_name))
    sales = [await on_sale(db, alice, await alice.creates("A fuse"), {"free": (0, 100)}) for _ in range(20)]
    events = [UUID(sale.event["id"]) for sale in sales]
    turn: str = await owner.fetchval("select pg_get_functiondef('private.at_tills(uuid[])'::regprocedure)")
    limit: str = await owner.fetchval(f"select pg_get_constraintdef(oid) from pg_constraint where conname = '{LIMIT}'")
    said: str = await owner.fetchval(f"select obj_description(oid) from pg_constraint where conname = '{LIMIT}'")
    await owner.execute(turn.replace("for no key update", ""))
    try:
        if not constraint:
            await owner.execute(f"alter table public.ticket_stocks drop constraint {LIMIT}")
        for sale in sales:
            await buy(nodes, carts(sale, 150))
        sold = [(await sale.stock("free")).sold for sale in sales]
    finally:
        await owner.execute(turn)
        await owner.execute("delete from public.ticket_orders where event_id = any ($1)", events)
        await owner.execute("update public.ticket_stocks set held = 0, sold = 0 where event_id = any ($1)", events)
        if not constraint:
            await owner.execute(f"alter table public.ticket_stocks add constraint {LIMIT} {limit}")
            await owner.execute(f"comment on constraint {LIMIT} on public.ticket_stocks is '{said}'")
        await owner.close()
    assert max(sold) == 100 if constraint else max(sold) > 100, sold


async def test_the_same_key_buys_once_however_often_it_is_sent(
    alice: Person, db: Database, nodes: list[httpx.AsyncClient], bob: Person
) -> None:
    """On both nodes and in any order: of five alike one buys, and all are told the same."""
    sale = await on_sale(db, alice, await alice.creates("Keys"), {"free": (0, 100_000)})
    body = sale.cart(bob, free=1)
    waiting = [f"rush-{key}" for key in range(KEYS)]

    async def one_by_one() -> None:
        while waiting:
            headers = {"authorization": f"Bearer {bob.token}", "idempotency-key": waiting.pop()}
            posts = [nodes[copy % 2].post("/api/tickets/orders", json=body, headers=headers) for copy in range(5)]
            answers = await asyncio.gather(*posts)
            assert {answer.status_code for answer in answers} == {201}
            assert len({answer.text for answer in answers}) == 1
            assert sum("idempotent-replayed" not in answer.headers for answer in answers) == 1

    await asyncio.gather(*(one_by_one() for _ in range(AT_ONCE)))
    assert (await sale.stock("free")).sold == KEYS


async def test_a_key_used_for_two_events_at_once_buys_at_one(
    alice: Person, db: Database, nodes: list[httpx.AsyncClient], bob: Person
) -> None:
    sales = [await on_sale(db, alice, await alice.creates("Twins"), {"free": (0, 100)}) for _ in range(2)]
    for key in range(30):
        headers = {"authorization": f"Bearer {bob.token}", "idempotency-key": f"twins-{key}"}
        both = [
            node.post("/api/tickets/orders", json=sale.cart(bob, free=1), headers=headers)
            for node, sale in zip(nodes, sales, strict=True)
        ]
        assert sorted(answer.status_code for answer in await asyncio.gather(*both)) == [201, 422]
    assert sum([(await sale.stock("free")).sold for sale in sales]) == 30


def carts(sale: Sale, count: int) -> list[dict[str, Any]]:
    """Of one to four tickets, of one or two types."""
    chance = random.Random(5)
    made = []
    for number in range(count):
        names = chance.sample(list(sale.types), min(len(sale.types), chance.choice([1, 1, 2])))
        body = sale.cart(None, **{name: chance.randint(1, 2 if len(names) > 1 else 4) for name in names})
        body["buyer"]["email"] = f"buyer-{number}@example.org"
        made.append(body)
    return made


async def buy(nodes: list[httpx.AsyncClient], bodies: Iterable[Any]) -> list[Answer]:
    """At most AT_ONCE at a time, over all nodes."""
    waiting = list(enumerate(bodies))
    answers: list[Answer] = []

    async def one() -> None:
        while waiting:
            number, body = waiting.pop()
            answer = await nodes[number % len(nodes)].post("/api/tickets/orders", json=body)
            answers.append((answer.status_code, answer.json()))

    await asyncio.gather(*(one() for _ in range(AT_ONCE)))
    return answers
