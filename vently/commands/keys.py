"""`vently keys`: the keys that sign access tokens, and those that programs show."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime

import msgspec

from vently.app import publishable_key, secret_key, sign_in
from vently.commands.connecting import database
from vently.commands.printing import print_json
from vently.database.pool import Transaction
from vently.refusals import Conflict, NotFound
from vently.settings import Settings
from vently.supabase.auth.auth import Auth
from vently.supabase.auth.keys import kept
from vently.web import signing
from vently.web.signing import Signer


class Shown(msgspec.Struct, frozen=True):
    """A signing key without its sealed halves."""

    kid: str
    status: str
    created_at: datetime
    retired_at: datetime | None


class ProgramKeys(msgspec.Struct, frozen=True):
    publishable_key: str
    secret_key: str


class NotOurs(Conflict):
    """A Supabase project signs people in."""

    type = "keys-of-a-project"


def list_(settings: Settings, *, as_json: bool) -> None:
    """Raises NotFound, NotOurs and KeysUnusableError, as all of these."""
    rows = [Shown(row.kid, row.status, row.created_at, row.retired_at) for row in asyncio.run(_list(settings))]
    if as_json:
        print_json(rows)
        return
    for row in rows:
        retired = f", retired {row.retired_at:%Y-%m-%d %H:%M}" if row.retired_at else ""
        print(f"{row.kid}  {row.status:8}  made {row.created_at:%Y-%m-%d %H:%M}{retired}")  # noqa: T201


def rotate(settings: Settings, *, now: bool, as_json: bool) -> None:
    """Raises NotSettled too."""
    done = asyncio.run(_rotate(settings, now=now))
    if as_json:
        print_json(done)
    else:
        print(  # noqa: T201
            f"{done.current} signs from now on, {done.standby} will be next. "
            f"Tokens that {done.retired} signed count until they expire."
        )


def revoke(settings: Settings, kid: str, *, everything: bool) -> None:
    """Raises NotFound for a key that is not there."""
    asyncio.run(_revoke(settings, kid, everything=everything))
    what = "All signing keys are" if everything else f"{kid} is"
    print(f"{what} out; tokens signed before count no more, and sessions go on with their next refresh.")  # noqa: T201


def api(settings: Settings, *, as_json: bool) -> None:
    signer = _signer(settings)
    found = ProgramKeys(publishable_key(signer), secret_key(signer))
    if as_json:
        print_json(found)
        return
    print(f"publishable  {found.publishable_key}")  # noqa: T201
    print(f"secret       {found.secret_key}")  # noqa: T201


async def _list(settings: Settings) -> list[kept.KeptKey]:
    async with _keys(settings) as (tx, auth):
        await kept.ready(tx, auth.sealing)
        return await kept.listed(tx)


async def _rotate(settings: Settings, *, now: bool) -> kept.Rotation:
    async with _keys(settings) as (tx, auth):
        return await kept.rotate(tx, auth.sealing, now=now)


async def _revoke(settings: Settings, kid: str, *, everything: bool) -> None:
    async with _keys(settings) as (tx, auth):
        if everything:
            await kept.revoke_all(tx, auth.sealing)
        else:
            await kept.revoke(tx, auth.sealing, kid)


@asynccontextmanager
async def _keys(settings: Settings) -> AsyncIterator[tuple[Transaction, Auth]]:
    auth = sign_in(settings, _signer(settings))
    async with database(settings) as auth.database, auth.acting() as tx:
        yield tx, auth


def _signer(settings: Settings) -> Signer:
    """The secret that the nodes have. None is made where they would have another."""
    if settings.supabase_url:
        raise NotOurs(f"{settings.supabase_url} signs people in: its keys are in its dashboard, under JWT Keys.")
    ours = [settings.data / "keys" / "web.json", settings.data / "postgres" / "cluster"]
    if not settings.secret and not any(path.exists() for path in ours):
        raise NotFound(
            f"There are no keys in {settings.data / 'keys'}: name the data folder with --data, or set VENTLY_SECRET "
            "as the nodes have it."
        )
    return signing.load(settings.secret, settings.data)
