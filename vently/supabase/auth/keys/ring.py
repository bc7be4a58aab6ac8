"""The keys a process uses now, read again every so often, and when a token names one that is not known yet."""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable

import structlog
from joserfc.jwk import ECKey

from vently.refusals import Unavailable
from vently.supabase.auth.keys.keys import Keys, KeysUnusableError

log = structlog.get_logger(__name__)

RELOAD_SECONDS = 10
"""From one reading to the next: how long a key that was taken out may still count here."""
_BURST, _WINDOW = 3, 15.0
"""Readings that tokens with unknown keys may cause in so many seconds: one in five, and no flood of the database."""


class KeyRing:
    """Swaps the keys as a whole: whoever holds `now` holds keys that belong together."""

    def __init__(self, read: Callable[[], Awaitable[Keys]]) -> None:
        self._read = read
        self._keys: Keys | None = None
        self._asked: deque[float] = deque(maxlen=_BURST)
        self._reading: asyncio.Task[Keys] | None = None

    @property
    def now(self) -> Keys:
        """Raises Unavailable until they have been read once."""
        if self._keys is None:
            raise Unavailable("The signing keys are not read yet; try again in a moment.")
        return self._keys

    async def load(self) -> Keys:
        """Read them, in one reading for all who ask meanwhile. Raises KeysUnusableError, and Unavailable."""
        if self._reading is None or not self._under_way:
            self._reading = asyncio.create_task(self._take())
        return await asyncio.shield(self._reading)

    async def find(self, kid: str | None) -> ECKey | None:
        """The public half of a key by its name; None for one that is not ours."""
        known = self.now.by_id.get(kid or "")
        if known is not None or not kid:
            return known
        under_way = self._under_way
        found = await self._find_again(kid)
        # A reading that had begun before may have missed a key that is new since.
        return await self._find_again(kid) if found is None and under_way else found

    async def keep_fresh(self) -> None:
        """Read them again and again, as long as the process lives. What cannot be read leaves the keys as they are."""
        while True:
            await asyncio.sleep(RELOAD_SECONDS)
            try:
                await self.load()
            except Exception as error:  # noqa: BLE001 - whatever happens to the database, the next reading comes
                log.warning("signing keys not read", reason=str(error))

    @property
    def _under_way(self) -> bool:
        return self._reading is not None and not self._reading.done()

    async def _find_again(self, kid: str) -> ECKey | None:
        if not self._may_read():
            return None
        try:
            return (await self.load()).by_id.get(kid)
        except KeysUnusableError as error:
            log.error("signing keys not read", reason=str(error))  # noqa: TRY400 - the sentence says it all
            return None

    async def _take(self) -> Keys:
        self._keys = await self._read()
        return self._keys

    def _may_read(self) -> bool:
        if self._under_way:
            return True
        now = time.monotonic()
        if len(self._asked) == _BURST and now - self._asked[0] < _WINDOW:
            return False
        self._asked.append(now)
        return True
