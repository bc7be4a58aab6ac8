"""The list beside a plain reckoning: the same events in the same order, whatever is asked and however pages are cut."""

import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cast import Person

DICE = random.Random(7)
FIRST = datetime(2031, 1, 1, tzinfo=UTC)
COMMON, RARE = ["music", "sport", "talks"], ["falconry", "glassblowing"]
CITIES = ["Graz", "Ghent", None, "Kobe"]


@dataclass(frozen=True)
class Made:
    """What was written into the calendar, to reckon with."""

    title: str
    starts: datetime
    ends: datetime
    categories: tuple[str, ...]
    city: str | None


def made(number: int) -> Made:
    starts = FIRST + timedelta(
        minutes=DICE.randrange(0, 2 * 365 * 24 * 60, 30), seconds=number % 1800
    )  # no two at once
    length = DICE.choice([timedelta(hours=2), timedelta(hours=2), timedelta(days=2), timedelta(days=45)])
    labels = [DICE.choice(COMMON)] + ([DICE.choice(RARE)] if DICE.random() < 0.01 else [])
    word = "zither" if DICE.random() < 0.01 else DICE.choice(["evening", "morning"])
    return Made(f"{word} {number}", starts, starts + length, tuple(labels), DICE.choice(CITIES))


def entry(number: int, event: Made) -> str:
    place = f"LOCATION:{event.city}\n" if event.city else ""
    return (
        f"BEGIN:VEVENT\nUID:{number}@finding\nSUMMARY:{event.title}\nDTSTART:{event.starts:%Y%m%dT%H%M%SZ}\n"
        f"DTEND:{event.ends:%Y%m%dT%H%M%SZ}\n{place}CATEGORIES:{','.join(event.categories)}\nEND:VEVENT\n"
    )


async def test_every_page_of_every_list_is_what_plain_reckoning_says(dana: Person) -> None:
    events = [made(number) for number in range(1500)]
    calendar = "BEGIN:VCALENDAR\nVERSION:2.0\n" + "".join(map(entry, range(1500), events)) + "END:VCALENDAR\n"
    report = await dana.post(f"/api/communities/{dana.community}/imports", files={"file": ("x.ics", calendar.encode())})
    assert report.json()["created"] == 1500, report.text
    for _ in range(40):
        asked = wish()
        found = await walks(dana, {**asked, "community": dana.community, "limit": DICE.choice([7, 40, 100])})
        expected = reckoned(events, asked)
        assert [event["title"] for event in found] == [event.title for event in expected], asked


def wish() -> dict[str, Any]:
    asked: dict[str, Any] = {"sort": DICE.choice(["soonest", "latest"])}
    asked["from"] = (FIRST + timedelta(days=DICE.randrange(-30, 700))).strftime("%Y-%m-%dT%H:%M:%SZ")
    if DICE.random() < 0.3:
        asked["to"] = (FIRST + timedelta(days=760)).strftime("%Y-%m-%dT%H:%M:%SZ")
    asked |= DICE.choice(
        [{}, {"category": DICE.choice(COMMON + RARE)}, {"q": DICE.choice(["zither", "even", "zith fal"])}]
    )
    return asked | DICE.choice([{}, {}, {"city": DICE.choice(["Graz", "kobe", "Nowhere"])}])


def reckoned(events: list[Made], asked: dict[str, Any]) -> list[Made]:
    begins = datetime.fromisoformat(asked["from"])
    until = datetime.fromisoformat(asked["to"]) if "to" in asked else datetime.max.replace(tzinfo=UTC)

    def fits(event: Made) -> bool:
        words = f"{event.title} {event.city or ''} {' '.join(event.categories)}".lower().split()
        return (
            event.ends >= begins
            and event.starts < until
            and ("category" not in asked or asked["category"] in event.categories)
            and ("city" not in asked or (event.city or "").lower() == asked["city"].lower())
            and all(any(word.startswith(part) for word in words) for part in asked.get("q", "").split())
        )

    found = [event for event in events if fits(event)]
    return sorted(found, key=lambda event: event.starts, reverse=asked["sort"] == "latest")


async def walks(person: Person, asked: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    cursor = None
    while True:
        answer = await person.get("/api/events", params={**asked, **({"cursor": cursor} if cursor else {})})
        assert answer.status_code == 200, answer.text
        found += answer.json()["items"]
        if (cursor := answer.json()["next"]) is None:
            return found


@pytest.fixture(autouse=True)
def _same_dice() -> None:
    DICE.seed(7)
