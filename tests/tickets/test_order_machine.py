"""Any sequence of holds, payments, refunds, transfers, resizings and cancellations, as books kept by hand have it."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest
from cast import Person, Site
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    multiple,
    rule,
    run_state_machine_as_test,
)
from selling import Sale, on_sale

from vently.database.pool import Database
from vently.database.queries import parse
from vently.tickets.payments import reconciling
from vently.tickets.refunds import cancelled, sending
from vently.tickets.till import links

sql = parse("""
-- name: orders
select o.id, o.status, o.total::int, o.paid::int, o.refunded::int,
       coalesce((select sum(case when l.debit like 'provider:%' then l.amount else 0 end)
                      - sum(case when l.credit like 'provider:%' then l.amount else 0 end)
                   from public.ledger_transfers l where l.order_id = o.id), 0)::int as kept
  from public.ticket_orders o where o.event_id = :event;
-- name: tickets
select t.id, t.status, t.serial from public.tickets t where t.event_id = :event;
-- name: stocks
select coalesce(s.name, y.name) as name, s.quantity, s.held, s.sold
  from public.ticket_stocks s left join public.ticket_types y on y.stock_id = s.id where s.event_id = :event;
-- name: differences
select d.kind, d.detail from private.till_differences() d where d.event_id = :event;
-- name: resize
update public.ticket_stocks set quantity = :quantity where id in (
  select s.id from public.ticket_stocks s left join public.ticket_types y on y.stock_id = s.id
   where s.event_id = :event and coalesce(s.name, y.name) = :name);
""")

LAPSE = "update public.ticket_orders set expires_at = created_at where id = $1 and status = 'pending'"
PRICES = {"free": 0, "seat": 2500, "box": 9901}
NAMES = st.sampled_from(sorted(PRICES))
COUNTS = st.integers(1, 3)
QUANTITIES = st.integers(0, 9)
STEPS = {"max_examples": 60, "stateful_step_count": 40}


@dataclass
class Order:
    """As the books kept by hand have it. `kept` is what the provider holds of it for us."""

    id: str
    link: str
    attempt: str
    seats: dict[str, str]
    """Type of each ticket by its id."""
    status: str
    total: int
    standing: str
    """Of its tickets that were not given back: held, valid or void."""
    attempt_open: bool = True
    kept: int = 0
    refunded: int = 0
    gone: set[str] = field(default_factory=set)
    """Tickets given back."""
    serials: dict[str, int] = field(default_factory=dict)

    @property
    def key(self) -> str:
        return str(httpx.URL(self.link).params["key"])

    @property
    def left(self) -> int:
        return self.total - self.refunded

    def worth(self, seats: set[str], living: set[str]) -> int:
        """What was paid for them, or their share of what is left when that is less."""
        named, whole = (sum(PRICES[self.seats[seat]] for seat in some) for some in (seats, living))
        return min(named, self.left * named // whole) if whole else 0

    def stands(self, seat: str) -> str:
        if seat not in self.gone:
            return self.standing
        return "refunded" if PRICES[self.seats[seat]] else "void"

    def needs(self) -> dict[str, int]:
        counts: dict[str, int] = {}
        for kind in self.seats.values():
            counts[kind] = counts.get(kind, 0) + 1
        return counts


@dataclass
class Row:
    id: UUID
    status: str
    total: int
    paid: int
    refunded: int
    kept: int


@dataclass
class Seat:
    id: UUID
    status: str
    serial: int


@dataclass
class Stock:
    name: str
    quantity: int
    held: int
    sold: int


@dataclass
class Difference:
    kind: str
    detail: str


@dataclass
class Errand:
    """What a job's handler asks of its job."""

    payload: dict[str, Any]

    async def progress(self, *_: Any) -> None: ...


