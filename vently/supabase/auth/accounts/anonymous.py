"""People who do not say who they are: an account without an address, until they give one."""

from typing import Any

from vently.database.queries import load
from vently.supabase.auth.auth import Auth
from vently.supabase.auth.devices import NOWHERE, Device
from vently.supabase.auth.errors import AuthError
from vently.supabase.auth.saving import saving
from vently.supabase.auth.sessions import sessions
from vently.supabase.auth.sessions.sessions import Session
from vently.supabase.auth.users import check_metadata, new_id

sql = load(__package__)


async def sign_in(auth: Auth, data: dict[str, Any] | None = None, *, device: Device = NOWHERE) -> Session:
    """A new account that nobody can sign in to again. Raises AuthError where the operator wants none."""
    if not auth.rules.anonymous:
        raise AuthError("anonymous_provider_disabled", "Anonymous sign-ins are disabled", 422)
    check_metadata(data or {})
    user = new_id()
    with saving("creating anonymous user"):
        async with auth.acting() as tx:
            await tx.execute(sql.create_anonymous_user, id=user, data=data or {})
            return await sessions.begin(tx, auth, user, "anonymous", device=device)
