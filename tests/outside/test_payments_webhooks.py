"""Stripe's webhooks: what is believed, what is not, and what each kind says."""

import contextlib
import itertools
import json
import time
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from payment_places import AtPretender, AtStripe, checkout
from stripe import WebhookSignature

from vently.outside.payments import AccountStanding, Checkout, Forged, Notice, RefundAsked, Refused, TooOld, events
from vently.outside.payments.events import KINDS
from vently.outside.payments.stripe import Stripe

FIELDS = [
    "id", "amount", "amount_total", "amount_refunded", "currency", "status", "payment_status", "expires_at", "metadata",
    "attempt", "payment_intent", "charge", "disputed", "charges_enabled", "last_payment_error", "message",
]  # fmt: skip


@pytest.fixture
async def asked(place: AtStripe) -> Checkout:
    asked = checkout()
    await place.payments.start(asked)
    return asked


@pytest.fixture
async def payment(place: AtStripe, asked: Checkout) -> str:
    """Bob has paid what was `asked`."""
    await place.pays(asked)
    return str(place.fake.session(str(asked.attempt))["payment_intent"])


async def kinds(place: AtStripe) -> list[str]:
    return [notice.kind for notice in await place.notices() if notice.kind != "other"]


def told(place: AtStripe, event: dict[str, Any] | bytes, **how: Any) -> Notice:
    return place.payments.read(*place.fake.signed(event, **how))


async def test_a_body_changed_by_one_byte_is_forged(place, fake, asked):
    event = fake.event("checkout.session.completed", fake.session(str(asked.attempt)))
    body, headers = fake.signed(event)
    for at in range(0, len(body), 7):
        changed = body[:at] + bytes([body[at] ^ 1]) + body[at + 1 :]
        with pytest.raises(Forged):
            place.payments.read(changed, headers)
    assert place.payments.read(body, headers).id == event["id"]


async def test_a_signature_of_another_endpoint_is_forged_and_the_sentence_says_what_to_look_at(place, fake):
    with pytest.raises(Forged, match="STRIPE_WEBHOOK_SECRET"):
        told(place, fake.event("account.updated", {"id": "acct_1"}), secret="whsec_another")


async def test_a_signature_older_than_five_minutes_is_too_old(place, fake):
    event = fake.event("payout.paid", {"id": "po_1"})
    assert told(place, event, at=time.time() - 290).kind == "other"
    with pytest.raises(TooOld, match="five minutes"):
        told(place, event, at=time.time() - 310)
    body, headers = fake.signed(event, at=time.time() - 310)
    newer = headers["Stripe-Signature"].replace(f"t={int(time.time() - 310)}", f"t={int(time.time())}")
    with pytest.raises(Forged):
        place.payments.read(body, {"stripe-signature": newer})


async def test_while_the_secret_is_rolled_either_signature_counts(place, fake):
    body, headers = fake.signed(fake.event("payout.paid", {"id": "po_1"}))
    at, signature = headers["Stripe-Signature"].split(",")
    assert place.payments.read(body, {"STRIPE-SIGNATURE": f"{at},v1={'0' * 64},{signature}"}).kind == "other"


async def test_a_webhook_of_the_other_mode_is_refused(place, fake, asked):
    with pytest.raises(Refused, match="live mode"):
        told(place, fake.event("checkout.session.expired", fake.session(str(asked.attempt)), livemode=True))
    live = Stripe("rk_live_1", fake.secret)
    with pytest.raises(Refused, match="test mode"):
        live.read(*fake.signed(fake.event("payout.paid", {})))
    assert live.read(*fake.signed(fake.event("payout.paid", {}, livemode=True))).live is True
    await live.aclose()


async def test_money_in_an_account_of_somebody_else_is_no_business_of_ours(place, fake, asked, payment):
    session = fake.session(str(asked.attempt))
    for kind, about in [("checkout.session.completed", session), ("charge.refunded", fake.objects.charge_of(payment))]:
        notice = told(place, fake.event(kind, about, account="acct_somebody"))
        assert (notice.kind, notice.account, notice.attempt) == ("other", "acct_somebody", None)