class Selling(RuleBasedStateMachine):
    """One event of Alice's with three types over one pool, and guests who buy."""

    loop: asyncio.AbstractEventLoop
    site: Site
    db: Database
    alice: Person
    visitor: Person
    owner: asyncpg.Connection
    orders = Bundle("orders")

    @initialize(types=st.fixed_dictionaries({name: st.integers(2, 8) for name in PRICES}), pool=st.integers(3, 14))
    def opens(self, types: dict[str, int], pool: int) -> None:
        priced = {name: (PRICES[name], quantity) for name, quantity in types.items()}

        async def open_sale() -> Sale:
            event = await self.alice.creates("A gig")
            return await on_sale(self.db, self.alice, event, priced, pool=("pool", pool))

        self.sale = self.run(open_sale())
        self.quantities = {**types, "pool": pool}
        self.books: list[Order] = []
        self.over = False

    # Buying

    @rule(target=orders, items=st.dictionaries(NAMES, COUNTS, min_size=1, max_size=3))
    def holds(self, items: dict[str, int]) -> Any:
        answer = self.asks(self.visitor.post("/api/tickets/orders", self.sale.cart(self.visitor, **items)))
        if self.over or not self.fits(items):
            assert answer.status_code == 409, answer.text
            return multiple()
        assert answer.status_code == 201, answer.text
        said = answer.json()
        kinds = {kind: name for name, kind in self.sale.types.items()}
        total = sum(PRICES[name] * count for name, count in items.items())
        assert said["total"]["amount"] == total
        seats = {ticket["id"]: kinds[ticket["ticket_type"]] for ticket in said["tickets"]}
        attempt = (said["checkout_url"] or "").rsplit("/", 1)[-1]
        order = Order(
            said["id"],
            said["link"],
            attempt,
            seats,
            "pending" if total else "paid",
            total,
            "held" if total else "valid",
        )
        self.books.append(order)
        return order

    @rule(order=orders)
    def lapses(self, order: Order) -> None:
        self.run(self.owner.execute(LAPSE, UUID(order.id)))
        self.run(reconciling.lapse_holds(self.site.app.parts))
        if order.status == "pending":
            order.status, order.standing = "expired", "void"

    @rule(order=orders)
    def is_given_back(self, order: Order) -> None:
        answer = self.asks(self.visitor.delete(f"/api/tickets/orders/{order.id}?key={order.key}"))
        if order.status == "pending":
            assert answer.status_code == 204, answer.text
            order.status, order.standing = "cancelled", "void"
        else:
            assert answer.status_code == 409, answer.text

    # Paying: in time, late, again, or not at all

    @rule(order=orders)
    def pays(self, order: Order) -> None:
        if not order.attempt:
            return
        self.decides(order, "paid")
        if not order.attempt_open:
            return
        order.attempt_open = False
        if order.status == "pending" or (
            order.status in ("expired", "cancelled") and not self.over and self.fits(order.needs())
        ):
            order.status, order.standing, order.kept = "paid", "valid", order.total
        else:
            self.run(sending.send_due(self.site.app.parts))  # it came too late, and goes back

    @rule(order=orders)
    def is_declined(self, order: Order) -> None:
        if order.attempt:
            self.decides(order, "declined")

    @rule(order=orders)
    def abandons(self, order: Order) -> None:
        """Nothing comes of this attempt, and the buyer begins another."""
        if not order.attempt or not order.attempt_open:
            return
        self.decides(order, "abandoned")
        answer = self.asks(self.visitor.post(f"/api/tickets/orders/{order.id}/payment?key={order.key}"))
        if order.status == "pending":
            assert answer.status_code == 201, answer.text
            order.attempt = answer.json()["checkout_url"].rsplit("/", 1)[-1]
        else:
            assert answer.status_code == 409, answer.text
            order.attempt_open = False

    def decides(self, order: Order, outcome: str) -> None:
        answer = self.asks(self.site.client.post(f"/pretend/checkout/{order.attempt}", data={"outcome": outcome}))
        assert answer.status_code < 500, answer.text

    # Giving back

    @rule(order=orders, which=st.lists(st.integers(0, 8), max_size=3))
    def is_refunded(self, order: Order, which: list[int]) -> None:
        """Some of its tickets, or (none named) all that is left."""
        seats = sorted(order.seats)
        named = sorted({seats[number % len(seats)] for number in which})
        answer = self.asks(
            self.alice.post(f"/api/tickets/orders/{order.id}/refunds", {"tickets": named} if named else {})
        )
        living = set(order.seats) - order.gone
        sold = order.status in ("paid", "partially_refunded")
        if not sold or not (living or order.left) or not set(named) <= living:
            assert answer.status_code == 409, answer.text
            return
        assert answer.status_code == 201, answer.text
        back = set(named) or living
        self.goes_back(order, back, order.worth(back, living) if named else order.left)

    @rule(order=orders, amount=st.integers(1, 12_000))
    def is_partly_refunded(self, order: Order, amount: int) -> None:
        """An amount, and the tickets stay; all that is left takes them along."""
        answer = self.asks(self.alice.post(f"/api/tickets/orders/{order.id}/refunds", {"amount": amount}))
        if order.status not in ("paid", "partially_refunded") or amount > order.left:
            assert answer.status_code == 409, answer.text
            return
        assert answer.status_code == 201, answer.text
        self.goes_back(order, set(order.seats) - order.gone if amount == order.left else set(), amount)

    def goes_back(self, order: Order, seats: set[str], amount: int) -> None:
        order.gone |= seats
        order.refunded += amount
        order.kept -= amount
        if order.total == 0:
            order.status = "paid" if set(order.seats) - order.gone else "cancelled"
        else:
            order.status = "refunded" if order.left == 0 else "partially_refunded" if order.refunded else "paid"
        self.run(sending.send_due(self.site.app.parts))

    # Handing on, resizing, cancelling

    @rule(order=orders, which=st.integers(0, 8))
    def is_handed_on(self, order: Order, which: int) -> None:
        seat = sorted(order.seats)[which % len(order.seats)]
        link = httpx.URL(links.of_ticket(self.site.app.parts, UUID(seat)))
        friend = {"email": f"friend-{secrets.token_hex(4)}@example.org"}
        path = f"/api/tickets/{seat}/transfer?key={link.params['key']}"
        answer = self.asks(self.visitor.post(path, friend))
        serial = order.serials.get(seat, 1)
        if order.standing == "valid" and seat not in order.gone and not self.over and serial == 1:
            assert answer.status_code in (200, 201), answer.text
            order.serials[seat] = serial + 1
        else:
            assert answer.status_code in (403, 404, 409), answer.text

    @rule(name=st.sampled_from([*sorted(PRICES), "pool"]), quantity=QUANTITIES)
    def resizes(self, name: str, quantity: int) -> None:
        async def resize() -> bool:
            from vently.refusals import Invalid

            try:
                async with self.db.acting_as(self.alice.viewer) as tx:
                    await tx.execute(sql.resize, event=UUID(self.sale.event["id"]), name=name, quantity=quantity)
            except Invalid:
                return False
            return True

        if self.run(resize()):
            assert quantity >= self.taken(name)
            self.quantities[name] = quantity
        else:
            assert quantity < self.taken(name)

    @rule(sure=st.integers(0, 30))
    def is_cancelled(self, sure: int) -> None:
        if self.over or sure < 30:
            return
        answer = self.asks(self.alice.post(f"/api/events/{self.sale.event['id']}/cancellation"))
        assert answer.status_code == 201, answer.text
        self.run(cancelled.refund_event(self.site.app.parts, Errand({"event_id": self.sale.event["id"]})))  # type: ignore[arg-type]
        self.over = True
        for order in self.books:
            living = set(order.seats) - order.gone
            if order.status == "pending":
                order.status, order.standing = "cancelled", "void"
            elif order.status in ("paid", "partially_refunded") and living:
                self.goes_back(order, living, order.left)
        self.run(sending.send_due(self.site.app.parts))

    # Compared

    @invariant()
    def agrees(self) -> None:
        if not hasattr(self, "sale"):
            return
        rows, seats, stocks, differences = self.run(self.looks())
        assert differences == []
        by_hand = {order.id: order for order in self.books}
        assert {str(row.id) for row in rows} == set(by_hand)
        for row in rows:
            order = by_hand[str(row.id)]
            assert (row.status, row.total, row.refunded, row.kept) == (
                order.status, order.total, order.refunded, order.kept,
            )  # fmt: skip
        standing = {str(seat.id): (seat.status, seat.serial) for seat in seats}
        for order in self.books:
            assert {seat: standing[seat] for seat in order.seats} == {
                seat: (order.stands(seat), order.serials.get(seat, 1)) for seat in order.seats
            }
        for stock in stocks:
            assert stock.quantity == self.quantities[stock.name]
            assert stock.held == self.taken(stock.name, "held")
            assert stock.sold == self.taken(stock.name, "valid")

    async def looks(self) -> Any:
        event = UUID(self.sale.event["id"])
        async with self.db.acting_as_system() as tx:
            return (
                await tx.many(sql.orders, Row, event=event),
                await tx.many(sql.tickets, Seat, event=event),
                await tx.many(sql.stocks, Stock, event=event),
                await tx.many(sql.differences, Difference, event=event),
            )

    def taken(self, name: str, *standings: str) -> int:
        return sum(
            name in (kind, "pool")
            for order in self.books
            if order.standing in (standings or ("held", "valid"))
            for seat, kind in order.seats.items()
            if seat not in order.gone
        )

    def fits(self, items: dict[str, int]) -> bool:
        wanted = {**items, "pool": sum(items.values())}
        return all(self.taken(name) + count <= self.quantities[name] for name, count in wanted.items())

    def asks(self, request: Any) -> httpx.Response:
        answer: httpx.Response = self.run(request)
        return answer

    def run(self, work: Any) -> Any:
        return self.loop.run_until_complete(work)


@pytest.fixture
async def loop() -> asyncio.AbstractEventLoop:
    """The one the app lives in."""
    return asyncio.get_running_loop()


@pytest.fixture
async def owner(site: Site) -> AsyncIterator[asyncpg.Connection]:
    """Who can turn the clock."""
    connection = await asyncpg.connect(site.settings.platform_url)
    yield connection
    await connection.close()


def test_any_sequence_keeps_the_books(
    loop: asyncio.AbstractEventLoop, site: Site, db: Database, alice: Person, visitor: Person, owner: Any
) -> None:
    Selling.loop, Selling.site, Selling.db = loop, site, db
    Selling.alice, Selling.visitor, Selling.owner = alice, visitor, owner
    quick = settings(**STEPS, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    run_state_machine_as_test(Selling, settings=quick)
