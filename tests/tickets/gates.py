"""What stands at a door in the tests: the codes of tickets that were bought, and scans of them."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import httpx
from cast import Person
from selling import Sale

from vently.tickets.issued.codes import Codes


@dataclass
class Gate:
    """The door of a sale's event; `codes` writes what a buyer is sent."""

    sale: Sale
    codes: Codes

    @property
    def event(self) -> str:
        return str(self.sale.event["id"])

    async def ticket(self, buyer: Person) -> str:
        """The id of a free ticket just bought."""
        return (await self.tickets(buyer, 1))[0]

    async def tickets(self, buyer: Person, count: int) -> list[str]:
        answer = await self.sale.sells(buyer, free=count)
        assert answer.status_code == 201, answer.text
        return [ticket["id"] for ticket in answer.json()["tickets"]]

    def code(self, ticket: str, serial: int = 1) -> str:
        return self.codes.issue(UUID(ticket), serial)

    def scan(self, ticket: str, scan_id: str = "", **more: Any) -> dict[str, Any]:
        """The body of one scan."""
        return {"code": self.code(ticket), "scan_id": scan_id or str(uuid4()), **more}

    async def scans(self, staff: Person, ticket: str, scan_id: str = "", **more: Any) -> Any:
        """What the door says."""
        return said(await staff.post("/api/tickets/checkins", self.scan(ticket, scan_id, **more)))

    async def sends(self, staff: Person, scans: list[dict[str, Any]]) -> list[Any]:
        """What the door says of a batch."""
        results: list[Any] = said(await staff.post("/api/tickets/checkins", {"scans": scans}))["results"]
        return results

    async def counts(self, staff: Person) -> Any:
        return said(await staff.get(f"/api/events/{self.event}/checkins"))


def said(answer: httpx.Response) -> Any:
    assert answer.status_code == 200, answer.text
    return answer.json()
