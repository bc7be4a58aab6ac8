"""`make bench`: Vently over HTTP beside a bare server and beside pgbench of the same SQL, in one run.

Machines differ and are never quiet: only the ratios count. Each pair is measured in turns, and the middle one is kept.
"""

import argparse
import asyncio
import os
import platform
import statistics
import subprocess
import tempfile
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from bench import load, reference, servers, sessions, till
from bench.load import Call, Load
from bench.people import bearers
from bench.world import World, world
from vently.database.queries import load as statements

sql = statements("vently.events")
GIGS, PEOPLE = 500, 200


class Pair(msgspec.Struct, frozen=True):
    """Something measured over HTTP, and what it is compared with."""

    name: str
    calls: list[Call]
    connections: int
    script: str
    goal: float
    p99: float


class Row(msgspec.Struct, frozen=True):
    """A line of the table."""

    name: str
    ours: str
    reference: str
    result: str
    goal: str
    met: bool | None


def pairs(tokens: list[str]) -> list[Pair]:
    """The hot requests, and the same statements for pgbench."""
    gig = f"\\set gig random(1, {GIGS})\n"
    listed = reference.statement(
        sql.list_events, starting="now()", community_given="false", sort="'soonest'", count="20"
    )
    read = reference.statement(sql.get_event, slug=reference.GIG)
    answer = reference.statement(
        sql.answer_event, status="'interested'", guests="0", answers="'{}'", slug=reference.GIG
    )
    comment = reference.statement(sql.create_comment, body="'See you there.'", slug=reference.GIG)
    mix = [(1 + number * 7919 % GIGS, token) for number, token in enumerate(tokens * 50)]
    return [
        Pair(
            "public list, not cached",
            [Call("/api/events")],
            64,
            f"{reference.as_visitor()}{listed};\ncommit;\n",
            0.5,
            25,
        ),
        Pair(
            "event by slug, not cached",
            [Call(f"/api/events/gig-{number}") for number in range(1, GIGS + 1)],
            64,
            f"{gig}{reference.as_visitor(reference.GIG)}{read};\ncommit;\n",
            0.5,
            25,
        ),
        Pair(
            "RSVP",
            [
                Call(f"/api/events/gig-{number}/rsvp", "PUT", token, load.body(status="interested"))
                for number, token in mix
            ],
            32,
            f"{gig}{reference.as_person(PEOPLE)}{answer};\ncommit;\n",
            0.3,
            30,
        ),
        Pair(
            "comment",
            [
                Call(f"/api/events/gig-{number}/comments", "POST", token, load.body(body="See you there."))
                for number, token in mix
            ],
            32,
            f"{gig}{reference.as_person(PEOPLE)}{comment};\ncommit;\n",
            0.3,
            30,
        ),
    ]


def main() -> None:
    given = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    given.add_argument("--rows", type=int, default=10_000, help="events in the world that is measured")
    given.add_argument("--seconds", type=int, default=4, help="of each measurement")
    given.add_argument("--turns", type=int, default=3)
    given.add_argument("--only", choices=["till"], help="measure nothing else")
    given.add_argument("--keep", type=Path, help="folder whose worlds are kept and used again")
    options = given.parse_args()
    print(heading(options.rows), flush=True)
    with tempfile.TemporaryDirectory(prefix="vently-bench-") as scratch:
        rows = [] if options.only else starting(Path(scratch) / "started")
        rows += asyncio.run(serving(options.keep or Path(scratch), Path(scratch), options))
    print(table(rows))


def heading(rows: int) -> str:
    commit = subprocess.run(["git", "describe", "--always", "--dirty"], capture_output=True, text=True, check=False)
    with_wrk = "wrk" if load.WRK else "the built-in client (install wrk for the real figures)"
    busy = ", ".join(f"{each:.1f}" for each in os.getloadavg())
    return (
        f"Vently {commit.stdout.strip()} on {datetime.now(UTC):%Y-%m-%d}, {rows:,} events, load by {with_wrk}\n"
        f"{os.cpu_count()} cores {platform.machine()}, {platform.system()} {platform.release()}, "
        f"Python {platform.python_version()}; load average before: {busy}\n"
    )


def starting(data: Path) -> list[Row]:
    """`vently up` in an empty folder, and again."""
    data.mkdir()
    first = servers.seconds_to_start(data)
    again = statistics.median(servers.seconds_to_start(data) for _ in range(3))
    return [
        Row("first start", f"{first:.1f} s", "", "", "≤ 5 s", first <= 5),
        Row("start of an existing folder", f"{again:.1f} s", "", "", "≤ 2 s", again <= 2),
    ]


async def serving(worlds: Path, scratch: Path, options: argparse.Namespace) -> list[Row]:
    data = worlds / str(options.rows)
    async with world(data, options.rows) as at:
        with ExitStack() as running:
            address = running.enter_context(servers.vently("serve", data))
            if options.only:
                return await selling(address, at, data, scratch, options)
            bare = running.enter_context(servers.hello(data))
            tokens, cost = await bearers(data, at.url, PEOPLE)
            rows = []
            for pair in pairs(tokens):
                rows += measured(pair, address, bare, at.url, scratch, options)
            micros = cost * 1e6
            rows.append(Row("verifying a token", f"{micros:.0f} µs", "", "", "≤ 150 µs", micros <= 150))
            rows += await selling(address, at, data, scratch, options)
            return rows + await signing_in(address, scratch, options)


