"""Load over HTTP: wrk where it is installed, else a small client of our own (slower itself: its figures are lower)."""

import asyncio
import json
import re
import shutil
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

UNIQUE = "N" * 15
"""Stands in a call for a number that no other has."""


class Call(msgspec.Struct, frozen=True):
    """One request of a mix. `key`: its Idempotency-Key."""

    path: str
    method: str = "GET"
    token: str = ""
    body: str = ""
    key: str = ""


class Load(msgspec.Struct, frozen=True):
    """What came of it. Times in milliseconds."""

    per_second: float
    median: float
    p99: float
    failed: int


WRK = shutil.which("wrk")

_SCRIPT = """
local calls = {}
for line in io.lines("%s") do calls[#calls + 1] = line:gsub("\\\\r\\\\n", "\\r\\n") end
math.randomseed(os.time())
local number = %d
request = function()
  number = number + 1
  local call = calls[math.random(#calls)]
  if UNIQUE then call = call:gsub("%s", string.format("%%015d", number)) end
  return call
end
"""


def run(address: str, calls: Sequence[Call], *, connections: int, seconds: int, scratch: Path) -> Load:
    """Calls of the mix in any order over so many kept connections."""
    host = urlsplit(address).netloc
    texts = [_text(call, host) for call in calls]
    if WRK:
        return _wrk(address, texts, connections, seconds, scratch)
    return asyncio.run(_ours(host, texts, connections, seconds))


def _text(call: Call, host: str) -> str:
    lines = [f"{call.method} {call.path} HTTP/1.1", f"Host: {host}"]
    if call.token:
        lines.append(f"Authorization: Bearer {call.token}")
    if call.key:
        lines.append(f"Idempotency-Key: {call.key}")
    if call.body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(call.body.encode())}"]
    return "\r\n".join([*lines, "", call.body])


def _wrk(address: str, texts: list[str], connections: int, seconds: int, scratch: Path) -> Load:
    calls, script = scratch / "calls.txt", scratch / "calls.lua"
    calls.write_text("\n".join(text.replace("\r\n", "\\r\\n") for text in texts) + "\n")
    unique = "true" if UNIQUE in texts[0] else "false"
    script.write_text(_SCRIPT.replace("if UNIQUE", f"if {unique}") % (calls, time.time_ns() // 1_000_000 * 100, UNIQUE))
    command = [
        "wrk",
        "-t1",
        f"-c{connections}",
        f"-d{seconds}s",
        "--timeout",
        "10s",
        "--latency",
        "-s",
        script,
        address,
    ]
    said = subprocess.run([*map(str, command)], capture_output=True, text=True, check=True).stdout
    rate = re.search(r"Requests/sec:\s+([\d.]+)", said)
    failed = re.search(r"Non-2xx or 3xx responses: (\d+)", said)
    errors = re.search(r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", said)
    lost = sum(map(int, errors.groups())) if errors else 0
    if rate is None:
        raise RuntimeError(said)
    return Load(float(rate[1]), _ms(said, "50%"), _ms(said, "99%"), lost + (int(failed[1]) if failed else 0))


def _ms(said: str, share: str) -> float:
    found = re.search(rf"{share}\s+([\d.]+)(us|ms|s|m)", said)
    return float(found[1]) * {"us": 0.001, "ms": 1, "s": 1000, "m": 60_000}[found[2]] if found else float("nan")


async def _ours(host: str, texts: list[str], connections: int, seconds: int) -> Load:
    name, port = host.split(":")
    taken: list[float] = []
    failed = 0
    until = time.perf_counter() + seconds

    async def client(first: int) -> None:
        nonlocal failed
        reader, writer = await asyncio.open_connection(name, int(port))
        at = first
        while (began := time.perf_counter()) < until:
            at = (at + 7919) % len(texts)
            writer.write(texts[at].replace(UNIQUE, f"{time.time_ns() % 10**15:015d}").encode())
            head = await reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
            await reader.readexactly(int(length[1]) if length else 0)
            taken.append((time.perf_counter() - began) * 1000)
            failed += not head.startswith((b"HTTP/1.1 2", b"HTTP/1.1 3"))
        writer.close()

    await asyncio.gather(*(client(number) for number in range(connections)))
    taken.sort()
    return Load(len(taken) / seconds, taken[len(taken) // 2], taken[len(taken) * 99 // 100], failed)


def body(**fields: object) -> str:
    return json.dumps(fields)
