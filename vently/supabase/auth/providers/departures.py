"""Setting out to a provider, to sign in or to link an account there."""

import secrets
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import msgspec

from vently.database.queries import load
from vently.outside.signin import HINTS, Provider
from vently.supabase.auth.auth import Auth
from vently.supabase.auth.errors import AuthError
from vently.supabase.auth.flows import flows
from vently.supabase.auth.flows.flows import Challenge, Linking
from vently.supabase.auth.providers import trips
from vently.supabase.auth.providers.trips import Trip
from vently.supabase.auth.sessions.presence import SignedIn, signed_in

sql = load(__package__)

MOST_SCOPES = 30


class Wish(msgspec.Struct, frozen=True):
    """What the query of an address asks for. `more`: everything in it that is not for us."""

    provider: str
    back: str
    challenge: Challenge | None = None
    scopes: tuple[str, ...] = ()
    more: Mapping[str, str] = {}


def scopes_of(text: str | None) -> tuple[str, ...]:
    """Of a query's `scopes`, with blanks between."""
    scopes = tuple((text or "").split())
    if len(scopes) > MOST_SCOPES or not all(each.isascii() and each.isprintable() for each in scopes):
        raise AuthError("validation_failed", f"scopes may name {MOST_SCOPES} scopes, with blanks between")
    return scopes


async def depart(auth: Auth, wish: Wish) -> tuple[str, Trip]:
    """The provider's address and the trip there. Raises ProviderRefused when it cannot be asked."""
    trip = Trip.new()
    address = await _address(auth, wish, trip)
    async with auth.acting() as tx:
        flow = await flows.begin(tx, wish.challenge, "oauth", provider=wish.provider, back=wish.back)
        await trips.begin(tx, auth, trip, wish.provider, flow)
    return address, trip


async def offer_link(auth: Auth, claims: dict[str, Any], wish: Wish) -> str:
    """An address of ours, good once, from which a browser sets out to link an account to the person of `claims`.

    Theirs is not given right away: a program asks for it, and the browser that opens it is to get our cookie.
    """
    trips.provider_of(auth, wish.provider)
    handle = secrets.token_urlsafe(32)
    async with auth.acting() as tx:
        found = await signed_in(tx, claims)
        check_second_factor(found)
        await flows.begin(
            tx,
            wish.challenge,
            "oauth",
            provider=wish.provider,
            flow=trips.id_of(handle),
            back=wish.back,
            linking=Linking(found.id, found.session_id),
        )
    asked = {name: value for name, value in wish.more.items() if name in HINTS}
    asked |= {"provider": wish.provider, "handle": handle}
    if wish.scopes:
        asked["scopes"] = " ".join(wish.scopes)
    return f"{auth.rules.issuer}/authorize?{urlencode(asked)}"


async def back_of(auth: Auth, handle: str) -> str:
    """Where a link's person is sent at the end. Raises AuthError when there is no such link."""
    async with auth.acting() as tx:
        back = await tx.value(sql.back_of_link, flow=trips.id_of(handle))
    if not isinstance(back, str):
        raise _no_link()
    return back


async def depart_to_link(auth: Auth, wish: Wish, handle: str) -> tuple[str, Trip]:
    """As `depart`, for an address that `offer_link` gave."""
    trip = Trip.new()
    flow: UUID = trips.id_of(handle)
    address = await _address(auth, wish, trip)
    async with auth.acting() as tx:
        if not await trips.begin(tx, auth, trip, wish.provider, flow):
            raise _no_link()
    return address, trip


def check_second_factor(found: SignedIn) -> None:
    """An account elsewhere is a way in: who has a second factor uses it before they change the ways in."""
    if found.aal != "aal2" and any(factor["status"] == "verified" for factor in found.factors or []):
        raise AuthError("insufficient_aal", "AAL2 session is required to change identities when MFA is enabled.", 401)


async def _address(auth: Auth, wish: Wish, trip: Trip) -> str:
    provider: Provider = trips.provider_of(auth, wish.provider)
    return await provider.address(
        state=trip.state,
        nonce=trip.nonce,
        code_verifier=trip.verifier,
        redirect_uri=trips.redirect_uri(auth),
        scopes=wish.scopes,
        more=wish.more,
    )


def _no_link() -> AuthError:
    return AuthError("flow_state_not_found", "This link was opened already, or is too old: ask for a new one.", 404)
