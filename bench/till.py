"""The till at work: one hot event, fifty, and after a million tickets; beside it a row per buyer, and its own SQL."""

import statistics
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from bench import load, reference
from bench.load import UNIQUE, Call, Load
from vently.database.queries import parse
from vently.tickets.issued.codes import Codes
from vently.web import signing

sql = parse((Path(__file__).parent / "till.sql").read_text())

EVENTS = 50
BUYERS = 64
BATCH = 40
"""Carts in a batch as they come with 64 buyers: some wait for their answer while the others write."""

ONE_ROW_EACH = """begin;
update bench.stock set sold = sold + 1 where id = 1 and sold < quantity;
with made as (insert into bench.orders (id, email) values (gen_random_uuid(), 'buyer@example.org') returning id)
insert into bench.tickets (order_id) select id from made;
commit;
"""

BATCHED = """select count(*) from private.sell((
  select jsonb_agg(jsonb_build_object('place', n, 'id', gen_random_uuid(), 'attempt', gen_random_uuid(),
    'name', 'Buyer', 'email', 'buyer@example.org', 'event', 'gig-1',
    'scope', 'bench', 'key', gen_random_uuid(), 'fingerprint', 'bench',
    'items', jsonb_build_array(jsonb_build_object('ticket_type', 'TYPE', 'quantity', 1))))
    from generate_series(0, %d) n), 'pretend', 0);
"""


DOOR = 16
"""Scanners at once."""


class Sales(msgspec.Struct, frozen=True):
    """What came of it; rates are orders of one ticket a second."""

    hot: Load
    fifty: Load
    after_a_million: Load
    one_row_each: float
    batched: float
    scans: Load


async def sales(
    address: str, superuser_url: str, *, data: Path, token: str, seconds: int, turns: int, scratch: Path
) -> Sales:
    """Each in turns; the middle one is kept. `token`: of person 1."""
    connection = await asyncpg.connect(superuser_url)
    try:
        await connection.execute(sql.make_reference.text)
        await connection.execute(sql.open_tills.text, EVENTS + 1)
        types = {row["slug"]: str(row["ticket_type"]) for row in await connection.fetch(sql.list_types.text)}
        # As autovacuum does within a minute: plans that were made when all was empty do not hold for what comes.
        _buy(address, list(types.items()), 1, scratch)
        await connection.execute(
            "vacuum analyze public.tickets, public.ticket_orders, private.idempotency_keys, private.jobs"
        )
        runs = [_turn(address, superuser_url, types, seconds, scratch) for _ in range(turns)]
        last = f"gig-{EVENTS + 1}"
        early = _buy(address, [(last, types[last])], seconds, scratch)
        await connection.execute(sql.sell_a_million.text, last, timeout=600)
        await connection.execute("vacuum analyze public.tickets, public.ticket_orders")
        late = _buy(address, [(last, types[last])], seconds, scratch)
        await connection.execute(sql.give_event.text, last)
        tickets = [row["id"] for row in await connection.fetch(sql.list_tickets.text, last)]
        scans = _scan(address, tickets, data, token, seconds, scratch)
    finally:
        await connection.close()
    hot = _middle([run["hot"] for run in runs])
    share = late.per_second / early.per_second
    return Sales(
        hot,
        _middle([run["fifty"] for run in runs]),
        msgspec.structs.replace(late, per_second=share),
        statistics.median(run["one_row_each"] for run in runs),
        statistics.median(run["batched"] for run in runs),
        scans,
    )


def _turn(address: str, url: str, types: dict[str, str], seconds: int, scratch: Path) -> dict[str, Any]:
    fifty = [(slug, kind) for slug, kind in types.items() if slug != f"gig-{EVENTS + 1}"]
    batched = BATCHED.replace("TYPE", types["gig-1"]) % (BATCH - 1)
    return {
        "hot": _buy(address, [("gig-1", types["gig-1"])], seconds, scratch),
        "one_row_each": reference.run(url, ONE_ROW_EACH, clients=BUYERS, seconds=seconds, scratch=scratch),
        "fifty": _buy(address, fifty, seconds, scratch),
        "batched": BATCH * reference.run(url, batched, clients=2, seconds=seconds, scratch=scratch),
    }


def _scan(address: str, tickets: list[UUID], data: Path, token: str, seconds: int, scratch: Path) -> Load:
    codes = Codes(signing.load("", data).key("ticket codes"))
    calls = [
        Call(
            "/api/tickets/checkins",
            "POST",
            token,
            load.body(code=codes.issue(ticket, 1), scan_id=UNIQUE, device="gate"),
        )
        for ticket in tickets
    ]
    return load.run(address, calls, connections=DOOR, seconds=seconds, scratch=scratch)


def _buy(address: str, types: list[tuple[str, str]], seconds: int, scratch: Path) -> Load:
    calls = [
        Call(
            "/api/tickets/orders",
            "POST",
            body=load.body(
                event=slug,
                items=[{"ticket_type": kind, "quantity": 1}],
                buyer={"name": "Buyer", "email": f"buyer-{UNIQUE}@example.org"},
            ),
            key=UNIQUE,
        )
        for slug, kind in types
    ]
    done = load.run(address, calls, connections=BUYERS, seconds=seconds, scratch=scratch)
    if done.failed:
        raise SystemExit(f"buying: {done.failed} requests failed; see bench.log in the world's folder")
    return done


def _middle(runs: list[Load]) -> Load:
    return sorted(runs, key=lambda run: run.per_second)[len(runs) // 2]