async def test_a_payment_not_made_by_vently_has_no_attempt(place, fake, asked):
    session = fake.session(str(asked.attempt)) | {"metadata": {"attempt": "twelve"}, "payment_status": "paid"}
    assert told(place, fake.event("checkout.session.completed", session)).attempt is None
    assert told(place, fake.event("checkout.session.completed", session | {"metadata": None})).attempt is None


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b"[" * 100_000,
        b'{"id": "evt_1"}',
        b'{"object": "v2.core.event", "id": "evt_1", "type": "v1.billing", "created": "2026-01-01T00:00:00Z"}',
        b'{"detail": {"object": "event"}}',
    ],
)
async def test_a_signed_body_that_is_no_event_is_refused(place, body):
    with pytest.raises(Refused, match="snapshot events"):
        told(place, body)


@pytest.mark.parametrize(
    "changed",
    [
        {"created": "soon"},
        {"created": 1 << 62},
        {"created": -1},
        {"livemode": "false"},
        {"data": {}},
        {"data": {"object": None}},
        {"data": {"object": []}},
        {"data": {"object": {"id": "cs_1"}}},
        {"data": {"object": {"id": 1, "payment_status": "paid", "expires_at": 1}}},
        {"data": {"object": {"id": "cs_1", "payment_status": "paid", "expires_at": 1, "amount_total": -5}}},
        {"data": {"object": {"id": "cs_1", "payment_status": "paid", "expires_at": 1, "amount_total": 1.5}}},
        {"data": {"object": {"id": "cs_1", "payment_status": "paid", "expires_at": 1, "metadata": {"attempt": 1}}}},
    ],
)
async def test_an_event_with_nonsense_in_it_is_refused(place, fake, asked, changed):
    event = fake.event("checkout.session.completed", fake.session(str(asked.attempt)))
    with pytest.raises(Refused):
        told(place, event | changed)


async def test_an_event_nobody_asked_for_is_nothing_to_do(place, fake):
    assert told(place, fake.event("invoice.paid", {"anything": ["at all"]})).kind == "other"


async def test_duplicates_have_one_id_and_say_the_same(place, fake, asked):
    fake.copies = 3
    await place.pays(asked)
    notices = [notice for notice in await place.notices() if notice.kind == "paid"]
    assert len(notices) == 3
    assert notices[0] == notices[1] == notices[2]


async def test_webhooks_come_in_any_order_or_not_at_all(place, fake, asked):
    fake.holding = True
    await place.declines(asked)
    await place.pays(asked)
    assert await place.notices() == []
    await fake.release(shuffled=True)
    assert sorted(await kinds(place)) == ["declined", "paid"]
    fake.holding, fake.losing = False, True
    await fake.dispute(str(fake.session(str(asked.attempt))["payment_intent"]))
    assert len(await kinds(place)) == 2


async def test_a_webhook_that_was_not_answered_comes_again(place, fake, asked):
    place.box.answers = [500, None, 503]
    await fake.expire(str(asked.attempt))
    assert await kinds(place) == ["expired"]


async def test_a_bank_that_takes_days_and_says_yes(place, fake, asked):
    await fake.pay_by_bank(str(asked.attempt))
    assert await kinds(place) == []
    await fake.bank_says(str(asked.attempt), paid=True)
    [notice] = [notice for notice in await place.notices() if notice.kind == "paid"]
    assert (notice.attempt, notice.amount) == (asked.attempt, 5_000)


async def test_a_bank_that_takes_days_and_says_no(place, fake, asked):
    await fake.pay_by_bank(str(asked.attempt))
    await fake.bank_says(str(asked.attempt), paid=False)
    [notice] = [notice for notice in await place.notices() if notice.kind == "failed"]
    assert (notice.attempt, notice.reference) == (asked.attempt, fake.session(str(asked.attempt))["id"])


async def test_a_refund_is_told_with_its_id_and_with_what_went_back_in_all(place, payment):
    refund = uuid4()
    made = await place.payments.refund(RefundAsked(refund=refund, payment=payment, amount=1_500, currency="EUR"))
    first, second = [notice for notice in await place.notices() if notice.kind == "refund"]
    assert (first.refund, first.payment, first.amount) == (made, payment, 1_500)
    assert first.refund.refund == refund
    assert (second.refund, second.payment, second.refunded) == (None, payment, 1_500)


