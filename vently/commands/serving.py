"""Serving: uvicorn with Vently's settings; processes that answer requests read theirs from the environment."""

import asyncio
import errno
import gc
import multiprocessing
import os
import signal
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING, Any

import msgspec

from vently.refusals import Refusal
from vently.settings import Settings, variable

if TYPE_CHECKING:
    from vently.web.signing import Signer

GRACE = 20
"""Seconds that requests under way may take to end after SIGTERM."""
BACKLOG = 2048

_MENDING = {
    errno.EADDRINUSE: "another program listens there: stop it, or choose another port with --port",
    errno.EACCES: "only root may listen there: choose a port from 1024 on with --port",
    errno.EADDRNOTAVAIL: "this machine has no such address: give one of its own with --host",
}


class CannotListen(Refusal):
    """The address cannot be listened on."""


def check_address(host: str, port: int) -> None:
    """Raises CannotListen: better at once than after the database has been started."""
    with _listening(host, port):
        pass


def listen(settings: Settings, host: str, port: int, workers: int) -> None:
    """Answer requests until SIGINT or SIGTERM. Raises CannotListen, SettingsError, Unavailable when the database is
    silent, and KeysUnusableError.
    """
    from vently.app import check
    from vently.commands.ending import Told
    from vently.web import logs, signing

    logs.set_up(settings.log_level, settings.log_format)
    check(settings)
    # Keys are made once here, not by several workers; and what is wrong with them is said once.
    signer = signing.load(settings.secret, settings.data)
    asyncio.run(_check_database(settings, signer))
    with _listening(host, port) as sockets, _signals_kept():
        address = _address(host, sockets[0].getsockname()[1])
        if not os.environ.get(variable("site_url")):
            settings = msgspec.structs.replace(settings, site_url=address)
        for field in settings.__struct_fields__:
            os.environ[variable(field)] = str(getattr(settings, field))
        print(f"Vently is at {address}", flush=True)  # noqa: T201
        with suppress(KeyboardInterrupt, Told):  # when all is done, uvicorn raises again the signal that ended it
            _serve(settings, sockets, workers)


def worker() -> Any:
    """What uvicorn calls in each process that answers requests."""
    from vently import app

    if (parent := multiprocessing.parent_process()) is not None:
        # Should the parent be killed, its workers do not stay behind and keep the port.
        threading.Thread(target=_end_after, args=(parent,), daemon=True).start()
    made = app.worker()
    # What was imported stays: looking through it for garbage holds up requests for 0.1 s, again and again.
    gc.collect()
    gc.freeze()
    return made


def _serve(settings: Settings, sockets: list[socket.socket], workers: int) -> None:
    import uvicorn
    from uvicorn.supervisors import Multiprocess

    config = uvicorn.Config(
        f"{__name__}:worker",
        factory=True,
        workers=workers,
        loop="auto",
        http="httptools",
        ws="websockets-sansio",
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=True,
        forwarded_allow_ips=settings.trusted_proxies,
        timeout_graceful_shutdown=GRACE,
        timeout_keep_alive=75,
        backlog=BACKLOG,
    )
    if workers == 1:
        uvicorn.Server(config).run(sockets)
    else:
        Multiprocess(config, sockets).run()


async def _check_database(settings: Settings, signer: "Signer") -> None:
    from vently.app import sign_in
    from vently.commands.connecting import database

    async with database(settings) as db:
        await db.ping()
        if not settings.supabase_url:
            auth = sign_in(settings, signer)
            auth.database = db
            await auth.keys.load()


@contextmanager
def _listening(host: str, port: int) -> Iterator[list[socket.socket]]:
    """A socket for each address that the name stands for."""
    with ExitStack() as opened:
        sockets: list[socket.socket] = []
        missing: OSError | None = None
        for family, address in _addresses(host, port):
            try:
                listener = socket.create_server((address, port), family=family, backlog=BACKLOG)
            except OSError as error:
                if error.errno != errno.EADDRNOTAVAIL:
                    raise _refused(error, host, port) from None
                missing = error  # `localhost` stands for an IPv6 address too, also on a machine that has none
                continue
            sockets.append(opened.enter_context(listener))
            port = port or listener.getsockname()[1]
        if missing and not sockets:
            raise _refused(missing, host, port)
        yield sockets


def _refused(error: OSError, host: str, port: int) -> CannotListen:
    reason = _MENDING.get(error.errno or 0, error.strerror)
    return CannotListen(f"Vently cannot listen on port {port} of {host}: {reason}.")


def _addresses(host: str, port: int) -> list[tuple[socket.AddressFamily, str]]:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError):
        raise CannotListen(f"{host} is no address of this machine: give one of its own with --host.") from None
    return list(dict.fromkeys((family, str(address[0])) for family, _, _, _, address in found))


def _address(host: str, port: int) -> str:
    if host in {"", "0.0.0.0", "::"}:  # noqa: S104 - listened on, not gone to
        host = "127.0.0.1"
    return f"http://{'[' + host + ']' if ':' in host else host}:{port}"


@contextmanager
def _signals_kept() -> Iterator[None]:
    """The supervisor of several workers leaves its own handlers behind, which do nothing."""
    numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
    before = [signal.getsignal(number) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


def _end_after(parent: Any) -> None:
    parent.join()
    os.kill(os.getpid(), signal.SIGTERM)
