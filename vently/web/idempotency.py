"""Exactly once: a POST with `Idempotency-Key` and what it does are one transaction; repeated, it is answered again.

The key belongs to who sends it. While the first attempt runs, its transaction holds an advisory lock on the key, so
that a second attempt is told 409 and never waits; when the first fails, key and effect are rolled back together.
"""

import hashlib
import re
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from vently.database.pool import Transaction, Viewer
from vently.database.queries import load
from vently.refusals import Conflict, Invalid
from vently.web import facts
from vently.web.answers import Answer

sql = load(__package__)

HEADER = "idempotency-key"
BATCH = 500
"""Answers that one transaction forgets."""
_POINTER = "/header/Idempotency-Key"
_KEY = re.compile(r"[\x21-\x7e]{1,255}")

Verb = Callable[[Transaction], Awaitable[Answer]]


class InFlight(Conflict):
    """The first request with this Idempotency-Key is still at work: ask again in a moment."""

    type = "idempotency-key-in-flight"
    title = "Still at work"


class Claim(msgspec.Struct):
    """What the database knows of a key: `new`, `replay`, `in_flight` or `mismatch`, and the answer to replay."""

    state: str
    status: int | None = None
    headers: dict[str, str] | None = None
    body: str | None = None


async def once(request: Any, viewer: Viewer, verb: Verb, *, link: str = "") -> Answer:
    """Run the verb in a transaction as the viewer; with `Idempotency-Key`, at most once in 24 hours.

    `link`: what stands in the address, which opens an unlisted event.

    Raises Invalid for a key that cannot be one or that came with another request, and InFlight.
    """
    key = key_of(request)
    async with facts.of(request).parts.database.acting_as(viewer, link=link) as tx:
        if key is None:
            return await verb(tx)
        mark = fingerprint(request)
        claim = await tx.one(sql.claim_idempotency_key, Claim, key=key, fingerprint=mark)
        if claim.state == "replay":
            return _replay(claim)
        if claim.state == "mismatch":
            raise Invalid.at(_POINTER, "was used for another request within 24 hours; send a new key")
        if claim.state == "in_flight":
            raise InFlight(headers={"retry-after": "1"})
        answer = await verb(tx)
        await tx.value(
            sql.keep_idempotent_answer,
            key=key,
            fingerprint=fingerprint(request),
            status=answer.status,
            headers=dict(answer.headers),
            body=answer.body.decode(),
        )
        return answer


async def sweep(tx: Transaction) -> int:
    """Forget answers that are older than 24 hours, up to BATCH of them; how many."""
    forgotten: int = await tx.value(sql.forget_old_answers, batch=BATCH)
    return forgotten


def fingerprint(request: Any) -> str:
    """Of method, address and body: the same key with another of these is another request."""
    scope = request.scope
    parts = (scope["method"].encode(), scope["path"].encode(), scope["query_string"], facts.of(request).body)
    return hashlib.sha256(b"".join(len(part).to_bytes(8, "big") + part for part in parts)).hexdigest()


def key_of(request: Any) -> str | None:
    """The key the client gave. Raises Invalid for one that cannot be a key."""
    key: str | None = request.headers.get(HEADER)
    if key is not None and not _KEY.fullmatch(key):
        raise Invalid.at(_POINTER, "must be 1 to 255 visible ASCII characters")
    return key


def _replay(claim: Claim) -> Answer:
    answer = Answer((claim.body or "").encode(), claim.status or 200)
    answer.headers = [*(claim.headers or {}).items(), ("idempotent-replayed", "true")]
    return answer
