"""Any sequence of answers, capacities, departures and cancellations, compared with a queue kept by hand."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import pytest
from cast import Person
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from vently.database.pool import Database, Viewer
from vently.database.queries import parse
from vently.events import events, rsvps
from vently.events.shapes import EventChanges, NewRsvp
from vently.refusals import Conflict, Invalid

sql = parse("""
-- name: new_account
insert into auth.users (id, aud, role, email) values (:id, 'authenticated', 'authenticated', :email);

-- name: lose_account
delete from auth.users where id = :id;

-- name: withdraw
delete from public.rsvps where event_id = :event_id and person_id = (select auth.uid());

-- name: bring_guests
update public.rsvps set guests = :guests where event_id = :event_id and person_id = (select auth.uid());

-- name: rows
select r.person_id, r.status, r.guests, r.queued_at from public.rsvps r where r.event_id = :event_id;

-- name: counts
select a.capacity, a.going, a.interested, a.waitlisted from public.event_attendance a where a.event_id = :event_id;

-- name: told
select coalesce(jsonb_agg(jsonb_build_object('id', o.id, 'topic', o.topic, 'payload', o.payload) order by o.id), '[]')
  from private.outbox o
 where o.id > :since and o.kind = 'rsvp.changed' and o.payload ->> 'event_id' = :event_id;
""")

GUESTS = st.integers(0, 3)
CAPACITIES = st.sampled_from([2, 1, 3, 4, 5, 8, None])
SEATS = st.integers(0, 5)


@dataclass
class Row:
    person_id: UUID
    status: str
    guests: int
    queued_at: Any


@dataclass
class Count:
    capacity: int | None
    going: int
    interested: int
    waitlisted: int


@dataclass
class Mine:
    """One person's answer as the queue kept by hand has it."""

    status: str
    guests: int = 0

    @property
    def heads(self) -> int:
        return 1 + self.guests


class Model:
    """First come, first seated; nobody passes the head of the queue. A group too large for the event waits aside."""

    def __init__(self, capacity: int | None) -> None:
        self.capacity = capacity
        self.answers: dict[UUID, Mine] = {}
        self.queue: list[UUID] = []
        self.cancelled = False

    @property
    def room(self) -> float:
        return float("inf") if self.capacity is None else self.capacity

    def heads(self, status: str) -> int:
        return sum(mine.heads for mine in self.answers.values() if mine.status == status)

    def takes(self, person: UUID, status: str, guests: int) -> bool:
        """Whether the answer is taken, and what follows from it."""
        mine = self.answers.get(person)
        if status == "going":
            if self.cancelled or not self._seats(person, mine, 1 + guests):
                return False
            status = "going" if person not in self.queue else "waitlisted"
        elif person in self.queue:
            self.queue.remove(person)
        self.answers[person] = Mine(status, guests)
        self.settle()
        return True

    def _seats(self, person: UUID, mine: Mine | None, heads: int) -> bool:
        """Going at once, or into the queue."""
        had = mine.heads if mine and mine.status == "going" else 0
        waiting = self.queue[: self.queue.index(person)] if person in self.queue else self.queue
        passes = heads > had and any(self.answers[other].heads <= self.room for other in waiting)
        if self.heads("going") - had + heads <= self.room and not passes:
            if person in self.queue:
                self.queue.remove(person)
            return True
        if had or heads > self.room:
            return False
        if person not in self.queue:
            self.queue.append(person)
        return True

    def goes(self, person: UUID) -> None:
        self.answers.pop(person, None)
        if person in self.queue:
            self.queue.remove(person)
        self.settle()

    def resizes(self, capacity: int | None) -> bool:
        if capacity is not None and capacity < self.heads("going"):
            return False
        self.capacity = capacity
        self.settle()
        return True

    def settle(self) -> None:
        for person in list(self.queue):
            mine = self.answers[person]
            if self.cancelled or mine.heads > self.room:
                continue
            if self.heads("going") + mine.heads > self.room:
                return
            self.queue.remove(person)
            mine.status = "going"


