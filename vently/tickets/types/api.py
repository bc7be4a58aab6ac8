"""What an event sells, over HTTP: ticket types, pools, discounts, questions, and how it is paid."""

from typing import Any
from uuid import UUID

from vently.database.pool import Database, Transaction, Viewer
from vently.tickets.types import discounts, pools, questions, settings, ticket_types
from vently.tickets.types.shapes import (
    Discount,
    DiscountChanges,
    DiscountCode,
    DiscountFilters,
    Discounts,
    NewDiscount,
    NewPool,
    NewQuestion,
    NewTicketType,
    Pool,
    PoolChanges,
    Pools,
    Question,
    QuestionChanges,
    Questions,
    Sale,
    SaleChanges,
    TicketType,
    TicketTypeChanges,
    TicketTypes,
)
from vently.web import conditional, cursors, lists
from vently.web.answers import Answer, created, nothing
from vently.web.conditional import wanted_version
from vently.web.idempotency import once
from vently.web.routes import delete, get, patch, post
from vently.web.words import Reference

TAG = "Tickets"


@get("/api/events/{event}/ticket-types", answers=TicketTypes, may=(404,), tag=TAG)
async def list_ticket_types(request: Any, viewer: Viewer, db: Database, event: Reference) -> Answer:
    """What an event sells; hidden ticket types are shown to those who run it alone"""
    async with db.acting_as(viewer, link=event) as tx:
        return lists.answer(request, await ticket_types.listed(tx, viewer, event), None)


@post("/api/events/{event}/ticket-types", answers=TicketType, signed_in=True, once=True, may=(403, 404, 409), tag=TAG)
async def create_ticket_type(request: Any, viewer: Viewer, event: Reference, data: NewTicketType) -> Answer:
    """Sell something: the first ticket type opens the sale (those who run the event)"""

    async def make(tx: Transaction) -> Answer:
        made = await ticket_types.add(tx, viewer, event, data)
        return created(made.body.encode(), lists.location(request, made.body, "/api/tickets/types"))

    return await once(request, viewer, make, link=event)


@get("/api/tickets/types/{ticket_type}", answers=TicketType, may=(404,), versioned=True, tag=TAG)
async def read_ticket_type(request: Any, viewer: Viewer, db: Database, ticket_type: UUID) -> Answer:
    """One ticket type"""
    async with db.acting_as(viewer) as tx:
        found = await ticket_types.read(tx, viewer, ticket_type)
    return conditional.answer(request, found.body.encode(), version=found.version)


@patch(
    "/api/tickets/types/{ticket_type}", answers=TicketType, signed_in=True, may=(403, 404, 409), versioned=True, tag=TAG
)
async def edit_ticket_type(
    request: Any, viewer: Viewer, db: Database, ticket_type: UUID, data: TicketTypeChanges
) -> Answer:
    """Change a ticket type, also while it sells (those who run the event)"""
    async with db.acting_as(viewer) as tx:
        found = await ticket_types.edit(tx, viewer, ticket_type, data, version=wanted_version(request))
    return conditional.answer(request, found.body.encode(), version=found.version)


@delete("/api/tickets/types/{ticket_type}", signed_in=True, may=(403, 404, 409), versioned=True, tag=TAG)
async def delete_ticket_type(request: Any, viewer: Viewer, db: Database, ticket_type: UUID) -> Answer:
    """Take a ticket type away that nobody has ordered (those who run the event)"""
    async with db.acting_as(viewer) as tx:
        await ticket_types.remove(tx, viewer, ticket_type, version=wanted_version(request))
    return nothing()


@get("/api/events/{event}/ticket-pools", answers=Pools, signed_in=True, may=(403, 404), tag=TAG)
async def list_ticket_pools(request: Any, viewer: Viewer, db: Database, event: Reference) -> Answer:
    """Pools that ticket types share (those who run the event)"""
    async with db.acting_as(viewer, link=event) as tx:
        return lists.answer(request, await pools.listed(tx, viewer, event), None)


@post("/api/events/{event}/ticket-pools", answers=Pool, signed_in=True, once=True, may=(403, 404, 409), tag=TAG)
async def create_ticket_pool(request: Any, viewer: Viewer, event: Reference, data: NewPool) -> Answer:
    """Make a pool for ticket types to share (those who run the event)"""

    async def make(tx: Transaction) -> Answer:
        made = await pools.add(tx, viewer, event, data)
        return created(made, lists.location(request, made, "/api/tickets/pools"))

    return await once(request, viewer, make, link=event)


@patch("/api/tickets/pools/{pool}", answers=Pool, signed_in=True, may=(403, 404), tag=TAG)
async def edit_ticket_pool(viewer: Viewer, db: Database, pool: UUID, data: PoolChanges) -> Answer:
    """Rename or resize a pool (those who run the event)"""
    async with db.acting_as(viewer) as tx:
        return Answer(await pools.edit(tx, viewer, pool, data))


@delete("/api/tickets/pools/{pool}", signed_in=True, may=(403, 404, 409), tag=TAG)
async def delete_ticket_pool(viewer: Viewer, db: Database, pool: UUID) -> Answer:
    """Take a pool away that no ticket type shares (those who run the event)"""
    async with db.acting_as(viewer) as tx:
        await pools.remove(tx, viewer, pool)
    return nothing()


