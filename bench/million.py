"""How reading grows from ten thousand events to a million: `python -m bench.million`."""

import argparse
import asyncio
import math
import statistics
import tempfile
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from bench.world import World, world
from vently.communities import communities
from vently.communities.shapes import CommunityFilters
from vently.database import pool
from vently.database.pool import VISITOR, Database, Transaction, Viewer
from vently.events import comments, discovery, events, rsvps
from vently.events.shapes import CommentFilters, EventFilters, NewComment, NewRsvp
from vently.refusals import Unavailable

Question = Callable[[Transaction], Awaitable[Any]]
TIMES, FIRST = 30, 12
LONGEST = 3000
"""How often each question is asked, and how many of the first answers are left out (plans and caches are new)."""


def questions(world: World) -> dict[str, tuple[Question, str]]:
    """Every hot query, and the link the viewer holds."""
    now = datetime.now(UTC)

    def day(days: int) -> str:
        return (now + timedelta(days=days)).isoformat(timespec="seconds")

    def found(**filters: Any) -> tuple[Question, str]:
        after = filters.pop("after", None)
        return lambda tx: discovery.search(tx, EventFilters(**filters), after), ""

    deep = ((now + timedelta(days=500)).timestamp(), "00000000-0000-0000-0000-000000000000")
    return {
        "list": found(),
        "list, 100 of them": found(limit=100),
        "list, deep": found(after=deep),
        "list, next week": found(from_=day(7), to=day(14)),
        "list, last year": found(from_=day(-365), to=day(-358)),
        "list, large city": found(city=world.large_city),
        "list, middle city": found(city=world.middle_city),
        "list, small city": found(city=world.small_city),
        "list, no such city": found(city="Nowhere"),
        "list, common category": found(category="category-0"),
        "list, rare category": found(category="rarity"),
        "list, no such category": found(category="nothing"),
        "list, tag": found(tag="tag-700"),
        "list, middle category": found(category="category-40"),
        "list, city and category": found(city=world.large_city, category="category-3"),
        "list, community": found(community=world.community),
        "list, organizer": found(organizer=world.organizer),
        "list, online": found(online=True),
        "search, common word": found(q=world.common_word),
        "search, middle word": found(q=world.middle_word),
        "search, rare word": found(q=world.rare_word),
        "search, no such word": found(q="xyzzyx"),
        "search, one letter": found(q="b"),
        "search, two common words": found(q=f"live {world.common_word}"),
        "search, common, by relevance": found(q=world.common_word, sort="relevance"),
        "search, middle, by relevance": found(q=world.middle_word, sort="relevance"),
        "search, rare, by relevance": found(q=world.rare_word, sort="relevance"),
        "latest": found(sort="latest"),
        "latest, large city": found(sort="latest", city=world.large_city),
        "popular": found(sort="popular"),
        "popular, large city": found(sort="popular", city=world.large_city),
        "popular, small city": found(sort="popular", city=world.small_city),
        "popular, last year": found(sort="popular", from_=day(-365), to=day(-358)),
        "event by slug": (lambda tx: events.read(tx, world.event_slug), world.event_slug),
        "event by id": (lambda tx: events.read(tx, str(world.event_id)), str(world.event_id)),
        "comments": (lambda tx: comments.thread(tx, world.talked_about, CommentFilters(), None), world.talked_about),
        "facets": (lambda tx: discovery.facets(tx, now), ""),
        "communities": (lambda tx: communities.search(tx, CommunityFilters(), None), ""),
        "communities by word": (lambda tx: communities.search(tx, CommunityFilters(q="nity 49"), None), ""),
        "communities of a city": (lambda tx: communities.search(tx, CommunityFilters(city=world.small_city), None), ""),
    }


def personal(world: World) -> dict[str, tuple[Question, str]]:
    """What only somebody with an account asks or does."""
    now = datetime.now(UTC)
    return {
        "my answers": (lambda tx: discovery.answered(tx, now, now + timedelta(days=3000)), ""),
        "my events": (lambda tx: discovery.hosted(tx, now), ""),
        "my communities": (communities.mine, ""),
        "answer": (lambda tx: rsvps.answer(tx, world.event_slug, NewRsvp("interested")), world.event_slug),
        "comment": (lambda tx: comments.create(tx, world.event_slug, NewComment("Nice.")), world.event_slug),
    }


async def ask(db: Database, viewer: Viewer, question: Question, link: str) -> float:
    """Milliseconds the database takes: the lower quartile, once plans are settled (others use the machine too)."""
    taken: list[float] = []
    while len(taken) < TIMES and sum(taken) < LONGEST:
        try:
            async with db.acting_as(viewer, link=link) as tx:
                waits: list[float] = []
                pool.spent.set(waits)
                await question(tx)
                taken.append(sum(waits) * 1000)
        except Unavailable:  # given up
            return math.inf
    return statistics.quantiles(taken[FIRST:] or taken * 2, n=4)[0]


async def measure(folder: Path, rows: int, only: str) -> dict[str, float]:
    taken = {}
    async with world(folder, rows) as at:
        db = await Database.open(at.url, size=1)
        claims = {"sub": str(at.organizer_id), "role": "authenticated", "email": "person@example.org"}
        member = Viewer(UUID(str(at.organizer_id)), "authenticated", claims)
        for who, viewer in (("visitor", VISITOR), ("member", member)):
            asked = questions(at) | (personal(at) if viewer.id else {})
            for name, (question, link) in asked.items():
                if only in f"{who}: {name}":
                    taken[f"{who}: {name}"] = await ask(db, viewer, question, link)
        await db.close()
    return taken


def main() -> None:
    given = argparse.ArgumentParser(description=__doc__)
    given.add_argument("--rows", type=int, nargs="+", default=[10_000, 1_000_000])
    given.add_argument("--keep", type=Path, help="folder whose worlds are kept and used again")
    given.add_argument("--only", default="", help="words that the question's name holds")
    options = given.parse_args()
    with tempfile.TemporaryDirectory(prefix="vently-bench-") as scratch:
        folder = options.keep or Path(scratch)
        tables = [asyncio.run(measure(folder / str(rows), rows, options.only)) for rows in options.rows]
    print(f"{'milliseconds':42}" + "".join(f"{rows:>12,}" for rows in options.rows) + f"{'growth':>9}")
    for name in tables[0]:
        row = [table[name] for table in tables]
        grown = row[-1] / row[0]
        print(f"{name:42}" + "".join(f"{each:12.2f}" for each in row) + f"{grown:8.1f}x" + ("  !" if grown > 2 else ""))


if __name__ == "__main__":
    main()
