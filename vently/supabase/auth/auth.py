"""What sign-in of this site is made of. The verbs of its subjects take it first: `accounts.sign_up(auth, …)`."""

from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any

from vently.database.pool import Database, Transaction
from vently.outside.mail import Post
from vently.outside.signin import Provider
from vently.supabase.auth.keys import Keys
from vently.supabase.auth.rules import Rules
from vently.supabase.auth.sealing import Sealing
from vently.supabase.auth.tokens import Tokens

ROLE = "supabase_auth_admin"


class Auth:
    """Sign-in of this site. Every verb raises AuthError for what it refuses."""

    def __init__(
        self,
        database: Database,
        keys: Keys,
        rules: Rules,
        *,
        sealing: Sealing,
        post: Post,
        providers: Mapping[str, Provider] | None = None,
    ) -> None:
        self.database = database
        self.keys = keys
        self.rules = rules
        self.sealing = sealing
        self.post = post
        self.providers = providers or {}
        self.tokens = Tokens(keys, rules.issuer, rules.jwt_seconds)

    def acting(self) -> AbstractAsyncContextManager[Transaction]:
        """One transaction as the owner of sign-in's tables."""
        return self.database.acting_as_role(ROLE)

    def verify(self, access_token: str) -> dict[str, Any]:
        """The claims of an access token of ours; whether its session still lives is not asked."""
        return self.tokens.verify(access_token)