@get("/api/events/{event}/discounts", answers=Discounts, signed_in=True, may=(403, 404, 422), tag=TAG)
async def list_discounts(
    request: Any, viewer: Viewer, db: Database, event: Reference, query: DiscountFilters
) -> Answer:
    """Discount codes (those who run the event)"""
    name = f"discounts of {event}"
    after = cursors.read(request, name, query, query.cursor, tuple[float, str])
    async with db.acting_as(viewer, link=event) as tx:
        found = await discounts.listed(tx, viewer, event, query, after)
    return lists.answer(request, found.items, lists.after(request, name, query, found))


@post("/api/events/{event}/discounts", answers=Discount, signed_in=True, once=True, may=(403, 404, 409), tag=TAG)
async def create_discount(request: Any, viewer: Viewer, event: Reference, data: NewDiscount) -> Answer:
    """Give a discount code out (those who run the event)"""

    async def make(tx: Transaction) -> Answer:
        made = await discounts.add(tx, viewer, event, data)
        path = request.scope["path"]
        return created(made.body.encode(), f"{lists.parent(request)}{path[path.rindex('/') :]}/{data.code.upper()}")

    return await once(request, viewer, make, link=event)


@get("/api/events/{event}/discounts/{code}", answers=Discount, signed_in=True, may=(403, 404), versioned=True, tag=TAG)
async def read_discount(request: Any, viewer: Viewer, db: Database, event: Reference, code: DiscountCode) -> Answer:
    """One discount code (those who run the event)"""
    async with db.acting_as(viewer, link=event) as tx:
        found = await discounts.read(tx, viewer, event, code)
    return conditional.answer(request, found.body.encode(), version=found.version)


@patch(
    "/api/events/{event}/discounts/{code}", answers=Discount, signed_in=True, may=(403, 404), versioned=True, tag=TAG
)
async def edit_discount(
    request: Any, viewer: Viewer, db: Database, event: Reference, code: DiscountCode, data: DiscountChanges
) -> Answer:
    """Change a discount (those who run the event)"""
    async with db.acting_as(viewer, link=event) as tx:
        found = await discounts.edit(tx, viewer, event, code, data, version=wanted_version(request))
    return conditional.answer(request, found.body.encode(), version=found.version)


@delete("/api/events/{event}/discounts/{code}", signed_in=True, may=(403, 404), versioned=True, tag=TAG)
async def delete_discount(request: Any, viewer: Viewer, db: Database, event: Reference, code: DiscountCode) -> Answer:
    """End a discount: what was bought with it stays as it is (those who run the event)"""
    async with db.acting_as(viewer, link=event) as tx:
        await discounts.remove(tx, viewer, event, code, version=wanted_version(request))
    return nothing()


@get("/api/events/{event}/ticket-questions", answers=Questions, may=(404,), tag=TAG)
async def list_ticket_questions(request: Any, viewer: Viewer, db: Database, event: Reference) -> Answer:
    """What is asked of every attendee"""
    async with db.acting_as(viewer, link=event) as tx:
        return lists.answer(request, await questions.listed(tx, viewer, event), None)


@post("/api/events/{event}/ticket-questions", answers=Question, signed_in=True, once=True, may=(403, 404, 409), tag=TAG)
async def create_ticket_question(request: Any, viewer: Viewer, event: Reference, data: NewQuestion) -> Answer:
    """Ask something of every attendee (those who run the event)"""

    async def make(tx: Transaction) -> Answer:
        made = await questions.add(tx, viewer, event, data)
        return created(made, lists.location(request, made, "/api/tickets/questions"))

    return await once(request, viewer, make, link=event)


@patch("/api/tickets/questions/{question}", answers=Question, signed_in=True, may=(403, 404), tag=TAG)
async def edit_ticket_question(viewer: Viewer, db: Database, question: UUID, data: QuestionChanges) -> Answer:
    """Change a question; answers stay as they were given (those who run the event)"""
    async with db.acting_as(viewer) as tx:
        return Answer(await questions.edit(tx, viewer, question, data))


@delete("/api/tickets/questions/{question}", signed_in=True, may=(403, 404), tag=TAG)
async def delete_ticket_question(viewer: Viewer, db: Database, question: UUID) -> Answer:
    """Ask it no more (those who run the event)"""
    async with db.acting_as(viewer) as tx:
        await questions.remove(tx, viewer, question)
    return nothing()


@get("/api/events/{event}/sale", answers=Sale, may=(404,), versioned=True, tag=TAG)
async def read_sale(request: Any, viewer: Viewer, db: Database, event: Reference) -> Answer:
    """How an event sells; where money is sent to is shown to those who run it"""
    async with db.acting_as(viewer, link=event) as tx:
        found = await settings.read(tx, viewer, event)
    return conditional.answer(request, found.body.encode(), version=found.version)


@patch("/api/events/{event}/sale", answers=Sale, signed_in=True, may=(403, 404, 409), versioned=True, tag=TAG)
async def edit_sale(request: Any, viewer: Viewer, db: Database, event: Reference, data: SaleChanges) -> Answer:
    """Change how an event sells, or open its sale by naming a currency (those who run it)"""
    async with db.acting_as(viewer, link=event) as tx:
        found = await settings.edit(tx, viewer, event, data, version=wanted_version(request))
    return conditional.answer(request, found.body.encode(), version=found.version)


ROUTES = [
    list_ticket_types,
    create_ticket_type,
    read_ticket_type,
    edit_ticket_type,
    delete_ticket_type,
    list_ticket_pools,
    create_ticket_pool,
    edit_ticket_pool,
    delete_ticket_pool,
    list_discounts,
    create_discount,
    read_discount,
    edit_discount,
    delete_discount,
    list_ticket_questions,
    create_ticket_question,
    edit_ticket_question,
    delete_ticket_question,
    read_sale,
    edit_sale,
]
