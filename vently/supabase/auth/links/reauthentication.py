"""Showing once more that it is you: six digits by mail, which a change of password in an old session asks for."""

from datetime import UTC, datetime, timedelta
from typing import Any

from vently.supabase.auth.auth import Auth
from vently.supabase.auth.errors import AuthError
from vently.supabase.auth.limits import limits
from vently.supabase.auth.links import letters, tokens
from vently.supabase.auth.sessions.presence import SignedIn, signed_in

FRESH = timedelta(days=1)
"""How long a session may change the password without further ado, as in Supabase Auth."""


async def ask(auth: Auth, claims: dict[str, Any]) -> None:
    """A letter with the digits, to whoever has these claims."""
    async with auth.acting() as tx:
        found = await signed_in(tx, claims)
    email = found.person["email"] or ""
    if not email:
        raise AuthError("validation_failed", "Reauthentication requires the user to have an email", 422)
    if not found.person["email_confirmed_at"]:
        raise AuthError("email_not_confirmed", "Please verify your email first.", 422)
    await limits.spend(auth, "mail", f"reauthentication {email}")
    async with auth.acting() as tx:
        secret = await tokens.issue(tx, auth, "reauthentication_token", found.id, email)
    auth.post.send(letters.compose(auth.rules, "reauthentication", email, code=secret.code))


async def check_nonce(auth: Auth, found: SignedIn, nonce: str) -> None:
    """Uses the digits up. A transaction of its own: call it outside of yours. Raises AuthError."""
    email = found.person["email"] or ""
    await limits.spend(auth, "code", email)
    async with auth.acting() as tx:
        redeemed = await tokens.redeem_code(tx, auth, email, nonce, ["reauthentication_token"])
        if redeemed is None or redeemed.user_id != found.id:
            raise AuthError("reauthentication_not_valid", "Nonce has expired or is invalid", 422)


def check_fresh(found: SignedIn) -> None:
    """Raises AuthError in a session so old that the digits, or the current password, have to be given."""
    if found.signed_in_at < datetime.now(UTC) - FRESH:
        raise AuthError("reauthentication_needed", "Password update requires reauthentication")
