"""The organiser's pages in a real browser: on a phone, in both colours, with and without JavaScript, by camera."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from cast import Person, Site
from counter import Counter
from gates import Gate
from mailed_site import PASSWORD, drives, free_port, mailed_site

from vently.web.assets import STATIC


@pytest.fixture
async def told(site: Site, gate: Gate, counter: Counter, alice: Person, bob: Person, tmp_path: Path) -> Any:
    one, other = await gate.tickets(bob, 2)
    await counter.settles(await counter.sells(bob, paid=2), fee=20)
    await counter.sells(bob, paid=1)
    codes = [gate.code(one), gate.code(other), gate.code(other, 2), gate.code(other)]
    async with mailed_site(site, tmp_path, free_port()) as running:
        running.app.parts.other["codes"] = gate.codes
        return await drives(
            Path(__file__).with_name("desk.mjs"),
            running,
            token=await signed_in(running.address, alice),
            event=gate.sale.event["slug"],
            codes=json.dumps(codes),
        )


async def signed_in(address: str, who: Person) -> str:
    """A token of the site at this address."""
    async with httpx.AsyncClient(base_url=address) as client:
        answer = await client.post(
            "/auth/v1/token?grant_type=password", json={"email": who.email, "password": PASSWORD}
        )
    assert answer.status_code == 200, answer.text
    return str(answer.json()["access_token"])


async def test_the_desk_works_in_a_browser(told: Any) -> None:
    assert told["complaints"] == []
    assert told["violations"] == {}
    assert told["wide"] == []
    steps = told["steps"]
    assert [steps[page] for page in ("sales", "orders", "attendees", "door")] == [
        "Sales",
        "Orders",
        "Attendees",
        "Door",
    ]
    assert not steps["cameraWithoutScript"]
    assert steps["typed"].startswith("Come in")
    assert steps["scanned"] == ["Already in", "Come in", "Not admitted", "Already in"]
    assert steps["counts"].split() == ["2", "in,", "of", "4"]
    assert steps["stopped"]
    assert "Undone" in steps["undone"]


def test_its_style_and_script_stay_small() -> None:
    assert len((STATIC / "desk.css").read_bytes()) < 6_000
    assert len((STATIC / "door.js").read_bytes()) < 4_000
