"""Nodes, worker and Postgres are killed in the middle of a rush: what was acknowledged is there, and all adds up."""

import asyncio
import os
import random
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest
from scratch import PACKAGED
from terminal import Terminal, eventually

from vently.app import ROOMS
from vently.database.migrate import migrate

KILLS, BUYERS, POOL = 20, 24, 200
SETTLED_WITHIN = 60


@dataclass
class Postgres:
    """Comes up again after it was killed. (No fsync: a process that dies takes nothing along that the system has.)"""

    folder: Path
    port: int
    account: str | None

    def url(self, user: str) -> str:
        return f"postgresql://{user}:unused@127.0.0.1:{self.port}/vently?sslmode=disable"

    def starts(self) -> None:
        options = {
            "port": self.port,
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": self.folder,
            "fsync": "off",
        }
        flags = " ".join(f"-c {name}={value}" for name, value in options.items())
        eventually(lambda: self.calls("pg_ctl", "-D", self.data, "-l", self.folder / "log", "-o", flags, "-w", "start"))

    def stops(self) -> None:
        self.calls("pg_ctl", "-D", self.data, "-m", "immediate", "-w", "stop")

    def is_killed(self) -> None:
        """All of it at once, as when the machine runs out of memory."""
        lock = self.data / "postmaster.pid"
        first = int(lock.read_text().split()[0])
        all_of_it = [first, *_children(first)]
        for process in all_of_it:
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        eventually(lambda: not any(map(_lives, all_of_it)))
        lock.unlink()  # where nobody buries the dead, it would seem to live

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def calls(self, program: str, *arguments: object) -> bool:
        with (self.folder / "programs.log").open("a") as log:
            done = subprocess.run(
                [PACKAGED / program, *map(str, arguments)],
                check=False, user=self.account, cwd=self.folder, stdout=log, stderr=log, timeout=120,
            )  # fmt: skip
        return done.returncode == 0


@dataclass
class Program:
    """A node or a worker, begun anew whenever it was killed."""

    terminal: Terminal
    words: tuple[str, ...]
    process: Any = None

    def starts(self) -> None:
        self.process = self.terminal.starts(*self.words)

    def is_killed(self) -> None:
        self.terminal.kills(self.process)


@dataclass
class Buyer:
    """Tries until told, and pays until told, as people do."""

    nodes: list[str]
    chance: random.Random
    acknowledged: dict[str, Any] = field(default_factory=dict)
    paid: set[str] = field(default_factory=set)
    refused: int = 0
    faults: list[str] = field(default_factory=list)

    async def buys(self, event: str, types: list[str], until: asyncio.Event) -> None:
        async with httpx.AsyncClient(timeout=10, trust_env=False) as client:
            while not until.is_set():
                kinds = self.chance.sample(types, self.chance.choice([1, 2]))
                body = {
                    "event": event,
                    "items": [{"ticket_type": kind, "quantity": self.chance.randint(1, 2)} for kind in kinds],
                    "buyer": {"name": "Vera", "email": f"vera-{secrets.token_hex(5)}@example.org"},
                }
                answer = await self._tries(client, "/api/tickets/orders", json=body, key=secrets.token_hex(8))
                if answer.status_code == 201:
                    order = answer.json()
                    self.acknowledged[order["id"]] = order
                    if order["checkout_url"] and self.chance.random() < 0.9:
                        await self._pays(client, order)
                elif answer.status_code == 409:
                    self.refused += 1
                    await asyncio.sleep(0.2)
                else:
                    self.faults.append(f"{answer.status_code} {answer.text[:300]}")

    async def _pays(self, client: httpx.AsyncClient, order: Any) -> None:
        path = httpx.URL(order["checkout_url"]).path
        answer = await self._tries(client, path, data={"outcome": "paid"})
        if answer.status_code in (200, 302, 303):
            self.paid.add(order["id"])
        else:
            self.faults.append(f"paying: {answer.status_code} {answer.text[:300]}")

    async def _tries(self, client: httpx.AsyncClient, path: str, *, key: str = "", **what: Any) -> httpx.Response:
        headers = {"idempotency-key": key} if key else {}
        while True:
            try:
                answer = await client.post(f"{self.chance.choice(self.nodes)}{path}", headers=headers, **what)
            except httpx.TransportError:
                await asyncio.sleep(0.1)
                continue
            if answer.status_code != 503:
                return answer
            await asyncio.sleep(0.2)


