"""Pages on which organisers say what an event sells: ticket types, pools, discounts, questions, settings."""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import msgspec

from vently.database.pool import Database, Transaction, Viewer
from vently.events.shapes import Event
from vently.refusals import Conflict, Invalid, Refusal
from vently.tickets.types import (
    discounts,
    pools,
    questions,
    sale_pages,
    selling_forms,
    settings,
    ticket_types,
    type_pages,
)
from vently.tickets.types.selling import Selling, shown_to_run
from vently.tickets.types.shapes import (
    Discount,
    DiscountCode,
    DiscountFilters,
    NewPool,
    Pool,
    PoolChanges,
    Question,
    Sale,
    TicketType,
)
from vently.web import flashes, forms, pages
from vently.web.answers import Answer, redirect
from vently.web.form_pages import as_shape, typed, wrong
from vently.web.routes import get, post
from vently.web.words import Reference

MOST_CODES = 100
"""Discount codes that the page shows; the API has all of them."""
SECTIONS = ("pool", "discount", "question")
Verb = Callable[[Transaction, Event, Selling, dict[str, str]], Awaitable[str]]


@get("/events/{event}/ticket-types", signed_in=True)
async def show_ticket_types(request: Any, viewer: Viewer, db: Database, event: Reference) -> Answer:
    """What the event sells"""
    return await _overview(request, viewer, db, event)


@post("/events/{event}/ticket-types/{ticket_type}/deletion", signed_in=True)
async def delete_ticket_type(request: Any, viewer: Viewer, db: Database, event: Reference, ticket_type: UUID) -> Answer:
    """Take one away"""

    async def remove(tx: Transaction, _: Event, __: Selling, ___: dict[str, str]) -> str:
        await ticket_types.remove(tx, viewer, ticket_type, version=None)
        return "The ticket type is gone."

    return await _act(request, viewer, db, event, remove)


@post("/events/{event}/ticket-pools", signed_in=True)
async def create_pool(request: Any, viewer: Viewer, db: Database, event: Reference) -> Answer:
    """Make a pool"""

    async def add(tx: Transaction, _: Event, __: Selling, sent: dict[str, str]) -> str:
        await pools.add(tx, viewer, event, as_shape(NewPool, _pool(sent)))
        return "The pool stands: choose it in the ticket types that share it."

    return await _act(request, viewer, db, event, add, section="pool")


@post("/events/{event}/ticket-pools/{pool}", signed_in=True)
async def save_pool(request: Any, viewer: Viewer, db: Database, event: Reference, pool: UUID) -> Answer:
    """Resize a pool, rename it, or take it away"""

    async def change(tx: Transaction, _: Event, __: Selling, sent: dict[str, str]) -> str:
        if sent.get("remove"):
            await pools.remove(tx, viewer, pool)
            return "The pool is gone."
        await pools.edit(tx, viewer, pool, as_shape(PoolChanges, _pool(sent)))
        return "Saved."

    return await _act(request, viewer, db, event, change)


@post("/events/{event}/discounts", signed_in=True)
async def create_discount(request: Any, viewer: Viewer, db: Database, event: Reference) -> Answer:
    """Give a code out"""

    async def add(tx: Transaction, shown: Event, found: Selling, sent: dict[str, str]) -> str:
        new = selling_forms.new_discount(sent, found.currency or "EUR", shown.timezone)
        await discounts.add(tx, viewer, event, new)
        return f"{new.code.upper()} works from now on."

    return await _act(request, viewer, db, event, add, section="discount")


@post("/events/{event}/discounts/{code}/deletion", signed_in=True)
async def delete_discount(request: Any, viewer: Viewer, db: Database, event: Reference, code: DiscountCode) -> Answer:
    """End a code"""

    async def remove(tx: Transaction, _: Event, __: Selling, ___: dict[str, str]) -> str:
        await discounts.remove(tx, viewer, event, code, version=None)
        return f"{code.upper()} works no more."

    return await _act(request, viewer, db, event, remove)


