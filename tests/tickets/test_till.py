"""Buying: free tickets at once, others held; all of a cart or nothing."""

from cast import Person
from selling import Sale


async def test_a_free_ticket_is_valid_at_once(sale: Sale, bob: Person) -> None:
    answer = await sale.sells(bob, free=2)
    assert answer.status_code == 201
    order = answer.json()
    assert order["status"] == "paid"
    assert [ticket["status"] for ticket in order["tickets"]] == ["valid", "valid"]
    stock = await sale.stock("free")
    assert (stock.held, stock.sold) == (0, 2)