@pytest.fixture
def postgres() -> Iterator[Postgres]:
    folder = Path(tempfile.mkdtemp(prefix="vently-kills-"))
    account = "nobody" if os.geteuid() == 0 else None
    if account:
        shutil.chown(folder, account)
    made = Postgres(folder, _free_port(), account)
    assert made.calls(
        "initdb", "-D", made.data, "-U", "supabase_admin", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "-N"
    )
    made.starts()
    try:
        yield made
    finally:
        made.stops()
        shutil.rmtree(folder)


async def test_twenty_kills_in_a_rush(postgres: Postgres, tmp_path: Path) -> None:
    owner = await asyncpg.connect(postgres.url("supabase_admin").replace("/vently", "/postgres"))
    await owner.execute("create database vently")
    await owner.close()
    await migrate(postgres.url("postgres"), rooms=ROOMS, platform_url=postgres.url("supabase_admin"))
    ports = [_free_port(), _free_port()]
    nodes = [f"http://127.0.0.1:{port}" for port in ports]
    settings = {
        "VENTLY_DATABASE_URL": postgres.url("authenticator"),
        "VENTLY_SECRET": "what all nodes share",
        "VENTLY_SITE_URL": nodes[0],
        "VENTLY_RATE_LIMITS": "off",
        "VENTLY_WORKER": "off",
    }
    programs = []
    for name, words in {
        "first": ("serve", "--port", str(ports[0])),
        "second": ("serve", "--port", str(ports[1])),
        "worker": ("work",),
    }.items():
        (tmp_path / name).mkdir()
        programs.append(Program(Terminal(tmp_path / name, environment=settings), words))
    for program in programs:
        program.starts()
    try:
        eventually(lambda: all(_ready(node) for node in nodes))
        event, types = await _something_to_sell(nodes[0], postgres)
        await _rush(nodes, event, types, programs, postgres)
    finally:
        for program in programs:
            if program.process.poll() is None:
                program.is_killed()


async def _rush(nodes: list[str], event: Any, types: list[str], programs: list[Program], postgres: Postgres) -> None:
    chance = random.Random(20)
    over = asyncio.Event()
    buyers = [Buyer(nodes, random.Random(number)) for number in range(BUYERS)]
    rush = [asyncio.create_task(buyer.buys(event["slug"], types, over)) for buyer in buyers]
    for _ in range(KILLS):
        await asyncio.sleep(chance.uniform(0.2, 0.8))
        victim = chance.choice([*programs, postgres])
        await asyncio.to_thread(victim.is_killed)
        await asyncio.sleep(chance.uniform(0, 0.5))
        await asyncio.to_thread(victim.starts)
    last = time.monotonic()
    over.set()
    await asyncio.wait_for(asyncio.gather(*rush), SETTLED_WITHIN)
    assert [fault for buyer in buyers for fault in buyer.faults] == []
    acknowledged = {order: said for buyer in buyers for order, said in buyer.acknowledged.items()}
    paid = {order for buyer in buyers for order in buyer.paid}
    assert len(acknowledged) > 50
    assert len(paid) > 30

    owner = await asyncpg.connect(postgres.url("supabase_admin"))
    try:
        while await owner.fetchval(UNSETTLED):
            assert time.monotonic() < last + SETTLED_WITHIN, "a payment was not settled in time"
            await asyncio.sleep(0.5)
        await _adds_up(owner, UUID(event["id"]), acknowledged, paid)
    finally:
        await owner.close()


UNSETTLED = """
select count(*) from private.pretend_payments p join public.payment_attempts a on a.id = p.attempt_id
 where p.outcome = 'paid' and a.status = 'open'
"""


