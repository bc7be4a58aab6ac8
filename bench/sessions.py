"""Sign-in under load: sessions refreshed, access checked, passwords taken; and what a hash of one costs here."""

import asyncio
import json
import os
import re
import statistics
import time
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from bench import load
from bench.load import Call, Load
from vently.supabase.auth import passwords

PASSWORD = "correct horse battery staple"
CONNECTIONS = 32
PASSWORD_GRANT = "/auth/v1/token?grant_type=password"
REFRESH_GRANT = "/auth/v1/token?grant_type=refresh_token"


class Hashing(NamedTuple):
    """argon2id with the site's own parameters, as sign-in hashes."""

    milliseconds: float
    on_one_core: float
    on_all_cores: float


class Line:
    """One kept connection, and one request at a time."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, host: str) -> None:
        self._reader = reader
        self._writer = writer
        self._host = host

    @classmethod
    async def open(cls, address: str) -> "Line":
        host = urlsplit(address)
        return cls(*await asyncio.open_connection(host.hostname, host.port), host.netloc)

    async def post(self, path: str, **fields: object) -> tuple[int, dict[str, Any]]:
        body = load.body(**fields).encode()
        self._writer.write(
            f"POST {path} HTTP/1.1\r\nHost: {self._host}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n".encode()
            + body
        )
        head = await self._reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
        answer = await self._reader.readexactly(int(length[1]) if length else 0)
        return int(head.split(b" ", 2)[1]), json.loads(answer or b"{}")

    def close(self) -> None:
        self._writer.close()


class Sessions:
    """A person a connection; a refresh needs the token of the last one, so each goes along a chain of its own."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._emails = [f"sleeper-{number}@example.org" for number in range(CONNECTIONS)]
        self._lines: list[Line] = []
        self._sessions: list[dict[str, Any]] = []

    async def begin(self) -> None:
        """Signed up, or signed in where the world is used again."""
        self._lines = [await Line.open(self._address) for _ in self._emails]
        self._sessions = await asyncio.gather(*map(self._enter, self._lines, self._emails))

    async def refreshed(self, seconds: float) -> Load:
        until = time.perf_counter() + seconds
        chains = await asyncio.gather(*(self._chain(number, until) for number in range(CONNECTIONS)))
        taken = sorted(each for chain, _ in chains for each in chain)
        failed = sum(failures for _, failures in chains)
        return Load(len(taken) / seconds, taken[len(taken) // 2], taken[len(taken) * 99 // 100], failed)

    def access_checks(self) -> list[Call]:
        return [Call("/auth/v1/user", token=session["access_token"]) for session in self._sessions]

    def sign_ins(self) -> list[Call]:
        return [Call(PASSWORD_GRANT, "POST", body=load.body(email=email, password=PASSWORD)) for email in self._emails]

    def end(self) -> None:
        for line in self._lines:
            line.close()

    async def _enter(self, line: Line, email: str) -> dict[str, Any]:
        status, session = await line.post("/auth/v1/signup", email=email, password=PASSWORD)
        if status != 200:
            status, session = await line.post(PASSWORD_GRANT, email=email, password=PASSWORD)
        if status != 200:
            raise SystemExit(f"{email} cannot sign in: {session}")
        return session

    async def _chain(self, number: int, until: float) -> tuple[list[float], int]:
        taken, failed = [], 0
        while (began := time.perf_counter()) < until:
            status, answer = await self._lines[number].post(
                REFRESH_GRANT, refresh_token=self._sessions[number]["refresh_token"]
            )
            taken.append((time.perf_counter() - began) * 1000)
            if status == 200:
                self._sessions[number] = answer
            else:
                failed += 1
        return taken, failed


async def sign_ins(address: str, *, seconds: int, turns: int, scratch: Path) -> dict[str, Load]:
    """The middle of each measurement; nothing may fail."""
    people = Sessions(address)
    await people.begin()
    done: dict[str, list[Load]] = {"sessions refreshed": [], "access checks": [], "password sign-ins": []}
    for _ in range(turns):
        done["sessions refreshed"].append(await people.refreshed(seconds))
        for name, calls, connections in (
            ("access checks", people.access_checks(), CONNECTIONS),
            ("password sign-ins", people.sign_ins(), os.cpu_count() or 2),
        ):
            run = asyncio.to_thread(load.run, address, calls, connections=connections, seconds=seconds, scratch=scratch)
            done[name].append(await run)
    people.end()
    for name, loads in done.items():
        if failed := sum(each.failed for each in loads):
            raise SystemExit(f"{name}: {failed} requests failed; see bench.log in the world's folder")
    return {name: sorted(loads, key=lambda each: each.per_second)[len(loads) // 2] for name, loads in done.items()}


async def hashing(count: int = 8) -> Hashing:
    """One hash after the other, then as many at once as sign-in would (`passwords` bounds its threads)."""
    took = []
    for _ in range(count):
        began = time.perf_counter()
        await passwords.hashed(PASSWORD)
        took.append(time.perf_counter() - began)
    one = statistics.median(took)
    many = count * (os.cpu_count() or 1)
    began = time.perf_counter()
    await asyncio.gather(*(passwords.hashed(PASSWORD) for _ in range(many)))
    return Hashing(one * 1000, 1 / one, many / (time.perf_counter() - began))
