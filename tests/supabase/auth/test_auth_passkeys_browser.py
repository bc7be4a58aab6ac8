"""A real browser's WebAuthn, driven by Supabase's own client in its page: nothing but the metal is made up."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import uvicorn
from auth_cast import API_KEY, PASSWORD
from litestar import Litestar
from litestar.datastructures import State
from programs import needs_node_program, needs_program

from vently.supabase.auth.api import mount
from vently.supabase.auth.auth import Auth
from vently.supabase.auth.rules import Rules

DRIVER = Path(__file__).with_name("browser_keys.mjs")


@pytest.fixture
async def address(auth: Auth) -> AsyncIterator[str]:
    """Sign-in at `localhost`, which browsers count as secure: keys are made for the host they see."""
    listening = socket.socket(proto=socket.IPPROTO_TCP)
    listening.bind(("127.0.0.1", 0))
    address = f"http://localhost:{listening.getsockname()[1]}"
    here = Auth(
        auth.database, Rules(site_url=address, limited=False), sealing=auth.sealing, post=auth.post, keys=auth.keys
    )
    app = Litestar([mount(here)], openapi_config=None, state=State())
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off"))
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    yield address
    server.should_exit = True
    await serving


async def test_a_browser_registers_passkeys_and_security_keys_and_signs_in_with_them(address: str) -> None:
    needs_node_program("playwright-core/index.mjs")
    needs_node_program("@supabase/supabase-js/dist/umd/supabase.js")
    told = {
        "base": address,
        "chromium": needs_program("chromium", "chromium"),
        "key": API_KEY,
        "email": f"alice-{uuid4().hex}@example.com",
        "password": PASSWORD,
    }
    process = await asyncio.create_subprocess_exec(
        needs_program("node", "nodejs"),
        str(DRIVER),
        json.dumps(told),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(), 150)
    assert process.returncode == 0, err.decode()
    seen: dict[str, Any] = json.loads(out)

    assert seen["joined"]["aal"] == "aal1"
    assert [each["id"] for each in seen["listed"]] == [seen["registered"]["id"]]
    assert methods(seen["entered"]) == methods(seen["enteredAgain"]) == ("aal2", {"passkey"})
    assert [(each["isResidentCredential"], each["rpId"]) for each in seen["laptop"]] == [(True, "localhost")]
    assert methods(seen["enrolled"]) == ("aal2", {"passkey", "mfa/webauthn"})
    assert [(each["status"], each["friendly_name"]) for each in seen["factors"]] == [("verified", "stick")]
    assert seen["password"]["aal"] == "aal1"
    assert methods(seen["raised"]) == ("aal2", {"password", "mfa/webauthn"})
    assert [(each["isResidentCredential"], each["signCount"]) for each in seen["stick"]] == [(False, 2)]


def methods(claims: dict[str, Any]) -> tuple[str, set[str]]:
    return claims["aal"], {each["method"] for each in claims["amr"]}
