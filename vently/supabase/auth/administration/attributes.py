"""What an administrator may say about an account, judged before anything is written."""

import re
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec

from vently.supabase.auth import passwords
from vently.supabase.auth.errors import AuthError
from vently.supabase.auth.users import check_metadata, email_of
from vently.supabase.tokens import AUDIENCE, ROLE

LONGEST_BAN = timedelta(days=365 * 292)
"""What fits into Go's `time.Duration`, which is how Supabase Auth reads it."""

_UNITS = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1, "m": 60, "h": 3600}
_SPAN = re.compile(r"([0-9]+(?:\.[0-9]*)?|\.[0-9]+)(ns|us|µs|ms|s|m|h)")
_DURATION = re.compile(rf"(?:{_SPAN.pattern})+")


class Attributes(msgspec.Struct, frozen=True):
    """As clients send them; what is left out, or null, is left as it is."""

    id: UUID | None = None
    email: str | None = None
    phone: str | None = None
    password: str | None = None
    password_hash: str | None = None
    email_confirm: bool | None = None
    phone_confirm: bool | None = None
    user_metadata: dict[str, Any] | None = None
    app_metadata: dict[str, Any] | None = None
    ban_duration: str | None = None
    role: str | None = None
    aud: str | None = None


class Judged(msgspec.Struct, frozen=True):
    """Ready to be stored."""

    email: str | None
    password: str | None
    """The hash to keep."""
    confirmed: bool
    user_metadata: dict[str, Any]
    app_metadata: dict[str, Any]
    ban: timedelta | None
    """Zero lifts a ban; None leaves it."""


async def judged(asked: Attributes) -> Judged:
    """Raises AuthError for what may not be."""
    if asked.phone:
        raise AuthError("phone_provider_disabled", "Accounts have no phone numbers here")
    for given, only in ((asked.role, ROLE), (asked.aud, AUDIENCE)):
        if given and given != only:
            # Another role would be one of Postgres, and a token that takes it would pass row-level security by.
            raise AuthError("validation_failed", f"role and aud of an account can only be {only}", 422)
    email = email_of(asked.email) if asked.email else None
    check_metadata(asked.user_metadata or {})
    check_metadata(asked.app_metadata or {})
    return Judged(
        email=email,
        password=await _password(asked, email),
        confirmed=bool(asked.email_confirm),
        user_metadata=asked.user_metadata or {},
        app_metadata=asked.app_metadata or {},
        ban=_ban(asked.ban_duration) if asked.ban_duration else None,
    )


async def _password(asked: Attributes, email: str | None) -> str | None:
    if asked.password and asked.password_hash:
        raise AuthError("validation_failed", "Only a password or a password hash should be provided")
    if asked.password_hash:
        if not passwords.is_hash(asked.password_hash):
            raise AuthError("validation_failed", "password_hash must be a bcrypt or argon2 hash of bearable cost")
        return asked.password_hash
    if not asked.password:
        return None
    await passwords.check_strength(asked.password, about=[email or ""])
    return await passwords.hashed(asked.password)


def _ban(text: str) -> timedelta:
    """A duration as Go writes it: `24h`, `1h30m`; `none` lifts the ban."""
    if text == "none":
        return timedelta()
    if len(text) <= 100 and _DURATION.fullmatch(text):  # noqa: PLR2004 - far more than any that means something
        seconds = sum(float(number) * _UNITS[unit] for number, unit in _SPAN.findall(text))
        if seconds <= LONGEST_BAN.total_seconds():
            return timedelta(seconds=seconds)
    raise AuthError("validation_failed", "invalid format for ban duration: write it like 24h or 1h30m, or none")
