"""What the fake Stripe knows and does: sessions, intents, charges, refunds, disputes, accounts, with Stripe's names."""

import math
import secrets
from collections import defaultdict
from collections.abc import Callable
from typing import Any

Object = dict[str, Any]

SESSION_TAKES = {
    "adaptive_pricing", "cancel_url", "client_reference_id", "customer_email", "expand", "expires_at", "line_items",
    "locale", "metadata", "mode", "payment_intent_data", "payment_method_types", "submit_type", "success_url",
}  # fmt: skip
SMALLEST = {"eur": 50, "usd": 50, "gbp": 30}
STEPS = {"isk": 100, "ugx": 100, **dict.fromkeys(("bhd", "jod", "kwd", "omr", "tnd"), 10)}


class Wrong(Exception):
    """A request Stripe would not take."""

    def __init__(self, message: str, code: str = "", *, param: str = "", status: int = 400) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"error": {"type": "invalid_request_error", "message": message, "code": code, "param": param}}


class Objects:
    """`emit(type, object, account)` is told of every change."""

    def __init__(self, now: Callable[[], float], emit: Callable[[str, Object, str | None], Any]) -> None:
        self.now = now
        self.emit = emit
        self.address = ""
        self.kept: dict[str, Object] = {}
        self._kinds: defaultdict[str, list[Object]] = defaultdict(list)
        self.by_attempt: dict[str, Object] = {}
        self._first_end = math.inf
        self.slow_refunds = False

    def all(self, kind: str) -> list[Object]:
        return self._kinds[kind]

    def one(self, kind: str, name: str) -> Object:
        found = self.kept.get(name)
        if found is None or found["object"] != kind:
            raise Wrong(f"No such {kind}: '{name}'", "resource_missing", status=404)
        return found

    def make(self, kind: str, prefix: str, **fields: Any) -> Object:
        made = {"id": f"{prefix}_{secrets.token_hex(12)}", "object": kind, "created": int(self.now()), **fields}
        self.kept[made["id"]] = made
        self._kinds[kind].append(made)
        return made

    def listed(self, kind: str, parameters: Object) -> Object:
        """Newest first, by pages."""
        found = [one for one in reversed(self.all(kind)) if _fits(one, parameters)]
        if after := parameters.get("starting_after"):
            found = found[[one["id"] for one in found].index(after) + 1 :]
        limit = int(parameters.get("limit", 10))
        return {"object": "list", "data": found[:limit], "has_more": len(found) > limit}

    # Checkout

    def make_session(self, asked: Object) -> Object:
        for name in asked.keys() - SESSION_TAKES:
            raise Wrong(f"Received unknown parameter: {name}", "parameter_unknown", param=name)
        if asked.get("mode") != "payment" or not asked.get("success_url") or not asked.get("line_items"):
            raise Wrong("Missing required param.", "parameter_missing")
        currency, amount = _total(asked["line_items"])
        ends = int(asked.get("expires_at", self.now() + 86_400))
        if not 1_800 <= ends - self.now() <= 86_400:
            raise Wrong("The `expires_at` timestamp must be 30 minutes to 24 hours from now.", param="expires_at")
        if "@" not in asked.get("customer_email", "@"):
            raise Wrong(f"Invalid email address: {asked['customer_email']}", "email_invalid", param="customer_email")
        self._check_transfer(asked.get("payment_intent_data", {}), amount)
        self._first_end = min(self._first_end, ends)
        session = self.make("checkout.session", "cs_test", livemode=False, mode="payment", status="open")
        self.by_attempt[asked.get("client_reference_id", "")] = session
        return self._update(
            session,
            payment_status="unpaid",
            amount_total=amount,
            currency=currency,
            expires_at=ends,
            client_reference_id=asked.get("client_reference_id"),
            customer_email=asked.get("customer_email"),
            metadata=asked.get("metadata", {}),
            payment_intent=None,  # only once somebody tries to pay
            success_url=asked["success_url"],
            cancel_url=asked.get("cancel_url"),
            url=f"{self.address}/c/pay/{session['id']}",
            _asked=asked,
        )

    def _check_transfer(self, intent: Object, amount: int) -> None:
        fee, destination = int(intent.get("application_fee_amount", 0)), intent.get("transfer_data")
        if fee and not destination:
            raise Wrong("Can only apply an application_fee_amount with transfer_data.", param="application_fee_amount")
        if fee > amount:
            raise Wrong("The fee is greater than the amount.", param="application_fee_amount")
        if destination and not self.one("account", destination["destination"])["charges_enabled"]:
            raise Wrong(
                "Your destination account needs to have at least one of the capabilities enabled: transfers.",
                "insufficient_capabilities_for_transfer",
            )

    def expire(self, session: Object) -> Object:
        if session["status"] != "open":
            raise Wrong(f'Only Checkout Sessions with a status in ["open"] can be expired. It is {session["status"]}.')
        self._update(session, status="expired", url=None)
        self.emit("checkout.session.expired", session, None)
        return session

    def sweep(self) -> None:
        """Sessions end by the clock."""
        if self.now() < self._first_end:
            return
        for session in self.all("checkout.session"):
            if session["status"] == "open" and session["expires_at"] <= self.now():
                self.expire(session)
        ends = (one["expires_at"] for one in self.all("checkout.session") if one["status"] == "open")
        self._first_end = min(ends, default=math.inf)

    def try_card(self, session: Object) -> Object:
        """The intent of an open session; there is one from the first try on."""
        if session["status"] != "open":
            raise Wrong(f"This Checkout Session is {session['status']}: it cannot be paid.")
        if session["payment_intent"]:
            return self.kept[session["payment_intent"]]
        more = session["_asked"].get("payment_intent_data", {})
        intent = self.make(
            "payment_intent",
            "pi",
            status="requires_payment_method",
            amount=session["amount_total"],
            amount_received=0,
            currency=session["currency"],
            metadata=more.get("metadata", {}),
            description=more.get("description"),
            transfer_data=more.get("transfer_data"),
            application_fee_amount=int(more.get("application_fee_amount", 0)) or None,
            latest_charge=None,
            last_payment_error=None,
            livemode=False,
        )
        self._update(session, payment_intent=intent["id"])
        return intent

    def decline(self, session: Object) -> None:
        intent = self.try_card(session)
        intent["last_payment_error"] = {
            "type": "card_error",
            "code": "card_declined",
            "message": "Your card was declined.",
        }
        self.emit("payment_intent.payment_failed", intent, None)

    def pay(self, session: Object) -> None:
        intent = self.try_card(session)
        self._update(session, status="complete", payment_status="paid", url=None)
        self._charge(intent)
        self.emit("checkout.session.completed", session, None)

    def pay_by_bank(self, session: Object) -> None:
        """Money that takes days: the session is complete and unpaid."""
        self.try_card(session)["status"] = "processing"
        self._update(session, status="complete", url=None)
        self.emit("checkout.session.completed", session, None)

    def bank_says(self, session: Object, *, paid: bool) -> None:
        intent = self.kept[session["payment_intent"]]
        if paid:
            self._update(session, payment_status="paid")
            self._charge(intent)
        else:
            intent["status"] = "requires_payment_method"
        self.emit(f"checkout.session.async_payment_{'succeeded' if paid else 'failed'}", session, None)

    def _charge(self, intent: Object) -> None:
        charge = self.make(
            "charge",
            "ch",
            amount=intent["amount"],
            amount_refunded=0,
            refunded=False,
            disputed=False,
            currency=intent["currency"],
            payment_intent=intent["id"],
            livemode=False,
        )
        intent.update(status="succeeded", amount_received=intent["amount"], latest_charge=charge["id"])
        self.emit("payment_intent.succeeded", intent, None)
        self.emit("charge.succeeded", charge, None)

    # Refunds and disputes

    def make_refund(self, asked: Object) -> Object:
        charge = self.charge_of(asked.get("payment_intent") or asked.get("charge", ""))
        left = charge["amount"] - charge["amount_refunded"]
        amount = int(asked.get("amount", left))
        if not left:
            raise Wrong(f"Charge {charge['id']} has already been refunded.", "charge_already_refunded")
        if charge["disputed"]:
            raise Wrong(f"Charge {charge['id']} has been charged back; cannot issue a refund.", "charge_disputed")
        if not 0 < amount <= left:
            raise Wrong(f"Refund amount ({amount}) is greater than unrefunded amount ({left})", param="amount")
        _check_step(charge["currency"], amount)
        if asked.get("reverse_transfer") == "true" and not self.kept[charge["payment_intent"]]["transfer_data"]:
            raise Wrong("Cannot reverse a transfer on a charge without one.", param="reverse_transfer")
        refund = self.make(
            "refund",
            "re",
            amount=amount,
            currency=charge["currency"],
            charge=charge["id"],
            payment_intent=charge["payment_intent"],
            metadata=asked.get("metadata", {}),
            status="pending" if self.slow_refunds else "succeeded",
            failure_reason=None,
            _asked=asked,
        )
        charge["amount_refunded"] += amount
        charge["refunded"] = charge["amount_refunded"] == charge["amount"]
        self.emit("refund.created", refund, None)
        self.emit("charge.refunded", charge, None)
        return refund

    def refund_says(self, refund: Object, status: str) -> None:
        refund["status"] = status
        if status == "failed":
            refund["failure_reason"] = "expired_or_canceled_card"
            charge = self.kept[refund["charge"]]
            charge["amount_refunded"] -= refund["amount"]
            charge["refunded"] = False
        self.emit("refund.failed" if status == "failed" else "refund.updated", refund, None)

    def dispute(self, payment: str) -> Object:
        charge = self.charge_of(payment)
        charge["disputed"] = True
        dispute = self.make(
            "dispute",
            "du",
            amount=charge["amount"],
            currency=charge["currency"],
            charge=charge["id"],
            payment_intent=charge["payment_intent"],
            reason="fraudulent",
            status="needs_response",
        )
        self.emit("charge.dispute.created", dispute, None)
        return dispute

    def end_dispute(self, dispute: Object, *, won: bool) -> None:
        dispute["status"] = "won" if won else "lost"
        self.emit("charge.dispute.closed", dispute, None)

    def charge_of(self, payment: str) -> Object:
        if payment.startswith("pi_"):
            intent = self.one("payment_intent", payment)
            if not intent["latest_charge"]:
                raise Wrong("This PaymentIntent does not have a successful charge to refund.", param="payment_intent")
            payment = intent["latest_charge"]
        return self.one("charge", payment)

    # Connect

    def make_account(self, asked: Object) -> Object:
        if len(asked.get("country", "")) != 2 or not asked.get("controller"):
            raise Wrong("Country is required.", param="country")
        return self.make(
            "account",
            "acct",
            email=asked.get("email"),
            country=asked["country"],
            charges_enabled=False,
            payouts_enabled=False,
            details_submitted=False,
        )

    def fill_in(self, account: Object) -> None:
        account.update(charges_enabled=True, payouts_enabled=True, details_submitted=True)
        self.emit("account.updated", account, account["id"])

    def link_account(self, asked: Object) -> Object:
        account = self.one("account", asked.get("account", ""))
        return {
            "object": "account_link",
            "created": int(self.now()),
            "expires_at": int(self.now()) + 300,
            "url": f"{self.address}/setup/{account['id']}/{secrets.token_hex(8)}",
        }

    def _update(self, one: Object, **fields: Any) -> Object:
        one.update(fields)
        return one


