"""Supabase's own client for browsers registers a passkey here and signs in with it; only the device is ours."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from auth_cast import API_KEY, PASSWORD, Account
from programs import needs_node_program, needs_program
from software_key import SoftwareKey

CLIENTS = Path(__file__).parents[2] / "clients"


class Browser:
    """supabase-js, told by JSON lines what to do (`tests/clients/flows.mjs`)."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process

    async def tell(self, **line: Any) -> dict[str, Any]:
        assert self.process.stdin
        assert self.process.stdout
        self.process.stdin.write(json.dumps({"client": 1, **line}).encode() + b"\n")
        return json.loads(await self.process.stdout.readline())

    async def call(self, method: str, *args: Any) -> Any:
        told = await self.tell(method=f"auth.{method}", args=args)
        assert "value" in told, told
        return told["value"]


@pytest.fixture
async def browser(served: Any) -> AsyncIterator[Browser]:
    needs_node_program("@supabase/supabase-js/package.json")
    process = await asyncio.create_subprocess_exec(
        needs_program("node", "nodejs"), "flows.mjs", cwd=CLIENTS,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=1 << 20,
    )  # fmt: skip
    browser = Browser(process)
    options = {"auth": {"autoRefreshToken": False, "experimental": {"passkey": True}}}
    await browser.tell(make={"url": served.url, "key": API_KEY, "options": options})
    yield browser
    assert process.stdin
    process.stdin.close()
    await process.wait()


async def test_supabase_js_registers_a_passkey_and_signs_in_with_it(browser: Browser, alice: Account) -> None:
    await browser.call("signInWithPassword", {"email": alice.email, "password": PASSWORD})
    key = SoftwareKey()
    asked = await browser.call("passkey.startRegistration")
    added = await browser.call(
        "passkey.verifyRegistration",
        {"challengeId": asked["challenge_id"], "credential": key.create(asked["options"])},
    )
    named = await browser.call("passkey.update", {"passkeyId": added["id"], "friendlyName": "Laptop"})
    assert named["friendly_name"] == "Laptop"
    assert [each["id"] for each in await browser.call("passkey.list")] == [added["id"]]
    await browser.call("mfa.listFactors")  # a passkey is none
    await browser.tell(method="auth.signOut", args=[])

    asked = await browser.call("passkey.startAuthentication")
    entered = await browser.call(
        "passkey.verifyAuthentication",
        {"challengeId": asked["challenge_id"], "credential": key.get(asked["options"])},
    )
    assert entered["user"]["email"] == alice.email
    assert (await browser.call("mfa.getAuthenticatorAssuranceLevel"))["currentLevel"] == "aal2"
    await browser.call("refreshSession")
    assert (await browser.call("mfa.getAuthenticatorAssuranceLevel"))["currentLevel"] == "aal2"
    await browser.call("passkey.delete", {"passkeyId": added["id"]})
    assert await browser.call("passkey.list") == []


async def test_supabase_js_names_what_was_wrong(browser: Browser, alice: Account) -> None:
    await browser.call("signInWithPassword", {"email": alice.email, "password": PASSWORD})
    asked = await browser.call("passkey.startAuthentication")
    stranger = SoftwareKey(handle=b"?").get(asked["options"])
    told = await browser.tell(
        method="auth.passkey.verifyAuthentication",
        args=[{"challengeId": asked["challenge_id"], "credential": stranger}],
    )
    assert (told["error"]["status"], told["error"]["code"]) == (400, "webauthn_verification_failed")
