"""Throwing out what is past its life: codes, flows, challenges, used refresh tokens, sessions, counts, retired keys."""

from typing import Any

from vently.database.queries import Query, load
from vently.supabase.auth.auth import Auth
from vently.supabase.auth.keys import kept
from vently.supabase.auth.limits import limits

sql = load(__package__)

BATCH = 500
"""Rows of one transaction: nobody waits long for one of them."""


async def sweep(auth: Auth) -> dict[str, int]:
    """How many rows of each table went. Nothing where another node is at it."""
    rules, swept = auth.rules, {}
    work: list[tuple[str, Query, dict[str, Any]]] = [
        ("one_time_tokens", sql.sweep_one_time_tokens, {"life": float(rules.code_seconds)}),
        ("flow_state", sql.sweep_flows, {}),
        ("oauth_client_states", sql.sweep_client_states, {}),
        ("mfa_challenges", sql.sweep_factor_challenges, {}),
        ("webauthn_challenges", sql.sweep_passkey_challenges, {}),
        ("refresh_tokens", sql.sweep_refresh_tokens, {}),
        ("sessions", sql.sweep_sessions, {}),
        ("rate_limits", sql.sweep_rate_limits, {"seconds": max(limits.LONGEST, rules.resend_seconds)}),
    ]
    for table, statement, parameters in work:
        swept[table] = await _in_batches(auth, statement, parameters)
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


async def _retired_keys(auth: Auth) -> int:
    async with auth.acting() as tx:
        return await kept.forget_retired(tx, auth.rules.jwt_seconds) if await tx.value(sql.take_turn) else 0
