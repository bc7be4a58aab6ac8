"""The embedded Postgres: started by the first who needs it, shared by all who come, stopped by the last who leaves.

Three files in DATA/postgres carry locks, which the system drops whenever their holder ends, even by kill -9:
users.lock is shared by everybody who uses the server; start.lock lets one at a time start or stop it; server.lock
is inherited by the server and by all its processes, so it is held exactly as long as one of them lives. No pid is
ever taken for proof of life.
"""

import fcntl
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from vently.database.cluster_account import OURSELVES, account_for, runner_for
from vently.database.cluster_birth import SUPERUSER, cluster_in, programs
from vently.database.cluster_errors import EmbeddedError, in_plain_words
from vently.database.cluster_folder import (
    PORT,
    PidFile,
    clear_stale,
    command_of,
    lock_file,
    locked_at_once,
    one_at_a_time,
    open_log,
    prepare,
    read_pid_file,
    socket_folder,
    write_own,
)
from vently.database.cluster_settings import LOCAL, LOCAL_TEXT, configuration

__all__ = ["EmbeddedError", "Server", "running"]

_MOMENT = 0.01  # seconds between two looks
_RECOVERY = 600.0  # seconds for a server that says it is starting or stopping: replaying its log may take minutes
_SILENCE = 30.0  # seconds for processes that live and do not answer: what is left of a killed server or initdb
_STOPPING = 60.0

_ACCEPTS, _REJECTS, _SILENT = 0, 1, 2  # pg_isready's exit codes; 3 is "no attempt was made"

# Servers we started: kept, so that Python does not complain of a child nobody waits for.
_children: list[subprocess.Popen[bytes]] = []


@dataclass(frozen=True)
class Server:
    """A running server. `started_here` is false where it was running already."""

    data: Path
    socket_dir: Path
    port: int
    started_here: bool

    def url(self, user: str = "authenticator", database: str = "vently") -> str:
        host = quote(os.fsencode(self.socket_dir))
        return f"postgresql://{quote(user, safe='')}@/{quote(database, safe='')}?host={host}&port={self.port}"


@contextmanager
def running(data: Path, *, pg_bin: Path | None = None, settings: Mapping[str, str] | None = None) -> Iterator[Server]:
    """Start the server of this data folder, or join the one that runs; the last to leave stops it.

    Blocks until it accepts connections. `settings` count only when this call starts the server.
    """
    with ExitStack() as leaving:
        with in_plain_words(data):
            folder = programs(pg_bin)
            home = prepare(data)
            users = leaving.enter_context(lock_file(home, "users.lock"))
        try:
            with in_plain_words(home), one_at_a_time(home):
                fcntl.flock(users, fcntl.LOCK_SH)
                server = _adopt(data, home, folder) or _start(data, home, folder, settings or {})
                _make_database(server, folder)
            yield server
        finally:
            with in_plain_words(home), one_at_a_time(home):
                fcntl.flock(users, fcntl.LOCK_UN)
                if locked_at_once(users):
                    _stop(home, folder)


def _adopt(data: Path, home: Path, folder: Path) -> Server | None:
    """The server that runs here already, once it accepts connections; None if none runs."""
    cluster = home / "cluster"
    waited = _Patience(home)
    while _lives(home) or _runs_by_hand(cluster):
        at = read_pid_file(cluster)
        answer = _ask(folder, at)
        if at and answer == _ACCEPTS:
            return Server(data, at.socket_dir, at.port, started_here=False)
        waited.a_moment(silent=answer == _SILENT)
    return None


