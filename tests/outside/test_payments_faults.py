"""Stripe when it is slow, breaks, forgets to answer, or is asked twice: nobody pays or is paid back twice."""

import asyncio
import time
from datetime import timedelta

import msgspec
import pytest
from fake_stripe import Wrong
from payment_places import checkout, refund_of

from vently.outside.payments import (
    Checkout,
    PaymentsRefused,
    PaymentsUnavailable,
    asking,
    stripe,
)
from vently.outside.payments.stripe import Stripe

pytestmark = pytest.mark.usefixtures("short_pauses")


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


async def test_without_our_key_a_lost_answer_pays_twice(place, fake, payment, monkeypatch):
    """The negative control of all of the above."""
    refunds = place.payments._api.refunds
    create = refunds.create_async
    monkeypatch.setattr(refunds, "create_async", lambda parameters, _: create(parameters))
    refund = refund_of(payment)
    fake.breaks("lost after", "/v1/refunds", times=3)
    with pytest.raises(PaymentsUnavailable):
        await place.payments.refund(refund)
    await place.payments.refund(refund)
    assert len(fake.refunds()) == 2
