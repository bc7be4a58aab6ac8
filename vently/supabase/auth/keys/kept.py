"""Signing keys in the database: read, made where they are missing, rotated, and taken out.

Two are always published: the current key signs, the standby key is known to every verifier long before it does. A
retired key keeps verifying until the last token it signed has expired; its private half is forgotten when it retires.
"""

from datetime import datetime
from typing import Literal

import msgspec
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from vently.database.pool import Transaction
from vently.database.queries import load
from vently.refusals import Conflict, NotFound
from vently.supabase.auth.keys import keys
from vently.supabase.auth.keys.keys import Keys, KeysUnusableError
from vently.supabase.auth.keys.ring import RELOAD_SECONDS
from vently.supabase.auth.sealing import SealBrokenError, Sealing

sql = load(__package__)

JWKS_SECONDS = 600
"""How long whoever reads the key set may keep it (`max-age`)."""
SETTLED = JWKS_SECONDS + RELOAD_SECONDS
"""Age from which every verifier knows a standby key: a node may have published the set without it once more."""

Status = Literal["current", "standby", "retired"]


class KeptKey(msgspec.Struct, frozen=True):
    """A row. `age` is seconds."""

    kid: str
    sealed: str
    status: Status
    created_at: datetime
    retired_at: datetime | None
    age: float

    @property
    def place(self) -> str:
        return f"signing_keys:{self.kid}"


class Rotation(msgspec.Struct, frozen=True):
    """The names of the keys: which signs now, which will sign next, which signed before."""

    current: str
    standby: str
    retired: str


class NotSettled(Conflict):
    """Not every verifier knows the standby key yet."""

    type = "key-not-settled"


async def listed(tx: Transaction) -> list[KeptKey]:
    """Raises KeysUnusableError where the database is older than this Vently."""
    try:
        return await tx.many(sql.signing_keys, KeptKey)
    except Exception as error:
        if getattr(error, "sqlstate", None) != "42P01":
            raise
        raise KeysUnusableError(
            "The database has no table auth.signing_keys: run `vently migrate`, on a Postgres of your own with "
            "VENTLY_PLATFORM_URL."
        ) from error


async def read(tx: Transaction, sealing: Sealing) -> Keys | None:
    """None where no keys have been made yet. Raises KeysUnusableError."""
    rows = await listed(tx)
    if not rows:
        return None
    opened = _opened(rows, sealing)
    if rows[0].status != "current":
        raise KeysUnusableError("auth.signing_keys has no current key: `vently keys revoke --all` makes new keys.")
    return Keys.of(opened)


async def ready(tx: Transaction, sealing: Sealing) -> Keys:
    """`read`, and made first where they are missing, by one of many that start at once. Raises KeysUnusableError."""
    rows = await listed(tx)
    if {"current", "standby"} - {row.status for row in rows}:
        await tx.execute(sql.lock_signing_keys)
        rows = await listed(tx)  # the process before us may have made them
        _opened(rows, sealing)
        await _complete(tx, sealing, rows)
    found = await read(tx, sealing)
    assert found is not None  # noqa: S101 - they have just been made
    return found


async def rotate(tx: Transaction, sealing: Sealing, *, now: bool = False) -> Rotation:
    """Let the standby key sign, and make the next standby. `now`: although some verifiers may not know it yet.

    Raises NotSettled and KeysUnusableError.
    """
    await tx.execute(sql.lock_signing_keys)
    await ready(tx, sealing)
    current, standby, *_ = await listed(tx)
    if standby.age < SETTLED and not now:
        raise NotSettled(
            f"The standby key is {standby.age / 60:.0f} minutes old, and whoever verifies tokens may keep a key set "
            f"without it for {SETTLED / 60:.0f}: rotate then, or with --now."
        )
    public = keys.without_private_half(_open(current, sealing))
    await tx.execute(sql.retire_signing_key, kid=current.kid, sealed=sealing.seal(keys.written(public), current.place))
    await tx.execute(sql.promote_standby_key)
    return Rotation(standby.kid, await _insert(tx, sealing, "standby"), current.kid)


async def revoke(tx: Transaction, sealing: Sealing, kid: str) -> None:
    """Take a key out at once: tokens it signed count no more. Raises NotFound and KeysUnusableError."""
    await tx.execute(sql.lock_signing_keys)
    rows = await listed(tx)
    others = [row for row in rows if row.kid != kid]
    if len(others) == len(rows):
        raise NotFound(f"There is no signing key {kid}: see `vently keys list`.")
    _opened(others, sealing)  # nothing is sealed with a secret that the nodes do not have
    await tx.execute(sql.delete_signing_key, kid=kid)
    await _complete(tx, sealing, others)


async def revoke_all(tx: Transaction, sealing: Sealing) -> None:
    """Begin anew, also when the secret that sealed them is lost: no access token of before counts."""
    await tx.execute(sql.lock_signing_keys)
    await tx.execute(sql.delete_signing_keys)
    await _complete(tx, sealing, [])


async def forget_retired(tx: Transaction, token_seconds: int) -> int:
    """Those whose every token has expired, with ten minutes for clocks that differ; how many."""
    return await tx.execute(sql.delete_retired_keys, seconds=token_seconds + 600)


async def _complete(tx: Transaction, sealing: Sealing, rows: list[KeptKey]) -> None:
    there = {row.status for row in rows}
    if "current" not in there:
        if "standby" in there:
            await tx.execute(sql.promote_standby_key)
            there.remove("standby")
        else:
            await _insert(tx, sealing, "current")
    if "standby" not in there:
        await _insert(tx, sealing, "standby")


async def _insert(tx: Transaction, sealing: Sealing, status: Status) -> str:
    key = keys.make()
    kid = str(key.kid)
    sealed = sealing.seal(keys.written(key), f"signing_keys:{kid}")
    await tx.execute(sql.insert_signing_key, kid=kid, sealed=sealed, status=status)
    return kid


def _opened(rows: list[KeptKey], sealing: Sealing) -> list[ECKey]:
    opened, broken = [], []
    for row in rows:
        try:
            opened.append(_open(row, sealing))
        except (SealBrokenError, JoseError, ValueError, KeyError, TypeError):
            broken.append(row.kid)
    if broken and not opened:
        raise KeysUnusableError(
            "The signing keys in the database were sealed with another secret: set VENTLY_SECRET to what it was when "
            "they were made, the same on every node (where it was not set, DATA/keys/web.json is the secret); if it is "
            "lost, `vently keys revoke --all` makes new keys."
        )
    if broken:
        raise KeysUnusableError(
            f"The signing key {broken[0]} in auth.signing_keys is damaged: take it out with "
            f"`vently keys revoke {broken[0]}`."
        )
    return opened


def _open(row: KeptKey, sealing: Sealing) -> ECKey:
    key = keys.parse(sealing.open(row.sealed, row.place), row.kid)
    if row.status != "retired" and not key.is_private:
        raise ValueError("it has no private half")
    return key
