"""A node of a Supabase project: a second Vently, in processes and with a data folder of its own, is the project."""

import json
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import asyncpg
import pytest
from joserfc.jwk import ECKey
from pyotp import TOTP
from terminal import Running, Terminal, eventually
from token_attacks import ATTACKS, Good, unb64

from vently.database import embedded
from vently.database.embedded import Server

KEY = "sb_publishable_of_the_project"
A_FEW = (
    "algorithm: nOnE", "algorithm: HS256 with the public key's PEM", "key: a stranger's key under our kid",
    "key: a stranger's key under its own kid", "key: embedded jwk", "claims: role service_role",
    "signature: role raised after signing",
)  # fmt: skip


@dataclass(frozen=True)
class Project:
    """`issuer` signs people in; `server` is its Postgres, which stays when it goes; `nodes` is where nodes run."""

    issuer: Running
    home: Terminal
    server: Server
    nodes: Terminal

    @property
    def settings(self) -> dict[str, str]:
        """Of a node: its login cannot become the owner of sign-in's tables, as on Supabase."""
        return {
            "SUPABASE_URL": self.issuer.address,
            "SUPABASE_PUBLISHABLE_KEY": KEY,
            "VENTLY_DATABASE_URL": self.server.url("node"),
            "VENTLY_SECRET": "the same on every node of the project",
        }


@pytest.fixture(scope="module")
async def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    home, nodes = Terminal(tmp_path_factory.mktemp("project")), Terminal(tmp_path_factory.mktemp("nodes"))
    with ExitStack() as stack:
        issuer = stack.enter_context(home.up(VENTLY_RATE_LIMITS="off"))
        server = stack.enter_context(embedded.running(home.data))
        owner = await asyncpg.connect(server.url("postgres"))
        await owner.execute("create role node login noinherit; grant anon, authenticated, service_role to node")
        await owner.close()
        yield Project(issuer, home, server, nodes)


@pytest.fixture(scope="module")
def node(project: Project) -> Iterator[Running]:
    with project.nodes.running("serve", **project.settings) as node:
        yield node


@pytest.fixture(scope="module")
def alice(project: Project) -> str:
    """Her token, of the project."""
    return project.issuer.signs_up("alice@example.org")


def strangers(token: str) -> Good:
    """What somebody makes tokens of who has seen one of Alice's: only the private key is another."""
    claims = json.loads(unb64(token.split(".")[1]))
    return Good(ECKey.generate_key("P-256"), kid_of(token), claims["iss"], claims["sub"], claims["session_id"])


def kid_of(token: str) -> str:
    return str(json.loads(unb64(token.split(".", maxsplit=1)[0]))["kid"])


def signs_in(issuer: Running, email: str) -> str:
    answer = issuer.post("/auth/v1/token?grant_type=password", {"email": email, "password": "correct horse battery"})
    assert answer.status_code == 200, answer.text
    return str(answer.json()["access_token"])


def test_people_of_the_project_use_the_node(project, node, alice):
    me = node.get("/api/me", alice)
    assert me.status_code == 200, me.text
    assert node.post("/api/me/organizer", {"terms_accepted": True}, alice).status_code == 200
    event = {"title": "A gig", "starts_at": "2027-03-01T18:00:00Z", "status": "published"}
    made = node.post("/api/events", event, alice)
    assert made.status_code == 201, made.text
    bob = project.issuer.signs_up("bob@example.org")
    found = node.get(f"/api/events/{made.json()['slug']}", bob)
    assert (found.status_code, found.json()["title"]) == (200, "A gig")
    assert node.get("/api/events").status_code == 200, "a visitor needs no token"


def test_nobody_signs_in_at_the_node_itself(node, alice):
    for path in ("/auth/v1/settings", "/auth/v1/health", "/auth/v1/user", "/auth/v1/.well-known/jwks.json",
                 "/.well-known/jwks.json", "/auth/v1", "/auth/v1/admin/users"):  # fmt: skip
        answer = node.get(path, alice)
        assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json"), path
    for path in ("/auth/v1/signup", "/auth/v1/token?grant_type=password", "/auth/v1/token?grant_type=refresh_token"):
        answer = node.post(path, {"email": "carol@example.org", "password": "correct horse battery"})
        assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json"), path


@pytest.mark.parametrize("attack", A_FEW)
def test_a_forged_token_is_refused(node, alice, attack):
    answer = node.get("/api/me", ATTACKS[attack](strangers(alice)))
    assert (answer.status_code, answer.headers["content-type"]) == (401, "application/problem+json")


