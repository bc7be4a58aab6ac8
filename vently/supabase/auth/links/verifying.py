"""Using a link or code: the address is confirmed, the change made, the session begun. Each works once."""

from collections.abc import Awaitable, Callable
from uuid import UUID

from vently.database.pool import Transaction
from vently.database.queries import load
from vently.supabase.auth.auth import Auth
from vently.supabase.auth.devices import Device
from vently.supabase.auth.errors import AuthError
from vently.supabase.auth.flows import flows
from vently.supabase.auth.limits import limits
from vently.supabase.auth.links import alarms, email_change, tokens
from vently.supabase.auth.links.email_change import Change
from vently.supabase.auth.links.occasions import TYPES
from vently.supabase.auth.links.tokens import Kind, Redeemed
from vently.supabase.auth.saving import saving
from vently.supabase.auth.sessions import sessions
from vently.supabase.auth.sessions.sessions import Session
from vently.supabase.auth.users import email_of

sql = load(__package__)


async def by_link(auth: Auth, token: str, type_: str, *, device: Device) -> Session | None:
    """The session of a link; None when the other address of a change has to confirm as well."""
    kinds = kinds_of(type_)
    session, change = await _use(auth, lambda tx: tokens.redeem_link(tx, auth, token, kinds), device)
    _tell(auth, session, change, device)
    return session


async def by_code(auth: Auth, email: str, code: str, type_: str, *, device: Device) -> Session | None:
    """As `by_link`, for the six digits. Every try is counted first, whether anybody has that address or not."""
    kinds, email = kinds_of(type_), email_of(email)
    await limits.spend(auth, "code", email)
    session, change = await _use(auth, lambda tx: tokens.redeem_code(tx, auth, email, code, kinds), device)
    _tell(auth, session, change, device)
    return session


async def to_auth_code(auth: Auth, token: str, type_: str) -> str | None:
    """What a link of PKCE gives: a code for whoever asked for the letter. None as in `by_link`."""
    kinds = kinds_of(type_)
    async with auth.acting() as tx:
        redeemed = await tokens.redeem_link(tx, auth, token, kinds)
        if redeemed is None:
            raise _expired()
        change = await _accept(tx, redeemed)
        waits = change is not None and change.waits
        code = None if waits else await _code(tx, auth, redeemed)
    _tell(auth, None, change, None)
    return code


def kinds_of(type_: str) -> list[Kind]:
    kinds = TYPES.get(type_)
    if kinds is None:
        raise AuthError("validation_failed", f"Unsupported verification type: use one of {', '.join(TYPES)}")
    return kinds


async def _use(
    auth: Auth, redeem: Callable[[Transaction], Awaitable[Redeemed | None]], device: Device
) -> tuple[Session | None, Change | None]:
    async with auth.acting() as tx:
        redeemed = await redeem(tx)
        if redeemed is None:
            raise _expired()
        change = await _accept(tx, redeemed)
        if change and change.waits:
            return None, change
        return await sessions.begin(tx, auth, redeemed.user_id, "otp", device=device), change


async def _accept(tx: Transaction, redeemed: Redeemed) -> Change | None:
    with saving("updating user"):
        if redeemed.kind.startswith("email_change"):
            return await email_change.confirm(tx, redeemed.user_id)
        await confirm_account(tx, redeemed.user_id, keep_password=redeemed.kind == "confirmation_token")
    return None


async def confirm_account(tx: Transaction, user: UUID, *, keep_password: bool) -> None:
    """Nothing happens to an account that is confirmed already."""
    await tx.execute(sql.confirm_account, user=user, keep_password=keep_password)


async def _code(tx: Transaction, auth: Auth, redeemed: Redeemed) -> str:
    if redeemed.flow_id is None:
        raise AuthError("flow_state_not_found", "No associated flow state found", 404)
    return await flows.issue_code(tx, auth, redeemed.flow_id, redeemed.user_id)


def _tell(auth: Auth, session: Session | None, change: Change | None, device: Device | None) -> None:
    if change and not change.waits:
        alarms.email_changed(auth, change.old, change.new)
    if session and device:
        alarms.signed_in(auth, session.user, device)


def _expired() -> AuthError:
    """One sentence for wrong, used and too old alike, and for an address nobody has."""
    return AuthError("otp_expired", "Token has expired or is invalid", 403)
