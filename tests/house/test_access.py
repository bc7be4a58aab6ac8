"""Who sees and does what, directly in SQL: every table, by a visitor, a stranger, a member and the organiser."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from cast import Person
from hidden import Hidden, hide

from vently.database.pool import Database, Transaction
from vently.database.queries import Query, parse
from vently.refusals import Conflict, Invalid, NotAllowed

EVERYBODY = ("visitor", "carol", "bob", "alice")
ALL = {"draft", "members", "unlisted", "public"}
SEEN = {"members", "unlisted", "public"}

OF_SALES = {"visitor": {"public"}, "carol": {"public"}, "bob": {"members", "public"}, "alice": ALL - {"unlisted"}}
OF_EVENTS = {"visitor": {"public"}, "carol": {"public"}, "bob": SEEN, "alice": ALL}
SEES: dict[str, tuple[str, dict[str, set[str]]]] = {
    "public.events": ("select id from public.events", OF_EVENTS),
    "public.event_cards": ("select id from public.event_cards", OF_EVENTS),
    "public.event_attendance": ("select event_id from public.event_attendance", OF_EVENTS),
    "public.venues": (
        (
            "select e.id from public.venues v left join public.events e on e.venue_id = v.id"
            " where v.name = any(array['Zwetschgen house', 'Marillen house', 'Ribisel house', 'Market house'])"
        ),
        OF_EVENTS,
    ),
    "public.comments": (
        "select event_id from public.comments",
        {"visitor": {"public"}, "carol": {"public"}, "bob": SEEN, "alice": SEEN},
    ),
    "public.rsvps": (
        "select event_id from public.rsvps",
        {"visitor": set(), "carol": set(), "bob": SEEN, "alice": ALL},
    ),
    "public.memberships": (
        "select person_id from public.memberships",
        {"visitor": set(), "carol": set(), "bob": {"alice", "bob"}, "alice": {"alice", "bob"}},
    ),
    "public.community_follows": (
        "select person_id from public.community_follows",
        {"visitor": set(), "carol": set(), "bob": {"bob"}, "alice": set()},
    ),
    "public.person_follows": (
        "select follower_id from public.person_follows",
        {"visitor": set(), "carol": set(), "bob": {"bob"}, "alice": {"bob"}},
    ),
    "public.platform_admins": (
        "select person_id from public.platform_admins",
        {"visitor": {"refused"}, "carol": set(), "bob": set(), "alice": set()},
    ),
    "public.profiles": (
        "select id from public.profiles",
        {who: {"alice", "bob", "carol"} for who in EVERYBODY},
    ),
    "public.communities": (
        "select id from public.communities",
        {who: {"community"} for who in EVERYBODY},
    ),
    "public.community_cards": (
        "select id from public.community_cards",
        {who: {"community"} for who in EVERYBODY},
    ),
    **{
        f"public.{table}": (f"select event_id from public.{table}", OF_SALES)
        for table in ("tills", "ticket_stocks", "ticket_types", "ticket_type_cards", "ticket_questions")
    },
    **{
        f"public.{table}": (
            f"select event_id from public.{table}",
            {"visitor": {"refused"}, "carol": set(), "bob": {"public"}, "alice": {"public"}},
        )
        for table in ("event_hosts", "ticket_scans")
    },
    "public.discounts": (
        "select event_id from public.discounts",
        {"visitor": {"refused"}, "carol": set(), "bob": set(), "alice": ALL - {"unlisted"}},
    ),
    "public.ticket_type_codes": (
        "select y.event_id from public.ticket_type_codes w join public.ticket_types y on y.id = w.ticket_type_id",
        {"visitor": set(), "carol": set(), "bob": set(), "alice": {"draft", "public"}},
    ),
    "public.sellers": (
        "select coalesce(person_id, community_id) from public.sellers",
        {"visitor": set(), "carol": set(), "bob": {"community"}, "alice": {"alice", "community"}},
    ),
    **{
        f"public.{table}": (
            f"select event_id from public.{table}",
            {"visitor": set(), "carol": set(), "bob": {"members"}, "alice": {"members"}},
        )
        for table in ("ticket_orders", "order_cards", "tickets")
    },
    "public.ticket_cards": ("select id from public.ticket_cards", {who: set() for who in EVERYBODY}),
    "public.ticket_transfers": (
        "select ticket_id from public.ticket_transfers",
        {who: set() for who in EVERYBODY} | {"visitor": {"refused"}},
    ),
    **{
        table: (f"select order_id from {table}", {who: set() for who in EVERYBODY})
        for table in ("public.payment_attempts", "public.refunds", "public.invoices")
    },
    **{
        table: (f"select order_id from {table}", {who: set() for who in EVERYBODY} | {"visitor": {"refused"}})
        for table in ("public.ledger_transfers", "public.disputes")
    },
}
"""By table: what to ask, and which of the story's rows each sees. Nobody sees tables that are not here."""


