"""What Stripe says when it will not, and what somebody between says in its name."""

import json
import re
from uuid import uuid4

import pytest
from fake_stripe_wire import Answer, Request, serving
from payment_places import checkout, refund_of

from vently.outside.payments import PaymentsRefused, PaymentsUnavailable
from vently.outside.payments.stripe import Stripe

pytestmark = pytest.mark.usefixtures("short_pauses")


@pytest.mark.parametrize(
    ("status", "error", "kind"),
    [
        (401, {"message": "Expired API Key provided"}, PaymentsUnavailable),
        (403, {"message": "The provided key does not have the required permissions"}, PaymentsUnavailable),
        (403, {"code": "account_invalid", "message": "The account does not belong to you."}, PaymentsRefused),
        (400, {"code": "parameter_invalid", "message": "No\x00such thing \u202e"}, PaymentsRefused),
        (400, {"code": "rate_limit"}, PaymentsUnavailable),
        (400, {}, PaymentsRefused),
        (402, {"message": "Insufficient funds"}, PaymentsRefused),
        (404, {"code": "resource_missing"}, PaymentsRefused),
        (409, {"code": "lock_timeout"}, PaymentsUnavailable),
        (302, {}, PaymentsUnavailable),
        (503, {}, PaymentsUnavailable),
    ],
)
async def test_each_of_stripes_errors_is_one_of_two_of_ours_with_a_sentence(status, error, kind):
    async def answer(_: Request) -> Answer:
        return Answer(status, json.dumps({"error": {"type": "invalid_request_error", **error}}).encode())

    async with serving(answer) as address:
        payments = Stripe("sk_test_1", "whsec_1", api_base=address)
        with pytest.raises((PaymentsRefused, PaymentsUnavailable)) as said:
            await payments.look_up_account("acct_1")
        assert type(said.value) is kind
        assert re.fullmatch(r"[^\x00\u202e]{10,}", str(said.value))
        await payments.aclose()


@pytest.mark.parametrize(
    "body", ["", "null", "[]", "1", '"x"', "{}", '{"id": 1}', "[" * 100_000, "\ufeff", '{"error": "x"}']
)
@pytest.mark.parametrize("status", [200, 400, 500])
async def test_answers_that_make_no_sense_never_escape(body, status):
    async def answer(_: Request) -> Answer:
        return Answer(status, body.encode())

    async with serving(answer) as address:
        payments = Stripe("sk_test_1", "whsec_1", api_base=address)
        for ask in (
            payments.start(checkout()),
            payments.look_up("cs_1"),
            payments.close("cs_1"),
            payments.refund(refund_of("pi_1")),
            payments.look_up_refund(None, uuid4(), "pi_1"),
            payments.open_account("alice@example.com", "BE"),
            payments.account_link("acct_1", "https://vently.example", "https://vently.example"),
        ):
            with pytest.raises((PaymentsRefused, PaymentsUnavailable)):
                await ask
        await payments.aclose()
