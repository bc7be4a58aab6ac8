"""What an event sold, told to who runs it and to nobody else."""

from typing import Any

from cast import Person
from counter import Counter
from gates import said


async def sales_of(counter: Counter, who: Person) -> Any:
    return said(await who.get("/api/tickets/sales", params={"event": counter.event}))


async def test_sales_add_up(counter: Counter, alice: Person, bob: Person, carol: Person) -> None:
    await counter.sells(bob, free=2)
    paid = await counter.sells(bob, paid=3)
    await counter.settles(paid, fee=90)
    await counter.refunds(paid, paid["tickets"][0])
    await counter.sells(carol, paid=2)
    sales = await sales_of(counter, alice)
    assert sales["currency"] == "EUR"
    assert sales["totals"] == {
        "orders": 2, "tickets": 4, "gross": 3750, "discounts": 0, "fees": 0, "total": 3750, "tax": 0,
        "refunds": 1250, "platform_fees": 60, "net": 2440,
    }  # fmt: skip
    assert sales["held"] == {"orders": 1, "tickets": 2, "amount": 2500}
    by_type = {kind["ticket_type"]["name"]: kind for kind in sales["by_type"]}
    assert {name: by_type["paid"][name] for name in ("quantity", "sold", "held", "refunded", "amount")} == {
        "quantity": 100, "sold": 2, "held": 2, "refunded": 1, "amount": 3750,
    }  # fmt: skip
    assert (by_type["free"]["sold"], by_type["free"]["amount"]) == (2, 0)
    assert [(day["orders"], day["tickets"], day["amount"], day["refunded"]) for day in sales["by_day"]] == [
        (2, 5, 3750, 1250)
    ]
    assert sales["by_method"] == [
        {"method": "card", "orders": 1, "amount": 3750, "refunded": 1250},
        {"method": "free", "orders": 1, "amount": 0, "refunded": 0},
    ]


async def test_days_are_those_of_the_events_zone(counter: Counter, alice: Person, bob: Person) -> None:
    changed = await alice.patch(f"/api/events/{counter.event}", {"timezone": "Pacific/Auckland"})
    assert changed.status_code == 200, changed.text
    for moment in ("2026-06-01T11:59:00Z", "2026-06-01T12:01:00Z"):
        await counter.settles(await counter.sells(bob, paid=1), f"'{moment}'::timestamptz")
    assert [day["day"] for day in (await sales_of(counter, alice))["by_day"]] == ["2026-06-01", "2026-06-02"]


async def test_discounts_are_told_by_code(counter: Counter, alice: Person, bob: Person) -> None:
    await counter.owner.execute(
        "insert into public.discounts (event_id, code, percent) values ($1, 'EARLY', 20)", counter.sale.event["id"]
    )
    await counter.settles(await counter.sells(bob, {"discount_code": "early"}, paid=2))
    sales = await sales_of(counter, alice)
    assert sales["by_discount"] == [{"code": "EARLY", "orders": 1, "tickets": 2, "discounts": 500, "amount": 2000}]
    assert (sales["totals"]["gross"], sales["totals"]["discounts"], sales["totals"]["net"]) == (2500, 500, 2000)


async def test_what_never_sold_sold_nothing(alice: Person) -> None:
    event = await alice.creates("Nothing on sale")
    sales = said(await alice.get("/api/tickets/sales", params={"event": event["slug"]}))
    assert sales["currency"] is None
    assert sales["totals"]["orders"] == 0
    assert sales["by_day"] == sales["by_type"] == []


async def test_sales_are_for_who_runs_the_event(
    counter: Counter, bob: Person, carol: Person, root: Person, visitor: Person, alice: Person
) -> None:
    await counter.sells(bob, free=1)
    assert (await alice.put(f"/api/events/{counter.event}/hosts/{carol.handle}", {"role": "door"})).status_code == 200
    for path in (f"/api/tickets/sales?event={counter.event}", *(
        f"/api/events/{counter.event}/{part}" for part in ("attendees", "attendees.csv", "orders")
    )):  # fmt: skip
        assert (await visitor.get(path)).status_code == 401
        for who in (bob, carol, root):
            assert (await who.get(path)).status_code == 403, path
    draft = await alice.creates("A draft", status="draft")
    for path in (f"/api/tickets/sales?event={draft['id']}", f"/api/events/{draft['id']}/attendees"):
        assert (await bob.get(path)).status_code == 404
    assert (await alice.get("/api/tickets/sales")).status_code == 422


async def test_organisers_of_the_community_see_its_sales(dana: Person, bob: Person, carol: Person, db: Any) -> None:
    from selling import on_sale

    event = await dana.creates("Circle", community=dana.community)
    sale = await on_sale(db, dana, event, {"free": (0, 10)})
    await sale.sells(bob, free=1)
    members = f"/api/communities/{dana.community}"
    assert (await carol.put(f"{members}/membership")).status_code == 200
    path = f"/api/events/{event['id']}/attendees"
    assert (await carol.get(path)).status_code == 403
    assert (await dana.patch(f"{members}/members/{carol.handle}", {"role": "organizer"})).status_code == 200
    assert [one["name"] for one in said(await carol.get(path))["items"]] == ["Bob"]


async def test_orders_are_listed_found_and_filtered(
    counter: Counter, alice: Person, bob: Person, carol: Person
) -> None:
    free = await counter.sells(bob, free=2)
    pending = await counter.sells(carol, paid=1)
    path = f"/api/events/{counter.event}/orders"
    rows = said(await alice.get(path))["items"]
    assert [row["id"] for row in rows] == [pending["id"], free["id"]]
    assert rows[1] | {"created_at": 0, "paid_at": 0} == {
        "id": free["id"], "status": "paid", "method": "free", "buyer": {"name": "Bob", "email": bob.email},
        "total": {"amount": 0, "currency": "EUR"}, "refunded": {"amount": 0, "currency": "EUR"}, "tickets": 2,
        "expires_at": None, "paid_at": 0, "created_at": 0,
    }  # fmt: skip
    for filters, found in (
        ({"status": "pending"}, [pending]),
        ({"method": "free"}, [free]),
        ({"q": bob.email.upper()}, [free]),
        ({"q": "CAROL"}, [pending]),
        ({"q": free["id"]}, [free]),
        ({"q": "%"}, []),
    ):
        items = said(await alice.get(path, params=filters))["items"]
        assert [row["id"] for row in items] == [order["id"] for order in found], filters


async def test_orders_are_paged(counter: Counter, alice: Person, bob: Person) -> None:
    made = [(await counter.sells(bob, free=1))["id"] for _ in range(5)]
    path, seen = f"/api/events/{counter.event}/orders", []
    page = said(await alice.get(path, params={"limit": 2}))
    while True:
        seen += [row["id"] for row in page["items"]]
        if page["next"] is None:
            break
        page = said(await alice.get(path, params={"limit": 2, "cursor": page["next"]}))
    assert seen == made[::-1]