class _Back(Exception):
    """Takes a transaction back."""


@pytest.fixture
async def people(alice: Person, bob: Person, carol: Person, visitor: Person) -> dict[str, Person]:
    return {"alice": alice, "bob": bob, "carol": carol, "visitor": visitor}


@pytest.fixture
async def hidden(alice: Person, bob: Person) -> Hidden:
    hidden = await hide(alice, bob)
    assert (await bob.put(f"/api/people/{alice.handle}/follow")).status_code == 200
    for name in ("draft", "members", "public"):
        await sell(alice, f"/api/events/{hidden.events[name]['id']}", "Sesame" if name != "members" else None)
    await opens_the_door(alice, bob, hidden.public["id"])
    await buys_and_gives_back(bob, f"/api/events/{hidden.members['id']}/ticket-types")
    return hidden


async def buys_and_gives_back(bob: Person, types: str) -> None:
    """An order of Bob's stands there, and holds nothing."""
    (kind,) = (await bob.get(types)).json()["items"]
    cart = {"event": types.split("/")[3], "items": [{"ticket_type": kind["id"], "quantity": 1}]}
    order = await bob.post("/api/tickets/orders", cart)
    assert order.status_code == 201, order.text
    assert (await bob.delete(f"/api/tickets/orders/{order.json()['id']}")).status_code == 204


async def opens_the_door(alice: Person, bob: Person, event: str) -> None:
    """Bob helps; something that is no ticket was scanned."""
    assert (await alice.put(f"/api/events/{event}/hosts/{bob.handle}", {"role": "door"})).status_code == 200
    scan = {"code": "jam", "scan_id": "one", "event": event}
    assert (await bob.post("/api/tickets/checkins", scan)).json()["reason"] == "unknown"


async def sell(alice: Person, event: str, access_code: str | None) -> None:
    """A ticket type, with all that belongs to a sale."""
    kind = {"name": "Seat", "price": {"amount": 500, "currency": "EUR"}, "quantity": 5, "access_code": access_code}
    for part, body in (
        ("ticket-types", kind),
        ("ticket-pools", {"name": "The hall", "quantity": 5}),
        ("discounts", {"code": "JAM", "percent": 10}),
        ("ticket-questions", {"label": "Jam?"}),
    ):
        assert (await alice.post(f"{event}/{part}", body)).status_code == 201


async def test_each_sees_what_is_theirs_to_see(db: Database, people: dict[str, Person], hidden: Hidden) -> None:
    names = {event["id"]: name for name, event in hidden.events.items()} | {hidden.community["id"]: "community"}
    names |= {str(person.id): name for name, person in people.items()}
    for table in await tables(db):
        query, expected = SEES.get(table, (f"select 1 from {table}", {who: {"refused"} for who in people}))
        for name, person in people.items():
            seen = await rows(db, person, query)
            mine = seen if seen == {"refused"} else {names[row] for row in seen if row in names}
            assert mine == expected[name], f"{name} in {table}"


async def test_an_unlisted_event_and_all_of_it_opens_with_its_link(
    db: Database, people: dict[str, Person], hidden: Hidden
) -> None:
    for name in ("visitor", "carol"):
        for link in (hidden.unlisted["id"], hidden.unlisted["slug"]):
            for table in ("event_cards", "event_attendance", "venues", "comments"):
                column = "event_id" if table in ("event_attendance", "comments") else "id"
                query = f"select {column} from public.{table}"
                more = await rows(db, people[name], query, link=link) - await rows(db, people[name], query)
                assert len(more) == 1, f"{name} in {table}"
        assert await rows(db, people[name], "select event_id from public.comments", link=hidden.draft["slug"]) & {
            hidden.draft["id"], hidden.members["id"], hidden.unlisted["id"],
        } == set()  # fmt: skip


async def test_links_do_not_open_what_is_not_unlisted(db: Database, people: dict[str, Person], hidden: Hidden) -> None:
    for event in (hidden.draft, hidden.members):
        for link in (event["id"], event["slug"]):
            seen = await rows(db, people["carol"], "select id from public.events", link=link)
            assert event["id"] not in seen


WRITES = parse(Path(__file__).with_name("access.sql").read_text())

