"""A real browser on a phone: the list that grows, answering without leaving the page, and everybody can use it."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from cast import Person, Site
from programs import needs_node_program, needs_program

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


async def browses(address: str, **given: str) -> dict[str, Any]:
    chromium = needs_program("chromium", "chromium")
    needs_node_program("playwright-core/index.mjs")
    told = json.dumps({"base": address, "chromium": chromium, **given})
    process = await asyncio.create_subprocess_exec(
        needs_program("node", "nodejs"),
        str(HERE / "browse.mjs"),
        told,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(), 150)
    assert process.returncode == 0, err.decode()
    seen: dict[str, Any] = json.loads(out)
    return seen


async def test_a_phone_finds_answers_and_comments(address: str, dana: Person, bob: Person) -> None:
    category = dana.community[-8:]
    made = [
        await dana.creates(
            f"Evening {day:02}",
            starts_at=f"2027-02-{day % 27 + 1:02}T18:00:00Z",
            category=category,
            community=dana.community,
            capacity=20,
            venue={"name": "Kulturhaus", "city": "Graz", "country": "Austria"},
            description="Bring **light**.\n\n- one\n- two",
            tags=["jazz", "late"],
        )
        for day in range(60)
    ]
    seen = await browses(
        address,
        list=f"/?category={category}",
        event=f"/events/{made[0]['slug']}",
        community=f"/communities/{dana.community}",
        email=bob.email,
        password="correct horse battery",
    )
    assert seen["complaints"] == []
    assert seen["violations"] == {}
    assert seen["wide"] == []
    assert seen["first"] == 24
    assert sorted(seen["all"]) == sorted(f"/events/{event['slug']}" for event in made)
    assert seen["stayed"]
    assert seen["withoutScript"] == 24
