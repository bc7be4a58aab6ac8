"""Quantities and pools that change while people buy: never below what is sold and held."""

import asyncio
from typing import Any
from uuid import UUID

import asyncpg
import pytest
from cast import Person
from selling import Sale
from test_ticket_types import PLAIN, adds, listed, path, refused

from vently.database.embedded import Server
from vently.database.queries import Query
from vently.tickets.types import selling

LIMIT = "ticket_stocks_never_oversold"
OWN_STOCK = Query("own_stock", "select y.stock_id from public.ticket_types y where y.id = $1", ("id",))


async def pool_of(alice: Person, event: Any, **fields: Any) -> Any:
    answer = await alice.post(path(event, "ticket-pools"), {"name": "The hall", "quantity": 10, **fields})
    assert answer.status_code == 201, answer.text
    return answer.json()


async def test_a_quantity_is_raised_and_lowered_while_it_sells(alice: Person, bob: Person, sale: Sale) -> None:
    at = f"/api/tickets/types/{sale.types['paid']}"
    assert (await sale.sells(bob, paid=4)).status_code == 201
    assert (await alice.patch(at, {"quantity": 500})).json()["available"] == 496
    assert (await alice.patch(at, {"quantity": 4})).json()["on_sale"] == "sold_out"
    assert (await sale.sells(bob, paid=1)).status_code == 409
    refused(await alice.patch(at, {"quantity": 3}), 422, "/quantity", "must not be below the 4 that are sold and held")
    assert (await sale.stock("paid")).quantity == 4
    assert (await alice.patch(at, {"quantity": 5, "name": "Late"})).json()["name"] == "Late"
    assert (await sale.sells(bob, paid=1)).status_code == 201


async def test_lowering_while_people_buy_never_oversells(alice: Person, bob: Person, sale: Sale) -> None:
    bought, resized = await rush(alice, bob, sale)
    assert set(bought) <= {201, 409}
    assert set(resized) <= {200, 422}
    stock = await sale.stock("free")
    assert stock.sold == bought.count(201) <= stock.quantity
    assert (await sale.tickets()).get("valid", 0) == stock.sold


async def test_without_the_guards_lowering_oversells(
    monkeypatch: pytest.MonkeyPatch, server: Server, database_name: str, alice: Person, bob: Person, sale: Sale
) -> None:
    """The negative control: neither the verb nor the constraint looks at what is sold."""
    owner = await asyncpg.connect(server.url("supabase_admin", database_name))
    limit: str = await owner.fetchval(f"select pg_get_constraintdef(oid) from pg_constraint where conname = '{LIMIT}'")
    said: str = await owner.fetchval(f"select obj_description(oid) from pg_constraint where conname = '{LIMIT}'")
    monkeypatch.setattr(selling, "not_below", lambda _, __: None)
    await owner.execute(f"alter table public.ticket_stocks drop constraint {LIMIT}")
    try:
        await rush(alice, bob, sale)
        stock = await sale.stock("free")
    finally:
        event = UUID(sale.event["id"])
        await owner.execute("delete from public.ticket_orders where event_id = $1", event)
        await owner.execute("update public.ticket_stocks set held = 0, sold = 0 where event_id = $1", event)
        await owner.execute(f"alter table public.ticket_stocks add constraint {LIMIT} {limit}")
        await owner.execute(f"comment on constraint {LIMIT} on public.ticket_stocks is '{said}'")
        await owner.close()
    assert stock.sold > stock.quantity


