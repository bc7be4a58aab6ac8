"""Adding a passkey to an account."""

from typing import Any

import structlog

from vently.database.queries import load
from vently.supabase.auth.auth import Auth
from vently.supabase.auth.authenticators import AnswerRefused, Credential, created, creation_options
from vently.supabase.auth.errors import AuthError
from vently.supabase.auth.links import alarms
from vently.supabase.auth.passkeys import challenges
from vently.supabase.auth.passkeys.handles import handle_of
from vently.supabase.auth.passkeys.passkeys import Passkey, managing

sql = load(__package__)
log = structlog.get_logger(__name__)

MOST = 20


async def begin(auth: Auth, claims: dict[str, Any]) -> challenges.Ceremony:
    async with auth.acting() as tx:
        found = await managing(tx, claims)
        if found.user.is_anonymous:
            raise AuthError("no_authorization", "Anonymous user not allowed to perform these actions", 403)
        known = await tx.value(sql.credentials_of_person, user=found.id) or []
        _check_room(len(known))
        challenge = challenges.fresh()
        kept, expires_at = await challenges.keep(tx, auth, "registration", found.id, challenge)
    options = creation_options(
        auth.rules,
        challenge,
        handle=handle_of(auth, found.id),
        name=found.user.email,
        known=known,
        passkey=True,
    )
    return challenges.Ceremony(kept, options, expires_at)


async def finish(auth: Auth, claims: dict[str, Any], challenge_id: str, answer: dict[str, Any]) -> Passkey:
    async with auth.acting() as tx:
        found = await managing(tx, claims)
        challenge = await challenges.consume(tx, "registration", found.id, challenge_id)
    if isinstance(challenge, AuthError):
        raise challenge
    try:
        credential = created(auth.rules, challenge, answer, passkey=True)
    except AnswerRefused as refused:
        log.info("passkey refused", why=str(refused))
        raise AuthError("webauthn_verification_failed", "Credential verification failed") from refused
    async with auth.acting() as tx:
        found = await managing(tx, claims)
        _check_room(len(await tx.value(sql.credentials_of_person, user=found.id) or []))
        added = await tx.maybe_one(sql.add_passkey, Passkey, user=found.id, **_columns(credential))
    if added is None:
        raise AuthError("webauthn_credential_exists", "This credential is already registered", 422)
    alarms.way_in(auth, found.person["email"], "A passkey", added=True)
    return added


def _columns(credential: Credential) -> dict[str, Any]:
    return {
        "credential": credential.id,
        "public_key": credential.public_key,
        "attestation": credential.attestation,
        "aaguid": credential.aaguid,
        "sign_count": credential.sign_count,
        "transports": credential.transports,
        "backup_eligible": credential.backup_eligible,
        "backed_up": credential.backed_up,
    }


def _check_room(have: int) -> None:
    if have >= MOST:
        raise AuthError("too_many_passkeys", f"Maximum number of passkeys reached: {MOST}. Remove one first", 422)
