"""Stripe by its own SDK, over a fake that is slow, breaks, forgets to answer, and holds us to our keys."""

import asyncio
import re
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import uuid4

import httpx
import msgspec
import pytest
from fake_stripe import FakeStripe, Wrong
from fake_stripe_wire import Request
from payment_places import AtStripe, at_stripe, checkout
from stripe._http_client import HTTPClient

from vently.outside.payments import (
    Checkout,
    Line,
    PaymentsRefused,
    PaymentsUnavailable,
    RefundAsked,
    asking,
    stripe,
)
from vently.outside.payments.stripe import Stripe, StripeKeyUnusable


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(HTTPClient, "INITIAL_DELAY", 0.01)


@pytest.fixture
async def place() -> AsyncIterator[AtStripe]:
    async with at_stripe() as place:
        yield place


@pytest.fixture
def fake(place: AtStripe) -> FakeStripe:
    return place.fake


@pytest.fixture
async def payment(place: AtStripe) -> str:
    """Bob has paid 50 euros."""
    asked = checkout()
    await place.payments.start(asked)
    await place.pays(asked)
    return str(place.fake.session(str(asked.attempt))["payment_intent"])


def refund_of(payment: str, amount: int = 1_000, **more: str) -> RefundAsked:
    return RefundAsked(refund=uuid4(), payment=payment, amount=amount, currency="EUR", **more)


def posts(fake: FakeStripe, path: str) -> list[Request]:
    return [request for request in fake.requests if request.method == "POST" and request.path == path]


# What is asked


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


# When things go wrong


@pytest.mark.parametrize("how", ["500 before", "lost before", "lost after"])
async def test_a_try_that_fails_is_made_again_and_nothing_is_done_twice(place, fake, payment, how):
    fake.breaks(how, times=2)
    asked = checkout()
    started = await place.payments.start(asked)
    fake.breaks(how, times=2)
    await place.payments.refund(refund_of(payment))
    assert len([one for one in fake.objects.all("checkout.session") if one["id"] == started.reference]) == 1
    assert len(fake.objects.all("checkout.session")) == 2  # the other is `payment`'s
    assert len(fake.refunds()) == 1


@pytest.mark.parametrize("how", ["500 before", "lost before", "lost after", "429"])
async def test_what_keeps_failing_is_unavailable_and_asking_later_mends_it(place, fake, payment, how):
    asked, refund = checkout(), refund_of(payment)
    fake.breaks(how, times=1_000)
    for ask in (
        place.payments.start(asked),
        place.payments.refund(refund),
        place.payments.look_up("cs_test_1"),
        place.payments.close("cs_test_1"),
        place.payments.look_up_refund(None, refund.refund, payment),
        place.payments.open_account("alice@example.com", "BE"),
        place.payments.look_up_account("acct_1"),
    ):
        with pytest.raises(PaymentsUnavailable, match="try again"):
            await ask
    fake.mends()
    await place.payments.start(asked)
    await place.payments.refund(refund)
    assert len(fake.objects.all("checkout.session")) == 2
    assert [one["amount"] for one in fake.refunds()] == [1_000]


async def test_a_refund_that_was_made_though_stripe_said_500_is_found(place, fake, payment):
    """Stripe keeps a 500 under its key for a day: asking again never says what became of it."""
    refund = refund_of(payment)
    fake.breaks("500 after", "/v1/refunds")
    for _ in range(2):
        with pytest.raises(PaymentsUnavailable):
            await place.payments.refund(refund)
    found = await place.payments.look_up_refund(None, refund.refund, payment)
    assert (found.status, found.amount) == ("succeeded", 1_000)
    assert len(fake.refunds()) == 1


async def test_a_refund_is_found_among_many(place, payment):
    refunds = [refund_of(payment, amount=10) for _ in range(120)]
    for refund in refunds:
        await place.payments.refund(refund)
    assert (await place.payments.look_up_refund(None, refunds[0].refund, payment)).refund == refunds[0].refund


async def test_a_refund_asked_again_after_stripe_forgot_the_key_is_made_once(place, fake, payment):
    refund = refund_of(payment, amount=5_000)
    made = await place.payments.refund(refund)
    fake.forgets_keys()
    assert await place.payments.refund(refund) == made
    with pytest.raises(PaymentsRefused, match="already been refunded"):
        await place.payments.refund(refund_of(payment))
    assert len(fake.refunds()) == 1


async def test_the_same_refund_at_once_from_two_nodes_is_one(place, fake, payment):
    other = Stripe(fake.key, fake.secret, api_base=fake.address)
    refund = refund_of(payment)
    fake.breaks("slow", "/v1/refunds", seconds=0.005)
    first, second = await asyncio.gather(place.payments.refund(refund), other.refund(refund))
    assert first == second
    assert len(fake.refunds()) == 1
    await other.aclose()


async def test_a_disputed_payment_is_not_refunded_besides(place, fake, payment):
    await fake.dispute(payment)
    with pytest.raises(PaymentsRefused, match="charged back") as refused:
        await place.payments.refund(refund_of(payment))
    assert refused.value.code == "charge_disputed"


async def test_an_answer_that_is_no_answer_is_unavailable(place, fake):
    asked = checkout()
    fake.breaks("garbage")
    with pytest.raises(PaymentsUnavailable):
        await place.payments.start(asked)
    await place.payments.start(asked)
    assert len(fake.objects.all("checkout.session")) == 1