async def rush(alice: Person, bob: Person, sale: Sale) -> tuple[list[int], list[int]]:
    """Sixty buy one each while Alice raises and lowers: what each was answered."""
    at = f"/api/tickets/types/{sale.types['free']}"
    sizes = [90, 70, 50, 40, 30, 20, 60, 25, 15, 10]
    asked = [alice.patch(at, {"quantity": sizes[turn // 7]}) if turn % 7 == 6 else sale.sells(bob, free=1)
             for turn in range(70)]  # fmt: skip
    answers = [answer.status_code for answer in await asyncio.gather(*asked)]
    return [one for turn, one in enumerate(answers) if turn % 7 != 6], answers[6::7]


async def test_a_pool_bounds_what_its_types_sell(alice: Person, bob: Person) -> None:
    event = await alice.creates("A gig")
    await adds(alice, event, name="Opens the sale")
    pool = await pool_of(alice, event)
    free = {"amount": 0, "currency": "EUR"}
    types = [await adds(alice, event, name=name, price=free, pool=pool["id"]) for name in ("Front", "Back")]
    assert {one["available"] for one in types} == {10}
    order = {"event": event["id"], "items": [{"ticket_type": one["id"], "quantity": 4} for one in types]}
    assert (await bob.post("/api/tickets/orders", order)).status_code == 201
    (shown,) = (await alice.get(path(event, "ticket-pools"))).json()["items"]
    assert (shown["sold"], shown["available"]) == (8, 2)
    assert [one["available"] for one in await listed(bob, event)] == [50, 2, 2]
    at = f"/api/tickets/pools/{pool['id']}"
    refused(await alice.patch(at, {"quantity": 7}), 422, "/quantity", "8")
    assert (await alice.patch(at, {"quantity": 8, "name": "Hall"})).json()["available"] == 0
    assert (await bob.post("/api/tickets/orders", order)).status_code == 409
    refused(await alice.delete(at), 409, said="share")


async def test_a_type_takes_its_sales_along_into_a_pool_and_out_of_it(alice: Person, bob: Person, sale: Sale) -> None:
    assert [(await sale.sells(bob, **items)).status_code for items in ({"free": 2}, {"paid": 3})] == [201, 201]
    pool = await pool_of(alice, sale.event, quantity=4)
    other = await pool_of(alice, sale.event, name="The yard", quantity=1)
    for name in ("free", "paid"):
        at = f"/api/tickets/types/{sale.types[name]}"
        answer = await alice.patch(at, {"pool": pool["id"]})
        if name == "free":
            assert answer.json()["available"] == 2
            refused(await alice.patch(at, {"pool": other["id"]}), 422, "/pool", "no room")
    refused(answer, 422, "/pool", "no room")
    assert (await sale.stock("The hall")).sold == 2
    assert (await alice.patch(f"/api/tickets/pools/{pool['id']}", {"quantity": 5})).status_code == 200
    assert (await alice.patch(f"/api/tickets/types/{sale.types['paid']}", {"pool": pool["id"]})).json()[
        "available"
    ] == 0
    stock = await sale.stock("The hall")
    assert (stock.sold, stock.held) == (2, 3)
    assert (await alice.patch(f"/api/tickets/types/{sale.types['free']}", {"pool": None})).json()["available"] == 98
    stock = await sale.stock("The hall")
    assert (stock.sold, stock.held) == (0, 3)


async def test_only_a_pool_of_this_event_is_a_pool(alice: Person, sale: Sale) -> None:
    other = await alice.creates("Another gig")
    await adds(alice, other)
    foreign = await pool_of(alice, other)
    async with sale.db.acting_as_system() as tx:
        own = (await tx.many(OWN_STOCK, dict, id=sale.types["free"]))[0]["stock_id"]
    for wrong in (foreign["id"], str(own)):
        refused(await alice.post(path(sale.event), {**PLAIN, "pool": wrong}), 422, "/pool")
        refused(await alice.patch(f"/api/tickets/types/{sale.types['paid']}", {"pool": wrong}), 422, "/pool")
        at = f"/api/tickets/pools/{own}"
        assert (await alice.patch(at, {"quantity": 1})).status_code == 404
        assert (await alice.delete(at)).status_code == 404


async def test_pools_are_for_those_who_run_the_event(alice: Person, carol: Person, visitor: Person, sale: Sale) -> None:
    pool = await pool_of(alice, sale.event)
    at = f"/api/tickets/pools/{pool['id']}"
    assert (await carol.get(path(sale.event, "ticket-pools"))).status_code == 403
    assert (await carol.post(path(sale.event, "ticket-pools"), {"name": "Hers", "quantity": 1})).status_code == 403
    assert (await carol.patch(at, {"quantity": 1})).status_code == 403
    assert (await carol.delete(at)).status_code == 403
    assert (await visitor.get(path(sale.event, "ticket-pools"))).status_code == 401
    assert (await alice.delete(at)).status_code == 204
    assert (await alice.get(path(sale.event, "ticket-pools"))).json()["items"] == []


@pytest.mark.parametrize("fields", [{"name": "x\ny"}, {"quantity": -1}, {"quantity": 1.5}, {"quantity": 1_000_001}])
async def test_a_pool_is_refused_by_field(alice: Person, sale: Sale, fields: dict[str, Any]) -> None:
    pool = await pool_of(alice, sale.event)
    pointer = f"/{next(iter(fields))}"
    refused(await alice.patch(f"/api/tickets/pools/{pool['id']}", fields), 422, pointer)
    body = {"name": "Hall", "quantity": 1, **fields}
    refused(await alice.post(path(sale.event, "ticket-pools"), body), 422, pointer)


async def test_nothing_is_shared_before_anything_is_sold(alice: Person) -> None:
    event = await alice.creates("A gig")
    for part, body in (
        ("ticket-pools", {"name": "Hall", "quantity": 1}),
        ("discounts", {"code": "JAM", "percent": 10}),
        ("ticket-questions", {"label": "Vegetarian?"}),
    ):
        refused(await alice.post(path(event, part), body), 409, said="add a ticket type first")
