"""Schemathesis over the whole API, with all its checks, as an organiser, a visitor and a platform admin.

`VENTLY_EXAMPLES` says how many examples each operation gets from the organiser (20; the others send a quarter);
100 is what a release is tried with.
"""

import asyncio
import os
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import httpx
import pytest

from vently.database.embedded import Server

HOUSE = Path(__file__).parents[2]
PROGRAMS = Path(sys.executable).parent
EXAMPLES = int(os.environ.get("VENTLY_EXAMPLES", "20"))
PATIENCE = 1800


@pytest.mark.parametrize("who", ["organiser", "visitor", "platform admin"])
async def test_the_api_does_what_its_document_says(
    server: Server, database_name: str, tmp_path: Path, who: str
) -> None:
    """`database_name` sees to it that the template is there; the fuzzed rows go into a database of their own."""
    name = f"{database_name}_fuzzed_{who[:5]}"
    await _administer(server, f"create database {name} template vently_template")
    try:
        async with _serving(server, name, tmp_path) as site:
            header = [] if who == "visitor" else ["--header", f"Authorization: Bearer {await _token(site)}"]
            if who == "platform admin":
                promote = "insert into public.platform_admins (person_id) select id from public.profiles"
                await _administer(server, promote, name)
            # The edges of every field are the same for all, so they are tried once.
            phases = "examples,coverage,fuzzing,stateful" if who == "organiser" else "fuzzing,stateful"
            examples = str(EXAMPLES if who == "organiser" else max(EXAMPLES // 4, 5))
            said, code = await _tries(site, tmp_path, *header, "--phases", phases, "--max-examples", examples)
    finally:
        await _administer(server, f"drop database {name} with (force)")
    assert code == 0, said


async def _tries(site: str, folder: Path, *more: str) -> tuple[str, int | None]:
    (folder / "tests").symlink_to(HOUSE / "tests")  # the configuration names its hooks from where it is run
    tool = await asyncio.create_subprocess_exec(
        PROGRAMS / "schemathesis", "--config-file", HOUSE / "schemathesis.toml", "run", f"{site}/openapi.json",
        "--url", site, "--checks", "all", "--workers", "2", "--continue-on-failure", *more,
        cwd=folder, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    said, _ = await asyncio.wait_for(tool.communicate(), PATIENCE)
    return said.decode(), tool.returncode


async def _token(site: str) -> str:
    """Of a new account that is an organiser."""
    async with httpx.AsyncClient(base_url=site) as client:
        account = {"email": "olga@example.org", "password": "correct horse battery", "data": {"name": "Olga"}}
        token: str = (await client.post("/auth/v1/signup", json=account)).json()["access_token"]
        accepted = await client.post(
            "/api/me/organizer", json={"terms_accepted": True}, headers={"authorization": f"Bearer {token}"}
        )
        assert accepted.status_code == 200, accepted.text
        return token


@asynccontextmanager
async def _serving(server: Server, database: str, folder: Path) -> AsyncIterator[str]:
    """The app as uvicorn runs it."""
    port = _free_port()
    settings = {
        "VENTLY_DATA": str(folder / "data"),
        "VENTLY_DATABASE_URL": server.url("authenticator", database),
        "VENTLY_SITE_URL": f"http://127.0.0.1:{port}",
        "VENTLY_RATE_LIMITS": "off",
        "VENTLY_LOG_LEVEL": "error",
    }
    process = await asyncio.create_subprocess_exec(
        PROGRAMS / "uvicorn", "vently.app:worker", "--factory", "--port", str(port), "--log-level", "error",
        env={**os.environ, **settings}, cwd=folder,
    )  # fmt: skip
    try:
        async with httpx.AsyncClient() as client:
            for _ in range(300):
                try:
                    if (await client.get(f"http://127.0.0.1:{port}/readyz")).status_code == 200:
                        break
                except httpx.TransportError:
                    assert process.returncode is None
                await asyncio.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        await process.wait()


async def _administer(server: Server, statement: str, database: str = "postgres") -> None:
    connection = await asyncpg.connect(server.url("supabase_admin", database))
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