async def test_a_slow_stripe_is_given_up_in_time(fake, monkeypatch):
    monkeypatch.setattr(stripe, "TIMEOUT", 0.1)
    payments = Stripe(fake.key, fake.secret, api_base=fake.address)
    fake.breaks("slow", times=1_000, seconds=5)
    began = time.monotonic()
    with pytest.raises(PaymentsUnavailable):
        await payments.look_up("cs_test_1")
    monkeypatch.setattr(asking, "PATIENCE", 0.05)
    with pytest.raises(PaymentsUnavailable, match="does not answer"):
        await payments.look_up("cs_test_1")
    assert time.monotonic() - began < 2
    await payments.aclose()


async def test_nobody_there_is_unavailable(fake, unused_tcp_port):
    payments = Stripe(fake.key, fake.secret, api_base=f"http://127.0.0.1:{unused_tcp_port}")
    with pytest.raises(PaymentsUnavailable):
        await payments.start(checkout())
    await payments.aclose()


async def test_a_start_that_was_lost_gives_the_same_page_again(place, fake):
    asked = checkout()
    fake.breaks("lost after", times=3)
    with pytest.raises(PaymentsUnavailable):
        await place.payments.start(asked)
    [made] = fake.objects.all("checkout.session")
    assert (await place.payments.start(asked)).reference == made["id"]


async def test_an_attempt_whose_words_were_mended_since_keeps_its_one_checkout(place, fake):
    asked = checkout()
    first = await place.payments.start(asked)
    for _ in range(120):  # others buy meanwhile
        await place.payments.start(checkout())
    mended = msgspec.structs.replace(asked, email="bob@example.org", title="Jazz in the hall")
    assert await place.payments.start(mended) == first
    assert (
        len([one for one in fake.objects.all("checkout.session") if one["client_reference_id"] == str(asked.attempt)])
        == 1
    )


async def test_a_checkout_that_is_over_is_not_started_with_other_words(place):
    asked = checkout()
    await place.payments.start(asked)
    await place.pays(asked)
    with pytest.raises(PaymentsRefused, match="over") as refused:
        await place.payments.start(msgspec.structs.replace(asked, email="bob@example.org"))
    assert refused.value.code == "checkout_over"


async def test_a_checkout_opened_too_long_ago_is_refused(place):
    asked = checkout()
    with pytest.raises(PaymentsRefused, match="expires_at"):
        await place.payments.start(msgspec.structs.replace(asked, opened_at=asked.opened_at - timedelta(minutes=31)))


async def test_closing_and_paying_at_once_agree(place, fake):
    """Whoever comes first wins, and both are told the same."""

    async def try_to_pay(asked: Checkout) -> bool:
        try:
            await place.pays(asked)
        except Wrong:
            return False
        return True

    outcomes = set()
    for number in range(20):
        asked = checkout()
        started = await place.payments.start(asked)
        fake.breaks("slow", "/v1/checkout/sessions/", seconds=0.002 * (number % 2))
        closing = asyncio.create_task(place.payments.close(started.reference))
        await asyncio.sleep(0.001 * (number % 5))
        paid = await try_to_pay(asked)
        standing = await closing
        fake.mends()
        assert (standing.status == "paid") == paid
        outcomes.add(standing.status)
    assert outcomes <= {"paid", "expired"}


async def test_a_close_whose_answer_was_lost_is_done(place, fake):
    started = await place.payments.start(checkout())
    fake.breaks("lost after", times=1)
    assert (await place.payments.close(started.reference)).status == "expired"


async def test_what_a_bank_is_at_cannot_be_closed_and_is_said_to_be_open(place, fake):
    asked = checkout()
    started = await place.payments.start(asked)
    await fake.pay_by_bank(str(asked.attempt))
    assert (await place.payments.close(started.reference)).status == "open"
    await fake.bank_says(str(asked.attempt), paid=False)
    assert (await place.payments.look_up(started.reference)).status == "failed"


async def test_time_closes_a_checkout(place, fake):
    asked = checkout()
    started = await place.payments.start(asked)
    fake.skip(3_601)
    assert (await place.payments.look_up(started.reference)).status == "expired"
    assert [event["type"] for event in fake.events] == ["checkout.session.expired"]


async def test_trouble_of_every_kind_ends_with_one_payment_and_one_refund_each(place, fake):
    fake.trouble = 0.25

    async def insist(ask):
        for _ in range(50):
            try:
                return await ask()
            except PaymentsUnavailable:
                await asyncio.sleep(0.01)
        raise AssertionError

    async def buy_and_return() -> None:
        asked = checkout()
        # A start that Stripe keeps saying 500 to is given up, and another attempt made.
        try:
            async with asyncio.timeout(2):
                started = await insist(lambda: place.payments.start(asked))
        except (TimeoutError, AssertionError):
            return
        await place.pays(asked)
        standing = await insist(lambda: place.payments.look_up(started.reference))
        refund = refund_of(standing.payment)
        for _ in range(5):
            try:
                await place.payments.refund(refund)
            except PaymentsUnavailable:
                if await insist(lambda: place.payments.look_up_refund(None, refund.refund, standing.payment)):
                    break
            else:
                break
        assert await insist(lambda: place.payments.look_up_refund(None, refund.refund, standing.payment))

    await asyncio.gather(*(buy_and_return() for _ in range(20)))
    assert len({one["metadata"]["refund"] for one in fake.refunds()}) == len(fake.refunds()) >= 10


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
    with pytest.raises(PaymentsRefused, match="STRIPE_SECRET_KEY") as refused:
        await payments.look_up("cs_test_1")
    assert "somethingelse" not in str(refused.value) + repr(payments)
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