async def selling(address: str, at: World, data: Path, scratch: Path, options: argparse.Namespace) -> list[Row]:
    """Orders of one free ticket by 64 buyers at once, each with an Idempotency-Key; then the door."""
    (token, *_), _ = await bearers(data, at.url, 1)
    done = await till.sales(
        address,
        at.superuser_url,
        data=data,
        token=token,
        seconds=options.seconds,
        turns=options.turns,
        scratch=scratch,
    )
    hot, fifty, late = done.hot, done.fifty, done.after_a_million
    rate, ratio = hot.per_second, hot.per_second / done.one_row_each
    to_sql = rate / done.batched
    spread = fifty.per_second / rate
    after = late.per_second
    return [
        Row("orders, one hot event", f"{rate:,.0f}/s", "", "", "≥ 4,000/s", rate >= 4000),
        Row("  a row per buyer", "", f"pgbench {done.one_row_each:,.0f}/s", f"{ratio:.2f} ×", "≥ 2 ×", ratio >= 2),
        Row("  its own SQL", "", f"pgbench {done.batched:,.0f}/s", f"{to_sql:.2f} ×", "", None),
        Row("  p99 of 64 at once", f"{hot.p99:.0f} ms", "", "", "≤ 60 ms", hot.p99 <= 60),
        Row(
            "orders, 50 events at once",
            f"{fifty.per_second:,.0f}/s",
            "one event",
            f"{spread:.2f} ×",
            "≥ 1 ×",
            spread >= 1,
        ),
        Row("  a million sold before", "", "none before", f"{after:.2f} ×", "≥ 0.8 ×", after >= 0.8),
        Row("scans", f"{done.scans.per_second:,.0f}/s", "", "", "≥ 300/s", done.scans.per_second >= 300),
        Row(f"  p99 of {till.DOOR} at once", f"{done.scans.p99:.0f} ms", "", "", "≤ 50 ms", done.scans.p99 <= 50),
    ]


async def signing_in(address: str, scratch: Path, options: argparse.Namespace) -> list[Row]:
    """Sign-in at work. A password costs what its hash costs; that is beside it."""
    hashes = await sessions.hashing()
    done = await sessions.sign_ins(address, seconds=options.seconds, turns=options.turns, scratch=scratch)
    rows = []
    for name, found in done.items():
        beside = ratio = ""
        if name == "password sign-ins":
            beside = f"argon2id {hashes.on_all_cores:,.0f}/s"
            ratio = f"{found.per_second / hashes.on_all_cores:.2f} ×"
        rows.append(Row(name, f"{found.per_second:,.0f}/s", beside, ratio, "", None))
        rows.append(Row("  p99", f"{found.p99:.0f} ms", "", "", "", None))
    one = f"{hashes.on_one_core:,.0f}/s a core"
    return [*rows, Row("argon2id, one hash", f"{hashes.milliseconds:.1f} ms", one, "", "", None)]


def measured(pair: Pair, address: str, bare: str, url: str, scratch: Path, options: argparse.Namespace) -> list[Row]:
    ours: list[Load] = []
    ratios, to_bare, theirs = [], [], []
    for _ in range(options.turns):
        done = load.run(address, pair.calls, connections=pair.connections, seconds=options.seconds, scratch=scratch)
        if done.failed:
            raise SystemExit(f"{pair.name}: {done.failed} requests failed; see bench.log in the world's folder")
        tps = reference.run(url, pair.script, clients=16, seconds=options.seconds, scratch=scratch)
        hello = load.run(bare, [Call("/")], connections=64, seconds=1, scratch=scratch)
        ours.append(done)
        theirs.append(tps)
        ratios.append(done.per_second / tps)
        to_bare.append(done.per_second / hello.per_second)
    ratio, rate = statistics.median(ratios), statistics.median(done.per_second for done in ours)
    p99 = statistics.median(done.p99 for done in ours)
    return [
        Row(
            pair.name,
            f"{rate:,.0f}/s",
            f"pgbench {statistics.median(theirs):,.0f}/s",
            f"{ratio:.2f} ×",
            f"≥ {pair.goal} ×",
            ratio >= pair.goal,
        ),
        Row(f"  p99 of {pair.connections} at once", f"{p99:.0f} ms", "", "", f"≤ {pair.p99:.0f} ms", p99 <= pair.p99),
        Row("  beside a bare server", "", "", f"{statistics.median(to_bare):.3f} ×", "", None),
    ]


def table(rows: list[Row]) -> str:
    lines = [f"| {'work':28} | {'Vently':>10} | {'beside':>17} | {'ratio':>8} | {'goal':>8} |       |"]
    lines.append("|---|---:|---:|---:|---:|---|")
    for row in rows:
        met = "" if row.met is None else "met" if row.met else "MISSED"
        lines.append(
            f"| {row.name:28} | {row.ours:>10} | {row.reference:>17} | {row.result:>8} | {row.goal:>8} | {met:6}|"
        )
    judged = [row for row in rows if row.met is not None]
    return "\n".join(lines) + f"\n\n{sum(bool(row.met) for row in judged)} of {len(judged)} goals met."


if __name__ == "__main__":
    main()
