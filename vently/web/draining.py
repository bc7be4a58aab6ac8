"""Leaving in good order: on SIGTERM the node first says it is not ready, so that load balancers send others elsewhere.

uvicorn by itself stops listening at once. Requests under way are finished by uvicorn in either case.
"""

import asyncio
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from vently.web.facts import Parts


@contextmanager
def draining(parts: Parts, seconds: float) -> Iterator[None]:
    """Within, SIGTERM turns `/readyz` to 503 and reaches uvicorn `seconds` later; a second SIGTERM at once."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    theirs: Any = signal.getsignal(signal.SIGTERM)
    loop = asyncio.get_running_loop()

    def leave(number: int, frame: Any) -> None:
        again, parts.draining = parts.draining, True
        if not callable(theirs):
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            signal.raise_signal(signal.SIGTERM)
        elif again or seconds <= 0:
            theirs(number, frame)
        else:
            loop.call_soon_threadsafe(loop.call_later, seconds, theirs, number, None)

    signal.signal(signal.SIGTERM, leave)
    try:
        yield
    finally:
        if signal.getsignal(signal.SIGTERM) is leave:
            signal.signal(signal.SIGTERM, theirs)
