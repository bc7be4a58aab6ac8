"""Signing in as people do, in a real browser: phone and laptop, with and without JavaScript, with a passkey."""

import asyncio
import json
import os
import secrets
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from mailed_site import PASSWORD, Mailed, drives

HERE = Path(__file__).parent


@pytest.fixture
async def post(mailed: Mailed) -> AsyncIterator[str]:
    """Where the browser's driver asks what came by mail."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked = parse_qs(urlsplit((await reader.readline()).split()[1].decode()).query)
        letter = await mailed.postbox.letter(asked["to"][0], after=int(asked["after"][0]))
        body = json.dumps({"code": letter.code, "count": len(mailed.postbox.letters)}).encode()
        writer.write(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body))
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    server.close()


async def test_people_sign_in_every_way_there_is(mailed: Mailed, post: str) -> None:
    seen = await drives(
        HERE / "sign_in.mjs",
        mailed,
        postbox=post,
        email=f"erna-{secrets.token_hex(5)}@example.org",
        password=PASSWORD,
        shots=os.environ.get("VENTLY_TEST_SHOTS", ""),
    )
    assert seen["complaints"] == []
    assert seen["violations"] == {}
    assert seen["wide"] == []
    steps = seen["steps"]
    assert "wrong or has expired" in steps["fragment"]
    assert (steps["signedUp"], steps["secondFactor"], steps["signedInByPasskey"]) == (1, 1, 1)
    assert "Your new password counts" in steps["newPassword"]
    assert steps["passkeyFormsWithoutScript"] == 0
    assert steps["recoveryCodes"] == 10
    assert (steps["sessionsBefore"] > 1, steps["sessionsAfter"]) == (True, 1)
    assert steps["phoneIsSignedOut"] == "Sign in first"
    assert steps["renamed"] == "Old laptop"
    assert "Last used" in steps["passkeyUsed"]
    assert "does not count here" in steps["removedPasskey"]
