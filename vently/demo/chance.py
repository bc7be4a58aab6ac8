"""Chance that falls the same way every time: a number between 0 and 1 drawn from words."""

from collections.abc import Iterable
from hashlib import blake2b
from typing import TypeVar

T = TypeVar("T")

SEED = "graz"


def chance(*words: object) -> float:
    """Each question has its own number, so changing one answer of the town does not shuffle the others."""
    said = "\0".join(map(str, (SEED, *words)))
    return int.from_bytes(blake2b(said.encode(), digest_size=6).digest(), "big") / 2**48


def shuffled(things: Iterable[T], *words: object) -> list[T]:
    return sorted(things, key=lambda thing: chance(*words, thing))
