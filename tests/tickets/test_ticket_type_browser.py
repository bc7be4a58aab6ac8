"""A real browser looks at the pages on which organisers say what an event sells, and everybody can use them."""

import asyncio
import json
import os
from pathlib import Path

from cast import Person
from programs import needs_node_program, needs_program
from selling import Sale
from test_ticket_browser import address  # noqa: F401 - a fixture
from test_ticket_types import path

HERE = Path(__file__).parent


async def test_an_organiser_sees_what_is_for_sale_on_a_phone_and_a_desk(
    address: str,  # noqa: F811
    sale: Sale,
    alice: Person,
    bob: Person,
) -> None:
    chromium = needs_program("chromium", "chromium")
    needs_node_program("playwright-core/index.mjs")
    assert [(await sale.sells(bob, **items)).status_code for items in ({"paid": 3}, {"free": 9})] == [201, 201]
    for part, body in (
        ("ticket-pools", {"name": "The hall", "quantity": 150}),
        ("discounts", {"code": "EARLYBIRD", "percent": 20, "max_uses": 50, "valid_until": "2027-02-01T00:00:00Z"}),
        ("ticket-questions", {"label": "What do you eat?", "kind": "choice", "choices": ["All", "No meat"]}),
    ):
        assert (await alice.post(path(sale.event, part), body)).status_code == 201
    locked = {"access_code": "Sesame", "hidden": True, "tax_percent": 19}
    assert (await alice.patch(f"/api/tickets/types/{sale.types['paid']}", locked)).status_code == 200
    given = {
        "base": address,
        "chromium": chromium,
        "event": f"/events/{sale.event['slug']}",
        "type": sale.types["paid"],
        "email": alice.email,
        "password": "correct horse battery",
        "pictures": os.environ.get("VENTLY_PICTURES", ""),
    }
    process = await asyncio.create_subprocess_exec(
        needs_program("node", "nodejs"),
        str(HERE / "browse_selling.mjs"),
        json.dumps(given),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(), 150)
    assert process.returncode == 0, err.decode()
    assert json.loads(out) == {"complaints": [], "violations": {}, "wide": []}