def test_a_changed_token_is_refused(node, alice):
    assert node.get("/api/me", alice[:-2] + ("A" if alice[-2] != "A" else "B") + alice[-1]).status_code == 401


def test_the_publishable_key_is_a_visitors(node):
    assert node.get("/api/events", KEY).status_code == 200
    assert node.get("/api/me", KEY).status_code == 401
    assert node.get("/api/events", "sb_publishable_of_another_project").status_code == 401


def test_rotation_at_the_project_signs_nobody_out(project, node, alice):
    rotated = project.home.types("keys", "rotate", "--now")
    assert rotated.returncode == 0, rotated.stderr
    newer = alice

    def is_signed_by_the_next_key() -> bool:
        nonlocal newer
        newer = signs_in(project.issuer, "alice@example.org")
        return kid_of(newer) != kid_of(alice)

    eventually(is_signed_by_the_next_key)
    for token in (newer, alice):
        assert node.get("/api/me", token).status_code == 200


def test_whoever_has_a_second_factor_shows_it_before_the_node_opens(project, node):
    password = project.issuer.signs_up("erin@example.org")
    assert node.get("/api/me", password).status_code == 200
    enrolled = project.issuer.post("/auth/v1/factors", {"factor_type": "totp"}, password).json()
    challenge = project.issuer.post(f"/auth/v1/factors/{enrolled['id']}/challenge", {}, password).json()
    answer = {"challenge_id": challenge["id"], "code": TOTP(enrolled["totp"]["secret"]).now()}
    raised = project.issuer.post(f"/auth/v1/factors/{enrolled['id']}/verify", answer, password).json()
    assert node.get("/api/me", raised["access_token"]).status_code == 200
    refused = node.get("/api/me", signs_in(project.issuer, "erin@example.org"))
    assert (refused.status_code, refused.json()["type"]) == (401, "/problems/insufficient-aal")


def test_a_platform_admin_is_made_at_the_node(project, node):
    root = project.issuer.signs_up("root@example.org")
    assert node.get("/api/admin/people", root).status_code == 403
    done = project.nodes.types("people", "promote", "root@example.org", "--role", "platform_admin", **project.settings)
    assert done.returncode == 0, done.stderr
    assert node.get("/api/admin/people", root).status_code == 200, "at once, with the token of before"


@pytest.mark.parametrize("command", [("demo",), ("keys", "list"), ("keys", "rotate", "--now")])
def test_what_only_a_sign_in_of_ours_can_do_is_said_in_one_sentence(project, command):
    done = project.nodes.types(*command, **project.settings)
    assert done.returncode == 1
    assert done.stderr.startswith("vently: ")
    assert done.stderr.count("\n") == 1


def test_the_doctor_finds_nothing_wrong(project, node):
    done = project.nodes.types("doctor", **project.settings, VENTLY_SITE_URL=node.address)
    assert done.returncode == 0, done.stdout
    assert "usable keys (ES256)" in done.stdout
    assert "The project takes the publishable key." in done.stdout
    assert "The login node reads and owns nothing until it takes a viewer's role." in done.stdout


# Pages: people sign in at the node's pages, and the project is asked behind them.


# The end: the project's sign-in goes away, its database stays.


def test_without_the_project_those_who_are_known_go_on(project, node, alice):
    assert node.get("/api/me", alice).status_code == 200
    assert project.issuer.stops(signal.SIGTERM) == 0
    assert node.get("/api/me", alice).status_code == 200
    assert node.get("/api/events").status_code == 200
    for attack in A_FEW:
        assert node.get("/api/me", ATTACKS[attack](strangers(alice))).status_code == 401
    assert node.is_ready()


def test_a_node_that_starts_without_the_project_serves_visitors(project, alice, tmp_path):
    """Who somebody is cannot be said: 503, for 401 would sign them out."""
    if project.issuer.process.poll() is None:
        project.issuer.stops(signal.SIGTERM)
    with Terminal(tmp_path).running("serve", **project.settings) as late:
        assert late.get("/api/events").status_code == 200
        answer = late.get("/api/me", alice)
        assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json")
        assert late.get("/api/me", "a.b.c").status_code == 401
        assert late.stops() == 0
    assert "keys of the Supabase project not fetched" in late.said()
    assert "Traceback" not in late.said()
