"""Connections: what one is taught when it opens, the words that make it act as somebody, and how it is left."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

ROLES = {"anon": "3s", "authenticated": "8s", "service_role": "60s", "supabase_auth_admin": "8s"}
"""Roles a node may take, and the statement timeout of each (`set role` does not apply a role's own settings)."""

LONGEST_LINE = "3s"
"""How long a statement waits for a row that others write: requests behind one hot row must not take all connections."""


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who asks: the claims of a verified access token, or nobody."""

    id: UUID | None = None
    role: str = "anon"
    claims: dict[str, Any] = field(default_factory=dict)
    session_id: UUID | None = None


VISITOR = Viewer(role="anon", claims={"role": "anon"})
SYSTEM = Viewer(role="service_role", claims={"role": "service_role"})


def opening(viewer: Viewer, site: str, link: str = "") -> str:
    """Begin, role and claims in one round trip: the simple protocol takes several statements but no parameters.

    A token counts for up to an hour; the database knows whether its session still lives and was begun as it should be.
    """
    words = f"begin; set local role {viewer.role}; {_settings(viewer, site, link, local=True)}"
    return f"{words}; select private.check_viewer()" if viewer.role == "authenticated" else words


def opening_for_visitors(link: str) -> str:
    """On a connection that is a visitor's already."""
    return f"begin read write; select set_config('vently.link', {_quoted(link)}, true)"


def visiting(site: str) -> Callable[[Any], Awaitable[None]]:
    """What makes a new connection a visitor's for life; outside of a transaction it only reads."""
    return _for_life(VISITOR, site, "set default_transaction_read_only = on")


def selling(site: str) -> Callable[[Any], Awaitable[None]]:
    """What makes a new connection the till's for life: each of its statements is a transaction."""
    return _for_life(SYSTEM, site, "set default_transaction_read_only = off")


def _for_life(viewer: Viewer, site: str, words: str) -> Callable[[Any], Awaitable[None]]:
    words = f"set role {viewer.role}; {words}; {_settings(viewer, site, '', local=False)}"

    async def settle(connection: Any) -> None:
        await teach_types(connection)
        await connection.execute(words)

    return settle


def _settings(viewer: Viewer, site: str, link: str, *, local: bool) -> str:
    settings = {
        "statement_timeout": ROLES[viewer.role],
        "lock_timeout": LONGEST_LINE,
        "request.jwt.claims": msgspec.json.encode(viewer.claims).decode(),
        "request.jwt.claim.sub": str(viewer.id or ""),
        "request.jwt.claim.role": viewer.role,
        "request.jwt.claim.email": str(viewer.claims.get("email") or ""),
        "vently.link": link,
        "vently.site": site,
    }
    ends = "true" if local else "false"
    pairs = ", ".join(f"set_config({_quoted(name)}, {_quoted(value)}, {ends})" for name, value in settings.items())
    return f"select {pairs}"


def _quoted(text: str) -> str:
    """A literal (standard_conforming_strings is on: only the quote needs doubling). NUL cannot stand in a literal."""
    return "'" + text.replace("\0", "").replace("'", "''") + "'"


async def roll_back(connection: Any) -> None:
    """Whatever keeps it from rolling back, the connection is thrown away: what went wrong before is what is told."""
    try:
        await connection.execute("rollback")
    except BaseException as error:
        with suppress(asyncpg.InterfaceError):  # the pool has let go of a connection that the server closed
            connection.terminate()
        if not isinstance(error, Exception):
            raise


async def leave_nothing(connection: Any) -> None:
    """Release without asyncpg's reset query (figures: 31 % of a list): a transaction leaves nothing behind."""
    if connection.is_in_transaction():
        await connection.execute("rollback")


async def teach_types(connection: Any) -> None:
    """In a transaction: behind a transaction-mode pooler, what is prepared outside of one may meet another server."""
    async with connection.transaction():
        for name in ("json", "jsonb"):
            await connection.set_type_codec(
                name,
                schema="pg_catalog",
                encoder=lambda value: msgspec.json.encode(value).decode(),
                decoder=msgspec.json.decode,
            )
        await connection.set_type_codec("uuid", schema="pg_catalog", encoder=str, decoder=UUID)
