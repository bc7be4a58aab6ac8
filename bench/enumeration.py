"""`python -m bench.enumeration`: can the time of an answer tell whether an address has an account?

Wrong passwords for a known and an unknown address, in turns and in random order within each turn, on a few connections.
A second unknown address is tried as often: what it differs by from the first is this machine's noise.
"""

import argparse
import asyncio
import random
import statistics
import tempfile
import time
from pathlib import Path

import msgspec

from bench import servers
from bench.sessions import PASSWORD, PASSWORD_GRANT, Line

KNOWN, UNKNOWN, NOBODY = "known@example.org", "unknown@example.org", "nobody@example.org"
MOST_MS, MOST_SHARE = 1.0, 0.03
LINES = 6


async def attempts(address: str, tries: int) -> dict[str, list[float]]:
    """Milliseconds of each try, by address. Raises AssertionError when the answers themselves differ."""
    first = await Line.open(address)
    status, _ = await first.post("/auth/v1/signup", email=KNOWN, password=PASSWORD)
    assert status == 200, status
    await turns(first, range(-20, 0))  # warms things up
    first.close()
    lines = [await Line.open(address) for _ in range(LINES)]
    found = await asyncio.gather(*(turns(line, range(n, tries, LINES)) for n, line in enumerate(lines)))
    for line in lines:
        line.close()
    said = set.union(*(answers for _, answers in found))
    assert [status for status, _ in said] == [400], f"not one and the same refusal: {said}"
    return {email: [time for spent, _ in found for time in spent[email]] for email in (KNOWN, UNKNOWN, NOBODY)}


async def turns(line: Line, numbers: range) -> tuple[dict[str, list[float]], set[tuple[int, bytes]]]:
    """One after the other on a connection: milliseconds by address, and the different answers."""
    spent: dict[str, list[float]] = {KNOWN: [], UNKNOWN: [], NOBODY: []}
    answers = set()
    for number in numbers:
        for email in random.sample(list(spent), len(spent)):
            began = time.perf_counter()
            status, body = await line.post(PASSWORD_GRANT, email=email, password=f"a wrong password {number}")
            spent[email].append((time.perf_counter() - began) * 1000)
            answers.add((status, msgspec.json.encode(body)))
    return spent, answers


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--tries", type=int, default=2000, help="attempts for each address")
    tries = arguments.parse_args().tries
    with tempfile.TemporaryDirectory() as folder, servers.vently("up", Path(folder)) as address:
        spent = asyncio.run(attempts(address, tries))
    known, unknown, nobody = (statistics.median(times) for times in spent.values())
    difference = abs(known - unknown)
    print(f"{tries} wrong passwords for each address, answered alike")
    print(f"known      {known:8.3f} ms (median)")
    print(f"unknown    {unknown:8.3f} ms")
    print(
        f"difference {difference:8.3f} ms, {difference / known:.2%}; between two unknown {abs(unknown - nobody):.3f} ms"
    )
    met = difference <= MOST_MS or difference <= MOST_SHARE * known
    print("within 1 ms or 3 %" if met else "TOO FAR APART: more than 1 ms and more than 3 %")
    raise SystemExit(not met)


if __name__ == "__main__":
    main()
