"""Passwords: argon2id for ours; bcrypt, as Supabase Auth writes it, is accepted and replaced at the next sign-in."""

import asyncio
import os
import re
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TypeVar

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from pwdlib.hashers.bcrypt import BcryptHasher
from zxcvbn import zxcvbn

from vently.supabase.auth.errors import AuthError

T = TypeVar("T")

SHORTEST = 6
"""Characters, Supabase Auth's default."""

STRONG_ENOUGH = 2
"""zxcvbn's score from 0 to 4; from 2 on it takes over 10^6 guesses: years, at the rate that sign-in allows."""

LONGEST = 72
"""Bytes, Supabase Auth's limit, so that an account can move to a Supabase project and back."""

DEAREST_MEMORY, DEAREST_WORK, DEAREST_LANES = 256 * 1024, 1024 * 1024, 16
"""KiB, KiB times passes, and lanes of an argon2 hash that was made elsewhere. bcrypt: a cost of 14."""

LONGEST_HASH = 255
"""Characters, the column's width."""

# OWASP's Password Storage Cheat Sheet: 19 MiB, two passes, one lane. One lane, so that a rush of sign-ins does not
# take every core from the event loop.
_hashes = PasswordHash((Argon2Hasher(time_cost=2, memory_cost=19 * 1024, parallelism=1), BcryptHasher()))

# Few at a time bounds both the memory (19 MiB each) and the cores; hashing lets go of the interpreter lock.
_threads = ThreadPoolExecutor(max_workers=max(2, (os.cpu_count() or 2) // 2), thread_name_prefix="passwords")


async def check_strength(password: str, about: Iterable[str] = ()) -> None:
    """Raises AuthError for a password that may not be chosen. `about`: words that whoever guesses tries first."""
    if len(password) < SHORTEST:
        message = f"Password should be at least {SHORTEST} characters."
        raise AuthError("weak_password", message, 422, reasons=["length"])
    if len(_bytes(password)) > LONGEST:
        raise AuthError("validation_failed", f"Password cannot be longer than {LONGEST} characters")
    words = [word for text in about for word in (text, *re.split(r"[\W_]+", text)) if word]
    found = await _in_a_thread(lambda: zxcvbn(password, user_inputs=words, max_length=LONGEST))
    if found["score"] < STRONG_ENOUGH:
        said = [found["feedback"]["warning"], *found["feedback"]["suggestions"]]
        message = " ".join(["Password is too easy to guess.", *(each.rstrip(".") + "." for each in said if each)])
        raise AuthError("weak_password", message, 422, reasons=["guessable"])


async def hashed(password: str) -> str:
    return await _in_a_thread(lambda: _hashes.hash(password))


def is_hash(text: str) -> bool:
    """Whether it is a hash that `matches` can check passwords against without taking the whole machine."""
    if argon2 := re.match(r"\$argon2\w*\$(?:v=\d+\$)?m=(\d+),t=(\d+),p=(\d+)\$", text):
        memory, passes, lanes = (int(number) for number in argon2.groups())
        bearable = memory <= DEAREST_MEMORY and memory * passes <= DEAREST_WORK and lanes <= DEAREST_LANES
    else:
        bearable = not re.match(r"\$2\w?\$(?:1[5-9]|[2-9]\d)", text)
    return bearable and len(text) <= LONGEST_HASH and _known(text)


async def matches(password: str, stored: str | None) -> tuple[bool, str]:
    """Whether it is the password, and the hash to keep from now on (a better one, or the one that was stored).

    Without a stored hash a decoy is checked: an unknown e-mail address takes as long as a wrong password.
    """
    return await _in_a_thread(lambda: _matches(password, stored or ""))


def _matches(password: str, stored: str) -> tuple[bool, str]:
    chosen = _bytes(password)
    if len(chosen) > LONGEST or not _known(stored):
        _hashes.verify(chosen[:LONGEST], _decoy())
        return False, stored
    right, better = _hashes.verify_and_update(chosen, stored)
    return right, better or stored


def _known(stored: str) -> bool:
    return any(hasher.identify(stored) for hasher in _hashes.hashers)


def _bytes(password: str) -> bytes:
    """A lone surrogate is no character; it can never match, but must not raise either."""
    return password.encode("utf-8", "backslashreplace")


@cache
def _decoy() -> str:
    return _hashes.hash("nobody's password")


async def _in_a_thread(work: Callable[[], T]) -> T:
    return await asyncio.get_running_loop().run_in_executor(_threads, work)
