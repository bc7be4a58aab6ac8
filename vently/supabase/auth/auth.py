"""What sign-in of this site is made of. The verbs of its subjects take it first: `accounts.sign_up(auth, …)`."""

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any

from vently.database.pool import Database, Transaction
from vently.outside.mail import Post
from vently.outside.signin import Provider
from vently.supabase.auth.keys import kept
from vently.supabase.auth.keys.keys import Keys
from vently.supabase.auth.keys.ring import KeyRing
from vently.supabase.auth.rules import Rules
from vently.supabase.auth.sealing import Sealing
from vently.supabase.auth.tokens import Tokens

ROLE = "supabase_auth_admin"


class Auth:
    """Sign-in of this site. Every verb raises AuthError for what it refuses."""

    def __init__(
        self,
        database: Database,
        rules: Rules,
        *,
        sealing: Sealing,
        post: Post,
        providers: Mapping[str, Provider] | None = None,
        keys: KeyRing | None = None,
    ) -> None:
        """`keys`: of another sign-in over the same database; otherwise `keys.load()` reads them, once it is open."""
        self.database = database
        self.rules = rules
        self.sealing = sealing
        self.post = post
        self.providers = providers or {}
        self.keys = keys or KeyRing(self._read_keys)
        self.tokens = Tokens(self.keys, rules.issuer, rules.jwt_seconds)

    def acting(self) -> AbstractAsyncContextManager[Transaction]:
        """One transaction as the owner of sign-in's tables."""
        return self.database.acting_as_role(ROLE)

    async def verify(self, access_token: str) -> dict[str, Any]:
        """The claims of an access token of ours; whether its session still lives is not asked."""
        return await self.tokens.verify(access_token)

    async def _read_keys(self) -> Keys:
        async with self.acting() as tx:
            return await kept.ready(tx, self.sealing)
