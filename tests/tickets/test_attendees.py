"""Who comes: searched, paged, and taken into a spreadsheet that nobody's name can harm."""

import csv
import io
from datetime import datetime
from typing import Any

import pytest
from cast import Person
from counter import Counter
from gates import Gate, said
from selling import Sale

from vently.tickets.sales.csv_export import safe


def named(*names: str, **more: Any) -> dict[str, Any]:
    return {"attendees": [{"name": name, **more} for name in names]}


async def buys(counter: Counter, buyer: Person, kind: str, *names: str, **more: Any) -> Any:
    """A ticket for each of these names."""
    item = {"ticket_type": counter.sale.types[kind], "quantity": len(names), **named(*names, **more)}
    return await counter.sells(buyer, {"items": [item]})


async def listed(counter: Counter, who: Person, **filters: Any) -> list[str]:
    path = f"/api/events/{counter.event}/attendees"
    return [one["name"] for one in said(await who.get(path, params=filters))["items"]]


async def asks(counter: Counter, label: str) -> str:
    return str(
        await counter.owner.fetchval(
            "insert into public.ticket_questions (event_id, label) values ($1, $2) returning id",
            counter.sale.event["id"],
            label,
        )
    )


async def test_attendees_are_found_by_name_address_and_order(
    counter: Counter,
    alice: Person,
    bob: Person,
    carol: Person,
) -> None:
    order = await buys(counter, bob, "free", "Ada", "Grace")
    await buys(counter, carol, "free", "Edsger", email="edsger@example.net")
    await counter.sells(carol, free=1)
    pending = await buys(counter, carol, "paid", "Held")
    assert sorted(await listed(counter, alice)) == ["Ada", "Carol", "Edsger", "Grace"]
    assert sorted(await listed(counter, alice, q="gRAc")) == ["Grace"]  # no hexadecimal: ids are searched, too
    assert sorted(await listed(counter, alice, q=bob.email)) == ["Ada", "Grace"]
    assert sorted(await listed(counter, alice, q=order["id"])) == ["Ada", "Grace"]
    assert await listed(counter, alice, q="edsger@example.net") == ["Edsger"]
    assert await listed(counter, alice, q="_") == []
    assert await listed(counter, alice, status="held") == ["Held"]
    assert await listed(counter, alice, ticket_type=counter.sale.types["paid"]) == []
    await counter.settles(pending)
    assert await listed(counter, alice, ticket_type=counter.sale.types["paid"]) == ["Held"]


async def test_attendees_are_paged_without_gaps(counter: Counter, alice: Person, bob: Person) -> None:
    for number in range(4):
        await buys(counter, bob, "free", *(f"{number}-{seat}" for seat in range(3)))
    path, seen = f"/api/events/{counter.event}/attendees", []
    params = {"limit": "5"}
    while True:
        page = said(await alice.get(path, params=params))
        seen += [one["name"] for one in page["items"]]
        if page["next"] is None:
            break
        params["cursor"] = page["next"]
    assert len(seen) == len(set(seen)) == 12
    assert [name[0] for name in seen] == sorted((name[0] for name in seen), reverse=True)


async def test_who_is_in_is_told(gate: Gate, alice: Person, bob: Person) -> None:
    told = await gate.scans(alice, await gate.ticket(bob))
    items = said(await alice.get(f"/api/events/{gate.event}/attendees"))["items"]
    moments = [datetime.fromisoformat(one["admitted_at"]) for one in items]
    assert moments == [datetime.fromisoformat(told["admitted_at"])]


async def test_the_spreadsheet_has_answers_and_no_formulas(
    counter: Counter,
    alice: Person,
    bob: Person,
) -> None:
    question = await asks(counter, "=Diet?")
    answers = {question: '@SUM(1+9)*cmd|" /C calc"!A0'}
    await buys(counter, bob, "free", '=HYPERLINK("https://evil.example","x")', answers=answers)
    await buys(counter, bob, "free", 'Quote " comma , umlaut ü', answers={question: "vegan\nno nuts"})
    answer = await alice.get(f"/api/events/{counter.event}/attendees.csv")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"].startswith('attachment; filename="attendees-')
    assert answer.content.startswith(b"\xef\xbb\xbfTicket,Type,")
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert [row["Name"] for row in rows] == [
        'Quote " comma , umlaut ü',
        '\'=HYPERLINK("https://evil.example","x")',
    ]
    assert [row["'=Diet?"] for row in rows] == ["vegan\nno nuts", "'" + answers[question]]
    assert {row["Paid"] for row in rows} == {"0.00"}
    assert not [cell for row in rows for cell in row.values() if cell.startswith(("=", "+", "-", "@", "\t"))]


async def test_the_spreadsheet_takes_the_filters_of_the_list(
    counter: Counter,
    alice: Person,
    bob: Person,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("vently.tickets.sales.csv_export.PAGE", 2)
    await buys(counter, bob, "free", "Ada", "Grace", "Edsger", "Barbara", "Donald")
    path = f"/api/events/{counter.event}/attendees.csv"
    rows = list(csv.DictReader(io.StringIO((await alice.get(path)).text.lstrip("\ufeff"))))
    assert sorted(row["Name"] for row in rows) == ["Ada", "Barbara", "Donald", "Edsger", "Grace"]
    found = await alice.get(path, params={"q": "grac"})
    assert [row["Name"] for row in csv.DictReader(io.StringIO(found.text.lstrip("\ufeff")))] == ["Grace"]
    monkeypatch.setattr("vently.tickets.sales.csv_export.MOST_ROWS", 4)
    assert (await alice.get(path)).status_code == 413


@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@a", "\t=1", "\r=1", " =1", "＝1", "\n=1"])  # noqa: RUF001
def test_what_a_spreadsheet_would_reckon_is_quoted(text: str) -> None:
    assert safe(text) == f"'{text}"


@pytest.mark.parametrize("text", ["Ada", "1", "a=b", "", "'=1", "x@example.org"])
def test_other_cells_stay_as_they_are(text: str) -> None:
    assert safe(text) == text


async def test_an_event_of_others_lists_nobody(counter: Counter, bob: Person, sale: Sale) -> None:
    await counter.sells(bob, free=1)
    assert (await bob.get(f"/api/events/{sale.event['slug']}/attendees")).status_code == 403
