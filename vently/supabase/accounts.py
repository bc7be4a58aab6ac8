"""Accounts and sessions as `/auth/v1` gives them, as far as the pages look at them."""

from datetime import datetime
from typing import Any

import msgspec


class Factor(msgspec.Struct, frozen=True):
    """A second factor; only a verified one counts. `factor_type`: totp, webauthn or phone."""

    id: str
    factor_type: str
    status: str
    friendly_name: str | None = None
    created_at: datetime | None = None

    @property
    def verified(self) -> bool:
        return self.status == "verified"


class Identity(msgspec.Struct, frozen=True):
    """An account elsewhere by which the person signs in; `email` is the provider called like that."""

    identity_id: str
    provider: str
    identity_data: dict[str, Any] | None = None
    created_at: datetime | None = None
    last_sign_in_at: datetime | None = None


class Account(msgspec.Struct, frozen=True):
    """The `user` of Supabase Auth. `new_email`: an address that waits to be confirmed."""

    id: str
    email: str | None = ""
    new_email: str | None = None
    user_metadata: dict[str, Any] | None = None
    factors: list[Factor] | None = None
    identities: list[Identity] | None = None
    is_anonymous: bool = False

    @property
    def verified_factors(self) -> list[Factor]:
        return [factor for factor in self.factors or [] if factor.verified]


class Session(msgspec.Struct, frozen=True):
    """What a sign-in gives. `expires_in` is seconds."""

    access_token: str
    refresh_token: str
    expires_in: int
    user: Account


class Totp(msgspec.Struct, frozen=True):
    """What an authenticator app needs."""

    secret: str
    uri: str


class Enrolment(msgspec.Struct, frozen=True):
    """A factor that counts once its first code was right."""

    id: str
    type: str
    friendly_name: str | None = None
    totp: Totp | None = None


class Challenge(msgspec.Struct, frozen=True):
    """`webauthn`: {type: create | request, credential_options: {publicKey}}, for the browser."""

    id: str
    webauthn: dict[str, Any] | None = None


class Ceremony(msgspec.Struct, frozen=True):
    """`options` go to the browser's `navigator.credentials`."""

    challenge_id: str
    options: dict[str, Any]


class Passkey(msgspec.Struct, frozen=True):
    """A key that signs in without a password."""

    id: str
    friendly_name: str | None = None
    created_at: datetime | None = None
    last_used_at: datetime | None = None


class Offer(msgspec.Struct, frozen=True):
    """What this sign-in can do, of `/settings`."""

    external: dict[str, bool] = {}
    disable_signup: bool = False
    mailer_autoconfirm: bool = False
    passkeys: bool = False
    recovery_codes: bool = False

    @property
    def providers(self) -> list[str]:
        """Other sites one can sign in with."""
        return sorted(name for name, on in self.external.items() if on and name not in _NO_SITES)


_NO_SITES = {"email", "phone", "anonymous_users"}
