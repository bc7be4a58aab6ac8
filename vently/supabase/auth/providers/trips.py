"""A trip to a provider and back: what makes sure that the answer is to our question, and comes by the same browser."""

import hashlib
import hmac
import secrets
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import msgspec

from vently.database.pool import Transaction
from vently.database.queries import load
from vently.outside.signin import Provider
from vently.supabase.auth.auth import Auth
from vently.supabase.auth.errors import AuthError
from vently.supabase.auth.sealing import SealBrokenError

sql = load(__package__)

LASTS = 600
"""Seconds a person may take at the provider."""

LONGEST_STATE = 100


class Trip(msgspec.Struct, frozen=True):
    """`state` goes round by the browser, `verifier` stays with us; all else follows from these two.

    The hashes differ by their label, so that what one party sees of them says nothing of the others.
    """

    state: str
    verifier: str

    @classmethod
    def new(cls) -> "Trip":
        return cls(secrets.token_urlsafe(32), secrets.token_urlsafe(48))

    @property
    def id(self) -> UUID:
        return id_of(self.state)

    @property
    def nonce(self) -> str:
        """Comes back inside the ID token: it was made for this trip."""
        return _derived("nonce", self.verifier)

    @property
    def cookie(self) -> str:
        """Stays in the browser that set out: nobody can make another one finish what they began (login CSRF)."""
        return _derived("browser", self.verifier)


class Flown(msgspec.Struct, frozen=True):
    """A trip that has come back, and what it was for."""

    flow: UUID
    provider: str
    sealed: str
    pkce: bool
    back: str
    link_to: UUID | None


async def begin(tx: Transaction, auth: Auth, trip: Trip, provider: str, flow: UUID) -> bool:
    """Ties the trip to its flow. False when the flow is on its way already, or is too old."""
    sealed = auth.sealing.seal(trip.verifier, _place(trip.id))
    await tx.execute(sql.begin_trip, state=trip.id, provider=provider, sealed=sealed)
    return await tx.value(sql.tie_flow, state=trip.id, provider=provider, flow=flow) is not None


async def finish(auth: Auth, answer: Mapping[str, str], cookies: Mapping[str, str]) -> tuple[Flown, Trip]:
    """The trip that this answer ends: once. Raises AuthError, and then nothing has happened."""
    state = answer.get("state")
    if not state:
        raise AuthError("bad_oauth_callback", "OAuth state parameter missing")
    if len(state) > LONGEST_STATE:
        raise _bad_state("OAuth callback with invalid state")
    async with auth.acting() as tx:
        flown = await tx.maybe_one(sql.take_state, Flown, state=id_of(state), lasts=float(LASTS))
        if flown is None:
            raise _bad_state("This sign-in was finished already, or took too long: begin again.")
        try:
            trip = Trip(state, auth.sealing.open(flown.sealed, _place(id_of(state))))
        except SealBrokenError as error:
            raise _bad_state("Vently's secret was changed meanwhile: begin again.") from error
        shown = cookies.get(cookie_name(auth, trip), "")
        if not hmac.compare_digest(shown.encode("utf-8", "replace"), trip.cookie.encode()):
            # Raising here gives the state back, for the browser that it belongs to.
            raise _bad_state("This sign-in was begun in another browser, or cookies are off: begin again here.")
    return flown, trip


def provider_of(auth: Auth, name: str | None) -> Provider:
    """Raises AuthError unless it is set up here."""
    provider = auth.providers.get(name or "")
    if provider is None:
        raise AuthError("validation_failed", "Unsupported provider: provider is not enabled")
    return provider


def redirect_uri(auth: Auth) -> str:
    """The one address that providers are told to send people back to."""
    return f"{auth.rules.issuer}/callback"


def cookie_name(auth: Auth, trip: Trip) -> str:
    """One a trip, so that two tabs do not disturb each other."""
    prefix = "__Secure-" if is_secure(auth) else ""
    return f"{prefix}vently-trip-{trip.id.hex[:12]}"


def cookie(auth: Auth, trip: Trip) -> dict[str, Any]:
    """For `Response.set_cookie`."""
    return {
        "key": cookie_name(auth, trip),
        "value": trip.cookie,
        "path": "/auth/v1/callback",
        "max_age": LASTS,
        "httponly": True,
        "secure": is_secure(auth),
        # Apple posts its answer from its own site, and browsers send Lax cookies along with no such post.
        "samesite": "none" if is_secure(auth) else "lax",
    }


def is_secure(auth: Auth) -> bool:
    return auth.rules.site_url.startswith("https://")


def id_of(secret: str) -> UUID:
    """What is kept of a secret that goes round: whoever reads the table cannot make it up."""
    return UUID(bytes=hashlib.sha256(secret.encode("utf-8", "replace")).digest()[:16])


def _derived(label: str, verifier: str) -> str:
    digest = hmac.digest(verifier.encode(), label.encode(), hashlib.sha256)
    return urlsafe_b64encode(digest).rstrip(b"=").decode()


def _place(state: UUID) -> str:
    return f"oauth_client_states.code_verifier/{state}"


def _bad_state(why: str) -> AuthError:
    return AuthError("bad_oauth_state", why)
