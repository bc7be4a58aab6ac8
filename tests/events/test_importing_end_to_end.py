"""Real conferences of 2025 imported over HTTP and by the command line's verb, and walked while others write."""

import asyncio
from pathlib import Path

from cast import Person

DATA = Path(__file__).parents[1] / "data"


async def uploads(person: Person, community: str, name: str, **query: str) -> dict[str, object]:
    answer = await person.post(
        f"/api/communities/{community}/imports", files={"file": (name, (DATA / name).read_bytes())}, params=query
    )
    assert answer.status_code == 200, answer.text
    return answer.json()


async def walks(person: Person, **filters: object) -> list[dict[str, object]]:
    seen: list[dict[str, object]] = []
    cursor = None
    while True:
        more = {"cursor": cursor} if cursor else {}
        page = (await person.get("/api/events", params={"limit": 50, **filters, **more})).json()
        seen += page["items"]
        if (cursor := page["next"]) is None:
            return seen


async def test_the_conferences_of_2025_come_in_once_each(dana: Person, visitor: Person, carol: Person) -> None:
    dry = await uploads(dana, dana.community, "conferences-2025.ics", dry_run="true")
    assert (dry["created"], dry["refused"]) == (466, [])
    assert await walks(visitor, community=dana.community, **{"from": "2025-01-01", "to": "2025-12-31"}) == []
    first = await uploads(dana, dana.community, "conferences-2025.ics")
    assert (first["created"], first["updated"], first["unchanged"], first["refused"]) == (466, 0, 0, [])
    again = await uploads(dana, dana.community, "conferences-2025.ics")
    assert (again["created"], again["updated"], again["unchanged"]) == (0, 0, 466)
    table = await uploads(dana, dana.community, "conferences-2025.csv")
    assert table["created"] == 0
    refused = await carol.post(
        f"/api/communities/{dana.community}/imports",
        files={"file": ("x.ics", (DATA / "conferences-2025.ics").read_bytes())},
    )
    assert refused.status_code == 403

    going_on = True

    async def someone_else_writes() -> None:
        while going_on:
            made = await dana.post("/api/events", {
                "title": "Passing", "starts_at": "2025-06-15T12:00:00Z", "status": "published",
                "community": dana.community,
            })  # fmt: skip
            await dana.delete(f"/api/events/{made.json()['id']}")

    writing = asyncio.create_task(someone_else_writes())
    seen = await walks(visitor, community=dana.community, limit=7, **{"from": "2025-01-01", "to": "2025-12-31"})
    going_on = False
    await writing
    conferences = [event["id"] for event in seen if event["title"] != "Passing"]
    assert (len(conferences), len(set(conferences))) == (466, 466)
    several = await walks(visitor, community=dana.community, category="accessibility", **{"from": "2025-01-01"})
    assert len(several) == 8


async def test_the_table_gives_the_same_466(dana: Person, visitor: Person) -> None:
    report = await uploads(dana, dana.community, "conferences-2025.csv")
    assert (report["created"], report["refused"]) == (466, [])
    berlin = await walks(visitor, community=dana.community, city="Berlin", **{"from": "2025-01-01"})
    assert berlin
    assert {event["timezone"] for event in berlin} == {"Europe/Berlin"}
