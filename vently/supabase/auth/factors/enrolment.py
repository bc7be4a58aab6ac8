"""Enrolling a second factor, which counts from its first right answer on, and doing without it again."""

from typing import Any
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import msgspec

from vently.database.pool import Transaction
from vently.database.queries import load
from vently.supabase.auth.auth import Auth
from vently.supabase.auth.errors import AuthError
from vently.supabase.auth.factors import totp
from vently.supabase.auth.factors.own import KINDS, factor_of, has_verified, present
from vently.supabase.auth.links import alarms
from vently.supabase.auth.sessions import sessions
from vently.supabase.auth.sessions.presence import SignedIn

sql = load(__package__)

LONGEST_NAME = 255


class Totp(msgspec.Struct, frozen=True):
    """Shown this once. `qr_code` is SVG text, which clients put into a `data:` address as it is."""

    qr_code: str
    secret: str
    uri: str


class Enrolled(msgspec.Struct, frozen=True, omit_defaults=True):
    id: UUID
    type: str
    friendly_name: str
    totp: Totp | None = None


async def enrol_totp(auth: Auth, claims: dict[str, Any], name: str, issuer: str) -> Enrolled:
    issuer = issuer or urlsplit(auth.rules.site_url).netloc
    _check_words("issuer", issuer)
    factor, secret = uuid4(), totp.new_secret()
    found = await _add(auth, claims, factor, "totp", name, totp.seal(auth, factor, secret))
    uri = totp.uri(secret, found.person["email"] or "", issuer)
    return Enrolled(factor, "totp", name, Totp(totp.qr_code(uri), secret, uri))


async def enrol_key(auth: Auth, claims: dict[str, Any], name: str) -> Enrolled:
    factor = uuid4()
    await _add(auth, claims, factor, "webauthn", name, None)
    return Enrolled(factor, "webauthn", name)


async def unenrol(auth: Auth, claims: dict[str, Any], factor_id: str) -> UUID:
    """Sessions that it has raised are at AAL1 again; with the last factor go the recovery codes."""
    async with auth.acting() as tx:
        found = await present(tx, claims)
        factor = await factor_of(tx, found.id, factor_id)
        if factor.verified and found.aal != "aal2":
            raise AuthError("insufficient_aal", "AAL2 required to unenroll verified factor", 422)
        await tx.execute(sql.remove_factor, factor=factor.id)
        if factor.verified:
            last = not has_verified(found, besides=factor.id)
            await sessions.lower(tx, found.id, factor.id, last=last)
            if last:
                await tx.execute(sql.remove_recovery_codes, user=found.id)
    if factor.verified:
        alarms.way_in(auth, found.person["email"], KINDS[factor.kind], added=False)
    return factor.id


async def _add(auth: Auth, claims: dict[str, Any], factor: UUID, kind: str, name: str, secret: str | None) -> SignedIn:
    _check_words("friendly_name", name)
    async with auth.acting() as tx:
        found = await present(tx, claims)
        if has_verified(found) and found.aal != "aal2":
            raise AuthError("insufficient_aal", "AAL2 required to enroll a new factor", 403)
        await tx.execute(sql.forget_abandoned_factors, user=found.id)
        await _check_room(tx, auth, found.id, name)
        await tx.execute(sql.add_factor, factor=factor, user=found.id, kind=kind, name=name, secret=secret)
    return found


async def _check_room(tx: Transaction, auth: Auth, user: UUID, name: str) -> None:
    names = await tx.value(sql.names_of_factors, user=user) or []
    if name in names:
        sentence = f'A factor with the friendly name "{name}" for this user already exists'
        raise AuthError("mfa_factor_name_conflict", sentence, 422)
    if len(names) >= auth.rules.most_factors:
        sentence = "Maximum number of verified factors reached, unenroll to continue"
        raise AuthError("too_many_enrolled_mfa_factors", sentence, 422)


def _check_words(field: str, words: str) -> None:
    if len(words) > LONGEST_NAME or not words.isprintable():
        raise AuthError("validation_failed", f"{field} takes up to {LONGEST_NAME} characters that can be printed")
