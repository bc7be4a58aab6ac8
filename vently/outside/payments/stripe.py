"""Stripe: hosted Checkout by redirect, Connect destination charges, refunds, webhooks (https://docs.stripe.com/api)."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from uuid import UUID

import stripe

from vently.outside.payments import (
    AccountStanding,
    Checkout,
    Notice,
    PaymentsRefused,
    RefundAsked,
    RefundStanding,
    Standing,
    Started,
    checkouts,
    events,
)
from vently.outside.payments.amounts import to_stripe
from vently.outside.payments.asking import TIMEOUT, TRIES_AGAIN, asking, understood
from vently.outside.payments.objects import (
    AccountObject,
    RefundObject,
    SessionObject,
    account_of,
    named,
    refund_of,
    standing_of,
)

if TYPE_CHECKING:
    from stripe.params import RefundCreateParams

MODE = re.compile(r"[sr]k_(live|test)_\S+")
"""A secret or restricted key, as the dashboard gives it."""


NAME = re.compile(r"[A-Za-z0-9_]{1,255}")
"""What Stripe calls its objects. Other text could make another question of ours."""


class StripeKeyUnusable(ValueError):
    """STRIPE_SECRET_KEY or STRIPE_WEBHOOK_SECRET is none; the sentence never repeats it."""


class Stripe:
    name = "stripe"
    checkout_path = "/checkout/"

    def __init__(self, key: str, webhook_secret: str, *, api_base: str = "") -> None:
        """`api_base`: instead of Stripe's own address. Raises StripeKeyUnusable."""
        mode = MODE.fullmatch(key)
        if mode is None:
            raise StripeKeyUnusable(
                "STRIPE_SECRET_KEY is not usable; it is a secret or restricted key of Stripe's dashboard: "
                "sk_live_…, sk_test_…, rk_live_… or rk_test_…."
            )
        if not webhook_secret.strip():
            raise StripeKeyUnusable(
                "STRIPE_WEBHOOK_SECRET is not usable; it is the signing secret of the webhook endpoint: whsec_…."
            )
        self._live = mode[1] == "live"
        self._webhook_secret = webhook_secret
        self._wire = stripe.HTTPXClient(timeout=TIMEOUT)
        self._api = stripe.StripeClient(
            key,
            http_client=self._wire,
            max_network_retries=TRIES_AGAIN,
            base_addresses={"api": (api_base or stripe.DEFAULT_API_BASE).rstrip("/")},
        ).v1

    async def start(self, checkout: Checkout) -> Started:
        asked = checkouts.parameters(checkout)
        try:
            async with asking():
                made = await self._api.checkout.sessions.create_async(asked, {"idempotency_key": str(checkout.attempt)})
                session = understood(made, SessionObject)
        except PaymentsRefused as refused:
            if refused.code != "idempotency_error":
                raise
            # The buyer's address or a name was mended since: there is a session, and there must not be two.
            session = await self._made_before(checkout)
        if session.url is None:
            raise PaymentsRefused("This checkout is over: try again with a new one.", "checkout_over")
        return Started(session.id, session.url, datetime.fromtimestamp(session.expires_at, UTC))

    async def look_up(self, reference: str) -> Standing:
        async with asking():
            session = await self._api.checkout.sessions.retrieve_async(
                _name(reference), {"expand": ["payment_intent.latest_charge"]}
            )
            return standing_of(understood(session, SessionObject))

    async def close(self, reference: str) -> Standing:
        try:
            async with asking():
                session = await self._api.checkout.sessions.expire_async(_name(reference))
                return standing_of(understood(session, SessionObject))
        except PaymentsRefused:
            # Only open ones can be; what it is instead is the answer. One that is not there is refused again.
            return await self.look_up(reference)

    async def refund(self, asked: RefundAsked) -> RefundStanding:
        parameters: RefundCreateParams = {
            "amount": to_stripe(asked.amount, asked.currency),
            "metadata": {"refund": str(asked.refund)},
        }
        if asked.payment.startswith("pi_"):
            parameters["payment_intent"] = asked.payment
        else:
            parameters["charge"] = _name(asked.payment)
        if asked.account is not None:
            parameters |= {"reverse_transfer": True, "refund_application_fee": True}
        try:
            async with asking():
                made = await self._api.refunds.create_async(parameters, {"idempotency_key": str(asked.refund)})
                return refund_of(understood(made, RefundObject))
        except PaymentsRefused:
            # Stripe forgets keys after a day: perhaps there is nothing left because this very refund was made.
            before = await self.look_up_refund(None, asked.refund, asked.payment)
            if before is None:
                raise
            return before

    async def look_up_refund(self, reference: str | None, refund: UUID, payment: str) -> RefundStanding | None:
        async with asking():
            if reference is not None:
                found = await self._api.refunds.retrieve_async(_name(reference))
                return refund_of(understood(found, RefundObject))
            page = await self._api.refunds.list_async(
                {"payment_intent": payment, "limit": 100}
                if payment.startswith("pi_")
                else {"charge": payment, "limit": 100}
            )
            async for one in page.auto_paging_iter():
                read = understood(one, RefundObject)
                if named(read.metadata, "refund") == refund:
                    return refund_of(read)
            return None

    def read(self, body: bytes, headers: Mapping[str, str]) -> Notice:
        events.verify(body, headers, self._webhook_secret)
        return events.read(body, live=self._live)

    async def open_account(self, email: str, country: str) -> str:
        async with asking():
            account = await self._api.accounts.create_async(
                {
                    "email": email,
                    "country": country,
                    "controller": {
                        "fees": {"payer": "application"},
                        "losses": {"payments": "application"},
                        "stripe_dashboard": {"type": "express"},
                    },
                    "capabilities": {"card_payments": {"requested": True}, "transfers": {"requested": True}},
                }
            )
            return understood(account, AccountObject).id

    async def account_link(self, account: str, refresh_url: str, return_url: str) -> str:
        async with asking():
            link = await self._api.account_links.create_async(
                {
                    "account": account,
                    "refresh_url": refresh_url,
                    "return_url": return_url,
                    "type": "account_onboarding",
                }
            )
            return link.url

    async def look_up_account(self, account: str) -> AccountStanding:
        async with asking():
            return account_of(understood(await self._api.accounts.retrieve_async(_name(account)), AccountObject))

    async def aclose(self) -> None:
        await self._wire.close_async()  # type: ignore[no-untyped-call]

    async def _made_before(self, checkout: Checkout) -> SessionObject:
        """The session of this attempt, whatever words it was asked for in. Raises PaymentsRefused."""
        opened = int(checkout.opened_at.timestamp())
        async with asking():
            # Started within half an hour of being opened, else Stripe would not have taken when it ends.
            page = await self._api.checkout.sessions.list_async(
                {
                    "created": {"gte": opened - 60, "lte": opened + 1860},
                    "limit": 100,
                }
            )
            async for one in page.auto_paging_iter():
                session = understood(one, SessionObject)
                if session.client_reference_id == str(checkout.attempt):
                    return session
        raise PaymentsRefused("This checkout cannot be started again: try with a new one.", "checkout_over")


def _name(name: str) -> str:
    if NAME.fullmatch(name) is None:
        raise PaymentsRefused("Stripe knows nothing of that name.", "resource_missing")
    return name
