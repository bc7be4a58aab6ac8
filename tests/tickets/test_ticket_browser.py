"""A real browser buys tickets, with and without JavaScript, and everybody can use the pages."""

import asyncio
import json
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import uvicorn
from cast import Person, Site
from programs import needs_node_program, needs_program
from selling import Sale

HERE = Path(__file__).parent


@pytest.fixture
async def address(site: Site) -> AsyncIterator[str]:
    """The app on a port of its own."""
    server = uvicorn.Server(uvicorn.Config(site.app, host="127.0.0.1", port=0, lifespan="off", log_config=None))
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    await serving


async def test_a_phone_buys_with_and_without_javascript(address: str, sale: Sale, bob: Person) -> None:
    chromium = needs_program("chromium", "chromium")
    needs_node_program("playwright-core/index.mjs")
    given = {
        "base": address,
        "chromium": chromium,
        "event": f"/events/{sale.event['slug']}",
        "email": bob.email,
        "password": "correct horse battery",
        "pictures": os.environ.get("VENTLY_PICTURES", ""),
    }
    process = await asyncio.create_subprocess_exec(
        needs_program("node", "nodejs"),
        str(HERE / "browse_tickets.mjs"),
        json.dumps(given),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(), 150)
    assert process.returncode == 0, err.decode()
    seen = json.loads(out)
    assert seen["complaints"] == []
    assert seen["violations"] == {}
    assert seen["wide"] == []
    assert seen["bought"] == {"light": 2, "dark": 2, "withoutScript": 2}
    assert seen["prefilled"] == ["Bob", bob.email]
    assert (seen["orders"], seen["mine"]) == (1, 1)
    assert (await sale.stock("paid")).sold == 7