MAY: dict[str, dict[str, int]] = {
    "events_insert": {"carol": 0, "bob": 0, "alice": 1},
    "events_update": {"carol": 0, "bob": 0, "alice": 3},
    "events_delete": {"carol": 0, "bob": 0, "alice": 3},
    "rsvps_insert": {"carol": 0, "bob": 0, "alice": 1},
    "rsvps_update": {"carol": 0, "bob": 2, "alice": 0},
    "rsvps_delete": {"carol": 0, "bob": 2, "alice": 0},
    "comments_insert": {"carol": 0, "bob": 1, "alice": 1},
    "comments_update": {"carol": 0, "bob": 2, "alice": 0},
    "comments_delete": {"carol": 0, "bob": 2, "alice": 2},
    "communities_insert": {"carol": 1, "bob": 1, "alice": 1},
    "communities_update": {"carol": 0, "bob": 0, "alice": 1},
    "communities_delete": {"carol": 0, "bob": 0, "alice": 1},
    "memberships_update": {"carol": 0, "bob": 0, "alice": 1},
    "memberships_delete": {"carol": 0, "bob": 1, "alice": 1},
    "community_follows_insert": {"carol": 1, "bob": 0, "alice": 1},
    "community_follows_delete": {"carol": 0, "bob": 1, "alice": 0},
    "person_follows_insert": {"carol": 0, "bob": 1, "alice": 1},
    "person_follows_delete": {"carol": 0, "bob": 1, "alice": 0},
    "profiles_update": {"carol": 0, "bob": 1, "alice": 0},
    "sellers_update": {"alice": 2},
    "event_hosts_insert": {"alice": 1},
    "event_hosts_delete": {"alice": 1},
    "tills_insert": {"alice": 1},
    "tills_update": {"alice": 3},
    "ticket_stocks_insert": {"alice": 1},
    "ticket_stocks_update": {"alice": 4},
    "ticket_stocks_delete": {"alice": 4},
    "ticket_types_insert": {"alice": 1},
    "ticket_types_update": {"alice": 3},
    "ticket_types_delete": {"alice": 2},
    "ticket_type_codes_insert": {"alice": 1},
    "ticket_type_codes_update": {"alice": 2},
    "ticket_type_codes_delete": {"alice": 2},
    "discounts_insert": {"alice": 1},
    "discounts_update": {"alice": 3},
    "discounts_delete": {"alice": 3},
    "ticket_questions_insert": {"alice": 1},
    "ticket_questions_update": {"alice": 3},
    "ticket_questions_delete": {"alice": 3},
}
"""How many rows each touches. Visitors touch none, and nobody touches any by statements that are not here."""


async def test_each_writes_what_is_theirs_to_write(db: Database, people: dict[str, Person], hidden: Hidden) -> None:
    story = {"draft": hidden.draft["id"], "members": hidden.members["id"], "public": hidden.public["id"],
             "unlisted": hidden.unlisted["id"],
             "community": hidden.community["id"], "bob": people["bob"].id, "carol": people["carol"].id}  # fmt: skip
    for name, statement in vars(WRITES).items():
        for who, person in people.items():
            given = {**story, "me": person.id or UUID(int=0)}
            arguments = {parameter: given[parameter] for parameter in statement.parameters}
            assert await touched(db, person, statement, arguments) == MAY.get(name, {}).get(who, 0), f"{who}: {name}"


async def test_every_table_is_in_the_matrix(db: Database) -> None:
    bare = {table.partition(".")[2] for table in await tables(db, kinds="r")}
    assert {f"{table}_{verb}" for table in bare for verb in ("insert", "update", "delete")} == set(vars(WRITES))


async def tables(db: Database, kinds: str = "rv") -> list[str]:
    query = Query(
        "tables",
        "select c.relnamespace::regnamespace::text || '.' || c.relname as name from pg_class c"
        " where c.relnamespace in ('public'::regnamespace, 'private'::regnamespace)"
        f" and c.relkind = any(string_to_array('{','.join(kinds)}', ','))",
        (),
    )
    async with db.acting_as_system() as tx:
        return [row["name"] for row in await tx.many(query, dict)]


async def rows(db: Database, person: Person, query: str, *, link: str = "") -> set[str]:
    try:
        async with db.acting_as(person.viewer, link=link) as tx:
            return {str(next(iter(row.values()))) for row in await tx.many(Query("seen", query, ()), dict)}
    except NotAllowed:
        return {"refused"}


async def touched(db: Database, person: Person, statement: Query, arguments: dict[str, Any]) -> int:
    try:
        async with undone(db, person) as tx:
            return await tx.execute(statement, **arguments)
    except (NotAllowed, Invalid, Conflict):
        return 0
    raise AssertionError


@asynccontextmanager
async def undone(db: Database, person: Person) -> AsyncIterator[Transaction]:
    try:
        async with db.acting_as(person.viewer) as tx:
            yield tx
            raise _Back  # noqa: TRY301
    except _Back:
        pass
