"""`vently keys`: rotated while people are at it, and nobody notices; nodes of one database share their keys."""

import asyncio
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from scratch import Scratch, scratch_server
from terminal import Running, Terminal

CLIENTS, ROTATIONS = 8, 3
PASSWORD = "correct horse battery"


class Traffic:
    """People who ask who they are, and refresh their sessions now and then; what they were answered."""

    def __init__(self, address: str) -> None:
        # A connection a request: the next one may be answered by the other worker.
        limits = httpx.Limits(max_keepalive_connections=0)
        self.http = httpx.AsyncClient(base_url=address, timeout=60, limits=limits, trust_env=False)
        self.answers: Counter[str] = Counter()
        self.fewest_keys = 99
        self.signed_by: set[str] = set()
        self.over = False

    async def person(self, number: int) -> str:
        """Their first token."""
        given = {"email": f"traveller-{number}@example.org", "password": PASSWORD}
        session = (await self.http.post("/auth/v1/signup", json=given)).raise_for_status().json()
        first = str(session["access_token"])
        while not self.over:
            for _ in range(3):
                await self.count("me", await self.http.get("/api/me", headers=bearing(session["access_token"])))
            path = "/auth/v1/token?grant_type=refresh_token"
            answer = await self.http.post(path, json={"refresh_token": session["refresh_token"]})
            await self.count("refresh", answer)
            session = answer.json() if answer.is_success else session
        return first

    async def verifier(self) -> None:
        """Reads the key set, as other programs do."""
        while not self.over:
            keys = (await self.http.get("/.well-known/jwks.json")).raise_for_status().json()["keys"]
            self.fewest_keys = min(self.fewest_keys, len(keys))
            self.signed_by.add(keys[0]["kid"])
            await asyncio.sleep(0.02)

    async def count(self, what: str, answer: httpx.Response) -> None:
        said = "" if answer.is_success else f" {answer.text}"
        self.answers[f"{what} {answer.status_code}{said}"] += 1


async def test_keys_rotate_under_traffic_and_no_request_fails(resting: Terminal) -> None:
    with resting.up("--workers", "2", VENTLY_RATE_LIMITS="off") as running:
        traffic = Traffic(running.address)
        people = [asyncio.create_task(traffic.person(number)) for number in range(CLIENTS)]
        watching = asyncio.create_task(traffic.verifier())
        kids = [key["kid"] for key in listed(resting)]
        for _ in range(ROTATIONS):
            await asyncio.sleep(0.5)
            done = await asyncio.to_thread(resting.types, "keys", "rotate", "--now", "--json")
            assert done.returncode == 0, done.stderr
            kids.append(json.loads(done.stdout)["standby"])
        await asyncio.sleep(12)  # until both workers have read the last ones
        traffic.over = True
        firsts = await asyncio.gather(*people)
        await watching

        assert set(traffic.answers) == {"me 200", "refresh 200"}
        assert traffic.answers["refresh 200"] > 10 * CLIENTS
        assert traffic.fewest_keys >= 2
        assert {kids[0], kids[ROTATIONS]} <= traffic.signed_by
        for first in firsts:
            assert running.get("/api/me", first).status_code == 200, "tokens of before still count"
        await traffic.http.aclose()
    status = {key["kid"]: key["status"] for key in listed(resting)}
    assert [status[kid] for kid in kids] == ["retired"] * ROTATIONS + ["current", "standby"]


def test_a_revoked_key_ends_its_tokens_and_a_refresh_begins_new_ones(resting: Terminal) -> None:
    with resting.up() as running:
        session = signs_up(running, "careless@example.org")
        assert running.get("/api/me", session["access_token"]).status_code == 200
        current = listed(resting)[0]["kid"]
        assert resting.types("keys", "revoke", current).returncode == 0
        assert running.stops() == 0
    with resting.up(VENTLY_SITE_URL=running.address) as running:
        assert running.get("/api/me", session["access_token"]).status_code == 401
        answer = running.post("/auth/v1/token?grant_type=refresh_token", {"refresh_token": session["refresh_token"]})
        assert answer.status_code == 200
        assert running.get("/api/me", answer.json()["access_token"]).status_code == 200