async def _adds_up(owner: Any, event: UUID, acknowledged: dict[str, Any], paid: set[str]) -> None:
    orders = {
        str(row["id"]): row
        for row in await owner.fetch("select * from public.ticket_orders where event_id = $1", event)
    }
    tickets = await owner.fetch("select * from public.tickets where event_id = $1", event)
    # Every acknowledged order is there, with the tickets that were told.
    assert set(acknowledged) <= set(orders)
    known = {str(ticket["id"]) for ticket in tickets}
    assert {ticket["id"] for order in acknowledged.values() for ticket in order["tickets"]} <= known
    # What was paid was issued, and nothing else.
    assert {orders[order]["status"] for order in paid} <= {"paid"}
    valid = {str(ticket["order_id"]) for ticket in tickets if ticket["status"] == "valid"}
    assert valid == {order for order, row in orders.items() if row["status"] == "paid"}
    # The ledger sums to zero, and has of each order what was paid for it.
    sums = await owner.fetch(
        "select account, sum(amount) as sum from (select debit as account, amount from public.ledger_transfers"
        " union all select credit, -amount from public.ledger_transfers) entries group by account"
    )
    assert sum(row["sum"] for row in sums) == 0
    got = next((row["sum"] for row in sums if row["account"] == "provider:pretend"), 0)
    assert got == sum(row["total"] for row in orders.values() if row["status"] == "paid")
    assert next((row["sum"] for row in sums if row["account"] == "buyer"), 0) == 0
    # Stock is held, sold and free, as the tickets say.
    stocks = await owner.fetch("select * from public.ticket_stocks where event_id = $1", event)
    hall = next(row for row in stocks if row["name"] is not None)
    assert hall["held"] == sum(ticket["status"] == "held" for ticket in tickets)
    assert hall["sold"] == sum(ticket["status"] == "valid" for ticket in tickets)
    assert hall["held"] + hall["sold"] <= POOL
    assert sum(row["held"] for row in stocks) == 2 * hall["held"]
    assert sum(row["sold"] for row in stocks) == 2 * hall["sold"]
    assert await owner.fetch("select * from private.till_differences()") == []


async def _something_to_sell(node: str, postgres: Postgres) -> tuple[Any, list[str]]:
    async with httpx.AsyncClient(base_url=node, trust_env=False, timeout=30) as client:
        signed = await client.post(
            "/auth/v1/signup", json={"email": "alice@example.org", "password": "correct horse battery"}
        )
        alice = {"authorization": f"Bearer {signed.json()['access_token']}"}
        await client.post("/api/me/organizer", json={"terms_accepted": True}, headers=alice)
        gig = {"title": "A rush", "starts_at": "2027-03-01T18:00:00Z", "status": "published"}
        event = (await client.post("/api/events", json=gig, headers=alice)).json()
    owner = await asyncpg.connect(postgres.url("supabase_admin"))
    try:
        await owner.execute("insert into public.tills (event_id, currency) values ($1, 'EUR')", event["id"])
        stock = "insert into public.ticket_stocks (event_id, name, quantity) values ($1, $2, $3) returning id"
        pool = await owner.fetchval(stock, event["id"], "the hall", POOL)
        types = []
        for name, price in {"free": 0, "seat": 2500, "box": 9900}.items():
            own = await owner.fetchval(stock, event["id"], None, POOL)
            types.append(
                str(
                    await owner.fetchval(
                        "insert into public.ticket_types (event_id, currency, stock_id, pool_id, name, price)"
                        " values ($1, 'EUR', $2, $3, $4, $5) returning id",
                        event["id"], own, pool, name, price,
                    )
                )
            )  # fmt: skip
    finally:
        await owner.close()
    return event, types


def _ready(node: str) -> bool:
    try:
        return httpx.get(f"{node}/readyz", trust_env=False, timeout=5).status_code == 200
    except httpx.TransportError:
        return False


def _children(parent: int) -> list[int]:
    found = subprocess.run(["ps", "-o", "pid=", "--ppid", str(parent)], capture_output=True, text=True, check=False)
    return [int(line) for line in found.stdout.split()]


def _lives(process: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{process}/status").read_text()
    except FileNotFoundError:
        return False


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