def _start(data: Path, home: Path, folder: Path, settings: Mapping[str, str]) -> Server:
    account = account_for(home / "cluster")
    socket_dir = socket_folder(home, account)
    needed = (folder / "postgres", folder / "initdb", folder.parent, home, socket_dir.parent)
    runner = runner_for(account, needed)
    with lock_file(home, "server.lock") as life, open_log(home) as log:
        fcntl.flock(life, fcntl.LOCK_EX)
        cluster = cluster_in(home, folder, account, runner, life)
        clear_stale(cluster, socket_dir)
        write_own(home, "vently.conf", configuration(settings))
        if not (home / LOCAL).exists():
            write_own(home, LOCAL, LOCAL_TEXT)
        said_before = os.fstat(log).st_size
        process = runner.start(
            # Socket and port are said here, so that the operator's own lines cannot move the server away from us.
            [
                *(folder / "postgres", "-D", cluster, "-c", f"config_file={home / 'vently.conf'}"),
                *("-p", str(PORT), "-k", socket_dir),
            ],
            stdout=log,
            stderr=log,
            # A session of its own: Ctrl-C at the terminal is for Vently, which then stops the server in good order.
            start_new_session=True,
            pass_fds=(life,),
        )
        _children.append(process)
        _await_ready(process, cluster, home, lambda: os.pread(log, 65536, said_before))
    return Server(data, socket_dir, PORT, started_here=True)


def _await_ready(process: subprocess.Popen[bytes], cluster: Path, home: Path, said: Callable[[], bytes]) -> None:
    waited = _Patience(home)
    while process.poll() is None:
        at = read_pid_file(cluster)
        if at and at.pid == process.pid and at.ready:
            return
        waited.a_moment(silent=False)
    lines = said().decode(errors="replace").splitlines()
    raise EmbeddedError(f"Postgres stopped while starting; mend what {home / 'log'} says: {' | '.join(lines[-6:])}")


def _stop(home: Path, folder: Path) -> None:
    """Stop the server as `pg_ctl stop -m fast` does. One started by hand, without our lock, goes on running."""
    told: PidFile | None = None
    until = time.monotonic() + _STOPPING
    while _lives(home) and time.monotonic() < until:
        at = read_pid_file(home / "cluster")
        # Only a living postmaster answers, and it keeps its pid file true: the number is its own.
        if told is None and at and _ask(folder, at) != _SILENT:
            with suppress(ProcessLookupError):
                os.kill(at.pid, signal.SIGINT)
            told = at
        time.sleep(_MOMENT)
    if told and told.socket_dir.parent != home:
        with suppress(OSError):
            told.socket_dir.rmdir()
    _children[:] = [child for child in _children if child.poll() is None]


def _make_database(server: Server, folder: Path) -> None:
    """Make the database if it is missing: after the first start, or one that was killed before this step."""
    psql = (folder / "psql", "-X", "-At", "-d", server.url(SUPERUSER, "postgres"), "-c")
    code, said = OURSELVES.finish([*psql, "select 1 from pg_database where datname = 'vently'"])
    if code == 0 and not said:
        code, said = OURSELVES.finish([*psql, "create database vently"])
    if code != 0:
        raise EmbeddedError(f"Postgres runs but its database vently cannot be made; mend what it says: {said}")


def _lives(home: Path) -> bool:
    """Whether any process of the server we started lives."""
    with lock_file(home, "server.lock") as life:
        return not locked_at_once(life)


def _runs_by_hand(cluster: Path) -> bool:
    """Whether the pid file names a server that somebody started on this cluster without us (pg_ctl restart, say)."""
    at = read_pid_file(cluster)
    return at is not None and str(cluster) in command_of(at.pid)


def _ask(folder: Path, at: PidFile | None) -> int:
    if at is None:
        return _SILENT
    # As a role and to a database that exist: the server's log need not complain of our asking.
    target = ("-h", at.socket_dir, "-p", str(at.port), "-U", SUPERUSER, "-d", "postgres")
    code, _ = OURSELVES.finish([folder / "pg_isready", "-q", "-t", "5", *target])
    return code if code in {_ACCEPTS, _REJECTS} else _SILENT


class _Patience:
    """Waits moment by moment, and not for ever: longer for a server that speaks than for one that does not."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.began = self.heard = time.monotonic()

    def a_moment(self, *, silent: bool) -> None:
        now = time.monotonic()
        if not silent:
            self.heard = now
        if now - self.heard > _SILENCE:
            raise EmbeddedError(
                f"processes of an earlier Postgres still use {self.home} and do not answer: "
                "end them (they are called 'postgres') and start again"
            )
        if now - self.began > _RECOVERY:
            raise EmbeddedError(
                f"Postgres has not become ready in {_RECOVERY / 60:.0f} minutes: "
                f"see in {self.home / 'log'} what it is doing, and start again when it is done"
            )
        time.sleep(_MOMENT)
