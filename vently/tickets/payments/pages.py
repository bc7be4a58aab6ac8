"""Pages of paying: the way to the provider and back, the pretend provider's page, and payouts."""

from contextlib import suppress
from functools import partial
from typing import Any, Literal, Protocol, cast, get_args
from uuid import UUID

from vently.database.pool import Database, Viewer
from vently.outside.payments import Payments, PaymentsRefused, PaymentsUnavailable, Standing
from vently.refusals import Invalid, NotFound
from vently.tickets.payments import attempts, payouts, settling
from vently.tickets.payments.attempts import Asked, Begun, NotAnswering, StillPaying
from vently.tickets.payments.shapes import NewAccount
from vently.tickets.till import links
from vently.web import facts, flashes, forms, pages
from vently.web.answers import Answer, redirect
from vently.web.facts import Parts
from vently.web.form_pages import as_shape, typed, wrong
from vently.web.routes import get, post
from vently.web.words import Reference

Outcome = Literal["paid", "declined", "abandoned"]


class Pretender(Payments, Protocol):
    """The provider that takes no money, where buyers say themselves what comes of it."""

    async def decide(self, attempt: UUID, outcome: Outcome, *, amount: int, currency: str) -> Standing: ...


@get("/checkout/{attempt}")
async def go_to_pay(request: Any, attempt: UUID, viewer: Viewer) -> Answer:  # noqa: ARG001 - the page shows who looks
    """On to the provider's page, or why there is nothing to pay"""
    parts = facts.of(request).parts
    begun = await attempts.begin(parts, attempt)
    try:
        if begun.state == "begun" and (url := await _place_to_pay(parts, attempt)) is not None:
            return redirect(url)
    except NotAnswering as away:
        answer = await _told(request, begun, 503, away.detail, again=f"/checkout/{attempt}")
        return answer.add("retry-after", "10")
    except PaymentsRefused as refused:
        if await payouts.lost(parts, attempt):
            begun = await attempts.begin(parts, attempt)
        return await _told(request, begun, 409, refused.sentence)
    if begun.state == "begun":  # it ended meanwhile
        begun = await attempts.begin(parts, attempt)
    if begun.state == "moved":
        return redirect(f"{_provider(parts).checkout_path}{begun.attempt}")
    if begun.state == "paid":
        return redirect(links.of_order(parts, begun.order_id, begun.link_serial))
    return await _told(request, begun, 409, begun.sentence or StillPaying().detail)


@post("/checkout/{attempt}")
async def pay_again(request: Any, attempt: UUID, viewer: Viewer, db: Database) -> Answer:
    """Another try, after one that failed"""
    parts = facts.of(request).parts
    found = await attempts.asked(parts, attempt)
    # Whoever has the attempt's address has been sent there by the order.
    opening = partial(db.acting_as, viewer, link=f"order:{found.order_id}")
    outcome = await attempts.renew(parts, opening, found.order_id)
    text = "Paid already: here are your tickets." if outcome == "paid" else "Here you are: pay whenever you are ready."
    flashes.leave(request, "ok", text)
    return redirect(links.of_order(parts, found.order_id, found.link_serial))


@get("/checkout/{attempt}/{way}")
async def come_back(request: Any, attempt: UUID, way: Literal["done", "back"]) -> Answer:
    """Back from the provider: to the order, which is paid by then even if its webhook is late"""
    parts = facts.of(request).parts
    found = await attempts.asked(parts, attempt)
    if way == attempts.DONE and found.status == "open" and found.reference is not None:
        with suppress(PaymentsUnavailable, PaymentsRefused):  # the webhook tells, or the reconciler asks again
            await settling.apply(parts, attempt, await _provider(parts).look_up(found.reference))
    return redirect(links.of_order(parts, found.order_id, found.link_serial))


@get("/pretend/checkout/{attempt}")
async def pretend_to_pay(request: Any, attempt: UUID, viewer: Viewer) -> Answer:  # noqa: ARG001 - the page shows who looks
    """The pretend provider's page: say what comes of it"""
    parts = facts.of(request).parts
    _pretender(parts)
    begun = await attempts.begin(parts, attempt)
    if begun.state == "moved":
        return redirect(f"/pretend/checkout/{begun.attempt}")
    if begun.state == "begun":
        found = await attempts.asked(parts, attempt)
        await attempts.start(parts, found)
        return await pages.page(request, "tickets/pretend_checkout.html", checkout=found)
    return await _told(request, begun, 409, begun.sentence or "")