def test_a_young_key_is_not_rotated_in_by_accident(resting: Terminal) -> None:
    assert resting.types("keys", "rotate", "--now").returncode == 0
    refused = resting.types("keys", "rotate")
    assert refused.returncode == 1
    assert refused.stderr.endswith("rotate then, or with --now.\n")
    assert refused.stderr.count("\n") == 1


@pytest.mark.parametrize("command", ["up --port 0", "serve --port 0", "keys list", "keys rotate --now", "doctor"])
def test_another_secret_is_one_sentence_that_says_what_to_do(resting: Terminal, command: str) -> None:
    assert resting.types("keys", "list").returncode == 0
    done = resting.types(*command.split(), VENTLY_SECRET="another secret, long enough to be one")
    said = done.stdout + done.stderr
    assert done.returncode == 1
    assert "set VENTLY_SECRET to what it was when they were made" in said
    assert "`vently keys revoke --all`" in said
    assert "Traceback" not in said
    if command != "doctor":
        assert done.stderr.count("\n") == 1
    assert examined(resting)["signing-keys"]["state"] == "fine", "nothing has changed"


def test_the_keys_of_programs_are_printed_and_stay_the_same(resting: Terminal) -> None:
    printed = json.loads(resting.types("keys", "api", "--json").stdout)
    assert printed["publishable_key"].startswith("sb_publishable_")
    assert printed["secret_key"].startswith("sb_secret_")
    told = resting.types("keys", "api").stdout
    assert all(key in told for key in printed.values())
    with resting.up() as running:
        visitor = running.get("/api/events", printed["publishable_key"])
        assert visitor.status_code == 200, "it stands for nobody"
        assert running.get("/api/me", printed["publishable_key"]).status_code == 401


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[Scratch]:
    with scratch_server() as server:
        yield server


async def test_nodes_on_one_database_share_their_keys_by_themselves(elsewhere: Scratch, tmp_path: Path) -> None:
    name = await elsewhere.database()
    place = {
        "VENTLY_DATABASE_URL": elsewhere.url(name, "authenticator"),
        "VENTLY_OWNER_URL": elsewhere.url(name, "postgres"),
        "VENTLY_SITE_URL": "https://events.example.org",
    }
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
    shared = place | {"VENTLY_SECRET": "shared by all nodes of one database"}
    one, two = Terminal(tmp_path / "one", (), shared), Terminal(tmp_path / "two", (), shared)
    with one.up() as first, two.up() as second:
        session = signs_up(first, "alice@example.org")
        assert second.get("/api/me", session["access_token"]).status_code == 200
        assert first.get("/.well-known/jwks.json").json() == second.get("/.well-known/jwks.json").json()

    alone = Terminal(tmp_path / "two", (), place)
    refused = alone.types("up", "--port", "0")
    assert refused.returncode == 1
    assert "set VENTLY_SECRET to what it was" in refused.stderr
    found = examined(alone)
    assert "VENTLY_SECRET is not" in found["secret"]["said"]
    assert found["signing-keys"]["state"] == "wrong"


def signs_up(running: Running, email: str) -> dict[str, str]:
    answer = running.post("/auth/v1/signup", {"email": email, "password": PASSWORD})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def listed(terminal: Terminal) -> list[dict[str, str]]:
    done = terminal.types("keys", "list", "--json")
    assert done.returncode == 0, done.stderr
    return list(json.loads(done.stdout))


def examined(terminal: Terminal) -> dict[str, dict[str, str]]:
    """What the doctor finds, by the name of the check."""
    return {check["check"]: check for check in json.loads(terminal.types("doctor", "--json").stdout)["checks"]}


def bearing(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}
