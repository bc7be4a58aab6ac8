"""`vently doctor` looks at the Supabase project that signs people in."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from jwks_server import JwksServer, SigningKeys, b64, jwks_server
from terminal import Terminal

from vently.commands import doctor_project
from vently.commands.findings import Finding
from vently.settings import Settings

KEY = "sb_publishable_1234567890"
SECRET = "the project's legacy secret, which is long enough"
DISCOVERY, SETTINGS = doctor_project.DISCOVERY, "/auth/v1/settings"


@pytest.fixture
async def project() -> AsyncIterator[JwksServer]:
    """All is well with it."""
    async with jwks_server(SigningKeys.es256(), SigningKeys.rs256()) as server:
        server.beside[DISCOVERY] = ("200 OK", json.dumps({"issuer": f"{server.url}/auth/v1"}))
        server.beside[SETTINGS] = ("200 OK", "{}")
        yield server


async def examined(url: str, **more: Any) -> dict[str, Finding]:
    settings = Settings(**{"supabase_url": url, "database_url": "x", "supabase_publishable_key": KEY, **more})
    found = await doctor_project.examine(settings)
    assert all(finding.mend or ": " in finding.said for finding in found if finding.state == "wrong")
    return {finding.check: finding for finding in found}


def states(found: dict[str, Finding]) -> dict[str, str]:
    return {name.removeprefix("supabase-"): finding.state for name, finding in found.items()}


async def test_nothing_is_wrong_with_a_good_project(project):
    found = await examined(project.url)
    assert states(found) == {"keys": "fine", "issuer": "fine", "key": "fine"}
    assert "2 usable keys (ES256, RS256)" in found["supabase-keys"].said
    assert any(f"apikey: {KEY}" in asked for asked in project.asked)


async def test_a_project_that_does_not_answer(project):
    project.silent = True
    found = await examined(project.url)
    assert states(found) == {"keys": "wrong", "issuer": "note"}
    assert "does not answer" in found["supabase-keys"].said
    assert "SUPABASE_URL" in found["supabase-keys"].mend


async def test_a_project_without_usable_keys(project):
    project.keys = [SigningKeys.rs256("weak", 1024)]
    found = await examined(project.url)
    assert states(found)["keys"] == "wrong"
    assert "'weak' has 1024 bits" in found["supabase-keys-ignored"].said
    assert "SUPABASE_JWT_SECRET" in found["supabase-keys"].mend
    legacy = await examined(project.url, supabase_jwt_secret=SECRET)
    assert states(legacy)["keys"] == "note"
    assert states(legacy)["secret"] == "note"
    assert SECRET not in str(legacy)


async def test_a_secret_that_is_none(project):
    for secret in ("short", json.dumps(project.keys[0].published)):
        found = await examined(project.url, supabase_jwt_secret=secret)
        assert states(found)["secret"] == "wrong"
        assert secret not in str(found)


async def test_tokens_of_another_name(project):
    project.beside[DISCOVERY] = ("200 OK", json.dumps({"issuer": "https://auth.example.org/auth/v1"}))
    found = await examined(project.url)
    assert found["supabase-issuer"].mend == "Set SUPABASE_URL to https://auth.example.org."
    for unclear in (("404 Not Found", "{}"), ("200 OK", "<html>"), ("200 OK", "[]"), ("200 OK", '{"issuer": 7}')):
        project.beside[DISCOVERY] = unclear
        assert states(await examined(project.url))["issuer"] == "note"


async def test_the_publishable_key(project):
    assert states(await examined(project.url, supabase_publishable_key=""))["key"] == "wrong"
    legacy = f"{b64({'alg': 'HS256'})}.{b64({'role': 'service_role', 'iss': 'supabase'})}.{b64(b'x' * 32)}"
    for secret in ("sb_secret_1234567890", legacy):
        found = await examined(project.url, supabase_publishable_key=secret)
        assert "is a secret key" in found["supabase-key"].said
        assert secret not in str(found)
    assert not any("sb_secret_" in asked for asked in project.asked), "it is shown to nobody"
    anon = f"{b64({'alg': 'HS256'})}.{b64({'role': 'anon', 'iss': 'supabase'})}.{b64(b'x' * 32)}"
    assert states(await examined(project.url, supabase_publishable_key=anon))["key"] == "fine"
    project.beside[SETTINGS] = ("401 Unauthorized", '{"message": "Invalid API key"}')
    assert states(await examined(project.url))["key"] == "wrong"


def test_keys_are_not_fetched_over_the_open_internet_without_encryption():
    assert [finding.state for finding in doctor_project._address("http://project.example.org")] == ["wrong"]
    for near in ("http://127.0.0.1:54321", "http://localhost:8000", "http://kong:8000", "https://x.supabase.co"):
        assert list(doctor_project._address(near)) == []


async def test_what_is_left_over_is_named():
    found = await examined("", supabase_jwt_secret=SECRET)
    assert "SUPABASE_JWT_SECRET and SUPABASE_PUBLISHABLE_KEY set" in found["supabase"].said
    assert await doctor_project.examine(Settings()) == []


def test_settings_are_listed_without_what_they_are(tmp_path: Path) -> None:
    told = Terminal(tmp_path).types(
        "doctor", "--settings", SUPABASE_URL="https://x.supabase.co", SUPABASE_JWT_SECRET=SECRET,
        SUPABASE_PUBLISHABLE_KEY=KEY, VENTLY_SECRET="s3cr3t" * 8, VENTLY_DATABASE_URL="postgresql://a:pass@h/d",
    ).stdout  # fmt: skip
    for name in ("SUPABASE_URL", "SUPABASE_JWT_SECRET", "SUPABASE_PUBLISHABLE_KEY"):
        assert name in told
    for value in (SECRET, KEY, "s3cr3t", "postgresql://a", "x.supabase.co/"):
        assert value not in told
    assert repr(Settings(secret="s3cr3t")) == "Settings(…)"


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"SUPABASE_URL": "x.supabase.co"}, "SUPABASE_URL is not usable"),
        ({"SUPABASE_URL": "https://user:pass@x.supabase.co"}, "SUPABASE_URL is not usable"),
        ({"VENTLY_DATABASE_URL": ""}, "SUPABASE_URL is set and VENTLY_DATABASE_URL is not"),
        ({"SUPABASE_JWT_SECRET": "short"}, "SUPABASE_JWT_SECRET has only 5 characters"),
        ({"SUPABASE_JWT_SECRET": '{"kty": "EC", "crv": "P-256", "x": "abcdefgh"}'}, "is a key that others have too"),
    ],
)
def test_a_node_with_settings_that_cannot_work_does_not_start(tmp_path: Path, wrong: dict[str, str], said: str) -> None:
    settings = {
        "SUPABASE_URL": "https://x.supabase.co", "VENTLY_DATABASE_URL": "postgresql://authenticator@127.0.0.1:1/vently",
    }  # fmt: skip
    done = Terminal(tmp_path).types("serve", "--port", "0", **(settings | wrong))
    assert done.returncode == 1
    assert said in done.stderr
    assert done.stderr.count("\n") == 1, "one sentence"
