"""Who sees payments directly in SQL, and who may settle: Carol sees and settles nothing."""

import pytest
from cast import Person, Site
from paying import orders, pretends
from selling import Sale

from vently.database.pool import Database
from vently.database.queries import Query
from vently.refusals import NotAllowed

SEES = {
    "public.payment_attempts": {"bob": 1, "alice": 1},
    "public.invoices": {"bob": 1, "alice": 1},
    "public.ledger_transfers": {"alice": 2},
}
ALONE = (
    "private.settle_payment(gen_random_uuid(), 'pi_1', 1, 'EUR', 'pretend')",
    "private.close_attempt(gen_random_uuid(), 'expired')",
    "private.begin_attempt(gen_random_uuid(), 'pretend')",
    "private.honour(gen_random_uuid(), now())",
    "private.keep_account(gen_random_uuid(), 'acct_1')",
    "private.lapse_holds(gen_random_uuid())",
    "private.till_differences()",
)
"""What the system alone may call."""


async def test_money_is_seen_by_who_paid_and_who_sells(
    site: Site, sale: Sale, bob: Person, carol: Person, visitor: Person
) -> None:
    bought = await orders(sale, bob, paid=1)
    await pretends(site, bought, "paid")
    for table, seen in SEES.items():
        query = Query("seen", f"select count(*)::int from {table} where order_id = $1", ("order",))
        for who in (sale.organizer, bob, carol, visitor):
            try:
                async with sale.db.acting_as(who.viewer) as tx:
                    count = await tx.value(query, order=bought.id)
            except NotAllowed:
                count = 0
            assert count == seen.get(who.name.lower(), 0), f"{who.name} in {table}"


@pytest.mark.parametrize("call", ALONE)
async def test_nobody_settles_but_the_system(db: Database, alice: Person, visitor: Person, call: str) -> None:
    for who in (alice, visitor):
        with pytest.raises(NotAllowed):
            async with db.acting_as(who.viewer) as tx:
                await tx.execute(Query("call", f"select {call}", ()))
