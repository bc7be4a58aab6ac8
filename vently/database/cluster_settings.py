"""Postgres's settings for the embedded server, sized by the memory this machine or container may use."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

LOCAL = "postgresql.local.conf"
LOCAL_TEXT = (
    "# Your own settings for Postgres: read after Vently's (vently.conf), at every start, and never overwritten.\n"
)
_MB = 1024 * 1024


def configuration(settings: Mapping[str, str], memory: int | None = None) -> str:
    """The text of vently.conf: our settings, then the caller's, then the operator's own file, which wins."""
    chosen = _sane(memory or _memory_in_bytes()) | dict(settings)
    lines = [f"{name} = '{_quoted(value)}'" for name, value in chosen.items()]
    return "\n".join(
        (
            f"# Vently writes this file at every start of the server: put your own lines into {LOCAL}.",
            *lines,
            f"include_if_exists '{LOCAL}'",
            "",
        )
    )


def _sane(memory: int) -> dict[str, str]:
    return {
        "listen_addresses": "",  # only the socket, in a folder that only its owner can enter
        "unix_socket_permissions": "0700",
        "max_connections": "100",
        "shared_buffers": _megabytes(memory // 8, least=32, most=1024),
        "effective_cache_size": _megabytes(memory // 2, least=64, most=1024 * 1024),
        "work_mem": _megabytes(memory // 1024, least=4, most=32),
        "maintenance_work_mem": _megabytes(memory // 32, least=32, most=512),
        "huge_pages": "try",
        "random_page_cost": "1.1",  # disks without a moving head
        "jit": "off",  # our statements are short; compiling them costs more than running them
        "fsync": "on",
        "synchronous_commit": "on",
        "wal_compression": "on",
        "checkpoint_timeout": "15min",
        "min_wal_size": "128MB",
        "max_wal_size": "2GB",
        "default_text_search_config": "pg_catalog.english",  # as in a Supabase project
        "timezone": "UTC",
        "log_timezone": "UTC",
        "log_line_prefix": "%m [%p] ",
        # A statement's error reaches Vently as an exception; in the log it would repeat people's data and,
        # in a rush for the last seats, fill the disk. This level leaves out ERROR and keeps LOG, FATAL and PANIC.
        "log_min_messages": "log",
        "log_checkpoints": "off",
        "log_lock_waits": "on",
    }


def _megabytes(size: int, *, least: int, most: int) -> str:
    return f"{min(max(size // _MB, least), most)}MB"


def _quoted(value: str) -> str:
    return value.replace("\\", "\\\\").replace("'", "''")


def _memory_in_bytes() -> int:
    physical = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return min((physical, *_cgroup_limits()))


def _cgroup_limits() -> Iterator[int]:
    """Every limit on this process's way up the memory cgroups, versions 1 and 2 (cgroups(7)); none elsewhere."""
    try:
        lines = Path("/proc/self/cgroup").read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, group = line.split(":", 2)
        if controllers == "":
            root, name = Path("/sys/fs/cgroup"), "memory.max"
        elif "memory" in controllers.split(","):
            root, name = Path("/sys/fs/cgroup/memory"), "memory.limit_in_bytes"
        else:
            continue
        folder = root / group.lstrip("/")
        for place in (folder, *folder.parents):
            if place.is_relative_to(root):
                yield from _limit(place / name)


def _limit(file: Path) -> Iterator[int]:
    try:
        text = file.read_text().strip()
    except OSError:
        return
    if text.isdigit():  # "max" where there is no limit
        yield int(text)
