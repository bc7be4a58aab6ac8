"""Somebody buys on pages: what the organiser sets up before, and the way from the ticket box to the order."""

from typing import Any
from uuid import UUID

from browsing import Browser
from selling import Sale

from vently.database.queries import parse

sql = parse("""
-- name: change_type
update public.ticket_types set price = coalesce(:price, price), pay_what_you_want = :chosen, locked = :locked,
       hidden = :hidden, sales_start = :begins where id = :type;
-- name: for_members
update public.ticket_types set members_only = true where id = :type;
-- name: limit_persons
update public.ticket_types set per_person_max = 2 where id = :type;
-- name: set_code
insert into public.ticket_type_codes (ticket_type_id, access_code) values (:type, :code);
-- name: add_discount
insert into public.discounts (event_id, code, percent, amount, max_uses)
values (:event, :code, :percent, :amount, :uses);
-- name: ask
insert into public.ticket_questions (event_id, label, kind, choices, required, place)
values (:event, :label, :kind, :choices, true, :place) returning id;
-- name: set_bank
update public.sellers set bank_details = 'IBAN AT00 1234', name = 'Alice Jazz' where person_id = (select auth.uid());
""")


async def as_alice(sale: Sale, statement: Any, **given: Any) -> Any:
    async with sale.db.acting_as(sale.organizer.viewer) as tx:
        return await tx.value(statement, **given)


async def changes(sale: Sale, name: str, **given: Any) -> None:
    usual = {"price": None, "chosen": False, "locked": False, "hidden": False, "begins": None}
    await as_alice(sale, sql.change_type, type=UUID(sale.types[name]), **{**usual, **given})


def cart(sale: Sale, **items: Any) -> str:
    """The address that the ticket box's form leads to."""
    chosen = "&".join(f"n_{sale.types[name]}={count}" for name, count in items.items())
    return f"/events/{sale.event['slug']}/tickets?{chosen}"


def action(sale: Sale) -> str:
    return f"/events/{sale.event['slug']}/tickets"


async def buys(browser: Browser, sale: Sale, fields: dict[str, str] | None = None, /, **items: int) -> Browser:
    await browser.opens(cart(sale, **items))
    assert browser.status == 200, browser.text
    return await browser.sends(action(sale), name="Vera", email="vera@example.org", **(fields or {}))
