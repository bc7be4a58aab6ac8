"""What Stripe is asked, by its own SDK, over the fake: checkouts, currencies, accounts, keys."""

import re
from datetime import timedelta
from uuid import uuid4

import httpx
import pytest
from fake_stripe import FakeStripe
from fake_stripe_wire import Request
from payment_places import AtStripe, checkout, refund_of

from vently.outside.payments import (
    Line,
    PaymentsRefused,
    PaymentsUnavailable,
    RefundAsked,
)
from vently.outside.payments.stripe import Stripe, StripeKeyUnusable
from vently.settings import Settings, SettingsError


def posts(fake: FakeStripe, path: str) -> list[Request]:
    return [request for request in fake.requests if request.method == "POST" and request.path == path]


async def test_a_checkout_names_its_attempt_everywhere(place, fake):
    asked = checkout()
    started = await place.payments.start(asked)
    [request] = posts(fake, "/v1/checkout/sessions")
    assert request.headers["idempotency-key"] == str(asked.attempt)
    said = request.parameters
    ours = {"attempt": str(asked.attempt), "order": str(asked.order)}
    assert (said["client_reference_id"], said["metadata"]) == (str(asked.attempt), ours)
    assert said["payment_intent_data"] == {"metadata": ours, "description": "Jazz in the park"}
    assert (said["customer_email"], said["success_url"]) == ("bob@example.com", asked.success_url)
    assert started.url == f"{fake.address}/c/pay/{started.reference}"
    assert abs(started.expires_at - asked.opened_at - timedelta(minutes=60)) < timedelta(seconds=1)


async def test_lines_that_add_up_are_shown_one_by_one(place, fake):
    await place.payments.start(checkout(amount=6_000, lines=[Line("Standing", 2, 2_500), Line("Child", 1, 1_000)]))
    [request] = posts(fake, "/v1/checkout/sessions")
    assert [
        (line["price_data"]["product_data"]["name"], line["quantity"], line["price_data"]["unit_amount"])
        for line in request.parameters["line_items"]
    ] == [("Standing", "2", "2500"), ("Child", "1", "1000")]


@pytest.mark.parametrize(
    "lines",
    [
        [],
        [Line("Standing", 2, 3_000)],  # a discount
        [Line("Seat", 1, 50)] * 100 + [Line("Seat", 0, 0)],
        [Line("Seat", 1, 40)] * 125,
        [Line("Standing", 2, 3_000), Line("Discount", 1, -1_000)],
    ],
)
async def test_lines_that_do_not_are_one_line(place, fake, lines):
    await place.payments.start(checkout(lines=lines))
    [request] = posts(fake, "/v1/checkout/sessions")
    [line] = request.parameters["line_items"]
    assert line["price_data"] == {
        "currency": "eur",
        "unit_amount": "5000",
        "product_data": {"name": "Jazz in the park"},
    }


async def test_a_name_of_nothing_is_a_name_all_the_same(place):
    await place.payments.start(checkout(title="  ", lines=[Line("\n", 2, 2_500)]))
    await place.payments.start(checkout(title="A" * 10_000, lines=[]))


@pytest.mark.parametrize(
    ("currency", "amount", "theirs"),
    [("JPY", 500, 500), ("ISK", 1_500, 150_000), ("KWD", 5_120, 5_120), ("UGX", 9_000, 900_000)],
)
async def test_other_currencies_come_and_go_whole(place, fake, currency, amount, theirs):
    asked = checkout(currency=currency, amount=amount, lines=[Line("Standing", 1, amount)])
    started = await place.payments.start(asked)
    assert fake.session(started.reference)["amount_total"] == theirs
    await place.pays(asked)
    standing = await place.payments.look_up(started.reference)
    assert (standing.amount, standing.currency) == (amount, currency)
    asked_back = RefundAsked(refund=uuid4(), payment=standing.payment, amount=amount, currency=currency)
    assert (await place.payments.refund(asked_back)).amount == amount
    assert (await place.payments.look_up(started.reference)).refunded == amount
    paid, *refunds = [notice for notice in await place.notices() if notice.kind != "other"]
    assert (paid.amount, [notice.refunded or notice.refund.amount for notice in refunds]) == (amount, [amount, amount])


async def test_an_amount_stripe_cannot_take_is_refused_before_it_is_asked(place, fake):
    with pytest.raises(PaymentsRefused, match="KWD only in steps of 10"):
        await place.payments.start(checkout(currency="KWD", amount=5_124))
    assert fake.requests == []


async def test_lines_in_steps_stripe_cannot_take_are_one_line(place, fake):
    lines = [Line("Standing", 1, 2_005), Line("Child", 1, 1_005)]
    await place.payments.start(checkout(currency="KWD", amount=3_010, lines=lines))
    [request] = posts(fake, "/v1/checkout/sessions")
    assert len(request.parameters["line_items"]) == 1


