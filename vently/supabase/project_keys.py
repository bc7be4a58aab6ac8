"""The keys of a Supabase project: kept for a while, fetched anew without anybody waiting, used on when it is silent."""

import asyncio
import time
from collections.abc import Callable
from math import inf

import httpx
import structlog

from vently.refusals import Unavailable
from vently.supabase import jwks
from vently.supabase.jwks import KeysNotFetched
from vently.supabase.tokens import SigningKey

FRESH = 600
"""Seconds after which keys are fetched anew, as Supabase's own caches do."""
OLDEST = 86_400
"""Seconds that keys count while the project is silent; then a key that it took back would live too long."""
GAP = 30
"""Seconds from one fetch to the next, so that strangers' tokens do not make a node knock at the project's door."""
GAP_WITHOUT_KEYS = 3
"""The same while there are none and everybody waits."""

log = structlog.get_logger(__name__)


class ProjectKeys:
    """One for each process. `now` gives seconds that only go up."""

    def __init__(self, url: str, client: httpx.AsyncClient, *, now: Callable[[], float] = time.monotonic) -> None:
        self._url = url
        self._client = client
        self._now = now
        self._keys: dict[str, SigningKey] = {}
        self._fetched_at = self._tried_at = -inf
        self._fetching: asyncio.Task[None] | None = None

    async def find(self, kid: str) -> SigningKey | None:
        """None when the project has no such key. Raises Unavailable when it has not said which ones it has."""
        age = self._now() - self._fetched_at
        if age <= OLDEST and (key := self._keys.get(kid)):
            if age > FRESH:
                self._fetch()
            return key
        if fetching := self._fetch():
            await asyncio.shield(fetching)  # whoever goes away does not take the answer with them
        if self._now() - self._fetched_at > OLDEST:
            raise Unavailable("Sign-in does not answer, so who you are cannot be checked; try again in a moment.")
        return self._keys.get(kid)

    def warm(self) -> asyncio.Task[None] | None:
        """Fetch before the first request asks. Nobody need wait for it."""
        return self._fetch()

    async def keep_fresh(self) -> None:
        """Fetch again and again: a key that was taken back does not count either after a night without requests."""
        while True:
            await asyncio.sleep(FRESH)
            self._fetch()

    def close(self) -> None:
        if self._fetching:
            self._fetching.cancel()

    def _fetch(self) -> asyncio.Task[None] | None:
        """The fetch under way, or a new one, or none because the last one was a moment ago."""
        if self._fetching is None:
            gap = GAP if self._now() - self._fetched_at <= OLDEST else GAP_WITHOUT_KEYS
            if self._now() - self._tried_at < gap:
                return None
            self._tried_at = self._now()
            self._fetching = asyncio.create_task(self._fetch_once())
            self._fetching.add_done_callback(self._fetched)
        return self._fetching

    def _fetched(self, _: asyncio.Task[None]) -> None:
        self._fetching = None

    async def _fetch_once(self) -> None:
        try:
            found = await jwks.fetch(self._client, self._url)
        except KeysNotFetched as error:
            log.warning("keys of the Supabase project not fetched", reason=str(error), keys_in_use=len(self._keys))
            return
        if found.ignored:
            log.warning("keys of the Supabase project ignored", reasons=found.ignored)
        self._keys, self._fetched_at = found.usable, self._now()
