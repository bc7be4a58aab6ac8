"""The door: who is admitted, once each, and what is refused and why."""

import asyncio
import secrets
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from cast import Person, Site
from gates import Gate, said
from selling import on_sale

from vently.database.pool import Database
from vently.tickets.issued.codes import PREFIX, Codes


@pytest.fixture
async def owner(site: Site) -> AsyncIterator[Any]:
    """What the till, refunds and transfers do to tickets is done here by hand."""
    connection = await asyncpg.connect(site.settings.platform_url)
    yield connection
    await connection.close()


async def becomes(owner: Any, ticket: str, **changes: Any) -> None:
    for name, value in changes.items():
        await owner.execute(f"update public.tickets set {name} = $1 where id = $2", value, UUID(ticket))


async def test_a_ticket_is_admitted_once(gate: Gate, alice: Person, bob: Person) -> None:
    ticket = await gate.ticket(bob)
    first = await gate.scans(alice, ticket, "one", device="north", scanned_at="2027-03-01T18:00:00Z")
    assert first["result"] == "admitted"
    assert first["reason"] is None
    assert first["ticket"]["id"] == ticket
    assert first["ticket"]["type"]["name"] == "free"
    assert first["ticket"]["attendee"] == {"name": "Bob"}
    again = await gate.scans(alice, ticket, "two", device="south")
    assert again["result"] == "already"
    assert again["admitted_at"] == first["admitted_at"]
    assert not again["double"]


async def test_a_scan_that_comes_again_is_answered_as_it_was(gate: Gate, alice: Person, bob: Person) -> None:
    ticket = await gate.ticket(bob)
    for scan in ("one", "two"):
        told = await gate.scans(alice, ticket, scan)
        for _ in range(3):
            assert await gate.scans(alice, ticket, scan) == told
    assert (await gate.counts(alice))["admitted"] == 1


async def test_a_scan_id_that_comes_with_another_code_is_refused(gate: Gate, alice: Person, bob: Person) -> None:
    mine, other = await gate.tickets(bob, 2)
    await gate.scans(alice, mine, "one")
    refused = await gate.scans(alice, other, "one")
    assert (refused["result"], refused["reason"], refused["ticket"]) == ("refused", "scan-id-reused", None)
    assert (await gate.scans(alice, other, "two"))["result"] == "admitted"
    forged = {"code": "nonsense", "scan_id": "two", "event": gate.event}
    assert said(await alice.post("/api/tickets/checkins", forged))["reason"] == "scan-id-reused"


async def test_a_batch_is_answered_in_its_order(gate: Gate, alice: Person, bob: Person) -> None:
    tickets = await gate.tickets(bob, 5)
    scans = [gate.scan(ticket) for ticket in [*tickets, *reversed(tickets)]]
    scans.insert(3, {"code": "nonsense", "scan_id": "x"})
    scans.append(scans[0])
    results = await gate.sends(alice, scans)
    assert [one["scan_id"] for one in results] == [scan["scan_id"] for scan in scans]
    assert [one["result"] for one in results] == [
        *["admitted"] * 3, "refused", *["admitted"] * 2, *["already"] * 5, "admitted",
    ]  # fmt: skip
    assert await gate.sends(alice, scans) == results


async def test_what_is_not_valid_is_refused_with_its_reason(gate: Gate, alice: Person, bob: Person, owner: Any) -> None:
    tickets = await gate.tickets(bob, 4)
    for ticket, status in zip(tickets, ("void", "refunded", "held"), strict=False):
        await becomes(owner, ticket, status=status)
    await becomes(owner, tickets[3], serial=2)
    results = [await gate.scans(alice, ticket) for ticket in tickets]
    assert {one["result"] for one in results} == {"refused"}
    assert [one["reason"] for one in results] == ["void", "refunded", "not-paid", "replaced"]
    new = {"code": gate.code(tickets[3], 2), "scan_id": "new"}
    assert said(await alice.post("/api/tickets/checkins", new))["result"] == "admitted"
    assert (await gate.counts(alice))["admitted"] == 1


async def test_an_event_that_is_off_admits_nobody(gate: Gate, alice: Person, bob: Person) -> None:
    ticket = await gate.ticket(bob)
    assert (await alice.post(f"/api/events/{gate.event}/cancellation")).is_success
    assert (await gate.scans(alice, ticket))["reason"] == "event-cancelled"


