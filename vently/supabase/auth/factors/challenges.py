"""Challenging a second factor, and what a right answer gives: a session at AAL2."""

from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import msgspec

from vently.database.pool import Transaction
from vently.database.queries import load
from vently.supabase.auth.auth import Auth
from vently.supabase.auth.devices import Device
from vently.supabase.auth.errors import AuthError
from vently.supabase.auth.factors import keys, totp
from vently.supabase.auth.factors.own import KINDS, Factor, check_may_finish, factor_of, has_verified, present
from vently.supabase.auth.limits import limits
from vently.supabase.auth.links import alarms
from vently.supabase.auth.sessions import sessions
from vently.supabase.auth.sessions.presence import session_of
from vently.supabase.auth.sessions.sessions import Session

sql = load(__package__)

UNKNOWN_ADDRESS = "0.0.0.0"  # noqa: S104 - stands for a caller without one; nothing listens on it

METHODS = {"totp": "totp", "webauthn": "mfa/webauthn"}


class KeyChallenge(msgspec.Struct, frozen=True):
    """`create` asks a factor that is not verified yet for its key, `request` has the key sign."""

    type: Literal["create", "request"]
    credential_options: dict[str, Any]


class Challenge(msgspec.Struct, frozen=True, omit_defaults=True):
    """`expires_at` is seconds since 1970."""

    id: UUID
    type: str
    expires_at: int
    webauthn: KeyChallenge | None = None


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    challenge_id: str
    code: str
    ceremony: Literal["create", "request"] | None
    credential: dict[str, Any]


class Kept(msgspec.Struct, frozen=True):
    id: UUID
    session_data: dict[str, Any] | None
    expires_at: datetime
    expired: bool
    answered: bool
    elsewhere: bool


async def begin(auth: Auth, claims: dict[str, Any], factor_id: str, device: Device) -> Challenge:
    async with auth.acting() as tx:
        found = await present(tx, claims)
        factor = await factor_of(tx, found.id, factor_id)
        check_may_finish(found, factor)
        asked, session_data = await keys.ask(tx, auth, found, factor) if factor.kind == "webauthn" else (None, None)
        await tx.execute(sql.forget_old_challenges, factor=factor.id)
        kept = await tx.one(
            sql.keep_challenge,
            Kept,
            factor=factor.id,
            ip=device.ip or UNKNOWN_ADDRESS,
            session_data=session_data,
            seconds=auth.rules.challenge_seconds,
        )
    shown = KeyChallenge(keys.ceremony_of(factor), {"publicKey": asked}) if asked is not None else None
    return Challenge(kept.id, factor.kind, int(kept.expires_at.timestamp()), shown)


async def answer(auth: Auth, claims: dict[str, Any], factor_id: str, given: Answer, device: Device) -> Session:
    """A session at AAL2. With the first factor that is verified, the person's sessions below that end elsewhere."""
    user, session = session_of(claims)
    await limits.spend(auth, "mfa", user)
    async with auth.acting() as tx:
        found = await present(tx, claims)
        factor = await factor_of(tx, found.id, factor_id)
        check_may_finish(found, factor)
        challenge = await _challenge(tx, auth, factor, given.challenge_id, device)
        if factor.kind == "totp":
            await _take_code(tx, auth, factor, given.code)
        else:
            await keys.take(tx, auth, factor, challenge.session_data or {}, given.ceremony, given.credential)
        await tx.execute(sql.close_challenge, challenge=challenge.id)
        await tx.execute(sql.forget_unverified_factors, user=found.id, kind=factor.kind)
        if not has_verified(found):
            await tx.execute(sql.remove_recovery_codes, user=found.id)  # of factors that an administrator has removed
            await sessions.end_lesser(tx, found.id, session)
        raised = await sessions.raise_to_aal2(tx, auth, session, METHODS[factor.kind], factor=factor.id)
    if not factor.verified:
        alarms.way_in(auth, found.person["email"], KINDS[factor.kind], added=True)
    return raised


async def _take_code(tx: Transaction, auth: Auth, factor: Factor, code: str) -> None:
    """Each code once: the statement compares the step again, so of two requests at once one loses."""
    if not code:
        raise AuthError("validation_failed", "Code needs to be non-empty")
    step = totp.step_of(totp.unseal(auth, factor.id, factor.secret or ""), code, factor.last_step)
    if step is None or not await tx.execute(sql.take_code, factor=factor.id, step=step):
        raise AuthError("mfa_verification_failed", "Invalid TOTP code entered", 422)


async def _challenge(tx: Transaction, auth: Auth, factor: Factor, challenge_id: str, device: Device) -> Kept:
    try:
        kept = await tx.maybe_one(
            sql.challenge_of_factor,
            Kept,
            challenge=UUID(challenge_id),
            factor=factor.id,
            ip=device.ip or UNKNOWN_ADDRESS,
            seconds=auth.rules.challenge_seconds,
        )
    except ValueError:
        raise AuthError("validation_failed", "challenge_id must be a UUID") from None
    if kept is None:
        raise AuthError("mfa_factor_not_found", "MFA factor with the provided challenge ID not found", 422)
    if kept.elsewhere:
        raise AuthError("mfa_ip_address_mismatch", "Challenge and verify IP addresses mismatch.", 422)
    if kept.expired or kept.answered:
        sentence = f"MFA challenge {kept.id} has expired, verify against another challenge or create a new challenge."
        raise AuthError("mfa_challenge_expired", sentence, 422)
    return kept