@post("/pretend/checkout/{attempt}", own_csrf=True)
async def pretend(request: Any, attempt: UUID) -> Answer:
    """As if a buyer had paid, been declined, or left"""
    parts = facts.of(request).parts
    pretender = _pretender(parts)
    outcome = typed(await forms.fields(request)).get("outcome")
    if outcome not in get_args(Outcome):
        raise Invalid.at("/outcome", "is paid, declined or abandoned")
    found = await attempts.asked(parts, attempt)
    if found.provider != pretender.name:
        raise NotFound
    # A provider knows nothing of our orders: what it has not closed can be paid, also too late.
    if found.reference is None:
        await attempts.start(parts, found)
    standing = await pretender.decide(attempt, cast("Outcome", outcome), amount=found.amount, currency=found.currency)
    if standing.status == "paid" and (await attempts.asked(parts, attempt)).status != "paid":
        raise NotAnswering  # our webhook did not get through; sent again, it is told again
    return redirect(links.of_order(parts, found.order_id, found.link_serial))


@get("/payouts/me", signed_in=True)
async def my_payouts(request: Any, viewer: Viewer, db: Database) -> Answer:
    """Where card payments for my own events go"""
    return await _payouts(request, viewer, db, None)


@post("/payouts/me", signed_in=True)
async def open_my_payouts(request: Any, viewer: Viewer, db: Database) -> Answer:
    """Open an account for them"""
    return await _open_payouts(request, viewer, db, None)


@get("/payouts/{community}", signed_in=True)
async def community_payouts(request: Any, viewer: Viewer, db: Database, community: Reference) -> Answer:
    """Where the community's card payments go"""
    return await _payouts(request, viewer, db, community)


@post("/payouts/{community}", signed_in=True)
async def open_community_payouts(request: Any, viewer: Viewer, db: Database, community: Reference) -> Answer:
    """Open an account for them"""
    return await _open_payouts(request, viewer, db, community)


async def _place_to_pay(parts: Parts, attempt: UUID) -> str | None:
    """None: there is none any more, and the attempt says why. Raises NotAnswering and PaymentsRefused."""
    found = await attempts.asked(parts, attempt)
    if found.reference is not None:
        # They were there before: what became of it counts, for the provider's page of one that is over helps nobody.
        try:
            standing = await _provider(parts).look_up(found.reference)
        except PaymentsUnavailable:
            raise NotAnswering from None
        if await settling.apply(parts, attempt, standing) != "open":
            return None
    return await attempts.start(parts, found)


async def _told(request: Any, begun: Begun, status: int, sentence: str, *, again: str = "") -> Answer:
    """A page that says why nothing can be paid now, and what to do."""
    parts = facts.of(request).parts
    found: Asked = await attempts.asked(parts, begun.attempt)
    return await pages.page(
        request,
        "tickets/checkout.html",
        status=status,
        checkout=found,
        state=begun.state,
        sentence=sentence,
        again=again,
        order_url=links.of_order(parts, begun.order_id, begun.link_serial),
    )


def _provider(parts: Parts) -> Payments:
    return cast("Payments", parts.other["payments"])


def _pretender(parts: Parts) -> Pretender:
    """Raises NotFound where a real provider takes the money."""
    provider = parts.other["payments"]
    if provider.name != "pretend":
        raise NotFound
    return cast("Pretender", provider)


async def _payouts(request: Any, viewer: Viewer, db: Database, community: str | None) -> Answer:
    parts = facts.of(request).parts
    found = await payouts.payee(db, viewer, community)
    standing = await payouts.standing(parts, found)
    shown: dict[str, Any] = {"payee": found, "standing": standing, "url": "", "form": {}, "errors": {}}
    return await pages.page(request, "tickets/payouts.html", **shown)


async def _open_payouts(request: Any, viewer: Viewer, db: Database, community: str | None) -> Answer:
    """The provider's page is named, not gone to: a form of ours may lead nowhere else (Content-Security-Policy)."""
    parts = facts.of(request).parts
    found = await payouts.payee(db, viewer, community, making=True)
    sent = typed(await forms.fields(request))
    url, errors = "", {}
    try:
        country = sent.get("country", "").strip().upper()
        asked = as_shape(NewAccount, {"country": country} if country else {})
        url = await payouts.connect(parts, found, viewer, asked.country)
    except Invalid as refused:
        errors = wrong(refused)
    return await pages.page(
        request,
        "tickets/payouts.html",
        status=422 if errors else 200,
        payee=found,
        standing=None,
        url=url,
        form=sent,
        errors=errors,
    )


ROUTES = [
    go_to_pay,
    pay_again,
    come_back,
    pretend_to_pay,
    pretend,
    my_payouts,
    open_my_payouts,
    community_payouts,
    open_community_payouts,
]
