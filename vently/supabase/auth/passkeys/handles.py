"""User handles: the name by which a passkey remembers whose it is."""

from uuid import UUID

from vently.supabase.auth.auth import Auth


def handle_of(auth: Auth, user: UUID) -> bytes:
    """The same 32 bytes for all of a person's passkeys. They tell a device nothing (WebAuthn, 14.6.1)."""
    return bytes.fromhex(auth.sealing.mark(str(user), "passkeys: user handle"))
