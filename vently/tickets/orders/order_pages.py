"""The page of an order: where it stands, how to pay it, its tickets, and what may still be corrected."""

from typing import Annotated, Any, Literal
from urllib.parse import urlencode
from uuid import UUID

import msgspec
from msgspec import Meta

from vently.database.pool import Transaction, Viewer
from vently.refusals import Conflict, Invalid
from vently.tickets.invoices import invoices
from vently.tickets.invoices.shapes import Invoice
from vently.tickets.orders import held, orders
from vently.tickets.orders.shapes import Key, OrderChanges
from vently.tickets.till import links
from vently.tickets.till.shapes import Order
from vently.web import facts, flashes, forms, pages
from vently.web.answers import Answer, redirect
from vently.web.form_pages import as_shape, typed, wrong
from vently.web.routes import get, post


class Shown(Key):
    """`pay=now`: on to the provider, where no form of ours may lead itself (Content-Security-Policy: form-action)."""

    pay: Annotated[Literal["", "now"], Meta(description="go on to pay")] = ""


@get("/orders/{order}")
async def show_order(request: Any, viewer: Viewer, order: UUID, query: Shown) -> Answer:
    """One order"""
    async with orders.opened(facts.of(request).parts, viewer, order, query.key) as tx:
        shown = await _shown(request, viewer, tx, order, query.key)
    forward = shown["order"].checkout_url if query.pay else None
    answer = await _page(request, shown, forward=forward)
    if request.headers.get("hx-request") and shown["order"].status != "pending":
        answer.add("hx-refresh", "true")  # what it waited for has come: the whole page is another
    return answer


@post("/orders/{order}")
async def correct_order_by_form(request: Any, viewer: Viewer, order: UUID, query: Key) -> Answer:
    """Correct who bought, and whom each ticket is for"""
    sent = typed(await forms.fields(request))
    parts = facts.of(request).parts
    try:
        async with orders.opened(parts, viewer, order, query.key) as tx:
            stood = await _shown(request, viewer, tx, order, query.key)
            await orders.correct(tx, order, _changes(stood, sent))
            stands = await orders.standing(tx, order)
    except (Invalid, Conflict) as refused:
        async with orders.opened(parts, viewer, order, query.key) as tx:
            shown = await _shown(request, viewer, tx, order, query.key)
        return await _page(request, shown, status=refused.status, form=sent, errors=_by_field(refused, shown, sent))
    moved = stands.link_serial != stood["link_serial"]
    flashes.leave(request, "ok", "Corrected. The new address gets the tickets." if moved else "Corrected.")
    came_by_link = query.key and links.opened_order(parts, order, query.key) is not None
    key = _key(links.of_order(parts, order, stands.link_serial)) if came_by_link else None
    return redirect(f"/orders/{order}{_suffix(key)}")


@post("/orders/{order}/cancellation")
async def give_back_by_form(request: Any, viewer: Viewer, order: UUID, query: Key) -> Answer:
    """Give back what is held"""
    try:
        async with orders.opened(facts.of(request).parts, viewer, order, query.key) as tx:
            await orders.give_back(tx, order)
    except Conflict as refused:
        flashes.leave(request, "error", refused.detail)
    else:
        flashes.leave(request, "ok", "Given back. Nothing was charged.")
    return redirect(f"/orders/{order}{_suffix(query.key)}")


async def _shown(request: Any, viewer: Viewer, tx: Transaction, order: UUID, key: str | None) -> dict[str, Any]:
    parts = facts.of(request).parts
    found = msgspec.json.decode((await orders.read(tx, order)).body, type=Order)
    stands = await orders.standing(tx, order)
    tickets = await held.of_order(tx, order)
    return {
        "order": found,
        "event": held.shown(stands.event) or held.as_seen(found.event),
        "mine": await orders.is_mine(tx, viewer, order),
        "invoices": msgspec.json.decode(await invoices.of_order(tx, order, key), type=list[Invoice]),
        "number": stands.number,
        "seller": stands.seller,
        "bank_details": stands.bank_details,
        "attempt": stands.attempt,
        "link_serial": stands.link_serial,
        "tickets": [
            {"ticket": ticket, "qr": held.picture(parts, ticket), "url": _of_ticket(parts, ticket, key)}
            for ticket in tickets
        ],
        "questions": await held.questions(tx, order),
        "key": _suffix(key),
    }


async def _page(
    request: Any,
    shown: dict[str, Any],
    *,
    status: int = 200,
    form: dict[str, str] | None = None,
    errors: dict[str, str] | None = None,
    forward: str | None = None,
) -> Answer:
    found: Order = shown["order"]
    buyer = {name: said or "" for name, said in msgspec.structs.asdict(found.buyer).items()}
    return await pages.page(
        request,
        "tickets/order.html",
        status=status,
        **shown,
        forward=forward,
        form=form if form is not None else buyer,
        errors=errors or {},
    )


def _changes(stood: dict[str, Any], sent: dict[str, str]) -> OrderChanges:
    """What the form may change, through the types of the API. Raises Invalid."""
    buyer: dict[str, Any] = {name: sent[name].strip() for name in ("name", "email") if name in sent}
    buyer |= {name: sent[name].strip() or None for name in ("address", "tax_id") if name in sent}
    return as_shape(OrderChanges, {"buyer": buyer, "attendees": _attendees(stood, sent)})


def _attendees(stood: dict[str, Any], sent: dict[str, str]) -> list[dict[str, Any]]:
    found = []
    for ticket in _asked(stood, sent):
        prefix = f"answer_{ticket.id}_"
        said = {name.removeprefix(prefix): text.strip() for name, text in sent.items() if name.startswith(prefix)}
        one: dict[str, Any] = {"ticket": ticket.id, "name": sent[f"attendee_{ticket.id}"].strip() or None}
        if stood["questions"]:
            one["answers"] = {question: text for question, text in said.items() if text}
        found.append(one)
    return found


def _asked(stood: dict[str, Any], sent: dict[str, str]) -> list[held.Ticket]:
    """The tickets whose fields were on the form, in their order."""
    return [each["ticket"] for each in stood["tickets"] if f"attendee_{each['ticket'].id}" in sent]


def _by_field(refused: Invalid | Conflict, shown: dict[str, Any], sent: dict[str, str]) -> dict[str, str]:
    asked = _asked(shown, sent)
    found: dict[str, str] = {}
    for pointer, sentence in wrong(refused).items():
        step = pointer.split("/")
        if step[1:2] == ["attendees"] and len(step) > 2 and int(step[2]) < len(asked):  # noqa: PLR2004
            found[f"/attendee_{asked[int(step[2])].id}"] = sentence
        else:
            found[pointer.removeprefix("/buyer")] = sentence
    return found


def _of_ticket(parts: Any, ticket: held.Ticket, key: str | None) -> str:
    """Whoever came by a link goes on by links, to what is theirs: the link of a ticket handed on is its taker's."""
    if key is None or not ticket.opens:
        return f"/tickets/{ticket.id}"
    return links.of_ticket(parts, ticket.id, ticket.serial).removeprefix(parts.settings.site_url)


def _key(link: str) -> str:
    return link.partition("?key=")[2]


def _suffix(key: str | None) -> str:
    return f"?{urlencode({'key': key})}" if key else ""


ROUTES = [show_order, correct_order_by_form, give_back_by_form]
