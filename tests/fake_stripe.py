"""A small hostile Stripe on loopback: enough of its API for the SDK, and everything that goes wrong on the way.

async with FakeStripe.running() as fake:
payments = Stripe(fake.key, fake.secret, api_base=fake.address)
fake.listen("http://127.0.0.1:8000/hooks/payments/stripe")
…
await fake.pay(session)         # as a buyer on Stripe's page; webhooks go out by themselves
fake.breaks("lost after", "/v1/refunds")    # the next refund is made, and the answer lost
fake.copies, fake.holding = 3, True         # each webhook three times, once `release` says so
"""

import asyncio
import copy
import json
import secrets
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Literal, get_args

from fake_stripe_objects import Object, Objects, Wrong
from fake_stripe_webhooks import Webhooks, shown
from fake_stripe_wire import Answer, Request, serving

How = Literal["slow", "500 before", "500 after", "lost before", "lost after", "429", "garbage"]
"""`before`: nothing was done; `after`: it was done, and nobody is told."""


@dataclass
class _Fault:
    how: How
    path: str
    times: int
    seconds: float


class FakeStripe(Webhooks):
    """Made by `running`. What buyers, banks and organisers do are its methods; what Stripe keeps is in `objects`."""

    def __init__(self) -> None:
        super().__init__()
        self.key = f"sk_test_{secrets.token_hex(12)}"
        self.address = ""
        self.objects = Objects(self.now, self._emit)
        self.requests: list[Request] = []
        """Everything asked under /v1, also what was broken off."""
        self.trouble = 0.0
        """How likely a request goes wrong in some way, from 0 to 1; which way, `chance` says."""
        self._faults: list[_Fault] = []
        self._answers: dict[str, tuple[str, Answer]] = {}
        self._in_flight: set[str] = set()

    @classmethod
    @asynccontextmanager
    async def running(cls) -> AsyncIterator["FakeStripe"]:
        fake = cls()
        async with serving(fake._answer) as address, fake._post:
            fake.address = fake.objects.address = address
            try:
                yield fake
            finally:
                for task in fake._sending:
                    task.cancel()

    # What others do

    async def pay(self, session: str) -> None:
        """A buyer pays. Raises Wrong when it is not open any more, as the page would say."""
        self.objects.sweep()
        self.objects.pay(self.session(session))

    async def decline(self, session: str) -> None:
        """A buyer's card is refused; they may try another."""
        self.objects.decline(self.session(session))

    async def pay_by_bank(self, session: str) -> None:
        """A buyer is through, and their bank takes its time; `bank_says` what came of it."""
        self.objects.pay_by_bank(self.session(session))

    async def bank_says(self, session: str, *, paid: bool) -> None:
        self.objects.bank_says(self.session(session), paid=paid)

    async def expire(self, session: str) -> None:
        self.objects.expire(self.session(session))

    async def dispute(self, payment: str) -> str:
        """A buyer asks their bank for the money; gives the dispute's name."""
        return str(self.objects.dispute(payment)["id"])

    async def end_dispute(self, dispute: str, *, won: bool) -> None:
        self.objects.end_dispute(self.objects.one("dispute", dispute), won=won)

    async def refund_by_hand(self, payment: str, amount: int) -> str:
        """In the dashboard, not by Vently. `amount` in Stripe's units."""
        return str(self.objects.make_refund({"payment_intent": payment, "amount": str(amount)})["id"])

    async def refund_says(self, refund: str, status: Literal["succeeded", "failed", "canceled"]) -> None:
        self.objects.refund_says(self.objects.one("refund", refund), status)

    async def fill_in(self, account: str) -> None:
        """An organiser says who they are."""
        self.objects.fill_in(self.objects.one("account", account))

    def skip(self, seconds: float) -> None:
        """Lets time pass, here alone; sessions expire by it."""
        self.skew += seconds
        self.objects.sweep()

    def session(self, reference: str) -> Object:
        """A session by its name or by its attempt's."""
        return self.objects.by_attempt.get(reference) or self.objects.one("checkout.session", reference)

    def refunds(self) -> list[Object]:
        return self.objects.all("refund")

    # What goes wrong

    def breaks(self, how: How, path: str = "/v1", *, times: int = 1, seconds: float = 0) -> None:
        """The next `times` requests under `path` go wrong so. `seconds`: how slow, when it is slow."""
        self._faults.append(_Fault(how, path, times, seconds))

    def mends(self) -> None:
        self._faults.clear()
        self.trouble = 0

    def forgets_keys(self) -> None:
        """As Stripe does with idempotency keys after a day."""
        self._answers.clear()

    # The API

    async def _answer(self, request: Request) -> Answer | None:
        if request.path.startswith("/c/pay/"):
            return self._page(request)
        self.requests.append(request)
        self.objects.sweep()
        if request.headers.get("authorization") != f"Bearer {self.key}":
            return _said(
                401, {"error": {"type": "invalid_request_error", "message": "Invalid API Key provided: sk_***"}}
            )
        fault = self._fault(request)
        how = fault.how if fault else None
        if how in {"500 before", "lost before", "429"}:
            return {"500 before": _said(500, _BROKEN), "429": _said(429, _BUSY)}.get(how)
        key = request.headers.get("idempotency-key", "") if request.method == "POST" else ""
        if key in self._in_flight:
            return _said(
                409, {"error": {"type": "invalid_request_error", "code": "idempotency_key_in_use", "message": ""}}
            )
        try:
            self._in_flight |= {key} - {""}
            if fault and how == "slow":
                await asyncio.sleep(fault.seconds)
            answer = self._once(request, key, broken=how == "500 after")
        finally:
            self._in_flight.discard(key)
        if how == "garbage":
            return Answer(200, b"<html>bad gateway", {"Content-Type": "text/html"})
        return None if how == "lost after" else answer

    def _once(self, request: Request, key: str, *, broken: bool) -> Answer:
        """What is done under a key is done once; the answer is kept, a 500 as well."""
        asked = json.dumps([request.path, request.parameters], sort_keys=True)
        if key in self._answers:
            before, answer = self._answers[key]
            if before != asked:
                message = (
                    "Keys for idempotent requests can only be used with the same parameters they were first used with."
                )
                return _said(400, {"error": {"type": "idempotency_error", "message": message}})
            return Answer(answer.status, answer.body, {**answer.headers, "Idempotent-Replayed": "true"})
        try:
            answer = _said(200, shown(self._do(request)))
        except Wrong as wrong:
            return _said(wrong.status, wrong.body)  # nothing was begun, so nothing is kept
        if broken:
            answer = _said(500, _BROKEN, {"Stripe-Should-Retry": "false"})
        if key:
            self._answers[key] = (asked, answer)
        return answer

    def _do(self, request: Request) -> Object:  # noqa: C901, PLR0911 - a table of what there is
        do, asked = self.objects, request.parameters
        match request.method, request.path.removeprefix("/v1/").split("/"):
            case "POST", ["checkout", "sessions"]:
                return do.make_session(asked)
            case "GET", ["checkout", "sessions"]:
                return do.listed("checkout.session", asked) | {"url": "/v1/checkout/sessions"}
            case "GET", ["checkout", "sessions", name]:
                return self._expanded(do.one("checkout.session", name), asked.get("expand", []))
            case "POST", ["checkout", "sessions", name, "expire"]:
                return do.expire(do.one("checkout.session", name))
            case "GET", ["payment_intents", name]:
                return self._expanded(do.one("payment_intent", name), asked.get("expand", []))
            case "POST", ["refunds"]:
                return do.make_refund(asked)
            case "GET", ["refunds"]:
                return do.listed("refund", asked) | {"url": "/v1/refunds"}
            case "GET", ["refunds", name]:
                return do.one("refund", name)
            case "POST", ["accounts"]:
                return do.make_account(asked)
            case "GET", ["accounts", name]:
                return do.one("account", name)
            case "POST", ["account_links"]:
                return do.link_account(asked)
        raise Wrong(f"Unrecognized request URL ({request.method}: {request.path}).", status=404)

    def _expanded(self, one: Object, expand: Iterable[str]) -> Object:
        shown = copy.deepcopy(one)
        for path in expand:
            at = shown
            for name in path.split("."):
                if isinstance(at.get(name), str):
                    at[name] = copy.deepcopy(self.objects.kept[at[name]])
                if at.get(name) is None:
                    break
                at = at[name]
        return shown

    def _page(self, request: Request) -> Answer:
        """The page buyers pay on: a form with `outcome` paid, declined or back."""
        session = self.session(request.path.removeprefix("/c/pay/"))
        try:
            match request.parameters.get("outcome"):
                case "paid":
                    self.objects.pay(session)
                    return _moved(session["success_url"])
                case "declined":
                    self.objects.decline(session)
                case "back":
                    return _moved(session["cancel_url"])
        except Wrong as wrong:
            return Answer(410, str(wrong).encode(), {"Content-Type": "text/plain"})
        form = b"<form method=post><button name=outcome value=paid>Pay</button></form>"
        return Answer(200, form, {"Content-Type": "text/html"})

    def _fault(self, request: Request) -> _Fault | None:
        for fault in self._faults:
            if request.path.startswith(fault.path):
                fault.times -= 1
                if fault.times == 0:
                    self._faults.remove(fault)
                return fault
        if self.chance.random() < self.trouble:
            return _Fault(self.chance.choice(get_args(How)), "", 1, 0.2)
        return None


def _wrong(message: str, code: str = "", kind: str = "invalid_request_error") -> Object:
    return {"error": {"type": kind, "code": code, "message": message}}


_BROKEN = {"error": {"type": "api_error", "message": "An unknown error occurred"}}
_BUSY = {"error": {"type": "invalid_request_error", "code": "rate_limit", "message": "Too many requests"}}


def _said(status: int, body: Any, headers: dict[str, str] | None = None) -> Answer:
    named = {"Content-Type": "application/json", "Request-Id": f"req_{secrets.token_hex(7)}"}
    return Answer(status, json.dumps(body).encode(), named | (headers or {}))


def _moved(url: str) -> Answer:
    return Answer(303, b"", {"Location": url})
