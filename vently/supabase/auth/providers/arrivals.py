"""Coming back from a provider: whose account it is, and the session or the code that follows."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import msgspec

from vently.database.pool import Transaction
from vently.database.queries import load
from vently.outside.signin import Claimed, Grant
from vently.supabase.auth.auth import Auth
from vently.supabase.auth.devices import Device
from vently.supabase.auth.errors import AuthError
from vently.supabase.auth.flows import flows
from vently.supabase.auth.links import alarms
from vently.supabase.auth.providers import landings, trips
from vently.supabase.auth.providers.claims import details_of, email_of_claim
from vently.supabase.auth.providers.trips import Flown, Trip
from vently.supabase.auth.saving import saving
from vently.supabase.auth.sessions import sessions
from vently.supabase.auth.sessions.sessions import Session
from vently.supabase.auth.users import new_id

sql = load(__package__)


class Person(msgspec.Struct, frozen=True):
    id: UUID
    email: str | None
    confirmed: bool
    banned: bool
    joined: bool = False
    """Whether the identity has just come to an account that was there before."""


async def arrive(auth: Auth, flown: Flown, trip: Trip, answer: Mapping[str, str], *, device: Device) -> str:
    """The address the browser goes to. Raises AuthError and ProviderRefused."""
    provider = trips.provider_of(auth, flown.provider)
    # Outside of any transaction: the provider takes its time.
    grant = await provider.grant(
        answer=answer, nonce=trip.nonce, code_verifier=trip.verifier, redirect_uri=trips.redirect_uri(auth)
    )
    with saving("saving new user"):
        async with auth.acting() as tx:
            person = await _settle(tx, auth, flown, grant.claimed)
            if person.banned:
                raise AuthError("user_banned", "User is banned", 403)
            there, session = await _end(tx, auth, flown, person.id, grant, device)
    if session is not None:
        alarms.signed_in(auth, session.user, device)
    if person.joined:
        alarms.identity(auth, person.email, provider.label, linked=True)
    return there


async def _end(
    tx: Transaction, auth: Auth, flown: Flown, person: UUID, grant: Grant, device: Device
) -> tuple[str, Session | None]:
    token, refresh_token = grant.provider_token, grant.provider_refresh_token
    if flown.pkce:
        code = await flows.issue_code(tx, auth, flown.flow, person, token=token, refresh_token=refresh_token)
        return landings.with_code(flown.back, code), None
    if not await tx.execute(sql.end_flow, flow=flown.flow):
        raise AuthError("flow_state_not_found", "This sign-in was ended meanwhile: begin again.", 404)
    session = await sessions.begin(tx, auth, person, "oauth", device=device)
    theirs = {"provider_token": token, "provider_refresh_token": refresh_token}
    return landings.with_session(flown.back, {**msgspec.structs.asdict(session), **theirs}), session


async def _settle(tx: Transaction, auth: Auth, flown: Flown, claimed: Claimed) -> Person:
    details = details_of(claimed)
    email = email_of_claim(claimed)
    # First sign-ins of one account, or to one address, come one after the other: the second finds what the first made.
    await tx.execute(sql.wait_for_turn, whose=f"identity:{flown.provider}:{claimed.subject}")
    if email:
        await tx.execute(sql.wait_for_turn, whose=f"email:{email}")
    if flown.link_to is not None:
        return await _link(tx, flown.link_to, flown.provider, claimed, details, email)
    known = await tx.maybe_one(
        sql.renew_identity, Person, provider=flown.provider, subject=claimed.subject, data=details
    )
    if known is not None:
        await tx.execute(sql.fill_details, person=known.id, data=details)
        return known
    person = await _person_for(tx, auth, claimed, details, email)
    if not person.banned:
        await _add_identity(tx, person.id, flown.provider, claimed.subject, details)
        await tx.execute(sql.fill_details, person=person.id, data=details)
    return person


async def _person_for(
    tx: Transaction, auth: Auth, claimed: Claimed, details: dict[str, Any], email: str | None
) -> Person:
    """Who has this address, if the provider vouches for it; else somebody new."""
    owner = await tx.maybe_one(sql.person_of_email, Person, email=email) if email else None
    if owner is None:
        vouched = email if claimed.email_verified else None
        made = await tx.maybe_one(sql.create_person, Person, person=new_id(), email=vouched, data=details)
        if made is not None:
            return made
        # Somebody signed up with the address in this very moment.
        owner = await tx.one(sql.person_of_email, Person, email=email)
    if not claimed.email_verified:
        raise AuthError(
            "provider_email_needs_verification",
            "An account with this address exists, and the provider does not say that the address is yours: "
            "sign in the way you signed up, then link the provider in your account.",
            422,
        )
    if not owner.confirmed and not owner.banned:
        # Whoever signed up with it never showed that it is theirs: no door they left open may stay.
        await tx.execute(sql.clear_unconfirmed, person=owner.id)
        return owner
    if auth.rules.autoconfirm and not owner.banned and await tx.value(sql.may_be_a_strangers, person=owner.id):
        raise AuthError(
            "email_exists",
            "An account with this address exists, and this site does not confirm addresses: "
            "sign in the way you signed up, then link the provider in your account.",
            422,
        )
    return msgspec.structs.replace(owner, joined=True)


async def _link(
    tx: Transaction, target: UUID, provider: str, claimed: Claimed, details: dict[str, Any], email: str | None
) -> Person:
    person = await tx.maybe_one(sql.lock_person, Person, person=target)
    if person is None:
        raise AuthError("user_not_found", "The account this was to be linked to is gone", 404)
    if person.banned:
        return person
    owner = await tx.value(sql.owner_of_identity, provider=provider, subject=claimed.subject)
    if owner is not None:
        whose = "" if owner == target else " to another user"
        raise AuthError("identity_already_exists", f"Identity is already linked{whose}", 422)
    await _add_identity(tx, target, provider, claimed.subject, details)
    if not person.email and email and claimed.email_verified:
        if await tx.maybe_one(sql.person_of_email, Person, email=email) is not None:
            raise AuthError("email_exists", "A user with this email address has already been registered", 422)
        await tx.execute(sql.give_email, person=target, email=email)
    await tx.execute(sql.end_anonymity, person=target)
    await tx.execute(sql.fill_details, person=target, data=details)
    return msgspec.structs.replace(person, joined=True)


async def _add_identity(tx: Transaction, person: UUID, provider: str, subject: str, details: dict[str, Any]) -> None:
    added = await tx.value(sql.add_identity, person=person, provider=provider, subject=subject, data=details)
    if added is None:
        raise AuthError("identity_already_exists", "Identity is already linked to another user", 422)
    await tx.execute(sql.note_providers, person=person)
