"""Access tokens of made-up people, and what it costs to verify one."""

import time
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from bench.servers import SITE
from vently.app import sign_in
from vently.database.pool import Database
from vently.settings import Settings
from vently.supabase.auth.tokens import Tokens
from vently.supabase.auth.users import User
from vently.web import signing


async def bearers(data: Path, url: str, count: int) -> tuple[list[str], float]:
    """Tokens of the first `count` people, signed with the site's own keys; seconds that one verification takes."""
    auth = sign_in(Settings(data=data, site_url=SITE), signing.load("", data))
    auth.database = await Database.open(url, size=2)
    try:
        await auth.keys.load()
    finally:
        await auth.database.close()
    tokens = Tokens(auth.keys, auth.rules.issuer, 86_400)
    signed = [tokens.sign(_user(number), str(UUID(int=number)), "aal1", [])[0] for number in range(1, count + 1)]
    began = time.perf_counter()
    for token in signed:
        await tokens.verify(token)
    return signed, (time.perf_counter() - began) / count


def _user(number: int) -> User:
    now = datetime.now(UTC)
    return User(
        id=UUID(f"00000000-0000-7000-8000-{number:012d}"),
        aud="authenticated",
        role="authenticated",
        email=f"person-{number}@example.org",
        phone="",
        app_metadata={"provider": "email", "providers": ["email"]},
        user_metadata={"name": f"Person {number}"},
        identities=[],
        created_at=now,
        updated_at=now,
        is_anonymous=False,
    )
