"""Beginning a session, changing its refresh token for a new one, ending it, and whose it is."""

import secrets
from typing import Any
from uuid import UUID

import msgspec

from vently.database.pool import Transaction
from vently.database.queries import load
from vently.supabase.auth.auth import Auth
from vently.supabase.auth.devices import Device
from vently.supabase.auth.errors import AuthError
from vently.supabase.auth.users import User, user_of

sql = load(__package__)

SCOPES = ("global", "local", "others")


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """As JSON it is Supabase Auth's answer to a sign-in."""

    access_token: str
    token_type: str = "bearer"  # noqa: S105 - RFC 6750's name for it
    expires_in: int
    expires_at: int
    refresh_token: str
    user: User


class _Begun(msgspec.Struct, frozen=True):
    person: dict[str, Any]
    identities: list[dict[str, Any]] | None
    factors: list[dict[str, Any]] | None
    session_id: UUID
    aal: str
    amr: list[dict[str, Any]] | None


class _Exchanged(_Begun, frozen=True):
    answer: str
    refresh_token: str | None


_REFUSED = {
    "banned": ("user_banned", "Invalid Refresh Token: User Banned"),
    "expired": ("session_expired", "Invalid Refresh Token: Session Expired"),
    "used": ("refresh_token_already_used", "Invalid Refresh Token: Already Used"),
}


async def begin(
    tx: Transaction,
    auth: Auth,
    user: UUID,
    method: str,
    *,
    device: Device,
    passkey: UUID | None = None,
    checked: str | None = None,
    password: str | None = None,
) -> Session:
    """Begin a session for a person who has proved to be one by `method` (RFC 8176's idea, Supabase's names: password,
    otp, oauth, magiclink, recovery, invite, anonymous …). A `passkey` was two factors in one: the session is at AAL2.

    After a password: `checked` is the hash that was right, `password` the one to keep. Raises AuthError.
    """
    fresh = _new_refresh_token()
    begun = await tx.maybe_one(
        sql.begin_session,
        _Begun,
        user=user,
        method=method,
        aal="aal2" if passkey else "aal1",
        factor=passkey,
        checked=checked,
        password=password,
        refresh_token=fresh,
        user_agent=device.user_agent,
        ip=device.ip,
    )
    if begun is None and checked is not None:
        raise AuthError("invalid_credentials", "Invalid login credentials")
    if begun is None:
        raise AuthError("user_banned", "User is banned", 403)
    return _session(auth, begun, fresh)


async def raise_to_aal2(
    tx: Transaction, auth: Auth, session: UUID, method: str, *, factor: UUID | None = None
) -> Session:
    """The same session, now that its person has proved to be one in a second way: `method` is totp, mfa/webauthn or
    mfa/recovery_code. Its refresh token from before is spent.
    """
    fresh = _new_refresh_token()
    # First the lock: whoever refreshes at this moment goes before or after, so that one live token is left.
    await tx.execute(sql.lock_session, session=session)
    await tx.execute(sql.raise_session, session=session, method=method, factor=factor, refresh_token=fresh)
    raised = await tx.maybe_one(sql.session_as_it_is, _Begun, session=session)
    if raised is None:
        raise session_not_found()
    return _session(auth, raised, fresh)


async def refresh(auth: Auth, refresh_token: str, *, device: Device) -> Session:
    """The next session of a refresh token; using an old one again ends its family."""
    async with auth.acting() as tx:
        answer = await _exchange(tx, auth, refresh_token, device)
    if isinstance(answer, AuthError):
        raise answer
    return answer


async def sign_out(auth: Auth, session: UUID, scope: str = "global") -> None:
    """`scope`: global (everywhere), local (here) or others (everywhere else)."""
    async with auth.acting() as tx:
        await end(tx, session, scope)


async def _exchange(tx: Transaction, auth: Auth, refresh_token: str, device: Device) -> Session | AuthError:
    """A refusal is returned, not raised: what it retired must be committed."""
    missing = AuthError("refresh_token_not_found", "Invalid Refresh Token: Refresh Token Not Found")
    if not _could_be_ours(refresh_token) or await tx.value(sql.lock_session_of_token, token=refresh_token) is None:
        return missing
    found = await tx.maybe_one(
        sql.exchange_refresh_token,
        _Exchanged,
        token=refresh_token,
        fresh=_new_refresh_token(),
        user_agent=device.user_agent,
        ip=device.ip,
    )
    if found is None:
        return missing
    if refused := _REFUSED.get(found.answer):
        return AuthError(*refused)
    return _session(auth, found, found.refresh_token or "")


async def end(tx: Transaction, session: UUID, scope: str) -> None:
    """Sign out here, everywhere, or everywhere else. Raises AuthError when the session has already ended."""
    if scope not in SCOPES:
        raise AuthError("validation_failed", f"Unsupported logout scope: use one of {', '.join(SCOPES)}")
    if not await tx.value(sql.end_sessions, session=session, scope=scope):
        raise session_not_found()


async def end_lesser(tx: Transaction, user: UUID, session: UUID) -> None:
    """Sign a person out wherever they have not shown their second factor; `session` stays."""
    await tx.execute(sql.end_lesser_sessions, user=user, session=session)


async def lower(tx: Transaction, user: UUID, factor: UUID, *, last: bool) -> None:
    """Sessions that this factor or passkey has raised are at AAL1 again; `last`: the person has no other factor."""
    await tx.execute(sql.lower_sessions, user=user, factor=factor, last=last)


def session_not_found() -> AuthError:
    return AuthError("session_not_found", "Session from session_id claim in JWT does not exist", 403)


def _session(auth: Auth, begun: _Begun, refresh_token: str) -> Session:
    user = user_of(begun.person, begun.identities, begun.factors)
    access_token, expires_at = auth.tokens.sign(user, str(begun.session_id), begun.aal, begun.amr or [])
    return Session(
        access_token=access_token,
        expires_in=auth.tokens.seconds,
        expires_at=expires_at,
        refresh_token=refresh_token,
        user=user,
    )


def _new_refresh_token() -> str:
    """132 bits: nobody guesses one."""
    return secrets.token_urlsafe(17)[:22]


def _could_be_ours(token: str) -> bool:
    return 0 < len(token) <= 255 and token.isascii() and token.isprintable()  # noqa: PLR2004 - the column's width
