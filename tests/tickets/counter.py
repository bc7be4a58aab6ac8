"""An event with sales of every kind, settled by hand: what payments and refunds do is tested elsewhere."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from cast import Person
from selling import Sale


@dataclass
class Counter:
    """A sale and the tables under it; `owner` is a connection of the superuser."""

    sale: Sale
    owner: Any

    @property
    def event(self) -> str:
        return str(self.sale.event["id"])

    async def sells(self, buyer: Person, /, body: dict[str, Any] | None = None, **items: int) -> Any:
        """A pending order, or a paid one where all is free."""
        cart = {**self.sale.cart(buyer, **items), **(body or {})}
        answer = await buyer.post("/api/tickets/orders", cart)
        assert answer.status_code == 201, answer.text
        return answer.json()

    async def settles(self, order: Any, moment: str = "now()", fee: int = 0) -> None:
        """Its money came; the platform keeps `fee`."""
        await self.owner.execute(
            "update public.ticket_orders set status = 'paid', paid = total, expires_at = null, platform_fee = $2,"
            f" paid_at = {moment} where id = $1",
            UUID(order["id"]),
            fee,
        )
        await self.owner.execute("update public.tickets set status = 'valid' where order_id = $1", UUID(order["id"]))
        for ticket in order["tickets"]:
            await self._counts(ticket, "held = held - 1, sold = sold + 1")

    async def refunds(self, order: Any, ticket: Any) -> None:
        """One ticket of several."""
        await self.owner.execute("update public.tickets set status = 'refunded' where id = $1", UUID(ticket["id"]))
        await self._counts(ticket, "sold = sold - 1")
        await self.owner.execute(
            "update public.ticket_orders set status = 'partially_refunded', refunded = $2 where id = $1",
            UUID(order["id"]),
            ticket["amount"]["amount"],
        )

    async def _counts(self, ticket: Any, change: str) -> None:
        await self.owner.execute(
            f"update public.ticket_stocks s set {change} from public.ticket_types y"
            " where y.id = $1 and s.id in (y.stock_id, y.pool_id)",
            UUID(ticket["ticket_type"]),
        )