async def test_strangers_and_holders_admit_nobody(
    gate: Gate, alice: Person, bob: Person, carol: Person, visitor: Person, root: Person
) -> None:
    ticket = await gate.ticket(bob)
    for who in (bob, carol, root):
        for event in ({}, {"event": gate.event}, {"event": gate.sale.event["slug"]}):
            refused = await gate.scans(who, ticket, **event)
            assert (refused["result"], refused["reason"]) == ("refused", "other-event")
            assert refused["ticket"] is refused["event_id"] is None
        assert (await who.get(f"/api/events/{gate.event}/checkins")).status_code == 403
        assert (await who.get(f"/api/events/{gate.event}/door")).status_code == 403
    assert (await visitor.post("/api/tickets/checkins", gate.scan(ticket))).status_code == 401
    assert (await gate.counts(alice)) == {**(await gate.counts(alice)), "admitted": 0, "expected": 1}


async def test_a_code_of_another_event_is_refused_without_a_name(
    gate: Gate, alice: Person, bob: Person, dana: Person, db: Database
) -> None:
    ticket = await gate.ticket(bob)
    elsewhere = await dana.creates("Elsewhere", community=dana.community)
    await on_sale(db, dana, elsewhere, {"free": (0, 10)})
    refused = await gate.scans(dana, ticket, event=elsewhere["id"])
    assert (refused["result"], refused["reason"], refused["ticket"]) == ("refused", "other-event", None)
    own = await alice.creates("Alice's other gig")
    assert (await gate.scans(alice, ticket, event=own["id"]))["reason"] == "other-event"
    assert (await gate.scans(alice, ticket, event=gate.event))["result"] == "admitted"


async def test_door_staff_admit_and_are_let_go(gate: Gate, alice: Person, bob: Person, carol: Person) -> None:
    hosts = f"/api/events/{gate.event}/hosts"
    assert (await carol.put(f"{hosts}/{carol.handle}", {"role": "door"})).status_code == 403
    named = said(await alice.put(f"{hosts}/{carol.handle}", {"role": "door"}))
    assert named["person"]["handle"] == carol.handle
    assert said(await alice.put(f"{hosts}/{carol.handle}", {"role": "door"})) == named
    assert said(await alice.get(hosts))["items"] == said(await carol.get(hosts))["items"] == [named]
    one, other = await gate.tickets(bob, 2)
    assert (await gate.scans(carol, one, "carols"))["result"] == "admitted"
    assert (await gate.counts(carol))["by_device"] == [{"device": "", "admitted": 1}]
    assert (await carol.get(f"/api/tickets/sales?event={gate.event}")).status_code == 403
    assert (await alice.delete(f"{hosts}/{carol.handle}")).status_code == 204
    assert (await alice.delete(f"{hosts}/{carol.handle}")).status_code == 404
    assert (await gate.scans(carol, other))["reason"] == "other-event"
    assert (await gate.scans(carol, one, "carols"))["ticket"] is None
    assert (await alice.put(f"{hosts}/no-such-handle", {"role": "door"})).status_code == 404
    assert (await bob.get(hosts)).status_code == 403


async def test_door_staff_see_no_money(gate: Gate, alice: Person, bob: Person, carol: Person, db: Database) -> None:
    from vently.database.queries import parse

    seen = parse("-- name: seen\nselect count(*) from public.tickets t where t.event_id = :event;").seen
    await gate.tickets(bob, 2)
    assert (await alice.put(f"/api/events/{gate.event}/hosts/{carol.handle}", {"role": "door"})).status_code == 200
    async with db.acting_as(carol.viewer) as tx:
        assert await tx.value(seen, event=UUID(gate.event)) == 0
    for path in ("attendees", "orders", "attendees.csv"):
        assert (await carol.get(f"/api/events/{gate.event}/{path}")).status_code == 403


async def test_door_staff_see_the_members_event_they_help_at(
    dana: Person, bob: Person, carol: Person, db: Database
) -> None:
    event = await dana.creates("Members' night", community=dana.community, visibility="members")
    await on_sale(db, dana, event, {"free": (0, 10)})
    assert (await carol.get(f"/api/events/{event['id']}/door")).status_code == 404
    assert (await dana.put(f"/api/events/{event['id']}/hosts/{carol.handle}", {"role": "door"})).status_code == 200
    assert said(await carol.get(f"/api/events/{event['id']}/door"))["event"]["title"] == "Members' night"
    assert (await bob.get(f"/api/events/{event['id']}/door")).status_code == 404


