"""Security keys as a second factor (WebAuthn), kept as Supabase Auth keeps them: JSON of go-webauthn."""

import secrets
from base64 import b64decode, b64encode
from typing import Any, Literal
from uuid import UUID

import structlog
from webauthn.helpers import bytes_to_base64url

from vently.database.pool import Transaction
from vently.database.queries import load
from vently.supabase.auth.auth import Auth
from vently.supabase.auth.authenticators import (
    AnswerRefused,
    Credential,
    asserted,
    challenge_of,
    created,
    creation_options,
    request_options,
)
from vently.supabase.auth.errors import AuthError
from vently.supabase.auth.factors.own import Factor
from vently.supabase.auth.sessions.presence import SignedIn

sql = load(__package__)
log = structlog.get_logger(__name__)

Ceremony = Literal["create", "request"]


def ceremony_of(factor: Factor) -> Ceremony:
    return "request" if factor.verified else "create"


async def ask(tx: Transaction, auth: Auth, found: SignedIn, factor: Factor) -> tuple[dict[str, Any], dict[str, Any]]:
    """The options for the browser, and what to keep with the challenge."""
    challenge = secrets.token_bytes(32)
    if factor.credential is not None and factor.verified:
        allowed = [_credential(factor.credential).id]
        options = request_options(auth.rules, challenge, allowed=allowed, passkey=False)
    else:
        known = await tx.value(sql.keys_of_person, user=found.id) or []
        name, handle = found.person["email"] or "", secrets.token_bytes(32)
        options = creation_options(
            auth.rules, challenge, handle=handle, name=name, known=[b64decode(each) for each in known], passkey=False
        )
    return options, {"challenge": bytes_to_base64url(challenge)}


async def take(
    tx: Transaction,
    auth: Auth,
    factor: Factor,
    session_data: dict[str, Any],
    ceremony: Ceremony | None,
    answer: dict[str, Any],
) -> None:
    """Raises AuthError for whatever is not this factor's own key."""
    if ceremony is None:
        raise AuthError("validation_failed", "WebAuthn config required")
    if ceremony != ceremony_of(factor):
        raise AuthError("validation_failed", f"WebAuthn type must be {ceremony_of(factor)} for this factor")
    challenge = challenge_of(session_data.get("challenge", ""))
    try:
        if ceremony == "create":
            credential = created(auth.rules, challenge, answer, passkey=False)
            await _check_new(tx, credential.id)
        else:
            credential = _used(auth, challenge, answer, _credential(factor.credential or {}))
    except AnswerRefused as refused:
        log.info("security key refused", why=str(refused))
        raise AuthError("mfa_verification_failed", "The security key's answer does not count", 422) from refused
    row = {"credential": _as_kept(credential), "aaguid": credential.aaguid or None}
    await tx.execute(sql.take_key, factor=factor.id, **row)


def _used(auth: Auth, challenge: bytes, answer: dict[str, Any], credential: Credential) -> Credential:
    found = asserted(auth.rules, challenge, answer, credential, passkey=False)
    return Credential(
        id=credential.id,
        public_key=credential.public_key,
        sign_count=found.sign_count,
        aaguid=credential.aaguid,
        attestation=credential.attestation,
        transports=credential.transports,
        backup_eligible=credential.backup_eligible,
        backed_up=found.backed_up,
    )


async def _check_new(tx: Transaction, credential: bytes) -> None:
    if await tx.value(sql.key_is_taken, key=b64encode(credential).decode(), credential=credential):
        raise AnswerRefused("the key is somebody's already")


def _as_kept(credential: Credential) -> dict[str, Any]:
    return {
        "id": b64encode(credential.id).decode(),
        "publicKey": b64encode(credential.public_key).decode(),
        "attestationType": credential.attestation,
        "transport": credential.transports,
        "flags": {"backupEligible": credential.backup_eligible, "backupState": credential.backed_up},
        "authenticator": {
            "AAGUID": b64encode(UUID(credential.aaguid).bytes).decode() if credential.aaguid else "",
            "signCount": credential.sign_count,
        },
    }


def _credential(kept: dict[str, Any]) -> Credential:
    aaguid = b64decode(kept["authenticator"].get("AAGUID") or "")
    flags = kept.get("flags") or {}
    return Credential(
        id=b64decode(kept["id"]),
        public_key=b64decode(kept["publicKey"]),
        sign_count=kept["authenticator"]["signCount"],
        aaguid=str(UUID(bytes=aaguid)) if aaguid else "",
        attestation=kept.get("attestationType") or "none",
        transports=kept.get("transport") or [],
        backup_eligible=flags.get("backupEligible", False),
        backed_up=flags.get("backupState", False),
    )
