"""The app through a real PgBouncer in transaction mode: every transaction may meet another server connection."""

import asyncio
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from uuid import uuid4

import pytest
from programs import needs_program
from scratch import Scratch

from vently.app import ROOMS
from vently.database.migrate import migrate
from vently.database.pool import VISITOR, Database, Viewer
from vently.database.queries import parse

sql = parse("""
-- name: who
select current_user::text || ' ' || coalesce(nullif(current_setting('request.jwt.claim.sub', true), ''), 'nobody');
-- name: wait
select pg_sleep(0.01);
""")


@pytest.fixture
async def pooler(scratch: Scratch) -> AsyncIterator[str]:
    """A PgBouncer with two server connections for everybody; gives the URL to log in through it."""
    program = needs_program("pgbouncer", "pgbouncer")
    database = await scratch.database(platform=False)
    await migrate(scratch.url(database, "postgres"), rooms=ROOMS, platform_url=scratch.url(database))
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    folder = Path(tempfile.mkdtemp(prefix="vently-pooler-"))
    (folder / "users.txt").write_text('"authenticator" ""\n')
    (folder / "pgbouncer.ini").write_text(
        f"[databases]\n{database} = host=127.0.0.1 port={scratch.port}\n"
        "[pgbouncer]\npool_mode = transaction\n"
        "default_pool_size = 2\nmax_client_conn = 200\n"
        f"listen_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\nauth_type = trust\n"
        f"auth_file = {folder}/users.txt\nlogfile = {folder}/log\n"
    )
    folder.chmod(0o755)
    for path in folder.iterdir():
        path.chmod(0o644)
    user = "nobody" if os.geteuid() == 0 else None  # PgBouncer does not run as root
    if user:
        shutil.chown(folder, user)
    process = subprocess.Popen([program, folder / "pgbouncer.ini"], user=user)
    try:
        _wait(port, process)
        yield f"postgresql://authenticator@127.0.0.1:{port}/{database}"
    finally:
        process.terminate()
        process.wait(10)


async def test_each_transaction_has_its_own_viewer(pooler: str) -> None:
    people = [Viewer(person, "authenticated", {"sub": str(person)}) for person in (uuid4() for _ in range(30))]
    async with _open(pooler, pooler=True) as db:
        answers = await asyncio.gather(*(_who(db, viewer) for viewer in [*people, *[VISITOR] * 10]))
    assert answers == [f"authenticated {viewer.id}" for viewer in people] + ["anon nobody"] * 10


async def test_without_the_setting_prepared_statements_get_lost(pooler: str) -> None:
    async with _open(pooler, pooler=False) as db:
        answers = await asyncio.gather(*(_who(db, VISITOR) for _ in range(60)), return_exceptions=True)
    assert any(isinstance(answer, Exception) for answer in answers)


@asynccontextmanager
async def _open(url: str, *, pooler: bool) -> AsyncIterator[Database]:
    db = await Database.open(url, size=20, pooler=pooler)
    try:
        yield db
    finally:
        await db.close()


async def _who(db: Database, viewer: Viewer) -> str:
    async with db.acting_as(viewer) as tx:
        await tx.execute(sql.wait)
        answer: str = await tx.value(sql.who)
        return answer


def _wait(port: int, process: "subprocess.Popen[bytes]") -> None:
    for _ in range(200):
        assert process.poll() is None, "PgBouncer ended"
        with closing(socket.socket()) as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise AssertionError("PgBouncer does not listen")
