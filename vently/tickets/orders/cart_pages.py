"""Buying on pages: the ticket box of an event, the cart, and the purchase."""

from typing import Any
from urllib.parse import urlencode

import msgspec

from vently.database.pool import Database, Transaction, Viewer
from vently.people import profiles
from vently.refusals import Conflict, Invalid, NotAllowed, NotFound, Refusal
from vently.tickets.orders import cart_forms, offers, orders
from vently.tickets.till import carts, links
from vently.tickets.till.shapes import NewItem, Order
from vently.tickets.till.till import Busy, Sold, Till
from vently.web import facts, forms, pages
from vently.web.answers import Answer, redirect
from vently.web.form_pages import typed
from vently.web.query import parse
from vently.web.routes import get, post
from vently.web.words import Reference


class Cart(msgspec.Struct):
    """What the page of a cart shows."""

    sale: offers.Sale
    types: list[offers.OnSale]
    lines: list[cart_forms.Line]
    items: list[NewItem]
    code: str
    discount_code: str | None
    access_code: str | None
    reckoned: offers.Reckoned
    errors: dict[str, str]


async def ticket_box(tx: Transaction, _viewer: Viewer, event: Any, _request: Any) -> dict[str, Any] | None:
    """For the page of an event: what `tickets/ticket_box.html` shows as `ticket_box`. None where nothing is sold."""
    found = await offers.of(tx, str(event))
    if found is None:
        return None
    types = await offers.on_sale(tx, found.event_id)
    if not types:
        return None
    buyable = [kind for kind in types if kind.buyable(found)]
    return {**_box(found, types), "chosen": {f"n_{buyable[0].id}": "1"} if len(buyable) == 1 else {}}


@get("/events/{event}/tickets")
async def show_cart(request: Any, viewer: Viewer, db: Database, event: Reference) -> Answer:
    """What was chosen, what it costs, and who buys"""
    sent = {name: said for name, said in parse(request.scope["query_string"]) if name != "once"}
    async with db.acting_as(viewer, link=event) as tx:
        found = await _cart(request, tx, event, sent)
        me = await profiles.portrait(tx) if viewer.id else None
    form = {"name": me.name if me else "", "email": str(viewer.claims.get("email") or ""), **sent}
    return await _page(request, found, form, me)


@post("/events/{event}/tickets")
async def buy(request: Any, viewer: Viewer, db: Database, event: Reference) -> Answer:
    """Buy, once for each form however often it is sent"""
    sent = typed(await forms.fields(request))
    async with db.acting_as(viewer, link=event) as tx:
        found = await _cart(request, tx, event, sent)
        me = await profiles.portrait(tx) if viewer.id else None
    if not found.lines:
        found.errors.setdefault("", "Choose at least one ticket.")
    if found.errors:
        return await _page(request, found, sent, me, status=422)
    try:
        sold = await _sell(request, viewer, found, sent)
    except (Invalid, Conflict, NotAllowed, Busy) as refused:
        again = await _after(request, viewer, event, sent, refused)
        answer = await _page(request, again, sent, me, status=refused.status)
        answer.headers += list(refused.headers.items())
        return answer
    return redirect(await _onwards(request, viewer, sold))


async def _sell(request: Any, viewer: Viewer, found: Cart, sent: dict[str, str]) -> Sold:
    till: Till = facts.of(request).parts.other["till"]
    new = cart_forms.order(found.sale, found.items, sent, found.discount_code, found.access_code)
    cart = carts.filled(viewer, new)
    cart.key = cart_forms.once(sent)
    cart.fingerprint = cart_forms.fingerprint(sent)
    cart.scope = f"page:{viewer.id or 'visitor'}:{cart.fingerprint}"
    return await till.sell(cart)


async def _after(request: Any, viewer: Viewer, event: str, sent: dict[str, str], refused: Refusal) -> Cart:
    """The cart as things stand now, with what was refused beside it."""
    async with facts.of(request).parts.database.acting_as(viewer, link=event) as tx:
        found = await _cart(request, tx, event, sent)
    found.errors |= cart_forms.by_field(refused, found.lines)
    return found


async def _onwards(request: Any, viewer: Viewer, sold: Sold) -> str:
    """To pay, or to the order. What was sold before may have gone on since."""
    parts = facts.of(request).parts
    placed = msgspec.json.decode(sold.body or "{}", type=carts.Placed)
    address = links.of_order(parts, placed.id)
    async with orders.opened(parts, viewer, placed.id, address.partition("?key=")[2]) as tx:
        order = msgspec.json.decode((await orders.read(tx, placed.id)).body, type=Order)
    if viewer.id:
        address = address.partition("?")[0]
    goal = (order.checkout_url or address).removeprefix(parts.settings.site_url)
    if goal.startswith("/checkout/"):  # leads to the provider, where no form of ours may
        goal = f"{address}{'&' if '?' in address else '?'}pay=now".removeprefix(parts.settings.site_url)
    return goal


async def _cart(request: Any, tx: Transaction, event: str, sent: dict[str, str]) -> Cart:
    """Raises NotFound where nothing is sold."""
    found = await offers.of(tx, event)
    if found is None:
        raise NotFound
    errors: dict[str, str] = {}
    code = sent.get("code", "").strip()[:60]
    types = await offers.on_sale(tx, found.event_id, code or None)
    discount = await offers.discount(tx, found.event_id, code) if code else None
    if discount and discount.used_up:
        errors["/code"] = "is used up"
    elif code and discount is None and not any(kind.opened for kind in types):
        errors["/code"] = "is no code of this event now"
    lines = cart_forms.lines(found, types, sent, errors)
    items = cart_forms.items(found, lines, sent)
    reckoned = await offers.reckon(
        tx,
        found.event_id,
        items,
        code=code if discount and not discount.used_up else None,
        access_code=code or None,
        platform_fee=facts.of(request).parts.other["till"].platform_fee,
    )
    return Cart(found, types, lines, items, code, code if discount else None, code or None, reckoned, errors)


async def _page(request: Any, found: Cart, form: dict[str, str], me: Any, *, status: int = 200) -> Answer:
    return await pages.page(
        request,
        "tickets/cart.html",
        status=status,
        viewer=me,
        sale=found.sale,
        ticket_box={**_box(found.sale, found.types), "code": found.code, "chosen": form},
        lines=found.lines,
        items=found.items,
        reckoned=found.reckoned,
        once=cart_forms.once(form),
        here=f"/events/{found.sale.slug}/tickets?{urlencode(cart_forms.chosen(form))}",
        form=form,
        errors=found.errors,
    )


def _box(found: offers.Sale, types: list[offers.OnSale]) -> dict[str, Any]:
    return {
        "sale": found,
        "types": types,
        "most": cart_forms.most(found),
        "few": offers.FEW,
        "buyable": any(kind.buyable(found) for kind in types),
        "code": "",
        "chosen": {},
    }


ROUTES = [show_cart, buy]