async def test_undoing_lets_the_ticket_come_again(gate: Gate, alice: Person, bob: Person, carol: Person) -> None:
    ticket = await gate.ticket(bob)
    await gate.scans(alice, ticket, "one")
    await gate.scans(alice, ticket, "two")
    undo = f"/api/tickets/checkins/one?event={gate.event}"
    assert (await carol.delete(undo)).status_code == 404
    assert (await alice.delete("/api/tickets/checkins/one")).status_code == 422
    assert (await alice.delete(f"/api/tickets/checkins/two?event={gate.event}")).status_code == 409
    assert (await alice.delete(f"/api/tickets/checkins/three?event={gate.event}")).status_code == 404
    assert [(await alice.delete(undo)).status_code for _ in range(2)] == [204, 204]
    assert (await gate.counts(alice))["admitted"] == 0
    assert (await gate.scans(alice, ticket, "one"))["reason"] == "undone"
    assert (await gate.scans(alice, ticket, "three"))["result"] == "admitted"


async def test_two_devices_without_a_network_are_told_of_their_double_admission(
    gate: Gate, alice: Person, bob: Person
) -> None:
    ticket = await gate.ticket(bob)
    earlier = (datetime.now(UTC) - timedelta(minutes=20)).isoformat()
    later = (datetime.now(UTC) - timedelta(minutes=10)).isoformat()
    [first] = await gate.sends(alice, [gate.scan(ticket, device="north", scanned_at=later)])
    assert (first["result"], first["double"]) == ("admitted", False)
    [second] = await gate.sends(alice, [gate.scan(ticket, device="south", scanned_at=earlier)])
    assert (second["result"], second["double"]) == ("already", True)
    assert datetime.fromisoformat(second["admitted_at"]) == datetime.fromisoformat(later)
    assert (await gate.scans(alice, ticket, device="north", scanned_at=earlier))["double"] is False, (
        "its own first scan"
    )
    assert (await gate.scans(alice, ticket, device="east"))["double"] is False, "asked us, and was told"
    assert (await gate.scans(alice, ticket, device="east", scanned_at=earlier, admitted=False))["double"] is False
    assert (await gate.scans(alice, ticket, device="west", admitted=True))["double"] is True
    counts = await gate.counts(alice)
    assert (counts["admitted"], counts["doubles"]) == (1, 2)


async def test_a_clock_that_is_ahead_admits_nobody_in_the_future(gate: Gate, alice: Person, bob: Person) -> None:
    told = await gate.scans(alice, await gate.ticket(bob), scanned_at="2199-01-01T00:00:00Z")
    assert datetime.fromisoformat(told["admitted_at"]) < datetime.now(UTC) + timedelta(minutes=1)


async def test_a_scanner_without_a_network_is_given_what_counts(
    gate: Gate, alice: Person, bob: Person, owner: Any
) -> None:
    tickets = sorted(await gate.tickets(bob, 3))
    await becomes(owner, tickets[0], status="refunded")
    await becomes(owner, tickets[1], serial=7)
    await gate.scans(alice, tickets[2])
    answer = await alice.get(f"/api/events/{gate.event}/door")
    door = said(answer)
    assert door["event"]["title"] == gate.sale.event["title"]
    at = [kind["name"] for kind in door["types"]].index("free")
    assert door["tickets"] == [[tickets[1], 7, at], [tickets[2], 1, at]]
    assert (door["refused"], door["admitted"]) == ([tickets[0]], [tickets[2]])
    assert door["keys"].keys() == gate.codes.public_keys().keys()
    assert "Bob" not in answer.text
    etag = {"if-none-match": answer.headers["etag"]}
    assert (await alice.get(f"/api/events/{gate.event}/door", headers=etag)).status_code == 304


