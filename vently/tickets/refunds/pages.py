"""Pages of refunds: a buyer gives tickets back; an organiser looks at one order, and at all refunds of an event."""

from typing import Annotated, Any
from urllib.parse import urlencode
from uuid import UUID

import msgspec
from msgspec import Meta

from vently.database.pool import Database, Transaction, Viewer
from vently.events import events
from vently.events.shapes import Event
from vently.refusals import Conflict, Invalid, NotAllowed, NotFound, Refusal
from vently.tickets.refunds import desk, refunds
from vently.tickets.refunds.shapes import Key, NewRefund, Refund, RefundOutcome
from vently.tickets.till.shapes import Order
from vently.web import facts, flashes, forms, money, pages
from vently.web.answers import Answer, redirect
from vently.web.form_pages import as_shape, wrong
from vently.web.routes import get, post
from vently.web.words import Reference

Short = Annotated[str, Meta(max_length=600)]


class RefundForm(msgspec.Struct):
    """Tickets that were ticked, an amount as typed, and why."""

    tickets: list[UUID] = []
    amount: Short = ""
    reason: Short = ""


class SettlementForm(msgspec.Struct):
    """How the money came: transfer or door."""

    method: Short = ""


class OutcomeForm(msgspec.Struct):
    """Which button was pressed: as `RefundOutcome`."""

    status: Short = ""


# For buyers


@get("/orders/{order}/refund")
async def give_back(request: Any, viewer: Viewer, db: Database, order: UUID, query: Key) -> Answer:
    """What of an order may be given back"""
    return await _terms_page(request, viewer, db, order, query.key)


@post("/orders/{order}/refund")
async def give_back_by_form(request: Any, viewer: Viewer, db: Database, order: UUID, query: Key) -> Answer:
    """Give tickets back"""
    form = await forms.read(request, RefundForm)
    parts = facts.of(request).parts
    link = refunds.Link(parts, order, query.key)
    try:
        if not form.tickets:
            raise Invalid.at("/tickets", "choose the tickets you give back")
        new = as_shape(NewRefund, {"tickets": form.tickets, "reason": form.reason})
        async with db.acting_as(viewer, link=link.words) as tx:
            await link.check(tx)
            made = await refunds.request(tx, order, new)
    except (Invalid, Conflict, NotAllowed) as refused:
        return await _terms_page(request, viewer, db, order, query.key, refused)
    refunds.nudge(parts)
    flashes.leave(request, "ok", _said(made.amount, made.currency))
    return redirect(f"/orders/{order}{_suffix(query.key)}")


async def _terms_page(
    request: Any, viewer: Viewer, db: Database, order: UUID, key: str | None, refused: Refusal | None = None
) -> Answer:
    link = refunds.Link(facts.of(request).parts, order, key)
    async with db.acting_as(viewer, link=link.words) as tx:
        await link.check(tx)
        terms = await refunds.terms(tx, order)
        if terms is None:
            raise NotFound
        given = msgspec.json.decode(await refunds.listed(tx, order), type=list[Refund])
    return await pages.page(
        request,
        "tickets/refund.html",
        status=refused.status if refused else 200,
        order=order,
        terms=terms,
        given=given,
        key=_suffix(key),
        errors=wrong(refused) if refused else {},
    )


# For who runs the event


@get("/events/{event}/refunds", signed_in=True)
async def event_refunds(request: Any, viewer: Viewer, db: Database, event: Reference) -> Answer:
    """How far the refunds of an event are, and what waits for a hand"""
    async with db.acting_as(viewer, link=event) as tx:
        found = await _mine(tx, event)
        shown: dict[str, Any] = {
            "progress": await refunds.progress(tx, found.id),
            "waiting": await desk.waiting(tx, found.id),
            "disputes": await desk.disputes(tx, found.id),
        }
    return await pages.page(request, "tickets/event_refunds.html", event=found, **shown)


@get("/events/{event}/orders/{order}", signed_in=True)
async def show_event_order(request: Any, viewer: Viewer, db: Database, event: Reference, order: UUID) -> Answer:
    """One order, as who runs the event sees it"""
    return await _order_page(request, viewer, db, event, order)