class Answering(RuleBasedStateMachine):
    """One event of Alice's, and six seats at the keyboard whose people come and go."""

    loop: asyncio.AbstractEventLoop
    db: Database
    alice: Viewer
    create: Callable[[int | None], Awaitable[UUID]]

    def __init__(self) -> None:
        super().__init__()
        self.people: dict[int, Viewer] = {}
        self.seen = 0

    @initialize(capacity=CAPACITIES, crowd=st.lists(GUESTS, min_size=2, max_size=6))
    def begins(self, capacity: int | None, crowd: list[int]) -> None:
        self.event = self.run(type(self).create(capacity))
        self.model = Model(capacity)
        self.before: dict[UUID, str] = {}
        for seat, guests in enumerate(crowd):
            self.answers(seat, "going", guests)

    @rule(seat=SEATS, guests=GUESTS)
    def comes(self, seat: int, guests: int) -> None:
        self.answers(seat, "going", guests)

    @rule(seat=SEATS, status=st.sampled_from(["declined", "interested"]), guests=GUESTS)
    def stays_away(self, seat: int, status: Any, guests: int) -> None:
        self.answers(seat, status, guests)

    def answers(self, seat: int, status: Any, guests: int) -> None:
        person = self.person(seat)

        async def answer(tx: Any) -> Any:
            return await rsvps.answer(tx, str(self.event), NewRsvp(status, guests))

        given = self.does(person, answer, Conflict)
        if self.model.takes(person.id, status, guests):
            assert given is not None
            assert given.status == self.model.answers[person.id].status
            expected = self.model.queue.index(person.id) + 1 if person.id in self.model.queue else None
            assert given.position == expected
        else:
            assert given is None

    @rule(seat=SEATS, guests=GUESTS)
    def brings_guests_by_sql(self, seat: int, guests: int) -> None:
        person = self.person(seat)
        mine = self.model.answers.get(person.id)
        changed = self.does(
            person, lambda tx: tx.execute(sql.bring_guests, event_id=self.event, guests=guests), Conflict
        )
        if mine is None:
            assert changed == 0
        else:
            wanted = "going" if mine.status == "waitlisted" else mine.status
            assert (changed == 1) == self.model.takes(person.id, wanted, guests)

    @rule(seat=SEATS)
    def withdraws_by_sql(self, seat: int) -> None:
        person = self.person(seat)
        gone = self.does(person, lambda tx: tx.execute(sql.withdraw, event_id=self.event))
        assert gone == (person.id in self.model.answers)
        self.model.goes(person.id)

    @rule(seat=SEATS)
    def leaves_vently(self, seat: int) -> None:
        if person := self.people.pop(seat, None):
            self.run(self.as_auth(sql.lose_account, id=person.id))
            self.model.goes(person.id)

    @rule(capacity=CAPACITIES)
    def resizes(self, capacity: int | None) -> None:
        changed = self.edits(EventChanges(capacity=capacity))
        assert changed == self.model.resizes(capacity)

    @rule(sure=st.integers(0, 3))
    def is_cancelled_or_on_again(self, sure: int) -> None:
        if self.model.cancelled or sure == 3:
            self.edits(EventChanges(status="published" if self.model.cancelled else "cancelled"))
            self.model.cancelled = not self.model.cancelled
            self.model.settle()

    def teardown(self) -> None:
        """Deleted, it leaves nothing."""
        if hasattr(self, "event"):
            self.does(self.alice, lambda tx: events.delete(tx, str(self.event), version=None))
            rows, counts, _ = self.run(self.looks())
            assert (rows, counts) == ([], None)

    @invariant()
    def stands_as_the_model_says(self) -> None:
        if not hasattr(self, "event"):
            return
        rows, counts, told = self.run(self.looks())
        answers = self.model.answers
        assert {row.person_id: (row.status, row.guests) for row in rows} == {
            person: (mine.status, mine.guests) for person, mine in answers.items()
        }
        waiting = sorted((row for row in rows if row.status == "waitlisted"), key=lambda row: row.queued_at)
        assert [row.person_id for row in waiting] == self.model.queue
        interested = sum(mine.status == "interested" for mine in answers.values())
        assert counts == Count(
            self.model.capacity, self.model.heads("going"), interested, self.model.heads("waitlisted")
        )
        assert counts.going <= self.model.room
        self.was_told(told, counts)

    def was_told(self, told: list[Any], counts: Count) -> None:
        """The outbox has the last word of each person whose answer changed, and the last counts of the event."""
        now = {person: mine.status for person, mine in self.model.answers.items()}
        last = {row["topic"]: row["payload"] for row in told}
        for person in now.keys() | self.before.keys():
            if now.get(person) != self.before.get(person):
                assert last[f"person:{person}"]["status"] == now.get(person, "withdrawn")
        if now != self.before:
            said = last[f"event:{self.event}"]
            assert (said["going"], said["interested"], said["waitlisted"]) == (
                counts.going,
                counts.interested,
                counts.waitlisted,
            )
        self.before = now
        self.seen = max([self.seen, *(row["id"] for row in told)])

    def person(self, seat: int) -> Viewer:
        if seat not in self.people:
            id_ = uuid4()
            self.run(self.as_auth(sql.new_account, id=id_, email=f"{secrets.token_hex(8)}@example.org"))
            claims = {"sub": str(id_), "role": "authenticated"}
            self.people[seat] = Viewer(id_, "authenticated", claims)
        return self.people[seat]

    def edits(self, changes: EventChanges) -> bool:
        edited = self.does(self.alice, lambda tx: events.edit(tx, str(self.event), changes, version=None), Invalid)
        return edited is not None

    def does(self, viewer: Viewer, verb: Callable[[Any], Awaitable[Any]], *refusals: type[Exception]) -> Any:
        """What the verb gives, None when it is refused."""

        async def work() -> Any:
            async with self.db.acting_as(viewer) as tx:
                return await verb(tx)

        try:
            return self.run(work())
        except refusals:
            return None

    async def as_auth(self, query: Any, **given: Any) -> None:
        async with self.db.acting_as_role("supabase_auth_admin") as tx:
            await tx.execute(query, **given)

    async def looks(self) -> Any:
        async with self.db.acting_as(self.alice) as tx:
            rows = await tx.many(sql.rows, Row, event_id=self.event)
            counts = await tx.maybe_one(sql.counts, Count, event_id=self.event)
        async with self.db.acting_as_system() as tx:
            told = await tx.value(sql.told, event_id=str(self.event), since=self.seen)
        return rows, counts, told

    def run(self, work: Any) -> Any:
        return self.loop.run_until_complete(work)


@pytest.fixture
async def loop() -> asyncio.AbstractEventLoop:
    """The one the app lives in."""
    return asyncio.get_running_loop()


def test_any_sequence_of_answers_keeps_the_queue_fair(
    loop: asyncio.AbstractEventLoop, db: Database, alice: Person
) -> None:
    async def create(capacity: int | None) -> UUID:
        return UUID((await alice.creates(capacity=capacity))["id"])

    Answering.loop, Answering.db, Answering.alice = loop, db, alice.viewer
    Answering.create = staticmethod(create)
    quick = settings(
        max_examples=80, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck), database=None
    )
    run_state_machine_as_test(Answering, settings=quick)