async def test_counts_tell_types_and_devices(gate: Gate, alice: Person, bob: Person) -> None:
    one, other, _ = await gate.tickets(bob, 3)
    await gate.scans(alice, one, device="north")
    await gate.scans(alice, other, device="south")
    counts = await gate.counts(alice)
    assert (counts["admitted"], counts["expected"], counts["doubles"]) == (2, 3, 0)
    assert {kind["ticket_type"]["name"]: (kind["admitted"], kind["expected"]) for kind in counts["by_type"]} == {
        "free": (2, 3),
        "paid": (0, 0),
    }
    assert counts["by_device"] == [{"device": "north", "admitted": 1}, {"device": "south", "admitted": 1}]


async def test_ten_thousand_forged_codes_admit_nobody(gate: Gate, alice: Person, bob: Person) -> None:
    tickets = await gate.tickets(bob, 10)
    genuine = [gate.code(ticket) for ticket in tickets]
    stranger = Codes(secrets.token_bytes(32))
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
    forged = [stranger.issue(UUID(ticket), 1) for ticket in tickets] + ["", "\0", "VT1", "🎟" * 139]
    while len(forged) < 10_000:
        code = secrets.choice(genuine)
        place = secrets.randbelow(len(code) - len(PREFIX)) + len(PREFIX)
        other = secrets.choice(alphabet.replace(code[place], ""))
        forged.append(code[:place] + other + code[place + 1 :])
    for start in range(0, len(forged), 500):
        scans = [{"code": code, "scan_id": str(uuid4()), "event": gate.event} for code in forged[start : start + 500]]
        results = await gate.sends(alice, scans)
        assert {(one["result"], one["reason"]) for one in results} == {("refused", "unknown")}
    assert (await gate.counts(alice))["admitted"] == 0


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/code"),
        ({"code": "x"}, "/scan_id"),
        ({"code": "x" * 8001, "scan_id": "1"}, "/code"),
        ({"code": "x", "scan_id": "1", "scanned_at": "yesterday"}, "/scanned_at"),
        ({"code": "x", "scan_id": "1", "scans": [{"code": "x", "scan_id": "1"}]}, "/scans"),
        ({"scans": []}, "/scans"),
        ({"scans": [{"code": "x", "scan_id": "1"}] * 501}, "/scans"),
        ({"scans": [{"code": "x", "scan_id": "1\n"}]}, "/scans/0/scan_id"),
    ],
)
async def test_a_scan_that_is_none_is_refused(alice: Person, body: Any, pointer: str) -> None:
    answer = await alice.post("/api/tickets/checkins", body)
    assert answer.status_code == 422, answer.text
    assert pointer in [error["pointer"] for error in answer.json()["errors"]]


ADMITTED_ONCE = (
    "create unique index ticket_scans_admitted_once on public.ticket_scans (ticket_id)"
    " where result = 'admitted' and undone_at is null"
)


async def rush(gate: Gate, alice: Person, ticket: str) -> int:
    """How many of 200 scanners at once admit it."""
    told = await asyncio.gather(*(gate.scans(alice, ticket, device=f"gate {number}") for number in range(200)))
    assert {one["result"] for one in told} <= {"admitted", "already"}
    return [one["result"] for one in told].count("admitted")


async def test_two_hundred_scanners_at_once_admit_one(gate: Gate, alice: Person, bob: Person) -> None:
    assert await rush(gate, alice, await gate.ticket(bob)) == 1


async def test_without_the_index_several_are_admitted(gate: Gate, alice: Person, bob: Person, owner: Any) -> None:
    """The negative control: the index is what admits a ticket once."""
    ticket = await gate.ticket(bob)
    await owner.execute("drop index public.ticket_scans_admitted_once")
    try:
        assert await rush(gate, alice, ticket) > 1
    finally:
        await owner.execute("delete from public.ticket_scans where ticket_id = $1", UUID(ticket))
        await owner.execute(ADMITTED_ONCE)


async def test_batches_that_meet_admit_each_ticket_once(gate: Gate, alice: Person, bob: Person) -> None:
    tickets = [ticket for _ in range(5) for ticket in await gate.tickets(bob, 10)]
    orders = (tickets, tickets[::-1], sorted(tickets, key=hash), sorted(tickets))
    batches = [[gate.scan(ticket) for ticket in order] for order in orders for _ in range(2)]
    told = await asyncio.gather(*(gate.sends(alice, batch) for batch in batches))
    results = [one["result"] for results in told for one in results]
    assert results.count("admitted") == len(tickets)
    assert results.count("already") == 7 * len(tickets)