@post("/events/{event}/orders/{order}/refunds", signed_in=True)
async def refund_by_form(request: Any, viewer: Viewer, db: Database, event: Reference, order: UUID) -> Answer:
    """Refund tickets, an amount, or all of an order"""
    form = await forms.read(request, RefundForm)
    try:
        async with db.acting_as(viewer, link=event) as tx:
            stands = await _order(tx, await _mine(tx, event), order)
            made = await refunds.request(tx, order, _asked(form, stands.total.currency))
    except (Invalid, Conflict) as refused:
        return await _order_page(request, viewer, db, event, order, form=form, refused=refused)
    refunds.nudge(facts.of(request).parts)
    flashes.leave(request, "ok", _said(made.amount, made.currency))
    return redirect(f"/events/{event}/orders/{order}")


@post("/events/{event}/orders/{order}/refunds/{refund}", signed_in=True)
async def settle_refund_by_form(
    request: Any, viewer: Viewer, db: Database, event: Reference, order: UUID, refund: UUID
) -> Answer:
    """Mark a refund as sent by hand, or have it tried again"""
    form = await forms.read(request, OutcomeForm)
    try:
        async with db.acting_as(viewer, link=event) as tx:
            await _order(tx, await _mine(tx, event), order)
            await refunds.settle(tx, refund, as_shape(RefundOutcome, {"status": form.status}).status)
    except Conflict as refused:
        flashes.leave(request, "error", refused.detail)
    else:
        refunds.nudge(facts.of(request).parts)
        flashes.leave(request, "ok", "Noted." if form.status == "succeeded" else "It is tried again.")
    return redirect(f"/events/{event}/orders/{order}")


@post("/events/{event}/orders/{order}/settlement", signed_in=True)
async def settle_by_form(request: Any, viewer: Viewer, db: Database, event: Reference, order: UUID) -> Answer:
    """Say that the money came by transfer or at the door"""
    form = await forms.read(request, SettlementForm)
    try:
        async with db.acting_as(viewer, link=event) as tx:
            await _order(tx, await _mine(tx, event), order)
            await desk.settle_by_hand(tx, order, form.method)
    except Conflict as refused:
        flashes.leave(request, "error", refused.detail)
    else:
        refunds.nudge(facts.of(request).parts)
        flashes.leave(request, "ok", "Paid. The tickets are on their way to the buyer.")
    return redirect(f"/events/{event}/orders/{order}")


async def _order_page(
    request: Any,
    viewer: Viewer,
    db: Database,
    event: str,
    order: UUID,
    *,
    form: RefundForm | None = None,
    refused: Refusal | None = None,
) -> Answer:
    async with db.acting_as(viewer, link=event) as tx:
        found = await _mine(tx, event)
        shown: dict[str, Any] = {
            "order": await _order(tx, found, order),
            "tickets": await desk.tickets(tx, order),
            "refunds": await desk.refunds_of(tx, order),
            "disputes": await desk.disputes_of(tx, order),
        }
    return await pages.page(
        request,
        "tickets/event_order.html",
        status=refused.status if refused else 200,
        event=found,
        **shown,
        form=msgspec.structs.asdict(form or RefundForm()),
        errors=wrong(refused) if refused else {},
    )


async def _mine(tx: Transaction, event: str) -> Event:
    """Raises NotFound for who does not see it, NotAllowed for who does not run it."""
    found = msgspec.json.decode((await events.read(tx, event)).body, type=Event)
    if not (await events.rights(tx, found.id)).runs:
        raise NotAllowed("Only those who run this event see its orders.")
    return found


async def _order(tx: Transaction, event: Event, order: UUID) -> Order:
    return msgspec.json.decode(await desk.order(tx, event.id, order), type=Order)


def _asked(form: RefundForm, currency: str) -> NewRefund:
    """Raises Invalid."""
    try:
        amount = money.minor(form.amount, currency) if form.amount else None
    except money.NotMoney as error:
        raise Invalid.at("/amount", str(error)) from None
    ticked = {"tickets": form.tickets} if form.tickets else {}
    return as_shape(NewRefund, {**ticked, "amount": amount, "reason": form.reason})


def _said(amount: int, currency: str) -> str:
    return f"{money.formatted(amount, currency)} on the way back." if amount else "Given back."


def _suffix(key: str | None) -> str:
    return f"?{urlencode({'key': key})}" if key else ""


ROUTES = [
    give_back,
    give_back_by_form,
    event_refunds,
    show_event_order,
    refund_by_form,
    settle_refund_by_form,
    settle_by_form,
]