def _total(lines: list[Object]) -> tuple[str, int]:
    currencies = {line["price_data"]["currency"] for line in lines}
    if len(currencies) != 1 or len(lines) > 100:
        raise Wrong("All prices must be of one currency, and lines 100 at most.", param="line_items")
    [currency] = currencies
    for line in lines:
        if not line["price_data"]["product_data"]["name"] or int(line["quantity"]) < 1:
            raise Wrong("A line needs a name and a quantity.", param="line_items")
        _check_step(currency, int(line["price_data"]["unit_amount"]))
    amount = sum(int(line["quantity"]) * int(line["price_data"]["unit_amount"]) for line in lines)
    if amount < SMALLEST.get(currency, 1):
        raise Wrong(f"The amount must be at least {SMALLEST.get(currency, 1)} {currency}.", "amount_too_small")
    return currency, amount


def _check_step(currency: str, amount: int) -> None:
    if amount < 0 or amount % STEPS.get(currency, 1):
        raise Wrong(
            f"Invalid amount. Amounts in {currency} must be evenly divisible by {STEPS.get(currency, 1)}.",
            "invalid_charge_amount_no_decimal_compatible",
        )


def _fits(one: Object, parameters: Object) -> bool:
    created = parameters.get("created", {})
    return (
        int(created.get("gte", 0)) <= one["created"] <= int(created.get("lte", 1 << 62))
        and parameters.get("payment_intent", one.get("payment_intent")) == one.get("payment_intent")
        and parameters.get("charge", one.get("charge")) == one.get("charge")
    )
