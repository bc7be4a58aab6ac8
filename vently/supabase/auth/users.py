"""Users: rows of `auth.users` as Supabase Auth shows them, and what one may be called and carry."""

import re
import secrets
import time
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from vently.supabase.auth.errors import AuthError

METADATA_LONGEST = 4096
"""Bytes of JSON in `user_metadata`: it travels in every access token, and proxies take headers of 8 KB."""

METADATA_DEEPEST = 8

_FACTOR = ("id", "created_at", "updated_at", "friendly_name", "factor_type", "status")
"""What is shown of a second factor."""

# The form HTML gives `<input type=email>`, which is the one Supabase Auth checks.
_LABEL = r"[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?"
_EMAIL = re.compile(rf"[a-zA-Z0-9.!#$%&'*+/=?^_`{{|}}~-]+@{_LABEL}(?:\.{_LABEL})*")


class User(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """As JSON it is the `user` of Supabase Auth; times that are not set are left out."""

    id: UUID
    aud: str
    role: str
    email: str
    phone: str
    app_metadata: dict[str, Any]
    user_metadata: dict[str, Any]
    identities: list[dict[str, Any]]
    created_at: datetime
    updated_at: datetime
    is_anonymous: bool
    email_confirmed_at: datetime | None = None
    phone_confirmed_at: datetime | None = None
    confirmed_at: datetime | None = None
    last_sign_in_at: datetime | None = None
    invited_at: datetime | None = None
    new_email: str | None = None
    """That waits for its confirmation."""
    banned_until: datetime | None = None
    deleted_at: datetime | None = None
    factors: list[dict[str, Any]] = []


def user_of(
    row: dict[str, Any], identities: list[dict[str, Any]] | None, factors: list[dict[str, Any]] | None = None
) -> User:
    """From `to_jsonb` of a row of `auth.users` and of its rows of `auth.identities` and `auth.mfa_factors`."""
    shown = {name: row.get(name) for name in User.__struct_fields__} | {
        "aud": row["aud"] or "authenticated",
        "role": row["role"] or "authenticated",
        "email": row["email"] or "",
        "phone": row["phone"] or "",
        "new_email": row.get("email_change") or None,
        "app_metadata": row["raw_app_meta_data"] or {},
        "user_metadata": row["raw_user_meta_data"] or {},
        # Rows that somebody's SQL put in may lack these; clients insist on them.
        "created_at": row["created_at"] or "1970-01-01T00:00:00Z",
        "updated_at": row["updated_at"] or row["created_at"] or "1970-01-01T00:00:00Z",
        "identities": [_identity(each) for each in identities or []],
        "factors": [{name: factor[name] for name in _FACTOR} for factor in factors or []],
    }
    return msgspec.convert(shown, User)


def _identity(row: dict[str, Any]) -> dict[str, Any]:
    """Supabase Auth calls the row's id `identity_id` and the provider's name for the person `id`."""
    return {
        "identity_id": row["id"],
        "id": row["provider_id"],
        "user_id": row["user_id"],
        "identity_data": row["identity_data"],
        "provider": row["provider"],
        "last_sign_in_at": row["last_sign_in_at"],
        "created_at": row["created_at"],
        "updated_at": row["updated_at"],
        "email": row["email"],
    }


def new_id() -> UUID:
    """A UUIDv7 (RFC 9562): Postgres makes them only from version 18 on."""
    milliseconds = time.time_ns() // 1_000_000
    chance = secrets.randbits(74)
    return UUID(int=milliseconds << 80 | 0x7 << 76 | (chance >> 62) << 64 | 0b10 << 62 | chance & ((1 << 62) - 1))


def email_of(text: str) -> str:
    """The address in the one way it is stored. Raises AuthError when it is none."""
    if len(text) > 255 or not _EMAIL.fullmatch(text):  # noqa: PLR2004 - the column's width
        raise AuthError("validation_failed", "Unable to validate email address: invalid format")
    return text.lower()


def is_email(text: str) -> bool:
    try:
        email_of(text)
    except AuthError:
        return False
    return True


def check_metadata(data: dict[str, Any]) -> None:
    """Raises AuthError for what `jsonb` or a token cannot carry."""
    if not _storable(data, METADATA_DEEPEST):
        raise AuthError(
            "validation_failed",
            f"data may nest {METADATA_DEEPEST} deep and hold text without NUL and numbers up to 2^53",
        )
    if len(msgspec.json.encode(data)) > METADATA_LONGEST:
        raise AuthError("validation_failed", f"user_metadata may hold {METADATA_LONGEST} bytes of JSON")


def _storable(value: Any, depth: int) -> bool:
    match value:
        case str():
            return _whole(value)
        case bool() | None:
            return True
        case int() | float():
            return -(2**53) <= value <= 2**53
        case list():
            return depth > 0 and all(_storable(each, depth - 1) for each in value)
        case dict():
            return depth > 0 and all(_storable(k, depth) and _storable(v, depth - 1) for k, v in value.items())
        case _:
            return False


def _whole(text: str) -> bool:
    """No NUL, which Postgres cannot store, and no lone surrogate, which is no character."""
    return "\0" not in text and not any("\ud800" <= letter <= "\udfff" for letter in text)
