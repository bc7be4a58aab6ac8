"""Throwing out what is past its life: codes, flows, challenges, used refresh tokens, sessions, counts, retired keys."""

from typing import Any
from uuid import UUID

import msgspec

from vently.database.queries import Query, load
from vently.supabase.auth.auth import Auth
from vently.supabase.auth.keys import kept
from vently.supabase.auth.limits import limits

sql = load(__package__)

BATCH = 500
"""Rows of one transaction: nobody waits long for one of them."""


FIRST = UUID(int=0)
"""Before the id of every session."""


class _Walked(msgspec.Struct, frozen=True):
    last: UUID | None
    sessions: int
    gone: int


async def sweep(auth: Auth) -> dict[str, int]:
    """How many rows of each table went. Nothing where another node is at it."""
    rules, swept = auth.rules, {}
    work: list[tuple[str, Query, dict[str, Any]]] = [
        ("one_time_tokens", sql.sweep_one_time_tokens, {"life": float(rules.code_seconds)}),
        ("flow_state", sql.sweep_flows, {}),
        ("oauth_client_states", sql.sweep_client_states, {}),
        ("mfa_challenges", sql.sweep_factor_challenges, {}),
        ("webauthn_challenges", sql.sweep_passkey_challenges, {}),
        ("sessions", sql.sweep_sessions, {}),
        ("rate_limits", sql.sweep_rate_limits, {"seconds": max(limits.LONGEST, rules.resend_seconds)}),
    ]
    for table, statement, parameters in work:
        swept[table] = await _in_batches(auth, statement, parameters)
    swept["refresh_tokens"] = await _used_tokens(auth)
    swept["signing_keys"] = await _retired_keys(auth)
    return {table: count for table, count in swept.items() if count}


async def _in_batches(auth: Auth, statement: Query, parameters: dict[str, Any]) -> int:
    gone = 0
    while True:
        async with auth.acting() as tx:
            if not await tx.value(sql.take_turn):
                return gone
            count = await tx.execute(statement, batch=BATCH, **parameters)
        gone += count
        if count < BATCH:
            return gone


async def _used_tokens(auth: Auth) -> int:
    """Session after session, so that those of which nothing goes are looked at once, however many there are."""
    gone, after = 0, FIRST
    while True:
        async with auth.acting() as tx:
            if not await tx.value(sql.take_turn):
                return gone
            found = await tx.one(sql.sweep_refresh_tokens, _Walked, after=after, batch=BATCH)
        gone += found.gone
        if found.last is None or found.sessions < BATCH:
            return gone
        after = found.last


async def _retired_keys(auth: Auth) -> int:
    async with auth.acting() as tx:
        return await kept.forget_retired(tx, auth.rules.jwt_seconds) if await tx.value(sql.take_turn) else 0
