"""Signing in with a passkey: it is had, and it was opened by a finger or a PIN, so it stands for both factors."""

import hmac
from typing import Any
from uuid import UUID

import msgspec
import structlog

from vently.database.pool import Transaction
from vently.database.queries import load
from vently.supabase.auth.auth import Auth
from vently.supabase.auth.authenticators import AnswerRefused, Credential, asserted, credential_id_of, request_options
from vently.supabase.auth.devices import Device
from vently.supabase.auth.errors import AuthError
from vently.supabase.auth.limits import limits
from vently.supabase.auth.links import alarms
from vently.supabase.auth.passkeys import challenges
from vently.supabase.auth.passkeys.handles import handle_of
from vently.supabase.auth.sessions import sessions
from vently.supabase.auth.sessions.sessions import Session

sql = load(__package__)
log = structlog.get_logger(__name__)


class _Known(msgspec.Struct, frozen=True):
    passkey: UUID
    user: UUID
    confirmed: bool
    id: bytes
    public_key: bytes
    sign_count: int
    backup_eligible: bool


async def begin(auth: Auth, *, device: Device) -> challenges.Ceremony:
    """Nobody says who they are: the passkey knows."""
    await limits.spend(auth, "token", device.ip)
    challenge = challenges.fresh()
    async with auth.acting() as tx:
        kept, expires_at = await challenges.keep(tx, auth, "authentication", None, challenge)
    return challenges.Ceremony(kept, request_options(auth.rules, challenge, allowed=[], passkey=True), expires_at)


async def finish(auth: Auth, challenge_id: str, answer: dict[str, Any], *, device: Device) -> Session:
    await limits.spend(auth, "token", device.ip)
    async with auth.acting() as tx:
        challenge = await challenges.consume(tx, "authentication", None, challenge_id)
    if isinstance(challenge, AuthError):
        raise challenge
    try:
        async with auth.acting() as tx:
            known = await _use(tx, auth, challenge, answer)
            if not known.confirmed:
                raise AuthError("email_not_confirmed", "Email not confirmed", 403)
            session = await sessions.begin(tx, auth, known.user, "passkey", passkey=known.passkey, device=device)
    except AnswerRefused as refused:
        log.info("passkey refused", why=str(refused))
        raise AuthError("webauthn_verification_failed", "Credential verification failed") from refused
    alarms.signed_in(auth, session.user, device)
    return session


async def _use(tx: Transaction, auth: Auth, challenge: bytes, answer: dict[str, Any]) -> _Known:
    """The passkey's row is locked while its counter is compared. Raises AnswerRefused."""
    known = await tx.maybe_one(sql.passkey_by_credential, _Known, credential=credential_id_of(answer))
    if known is None:
        raise AnswerRefused("nobody has this key")
    credential = Credential(
        id=known.id,
        public_key=known.public_key,
        sign_count=known.sign_count,
        backup_eligible=known.backup_eligible,
    )
    found = asserted(auth.rules, challenge, answer, credential, passkey=True)
    if not hmac.compare_digest(found.handle or b"", handle_of(auth, known.user)):
        raise AnswerRefused("the key belongs to another account")
    used = {"sign_count": found.sign_count, "backed_up": found.backed_up}
    await tx.execute(sql.use_passkey, passkey=known.passkey, **used)
    return known