async def test_too_small_an_amount_is_refused_in_stripes_words(place):
    with pytest.raises(PaymentsRefused, match="at least 50 eur") as refused:
        await place.payments.start(checkout(amount=20, lines=[]))
    assert refused.value.code == "amount_too_small"


# Connect


@pytest.fixture
async def account(place: AtStripe) -> str:
    account = await place.payments.open_account("alice@example.com", "BE")
    await place.fake.fill_in(account)
    return account


async def test_the_organisers_share_goes_to_their_account_and_back(place, fake, account):
    asked = checkout(account=account, platform_fee=250)
    started = await place.payments.start(asked)
    await place.pays(asked)
    standing = await place.payments.look_up(started.reference)
    intent = fake.objects.one("payment_intent", standing.payment)
    assert (intent["transfer_data"], intent["application_fee_amount"]) == ({"destination": account}, 250)
    await place.payments.refund(refund_of(standing.payment, account=account))
    [request] = posts(fake, "/v1/refunds")
    assert (request.parameters["reverse_transfer"], request.parameters["refund_application_fee"]) == ("true", "true")


async def test_without_an_account_nothing_is_shared(place, fake, payment):
    await place.payments.refund(refund_of(payment))
    [request] = posts(fake, "/v1/refunds")
    assert "reverse_transfer" not in request.parameters
    [request] = posts(fake, "/v1/checkout/sessions")
    assert request.parameters["payment_intent_data"].keys() == {"metadata", "description"}


async def test_an_account_that_is_not_filled_in_takes_no_money_yet(place):
    account = await place.payments.open_account("alice@example.com", "BE")
    with pytest.raises(PaymentsRefused, match="transfers") as refused:
        await place.payments.start(checkout(account=account))
    assert refused.value.code == "insufficient_capabilities_for_transfer"


# Keys and secrets


@pytest.mark.parametrize("key", ["", "sk_live_", "pk_live_abc", "whsec_abc", "sk_test_a b", "sk_prod_1", "SK_TEST_1"])
def test_a_key_that_is_none_is_one_clear_sentence(key):
    with pytest.raises(StripeKeyUnusable, match=r"^STRIPE_SECRET_KEY is not usable; .+\.$"):
        Stripe(key, "whsec_1")


def test_a_webhook_secret_that_is_blank_is_one_clear_sentence():
    with pytest.raises(StripeKeyUnusable, match="STRIPE_WEBHOOK_SECRET"):
        Stripe("sk_test_1", " ")


async def test_a_key_stripe_does_not_know_is_said_so_without_repeating_it(fake):
    payments = Stripe("sk_test_somethingelse", fake.secret, api_base=fake.address)
    with pytest.raises(PaymentsUnavailable, match="STRIPE_SECRET_KEY") as unavailable:
        await payments.look_up("cs_test_1")
    assert "somethingelse" not in str(unavailable.value) + repr(payments)
    await payments.aclose()


async def test_stripe_is_not_told_of_this_machine(place, fake):
    for _ in range(2):
        await place.payments.start(checkout())
    for request in fake.requests:
        assert "x-stripe-client-telemetry" not in request.headers
        assert not re.search("telemetry_id|platform", request.headers["x-stripe-client-user-agent"])


async def test_the_page_a_buyer_pays_on_sends_them_back(place):
    asked = checkout()
    started = await place.payments.start(asked)
    async with httpx.AsyncClient() as browser:
        assert "Pay" in (await browser.get(started.url)).text
        assert (await browser.post(started.url, data={"outcome": "declined"})).status_code == 200
        back = await browser.post(started.url, data={"outcome": "back"})
        assert (back.status_code, back.headers["location"]) == (303, asked.cancel_url)
        paid = await browser.post(started.url, data={"outcome": "paid"})
        assert paid.headers["location"] == asked.success_url
        assert (await browser.post(started.url, data={"outcome": "paid"})).status_code == 410


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        ({"STRIPE_SECRET_KEY": "sk_test_1"}, "so STRIPE_WEBHOOK_SECRET must be set too"),
        ({"STRIPE_WEBHOOK_SECRET": "whsec_1"}, "so STRIPE_SECRET_KEY must be set too"),
        ({"VENTLY_STRIPE_API_BASE": "stripe.example"}, "VENTLY_STRIPE_API_BASE is not usable"),
        ({"VENTLY_STRIPE_API_BASE": "https://stripe.example/"}, "VENTLY_STRIPE_API_BASE is not usable"),
        ({"VENTLY_PLATFORM_FEE_PERCENT": "51"}, "VENTLY_PLATFORM_FEE_PERCENT is not usable"),
        ({"VENTLY_PLATFORM_FEE_PERCENT": "-1"}, "VENTLY_PLATFORM_FEE_PERCENT is not usable"),
        ({"VENTLY_PLATFORM_FEE_PERCENT": "nan"}, "VENTLY_PLATFORM_FEE_PERCENT is not usable"),
    ],
)
def test_settings_of_payments_that_cannot_be_are_one_clear_sentence(given, sentence):
    with pytest.raises(SettingsError, match=sentence):
        Settings.load(given)
