"""The account the embedded Postgres runs as: never root, and without touching the modes of anybody's folders."""

import os
import pwd
import shutil
import stat
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from vently.database.cluster_errors import EmbeddedError

# Capabilities that let an ordinary account pass a folder it may not enter, the narrower one first: the numbers
# are the bits of CapEff in /proc/self/status (capabilities(7)). Containers often keep only dac_override, and
# that one alone lets the account run a program that only root may run (installed under umask 077).
_NARROW, _WIDE = ("dac_read_search", 2), ("dac_override", 1)
# The programs get none of Vently's other variables: those hold secrets, and PG… ones would lead psql astray.
_KEPT_VARIABLES = ("PATH", "LD_LIBRARY_PATH", "TMPDIR", "HOME")


@dataclass(frozen=True)
class Account:
    """A user of this machine. `switch` says that Vently is root and has to become this user."""

    uid: int
    gid: int
    switch: bool


@dataclass(frozen=True)
class Runner:
    """How Postgres's programs are started for an account."""

    prefix: tuple[str, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)

    def start(self, command: Sequence[str | Path], **options: Any) -> subprocess.Popen[bytes]:
        try:
            return subprocess.Popen(  # noqa: S603 - the command is ours, no shell reads it
                [*self.prefix, *map(str, command)],
                # The folder Vently was started in may be closed to the account.
                cwd="/",
                env={name: os.environ[name] for name in _KEPT_VARIABLES if name in os.environ} | {"LC_ALL": "C"},
                stdin=subprocess.DEVNULL,
                **self.options,
                **options,
            )
        except PermissionError as refused:
            if refused.filename is not None:
                raise
            raise EmbeddedError(
                "Postgres refuses to run as root and this machine does not let Vently become another user: "
                "run Vently as an ordinary user"
            ) from refused

    def finish(self, command: Sequence[str | Path], **options: Any) -> tuple[int, str]:
        """Run to the end; the exit code and everything the program said."""
        with self.start(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **options) as process:
            said, _ = process.communicate()
        return process.returncode, said.decode(errors="replace").strip()


OURSELVES = Runner()


def account_for(cluster: Path) -> Account:
    """Whom Postgres runs as: ourselves, or for root the cluster's owner, else `postgres`, else `nobody`."""
    owner = cluster.stat() if cluster.exists() else None
    if os.geteuid() != 0:
        if owner and owner.st_uid != os.geteuid():
            raise not_yours(cluster, owner.st_uid)
        return Account(os.geteuid(), os.getegid(), switch=False)
    if owner and owner.st_uid != 0:
        return Account(owner.st_uid, owner.st_gid, switch=True)
    for name in ("postgres", "nobody"):
        try:
            user = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(user.pw_uid, user.pw_gid, switch=True)
    raise EmbeddedError(
        "Postgres refuses to run as root and this machine has neither a user 'postgres' nor 'nobody': "
        "add one (useradd --system postgres), or run Vently as an ordinary user"
    )


def not_yours(path: Path, owner: int) -> EmbeddedError:
    try:
        name = pwd.getpwuid(owner).pw_name
    except KeyError:
        name = f"number {owner}"
    return EmbeddedError(f"{path} belongs to the user {name}: run Vently as that user, or choose another data folder")


def runner_for(account: Account, needed: Iterable[Path]) -> Runner:
    """A runner whose programs can reach the `needed` files and folders."""
    if not account.switch:
        return OURSELVES
    needed = tuple(needed)
    closed = next((path for path in needed if not _reaches(account, path)), None)
    if closed is None:
        return Runner(options={"user": account.uid, "group": account.gid, "extra_groups": []})
    setpriv = shutil.which("setpriv")
    runs_all = all(_allows(account, path, stat.S_IXOTH) for path in needed if path.is_file())
    capability = _held_of(_NARROW, _WIDE) if runs_all else _held_of(_WIDE)
    if setpriv is None or capability is None:
        missing = "setpriv (package util-linux) is missing" if setpriv is None else "its container forbids that"
        raise EmbeddedError(
            f"as root Vently runs Postgres as another user, who cannot get at {closed}, and {missing}: "
            "put Vently and its data where every user can look, or run Vently as an ordinary user"
        )
    return Runner(
        prefix=(
            # Without the securebit access(2), by which Postgres looks for its programs, ignores the capability.
            *(setpriv, "--securebits=+no_setuid_fixup"),
            *(f"--reuid={account.uid}", f"--regid={account.gid}", "--clear-groups"),
            *(f"--inh-caps=+{capability}", f"--ambient-caps=+{capability}", "--"),
        )
    )


def _reaches(account: Account, path: Path) -> bool:
    """By modes alone: an access list that says otherwise costs a needless capability or a clear error, no more."""
    program = path.is_file()
    return _allows(account, path, stat.S_IROTH | stat.S_IXOTH if program else stat.S_IXOTH) and all(
        _allows(account, folder, stat.S_IXOTH) for folder in path.parents
    )


def _allows(account: Account, path: Path, bits: int) -> bool:
    entry = path.stat()
    shift = 6 if entry.st_uid == account.uid else 3 if entry.st_gid == account.gid else 0
    return (entry.st_mode >> shift) & bits == bits


def _held_of(*capabilities: tuple[str, int]) -> str | None:
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return None
    held = next((int(line.split()[1], 16) for line in lines if line.startswith("CapEff:")), 0)
    return next((name for name, bit in capabilities if held >> bit & 1), None)
