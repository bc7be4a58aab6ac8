"""Paying at the pretend provider: paid, declined and tried again, too late, twice, by hand."""

from cast import Person, Site
from paying import differences, orders, pretends
from selling import Sale


async def test_a_paid_order_has_valid_tickets_and_right_books(site: Site, sale: Sale, bob: Person) -> None:
    bought = await orders(sale, bob, paid=2)
    assert bought.order["checkout_url"] == f"http://vently.test/pretend/checkout/{(await bought.attempt()).id}"
    page = await site.client.get(bought.order["checkout_url"], headers={"accept": "text/html"})
    assert page.status_code == 200
    assert "€25.00" in page.text

    answer = await pretends(site, bought, "paid")
    assert answer.status_code == 303
    assert answer.headers["location"] == bought.order["link"]

    now = await bought.now()
    assert (now.status, now.paid, now.valid, now.told, now.mails) == ("paid", 2500, 2, 1, 1)
    assert (await bought.attempt()).status == "paid"
    assert await bought.ledger() == [
        ("provider:pretend", "buyer", 2500, "payment"),
        ("buyer", "seller", 2500, "sale"),
    ]
    stock = await sale.stock("paid")
    assert (stock.held, stock.sold) == (0, 2)
    assert await differences(sale) == []
