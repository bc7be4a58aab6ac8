"""The ring of keys a process holds: read again, found, and left as they are by what cannot be read."""

import asyncio

import pytest

from vently.refusals import Unavailable
from vently.supabase.auth.keys import ring
from vently.supabase.auth.keys.keys import Keys, KeysUnusableError, make
from vently.supabase.auth.keys.ring import KeyRing


class Reading:
    """Keys as they are read, counted; made to fail or to take time."""

    def __init__(self) -> None:
        self.times = 0
        self.keys = Keys.of([make(), make()])
        self.trouble: Exception | None = None

    async def __call__(self) -> Keys:
        self.times += 1
        await asyncio.sleep(0.01)
        if self.trouble:
            raise self.trouble
        return self.keys


async def test_keys_nobody_has_cannot_be_used_to_flood_the_database():
    read = Reading()
    made = KeyRing(read)
    with pytest.raises(Unavailable):
        await made.find("x")
    await asyncio.gather(*(made.load() for _ in range(50)))
    assert read.times == 1
    for _ in range(20):
        assert set(await asyncio.gather(*(made.find(f"unknown-{n}") for n in range(50)))) == {None}
    assert read.times == 1 + 3
    assert await made.find(read.keys.signing.kid)
    assert await made.find(None) is None
    assert await made.find("") is None


async def test_what_cannot_be_read_leaves_the_keys_as_they_are(monkeypatch):
    monkeypatch.setattr(ring, "RELOAD_SECONDS", 0.01)
    read = Reading()
    made = KeyRing(read)
    first = await made.load()
    fresh = asyncio.create_task(made.keep_fresh())
    for trouble in (Unavailable(), KeysUnusableError("sealed with another secret"), OSError("gone")):
        read.trouble, times = trouble, read.times
        while read.times < times + 2:
            await asyncio.sleep(0.005)
        assert made.now is first
    read.trouble, read.keys = None, Keys.of([make(), make()])
    while made.now is first:
        await asyncio.sleep(0.005)
    assert made.now is read.keys
    fresh.cancel()


async def test_whoever_gives_up_waiting_does_not_stop_the_reading():
    read = Reading()
    made = KeyRing(read)
    waiting = asyncio.create_task(made.load())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    waiting.cancel()
    assert await made.load()
    assert read.times == 1


async def test_a_key_that_is_made_during_a_reading_is_found():
    read = Reading()
    made = KeyRing(read)
    await made.load()
    read.keys, new = Keys.of([make(), make()]), Keys.of([make(), make()])
    stale = asyncio.create_task(made.load())
    await asyncio.sleep(0.005)

    async def rotate() -> None:
        await stale
        read.keys = new

    found, _ = await asyncio.gather(made.find(new.signing.kid), rotate())
    assert found
