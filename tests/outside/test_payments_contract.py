"""What every taker of payments keeps to: the pretender, and Stripe over its fake."""

import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from fake_stripe import Wrong
from payment_places import AtPretender, Place, at_stripe, checkout

from vently.outside.payments import AccountStanding, Checkout, Forged, PaymentsRefused, RefundAsked, Refused


@pytest.fixture(params=["pretend", "stripe"])
async def place(request: pytest.FixtureRequest) -> AsyncIterator[Place]:
    if request.param == "pretend":
        yield AtPretender()
        return
    async with at_stripe() as stripe:
        yield stripe


@pytest.fixture
async def asked(place: Place) -> Checkout:
    asked = checkout()
    await place.payments.start(asked)
    return asked


async def reference(place: Place, asked: Checkout) -> str:
    return (await place.payments.start(asked)).reference


async def paid(place: Place, asked: Checkout) -> str:
    """Bob pays; what the money is called."""
    await place.pays(asked)
    payment = (await place.payments.look_up(await reference(place, asked))).payment
    assert payment is not None
    return payment


async def test_a_checkout_is_an_address_that_lasts_half_an_hour_to_an_hour(place):
    started = await place.payments.start(checkout())
    assert started.url.startswith("http")
    assert timedelta(minutes=30) < started.expires_at - datetime.now(UTC) <= timedelta(minutes=60)


async def test_the_same_attempt_is_the_same_checkout(place, asked):
    assert await place.payments.start(asked) == await place.payments.start(asked)


async def test_a_checkout_nobody_paid_is_open(place, asked):
    standing = await place.payments.look_up(await reference(place, asked))
    assert (standing.status, standing.payment, standing.amount) == ("open", None, 0)
    assert await place.notices() == []


async def test_what_is_paid_is_told_and_can_be_looked_up(place, asked):
    await place.pays(asked)
    standing = await place.payments.look_up(await reference(place, asked))
    assert (standing.status, standing.attempt, standing.amount, standing.currency) == (
        "paid",
        asked.attempt,
        5_000,
        "EUR",
    )
    assert (standing.refunded, standing.disputed) == (0, False)
    [notice] = [notice for notice in await place.notices() if notice.kind == "paid"]
    assert (notice.reference, notice.attempt) == (standing.reference, asked.attempt)
    assert (notice.payment, notice.amount, notice.currency) == (standing.payment, 5_000, "EUR")
    assert notice.live is False
    assert abs(notice.created_at - datetime.now(UTC)) < timedelta(minutes=1)


async def test_a_declined_card_leaves_the_checkout_open_for_another(place, asked):
    await place.declines(asked)
    await place.declines(asked)
    assert (await place.payments.look_up(await reference(place, asked))).status == "open"
    first, second = [notice for notice in await place.notices() if notice.kind == "declined"]
    assert first.attempt == second.attempt == asked.attempt
    assert first.id != second.id
    assert "declined" in first.reason
    await place.pays(asked)
    assert (await place.payments.look_up(await reference(place, asked))).status == "paid"


async def test_a_checkout_left_alone_expires_and_says_so(place, asked):
    await place.leaves_it(asked)
    assert (await place.payments.look_up(await reference(place, asked))).status == "expired"
    [notice] = await place.notices()
    assert (notice.kind, notice.attempt) == ("expired", asked.attempt)


async def test_a_closed_checkout_cannot_be_paid(place, asked):
    closed = await place.payments.close(await reference(place, asked))
    assert (closed.status, closed.attempt) == ("expired", asked.attempt)
    with contextlib.suppress(Wrong):  # as the fake's page says
        await place.pays(asked)
    assert (await place.payments.look_up(closed.reference)).status == "expired"
    assert not any(notice.kind == "paid" for notice in await place.notices())


async def test_closing_twice_is_closing_once(place, asked):
    first = await place.payments.close(await reference(place, asked))
    assert await place.payments.close(first.reference) == first


async def test_closing_what_was_paid_meanwhile_says_so(place, asked):
    await place.pays(asked)
    standing = await place.payments.close(await reference(place, asked))
    assert (standing.status, standing.amount) == ("paid", 5_000)
    assert standing.payment is not None