@post("/events/{event}/ticket-questions", signed_in=True)
async def create_question(request: Any, viewer: Viewer, db: Database, event: Reference) -> Answer:
    """Ask something"""

    async def add(tx: Transaction, _: Event, __: Selling, sent: dict[str, str]) -> str:
        await questions.add(tx, viewer, event, selling_forms.new_question(sent))
        return "Every attendee is asked from now on."

    return await _act(request, viewer, db, event, add, section="question")


@post("/events/{event}/ticket-questions/{question}/deletion", signed_in=True)
async def delete_question(request: Any, viewer: Viewer, db: Database, event: Reference, question: UUID) -> Answer:
    """Ask it no more"""

    async def remove(tx: Transaction, _: Event, __: Selling, ___: dict[str, str]) -> str:
        await questions.remove(tx, viewer, question)
        return "It is asked no more."

    return await _act(request, viewer, db, event, remove)


async def _overview(
    request: Any,
    viewer: Viewer,
    db: Database,
    event: str,
    *,
    section: str = "",
    sent: dict[str, str] | None = None,
    refused: Refusal | None = None,
) -> Answer:
    """`section`: whose form was refused."""
    async with db.acting_as(viewer, link=event) as tx:
        shown, found = await shown_to_run(tx, viewer, event)
        kinds = msgspec.json.decode(await ticket_types.listed(tx, viewer, event), type=list[TicketType])
        shared = msgspec.json.decode(await pools.listed(tx, viewer, event), type=list[Pool])
        codes = await discounts.listed(tx, viewer, event, DiscountFilters(limit=MOST_CODES), None)
        asked = msgspec.json.decode(await questions.listed(tx, viewer, event), type=list[Question])
        sale = await settings.read(tx, viewer, event) if found.currency else None
    return await pages.page(
        request,
        "tickets/ticket_types.html",
        status=refused.status if refused else 200,
        event=shown,
        kinds=kinds,
        pools=shared,
        discounts=[
            {"worth": selling_forms.worth(one), **msgspec.structs.asdict(one)}
            for one in msgspec.json.decode(codes.items, type=list[Discount])
        ],
        questions=asked,
        sale=msgspec.json.decode(sale.body, type=Sale) if sale else None,
        forms={name: sent or {} if name == section else {} for name in SECTIONS},
        errors={
            name: wrong(refused) if refused and name == section else {} for name in ("pool", "discount", "question")
        },
    )


async def _act(request: Any, viewer: Viewer, db: Database, event: str, verb: Verb, *, section: str = "") -> Answer:
    """Do it and go back to the list; what a section's form was refused for stands beside its inputs."""
    sent = typed(await forms.fields(request))
    try:
        async with db.acting_as(viewer, link=event) as tx:
            shown, found = await shown_to_run(tx, viewer, event)
            said = await verb(tx, shown, found, sent)
    except (Invalid, Conflict) as refused:
        if section:
            return await _overview(request, viewer, db, event, section=section, sent=sent, refused=refused)
        reason = refused.errors[0] if refused.errors else None
        words = (
            f"{reason.pointer[1:].capitalize()} {reason.detail}." if reason and not refused.detail else refused.detail
        )
        flashes.leave(request, "error", words)
    else:
        flashes.leave(request, "ok", said)
    return redirect(f"/events/{event}/ticket-types")


def _pool(sent: dict[str, str]) -> dict[str, Any]:
    quantity = sent.get("quantity", "").strip()
    if not quantity.isascii() or not quantity.isdigit() or len(quantity) > 12:  # noqa: PLR2004 - no input takes more
        raise Invalid.at("/quantity", "takes a whole number")
    return {"name": sent.get("name", "").strip(), "quantity": int(quantity)}


ROUTES = [
    show_ticket_types,
    *type_pages.ROUTES,
    delete_ticket_type,
    create_pool,
    save_pool,
    create_discount,
    delete_discount,
    create_question,
    delete_question,
    *sale_pages.ROUTES,
]
