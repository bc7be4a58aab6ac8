"""Serving: uvicorn with Vently's settings; workers read theirs from the environment."""

import os

import uvicorn

from vently.settings import Settings, variable
from vently.web import logs

GRACE = 20
"""Seconds that requests under way may take to end after SIGTERM."""


def listen(settings: Settings, host: str, port: int, workers: int) -> None:
    """Answer requests until SIGINT or SIGTERM."""
    for field in settings.__struct_fields__:
        os.environ[variable(field)] = str(getattr(settings, field))
    logs.set_up(settings.log_level, settings.log_format)
    print(f"Vently is at http://{'[' + host + ']' if ':' in host else host}:{port}", flush=True)  # noqa: T201
    uvicorn.run(
        "vently.app:worker",
        factory=True,
        host=host,
        port=port,
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
        backlog=2048,
    )
