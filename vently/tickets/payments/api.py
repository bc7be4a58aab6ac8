"""Paying over HTTP: another try, money that came by hand, whom card payments go to, and the providers' webhooks."""

from typing import Any
from uuid import UUID

from vently.database.pool import Database, Transaction, Viewer
from vently.tickets.orders import orders
from vently.tickets.orders.shapes import Key
from vently.tickets.payments import attempts, hooks, payouts, settling
from vently.tickets.payments.payouts import Payouts
from vently.tickets.payments.shapes import NewAccount, Onboarding, Settled, Settlement
from vently.tickets.till import links
from vently.tickets.till.shapes import Order
from vently.web import facts, json_body
from vently.web.answers import Answer, nothing
from vently.web.idempotency import once
from vently.web.routes import get, post
from vently.web.words import Reference

TAG = "Tickets"


@post("/api/tickets/orders/{order}/payment", answers=Order, once=True, may=(403, 404, 409, 503), tag=TAG)
async def pay_order(request: Any, viewer: Viewer, order: UUID, query: Key) -> Answer:
    """Try again to pay, at the order's new `checkout_url`; the last try cannot be paid any more"""
    parts = facts.of(request).parts
    serial = links.opened_order(parts, order, query.key) if query.key else None
    async with orders.opened(parts, viewer, order, query.key) as tx:
        known = await orders.standing(tx, order)
    link = f"order:{order}" if serial == known.link_serial else ""

    async def read(tx: Transaction) -> Answer:
        body = (await orders.read(tx, order)).body
        ready = links.with_link(parts, body, order, known.link_serial) if link else body.encode()
        return Answer(ready, 201, {"location": f"{parts.settings.site_url}/api/tickets/orders/{order}"})

    async def try_again(tx: Transaction) -> Answer:
        await attempts.opened(parts, tx, order)
        return await read(tx)

    try:
        return await once(request, viewer, try_again, link=link)
    except attempts.MustClose as must:
        over = await attempts.close(parts, must.attempt) == "closed"
    try:
        return await once(request, viewer, try_again if over else read, link=link)
    except attempts.MustClose:  # another tab was as quick: its attempt is there to pay by
        return await once(request, viewer, read, link=link)


@post(
    "/api/tickets/orders/{order}/settlement", answers=Settled, signed_in=True, once=True, may=(403, 404, 409), tag=TAG
)
async def settle_order(request: Any, viewer: Viewer, order: UUID, data: Settlement) -> Answer:
    """Say that the money came by bank transfer or at the door: whoever runs the event, and at the door its staff"""

    async def settle(tx: Transaction) -> Answer:
        await settling.by_hand(tx, order, data.method)
        return Answer(Settled(order, "paid", data.method), 201)

    answer = await once(request, viewer, settle)
    settling.nudge(facts.of(request).parts)
    return answer


@get("/api/communities/{community}/payouts", answers=Payouts, signed_in=True, may=(403, 404, 409, 503), tag=TAG)
async def read_payouts(request: Any, viewer: Viewer, db: Database, community: Reference) -> Answer:
    """Where the community's card payments go"""
    return Answer(await payouts.standing(facts.of(request).parts, await payouts.payee(db, viewer, community)))


@post(
    "/api/communities/{community}/payouts",
    answers=Onboarding,
    status=200,
    signed_in=True,
    may=(403, 404, 409, 503),
    tag=TAG,
)
async def connect_payouts(request: Any, viewer: Viewer, db: Database, community: Reference, data: NewAccount) -> Answer:
    """Have the community's card payments go to an account of its own: where to fill in who it is"""
    found = await payouts.payee(db, viewer, community, making=True)
    return Answer(Onboarding(await payouts.connect(facts.of(request).parts, found, viewer, data.country)))


@get("/api/me/payouts", answers=Payouts, signed_in=True, may=(409, 503), tag=TAG)
async def read_my_payouts(request: Any, viewer: Viewer, db: Database) -> Answer:
    """Where card payments for my own events go"""
    return Answer(await payouts.standing(facts.of(request).parts, await payouts.payee(db, viewer, None)))


@post("/api/me/payouts", answers=Onboarding, status=200, signed_in=True, may=(409, 503), tag=TAG)
async def connect_my_payouts(request: Any, viewer: Viewer, db: Database, data: NewAccount) -> Answer:
    """Have card payments for my own events go to an account of mine: where to fill in who I am"""
    found = await payouts.payee(db, viewer, None, making=True)
    return Answer(Onboarding(await payouts.connect(facts.of(request).parts, found, viewer, data.country)))


@post("/hooks/payments/{provider}", status=204, hidden=True)
async def take_webhook(request: Any, provider: str) -> Answer:
    """What a payment provider tells us: signed, taken once, in any order"""
    body = await json_body.read_bytes(request, hooks.LARGEST)
    await hooks.receive(facts.of(request).parts, provider, body, dict(request.headers))
    return nothing()


ROUTES = [
    pay_order,
    settle_order,
    read_payouts,
    connect_payouts,
    read_my_payouts,
    connect_my_payouts,
    take_webhook,
]
