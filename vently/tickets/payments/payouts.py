"""Whom card payments go to: an account at the provider for a community, or for an organiser of their own."""

from uuid import UUID

import msgspec

from vently.database.pool import Database, Viewer
from vently.database.queries import load
from vently.outside.payments import AccountStanding, Payments, PaymentsRefused, PaymentsUnavailable, Standing
from vently.refusals import Conflict, Invalid
from vently.tickets.payments import attempts, settling
from vently.tickets.payments.attempts import NotAnswering
from vently.web.facts import Parts

sql = load(__package__)


class NotOpened(Conflict):
    """The provider does not open this account."""

    type = "account-refused"
    title = "Account refused"


class Payee(msgspec.Struct):
    """Who sells, and their account, if there is one. Without `id` nothing was ever sold or opened for them."""

    id: UUID | None
    account: str | None
    charges_enabled: bool
    community: str | None
    country: str | None


class Payouts(msgspec.Struct):
    """`connected`: there is an account. Until `charges_enabled`, card payments go to the platform's own account."""

    connected: bool
    charges_enabled: bool
    payouts_enabled: bool
    details_submitted: bool


async def payee(db: Database, viewer: Viewer, community: str | None, *, making: bool = False) -> Payee:
    """Of the viewer, or of a community. Raises NotFound, and NotAllowed for whoever does not administer it."""
    async with db.acting_as(viewer) as tx:
        if community is None:
            return await tx.one(sql.get_payee, Payee, making=making)
        return await tx.one(sql.get_payee_of_community, Payee, community=community, making=making)


async def connect(parts: Parts, found: Payee, viewer: Viewer, country: str | None) -> str:
    """Where the organiser says who they are, good once. Raises Invalid, NotOpened and NotAnswering."""
    provider: Payments = parts.other["payments"]
    country = country or found.country
    if found.account is None and not country:
        raise Invalid.at("/country", "is the ISO 3166 code of the country the account is in")
    page = f"{parts.settings.site_url}/payouts/{found.community or 'me'}"
    try:
        account = found.account
        if account is None:
            account = await provider.open_account(str(viewer.claims.get("email") or ""), str(country))
            async with parts.database.acting_as_system() as tx:
                account = str(await tx.value(sql.keep_account, seller=found.id, account=account))
        return await provider.account_link(account, refresh_url=page, return_url=page)
    except PaymentsUnavailable:
        raise NotAnswering from None
    except PaymentsRefused as refused:
        raise NotOpened(refused.sentence) from None


async def standing(parts: Parts, found: Payee) -> Payouts:
    """What the provider says now, kept for the next checkout. Raises NotAnswering and NotOpened."""
    if found.account is None:
        return Payouts(connected=False, charges_enabled=False, payouts_enabled=False, details_submitted=False)
    provider: Payments = parts.other["payments"]
    try:
        now = await provider.look_up_account(found.account)
    except PaymentsUnavailable:
        raise NotAnswering from None
    except PaymentsRefused as refused:
        raise NotOpened(refused.sentence) from None
    await keep(parts, found.account, now)
    return Payouts(
        connected=True,
        charges_enabled=now.charges_enabled,
        payouts_enabled=now.payouts_enabled,
        details_submitted=now.details_submitted,
    )


async def lost(parts: Parts, attempt: UUID) -> bool:
    """The provider refused a checkout: when it was for an account that may take no money any more, that ends, and the
    next try is for our own account.
    """
    provider: Payments = parts.other["payments"]
    found = await attempts.asked(parts, attempt)
    if found.account is None or found.reference is not None:
        return False
    try:
        now = await provider.look_up_account(found.account)
    except (PaymentsUnavailable, PaymentsRefused):
        return False
    await keep(parts, found.account, now)
    if now.charges_enabled:
        return False
    gone = Standing(reference="", status="expired")
    return await settling.apply(parts, attempt, gone) == "closed"


async def keep(parts: Parts, account: str, now: AccountStanding) -> None:
    async with parts.database.acting_as_system() as tx:
        await tx.execute(sql.keep_standing, account=account, charges_enabled=now.charges_enabled)