async def test_money_goes_back_once_however_often_it_is_asked(place, asked):
    payment = await paid(place, asked)
    refund = RefundAsked(refund=uuid4(), payment=payment, amount=2_000, currency="EUR")
    first, second = await place.payments.refund(refund), await place.payments.refund(refund)
    assert first == second
    assert (first.status, first.refund, first.amount, first.currency) == ("succeeded", refund.refund, 2_000, "EUR")
    assert (await place.payments.look_up(await reference(place, asked))).refunded == 2_000


async def test_money_goes_back_in_parts_and_never_more_than_came(place, asked):
    payment = await paid(place, asked)
    for amount in (2_000, 3_000):
        await place.payments.refund(RefundAsked(refund=uuid4(), payment=payment, amount=amount, currency="EUR"))
    with pytest.raises(PaymentsRefused):
        await place.payments.refund(RefundAsked(refund=uuid4(), payment=payment, amount=1, currency="EUR"))
    standing = await place.payments.look_up(await reference(place, asked))
    assert (standing.status, standing.refunded) == ("paid", 5_000)


async def test_a_refund_is_found_by_its_id_when_the_answer_was_lost(place, asked):
    payment = await paid(place, asked)
    refund = uuid4()
    assert await place.payments.look_up_refund(None, refund, payment) is None
    made = await place.payments.refund(RefundAsked(refund=refund, payment=payment, amount=700, currency="EUR"))
    assert await place.payments.look_up_refund(None, refund, payment) == made
    assert await place.payments.look_up_refund(made.reference, refund, payment) == made
    assert await place.payments.look_up_refund(None, uuid4(), payment) is None


async def test_what_was_not_paid_is_not_given_back(place, asked):
    await place.declines(asked)
    payment = "pi_unknown" if place.payments.name == "stripe" else f"pretend_payment_{asked.attempt}"
    with pytest.raises(PaymentsRefused):
        await place.payments.refund(RefundAsked(refund=uuid4(), payment=payment, amount=1, currency="EUR"))


@pytest.mark.parametrize("unknown", ["pretend_x", "cs_test_x", "", "../../etc", "\ud800", "x" * 10_000])
async def test_a_reference_nobody_gave_is_refused(place, unknown):
    with pytest.raises(PaymentsRefused):
        await place.payments.look_up(unknown)
    with pytest.raises(PaymentsRefused):
        await place.payments.close(unknown)


@pytest.mark.parametrize("amount", [0, -1])
async def test_what_costs_nothing_needs_no_checkout(place, amount):
    with pytest.raises(PaymentsRefused, match="nothing to pay"):
        await place.payments.start(checkout(amount=amount))


@pytest.mark.parametrize(
    "signature",
    ["", "t=1,v1=00", "t=,v1=", "v1=00", "t=1,v1=é", "t=²,v1=00", "t=-1,v1=00", f"t={'9' * 5000},v1=00", "garbage"],
)
async def test_a_webhook_without_a_right_signature_is_forged(place, signature):
    name = "Stripe-Signature" if place.payments.name == "stripe" else "Pretend-Signature"
    for body in (b"{}", b"", b"\xff"):
        with pytest.raises(Forged) as forged:
            place.payments.read(body, {name: signature})
        with pytest.raises(Forged):
            place.payments.read(body, {"Content-Type": "application/json"})
        assert isinstance(forged.value, Refused)


async def test_an_organisers_account_takes_money_in_the_end(place):
    account = await place.payments.open_account("alice@example.com", "BE")
    link = await place.payments.account_link(account, "https://vently.example/again", "https://vently.example/back")
    assert link.startswith("http")
    if place.payments.name == "stripe":
        assert await place.payments.look_up_account(account) == AccountStanding(False, False, False)
        await place.fake.fill_in(account)
    assert await place.payments.look_up_account(account) == AccountStanding(True, True, True)


async def test_where_buyers_are_sent_is_a_path_of_ours(place):
    assert place.payments.checkout_path in {"/checkout/", "/pretend/checkout/"}
