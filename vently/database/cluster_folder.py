"""Where the embedded Postgres keeps things: its folder, its socket, its locks, its log and its pid file."""

import fcntl
import hashlib
import os
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from vently.database.cluster_account import Account, not_yours
from vently.database.cluster_errors import EmbeddedError

PORT = 5432  # names the socket file; nothing listens on the network
_SOCKET = f".s.PGSQL.{PORT}"
# sizeof(sun_path) less the closing zero byte: unix(7), and Darwin's sys/un.h.
_LONGEST_SOCKET = 103 if sys.platform == "darwin" else 107
# Postgres and libpq split lists of socket folders at commas and read quotes in them.
_UNSPEAKABLE = frozenset(",\"'\\\n")
_LONGEST_LOG = 16 * 1024 * 1024


def prepare(data: Path) -> Path:
    """Make DATA/postgres and return its real path."""
    data.mkdir(parents=True, exist_ok=True)
    home = data.resolve() / "postgres"
    root = os.geteuid() == 0
    with suppress(FileExistsError):
        # Root's Postgres runs as somebody else, who must be able to pass through.
        home.mkdir(mode=0o711 if root else 0o700)
    home = home.resolve()
    owner = home.stat().st_uid
    if not root and owner != os.geteuid():
        raise not_yours(home, owner)
    return home


def open_own(home: Path, name: str, flags: int) -> int:
    """Open a file of ours in DATA/postgres, made for the folder's owner; never through a link somebody planted."""
    opened = os.open(home / name, flags | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    if os.geteuid() == 0:
        owner = home.stat()
        os.fchown(opened, owner.st_uid, owner.st_gid)
    return opened


def write_own(home: Path, name: str, text: str) -> None:
    """Replace a file in DATA/postgres at one stroke; readable by the account Postgres runs as."""
    (home / f"{name}.new").unlink(missing_ok=True)
    with os.fdopen(open_own(home, f"{name}.new", os.O_WRONLY | os.O_EXCL), "w", encoding="utf-8") as file:
        file.write(text)
        os.fchmod(file.fileno(), 0o644)
    (home / f"{name}.new").replace(home / name)


@contextmanager
def lock_file(home: Path, name: str) -> Iterator[int]:
    """An open file to hold a lock on; the lock ends with the process, however that ends."""
    opened = open_own(home, name, os.O_RDWR)
    try:
        yield opened
    finally:
        os.close(opened)


@contextmanager
def one_at_a_time(home: Path) -> Iterator[None]:
    """Starting and stopping wait for one another, over all processes that use this data folder."""
    with lock_file(home, "start.lock") as opened:
        fcntl.flock(opened, fcntl.LOCK_EX)
        yield


def locked_at_once(opened: int) -> bool:
    """Take the lock for ourselves alone if nobody else holds it; do not wait."""
    try:
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def open_log(home: Path) -> Iterator[int]:
    log = home / "log"
    if log.exists() and log.stat().st_size > _LONGEST_LOG:
        log.replace(home / "log.1")
    opened = open_own(home, "log", os.O_RDWR | os.O_APPEND)
    try:
        yield opened
    finally:
        os.close(opened)


@dataclass(frozen=True)
class PidFile:
    """What a postmaster writes about itself (PostgreSQL's miscadmin.h, LOCK_FILE_LINE_…)."""

    pid: int
    port: int
    socket_dir: Path
    ready: bool


def read_pid_file(cluster: Path) -> PidFile | None:
    """None where there is none, or none that is complete."""
    try:
        lines = (cluster / "postmaster.pid").read_text().splitlines()
        pid, port, socket_dir = int(lines[0]), int(lines[3]), lines[4]
    except (FileNotFoundError, ValueError, IndexError):
        return None
    # Line 7 waits for the shared memory's key; the last line says how far the start has come.
    return PidFile(pid, port, Path(socket_dir), ready=lines[-1].strip() == "ready") if socket_dir else None


def command_of(pid: int) -> str:
    """The command line of a living process, else nothing."""
    if Path("/proc/self/cmdline").exists():
        try:
            return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            return ""
    ps = subprocess.run(["ps", "-p", str(pid), "-o", "args="], capture_output=True, check=False)  # noqa: S603, S607
    return ps.stdout.decode(errors="replace")


def socket_folder(home: Path, account: Account) -> Path:
    """A folder that only the account may enter: in DATA/postgres, or in the temporary folder for a long path.

    A folder that somebody else could have made is refused: whoever owns it could answer in Postgres's place.
    """
    folder = home / "run"
    if not _fits(folder):
        name = f"vently-{account.uid}-{hashlib.sha256(os.fsencode(home)).hexdigest()[:16]}"
        places = (Path(tempfile.gettempdir()).resolve() / name, Path("/tmp").resolve() / name)  # noqa: S108
        folder = next((place for place in places if _fits(place)), places[-1])
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    entry = folder.lstat()
    private = stat.S_ISDIR(entry.st_mode) and not entry.st_mode & 0o077
    if private and entry.st_uid == 0:
        give(folder, account)  # root has just made it
        entry = folder.lstat()
    if not private or entry.st_uid != account.uid:
        raise EmbeddedError(
            f"{folder} is not the private folder Vently makes for Postgres's socket: "
            "remove it, or let TMPDIR name a folder of your own"
        )
    return folder


def clear_stale(cluster: Path, socket_dir: Path) -> None:
    """Remove what a killed server left: Postgres would trust the numbers in it, which other programs may have now.

    Called only while no process of the server lives; should one, Postgres still sees its shared memory and refuses.
    """
    for file in (cluster / "postmaster.pid", socket_dir / _SOCKET, socket_dir / f"{_SOCKET}.lock"):
        file.unlink(missing_ok=True)


def give(folder: Path, account: Account) -> None:
    """Root hands a folder and all in it to the account; links themselves, not what they point to."""
    if not account.switch:
        return
    # From the inside out: while the outermost folder is root's, the account cannot swap anything under our hands.
    for place, folders, files in os.walk(folder, topdown=False):
        for name in (*folders, *files):
            os.lchown(Path(place) / name, account.uid, account.gid)
    os.lchown(folder, account.uid, account.gid)


def _fits(folder: Path) -> bool:
    path = str(folder / _SOCKET)
    return len(os.fsencode(path)) <= _LONGEST_SOCKET and not _UNSPEAKABLE & set(path)
