"""What is kept of a provider's claims: the names Supabase Auth's clients look for, in a size a token can carry."""

from typing import Any

from vently.outside.signin import Claimed
from vently.supabase.auth.errors import AuthError
from vently.supabase.auth.users import check_metadata, email_of

LONGEST_NAME = 200
LONGEST_PICTURE = 1000
EXTRA = ("iss", "user_name", "preferred_username", "hd")
"""Claims that are kept besides, when they are short text."""


def email_of_claim(claimed: Claimed) -> str | None:
    """As addresses are stored here; None for one that could not be."""
    try:
        return email_of(claimed.email) if claimed.email else None
    except AuthError:
        return None


def details_of(claimed: Claimed) -> dict[str, Any]:
    """`identity_data` of the identity, and `user_metadata` of somebody new. Raises AuthError for a subject with NUL."""
    details: dict[str, Any] = {"sub": claimed.subject, "provider_id": claimed.subject}
    if name := _plain(claimed.name, LONGEST_NAME):
        details |= {"name": name, "full_name": name}
    if (picture := claimed.picture) and len(picture) <= LONGEST_PICTURE and _plain(picture, LONGEST_PICTURE):
        details |= {"picture": picture, "avatar_url": picture}
    if email := email_of_claim(claimed):
        details["email"] = email
    details |= {"email_verified": bool(email and claimed.email_verified), "phone_verified": False}
    for claim in EXTRA:
        value = claimed.claims.get(claim)
        if isinstance(value, str) and (short := _plain(value, LONGEST_NAME)):
            details[claim] = short
    check_metadata(details)
    return details


def _plain(text: str | None, longest: int) -> str:
    return "".join(filter(str.isprintable, text or ""))[:longest].strip()
