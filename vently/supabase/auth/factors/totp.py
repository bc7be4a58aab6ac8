"""Codes of an authenticator app (RFC 6238): six digits, thirty seconds, one step of a slow clock either way."""

import hmac
import io
import re
import time
from uuid import UUID

import pyotp
import segno

from vently.supabase.auth.auth import Auth

STEP = 30
"""Seconds."""

_CODE = re.compile(r"[0-9]{6}")


def new_secret() -> str:
    """160 bits in base32, the length that RFC 4226 recommends."""
    return pyotp.random_base32()


def seal(auth: Auth, factor: UUID, secret: str) -> str:
    return auth.sealing.seal(secret, _place(factor))


def unseal(auth: Auth, factor: UUID, sealed: str) -> str:
    return auth.sealing.open(sealed, _place(factor))


def step_of(secret: str, code: str, after: int | None) -> int | None:
    """The time step whose code this is: one of the three around now, and later than the last that was taken."""
    code = code.replace(" ", "")
    if not _CODE.fullmatch(code):
        return None
    app, now = pyotp.TOTP(secret), current_step()
    right = [step for step in (now - 1, now, now + 1) if hmac.compare_digest(app.generate_otp(step), code)]
    return next((step for step in right if after is None or step > after), None)


def current_step() -> int:
    return int(time.time()) // STEP


def uri(secret: str, account: str, issuer: str) -> str:
    """What a QR code holds (Google's Key URI format)."""
    return pyotp.TOTP(secret).provisioning_uri(name=account, issuer_name=issuer)


def qr_code(text: str) -> str:
    """SVG for a `data:` address that nobody encodes: `#` would end it, so colours have names."""
    drawn = io.BytesIO()
    segno.make(text, error="m").save(drawn, kind="svg", xmldecl=False, nl=False, scale=4, border=4, light="white")
    return drawn.getvalue().decode().replace('"#fff"', '"white"').replace('"#000"', '"black"')


def _place(factor: UUID) -> str:
    return f"mfa_factors.secret:{factor}"