async def test_a_refund_made_by_hand_at_stripe_has_no_id_of_ours(place, fake, payment):
    name = await fake.refund_by_hand(payment, 400)
    told = next(notice for notice in await place.notices() if notice.refund)
    assert (told.refund.reference, told.refund.refund, told.refund.amount) == (name, None, 400)


async def test_a_refund_may_fail_days_later_and_says_why(place, fake, payment):
    fake.objects.slow_refunds = True
    asked = RefundAsked(refund=uuid4(), payment=payment, amount=1_500, currency="EUR")
    made = await place.payments.refund(asked)
    assert made.status == "pending"
    await fake.refund_says(made.reference, "failed")
    last = [notice.refund for notice in await place.notices() if notice.refund][-1]
    assert (last.status, last.reason, last.refund) == ("failed", "expired or canceled card", asked.refund)
    assert await place.payments.look_up_refund(made.reference, asked.refund, payment) == last


@pytest.mark.parametrize("won", [True, False])
async def test_a_dispute_is_told_when_it_opens_and_when_it_ends(place, fake, asked, payment, won):
    dispute = await fake.dispute(payment)
    standing = await place.payments.look_up(fake.session(str(asked.attempt))["id"])
    assert (standing.status, standing.disputed) == ("paid", True)
    await fake.end_dispute(dispute, won=won)
    opened, ended = [notice for notice in await place.notices() if notice.kind == "dispute"]
    assert opened.payment == ended.payment == payment
    assert (opened.dispute.reference, opened.dispute.status, opened.dispute.amount) == (dispute, "open", 5_000)
    assert ended.dispute.status == ("won" if won else "lost")


async def test_an_organisers_account_that_changed_is_told_by_its_name(place, fake):
    account = await place.payments.open_account("alice@example.com", "BE")
    await fake.fill_in(account)
    [notice] = await place.notices()
    assert (notice.kind, notice.account) == ("account", account)
    assert notice.standing == AccountStanding(True, True, True)


async def test_every_order_of_paid_and_declined_reads_the_same(place, fake, asked):
    """Reading keeps no memory: the same webhook says the same, whatever came before."""
    await place.declines(asked)
    await place.pays(asked)
    signed = [fake.signed(event) for event in fake.events]
    alone = {body: place.payments.read(body, headers) for body, headers in signed}
    for order in itertools.permutations(signed):
        assert all(place.payments.read(body, headers) == alone[body] for body, headers in order)


async def test_the_pretenders_webhooks_grow_old_too(monkeypatch):
    pretender = AtPretender()
    await pretender.pays(checkout())
    [(body, headers)] = pretender.heard
    with pytest.raises(Forged):
        pretender.payments.read(body.replace(b"5000", b"5001"), headers)
    with pytest.raises(Refused, match="can be read"):
        pretender.payments.read(b"[]", {"Pretend-Signature": pretender.payments.signature(b"[]", int(time.time()))})
    assert json.loads(body)["kind"] == "paid"
    later = time.time() + 301
    monkeypatch.setattr(time, "time", lambda: later)
    with pytest.raises(TooOld):
        pretender.payments.read(body, headers)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=8),
    max_leaves=12,
)


@settings(max_examples=500, deadline=None)
@given(
    kind=st.sampled_from(sorted(KINDS)),
    about=st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=10),
    more=JSON,
)
def test_whatever_is_signed_is_read_or_refused(kind, about, more):
    event = {"id": "evt_1", "object": "event", "type": kind, "created": 1, "livemode": False, "data": {"object": about}}
    for changed in (event, event | {"created": more}, event | {"data": more}):
        body = json.dumps(changed)
        header = WebhookSignature.generate_signature_header(body, "whsec_1")
        events.verify(body.encode(), {"Stripe-Signature": header}, "whsec_1")
        with contextlib.suppress(Refused):
            assert isinstance(events.read(body.encode(), live=False), Notice)
