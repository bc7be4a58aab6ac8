"""Refunds over HTTP: of an order, and of a whole event that was cancelled."""

from typing import Any
from uuid import UUID

import msgspec

from vently.database.pool import Database, Transaction, Viewer
from vently.events import events
from vently.events.shapes import Event
from vently.refusals import NotAllowed
from vently.tickets.refunds import refunds
from vently.tickets.refunds.shapes import Key, NewRefund, Progress, Refund, RefundOutcome, Refunds
from vently.web import facts, lists
from vently.web.answers import Answer, created
from vently.web.idempotency import once
from vently.web.routes import get, post, put
from vently.web.words import Reference

TAG = "Tickets"


@post("/api/tickets/orders/{order}/refunds", answers=Refund, once=True, may=(403, 404, 409, 422), tag=TAG)
async def create_refund(request: Any, viewer: Viewer, order: UUID, query: Key, data: NewRefund) -> Answer:
    """Give tickets back, or money: by who runs the event, or by the buyer as its policy allows"""
    parts = facts.of(request).parts
    link = refunds.Link(parts, order, query.key)

    async def give(tx: Transaction) -> Answer:
        await link.check(tx)
        made = await refunds.request(tx, order, data)
        return created(msgspec.json.encode(made), f"{parts.settings.site_url}{request.scope['path']}")

    answer = await once(request, viewer, give, link=link.words)
    refunds.nudge(parts)
    return answer


@get("/api/tickets/orders/{order}/refunds", answers=Refunds, may=(404,), tag=TAG)
async def list_refunds(request: Any, viewer: Viewer, db: Database, order: UUID, query: Key) -> Answer:
    """All refunds of an order, the latest first"""
    link = refunds.Link(facts.of(request).parts, order, query.key)
    async with db.acting_as(viewer, link=link.words) as tx:
        await link.check(tx)
        return lists.answer(request, await refunds.listed(tx, order), None)


@put("/api/tickets/refunds/{refund}", answers=Refund, signed_in=True, may=(404, 409), tag=TAG)
async def settle_refund(request: Any, viewer: Viewer, db: Database, refund: UUID, data: RefundOutcome) -> Answer:
    """Say that you sent the money of a refund by hand, or have one that failed tried again"""
    async with db.acting_as(viewer) as tx:
        settled = await refunds.settle(tx, refund, data.status)
    refunds.nudge(facts.of(request).parts)
    return Answer(settled)


@get("/api/events/{event}/refunds", answers=Progress, signed_in=True, may=(403, 404), tag=TAG)
async def read_refunds(viewer: Viewer, db: Database, event: Reference) -> Answer:
    """How far the refunds of a cancelled event are"""
    async with db.acting_as(viewer, link=event) as tx:
        found = msgspec.json.decode((await events.read(tx, event)).body, type=Event)
        if not (await events.rights(tx, found.id)).runs:
            raise NotAllowed("Only those who run this event see its refunds.")
        return Answer(msgspec.json.encode(await refunds.progress(tx, found.id)))


ROUTES = [create_refund, list_refunds, settle_refund, read_refunds]
