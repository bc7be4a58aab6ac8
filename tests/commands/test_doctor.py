"""`vently doctor`: nothing wrong with a healthy Vently; what is wrong is named and mended as it says."""

import json
from pathlib import Path
from typing import Any

import pytest
from scratch import Scratch, run, scratch_server
from terminal import Running, Terminal


def examined(terminal: Terminal, *words: object, **environment: str) -> dict[str, Any]:
    """What it found, by the name of the check."""
    done = terminal.types("doctor", "--json", *words, **environment)
    assert done.stderr == ""
    report = json.loads(done.stdout)
    wrong = [found for found in report["checks"] if found["state"] == "wrong"]
    assert (done.returncode, report["healthy"]) == ((1, False) if wrong else (0, True))
    return {found["check"]: found for found in report["checks"]}


def test_nothing_is_wrong_with_a_vently_that_runs(terminal: Terminal, running: Running) -> None:
    done = terminal.types("doctor", VENTLY_SITE_URL=running.address)
    assert done.returncode == 0, done.stdout
    assert done.stderr == ""
    assert "✗" not in done.stdout
    assert done.stdout.endswith("Nothing is wrong.\n")
    for said in (
        "The schema is up to date.",
        "The login authenticator reads and owns nothing until it takes a viewer's role.",
        "What is written survives a crash (fsync is on).",
        "No mail server is configured: whoever signs up is confirmed at once, without a mail.",
        "No payment provider is configured: a page pretends to take cards, and no money moves.",
        "Stock, tickets, payments and the ledger agree.",
        f"A Vently answers at {running.address} and is ready.",
    ):
        assert said in done.stdout


def test_before_the_first_start_it_makes_nothing(tmp_path: Path) -> None:
    found = examined(Terminal(tmp_path))
    assert found["database"]["state"] == "note"
    assert list(tmp_path.iterdir()) == []


def test_what_is_wrong_is_named(resting: Terminal) -> None:
    local = resting.data / "postgres" / "postgresql.local.conf"
    before = local.read_text()
    (resting.data / "keys").mkdir(mode=0o755, exist_ok=True)
    (resting.data / "keys").chmod(0o755)
    local.write_text("fsync = off\n")
    try:
        found = examined(
            resting, VENTLY_SITE_URL="http://events.example", VENTLY_SECRET="short", VENTLY_SITEURL="x"
        )  # fmt: skip
    finally:
        local.write_text(before)
    assert {name for name, one in found.items() if one["state"] == "wrong"} == {"durability", "keys", "secret", "site"}
    assert all(one["mend"] for one in found.values() if one["state"] == "wrong")
    assert "VENTLY_SITEURL is no setting" in found["settings"]["said"]
    (resting.data / "keys").chmod(0o700)
    assert examined(resting)["keys"]["state"] == "fine"


@pytest.fixture(scope="module")
def elsewhere() -> Any:
    with scratch_server() as server:
        yield server


async def test_a_database_elsewhere(elsewhere: Scratch, tmp_path: Path) -> None:
    terminal = Terminal(tmp_path)
    name = await elsewhere.database()
    owner = {"VENTLY_OWNER_URL": elsewhere.url(name, "postgres")}
    healthy = {"VENTLY_DATABASE_URL": elsewhere.url(name, "authenticator"), **owner}
    found = examined(terminal, **healthy)
    assert found["schema"]["mend"] == "Run `vently migrate`."
    assert terminal.types("serve", "--port", "0", **healthy).stderr.endswith("run `vently migrate` first.\n")
    assert terminal.types("migrate", **healthy).returncode == 0
    assert examined(terminal, **healthy)["schema"]["state"] == "fine"

    mighty = examined(terminal, **owner, VENTLY_DATABASE_URL=elsewhere.url(name))
    assert mighty["login"]["state"] == "wrong"
    await run(elsewhere.url(name), "create role curious login; grant usage on schema auth to curious; "
              "grant select (email) on auth.users to curious; grant anon to curious")  # fmt: skip
    curious = terminal.types("doctor", **owner, VENTLY_DATABASE_URL=elsewhere.url(name, "curious"))
    assert "The login curious reads auth.users" in curious.stdout
    assert "grant authenticated, service_role, supabase_auth_admin to curious" in curious.stdout


def test_a_database_that_does_not_answer(tmp_path: Path) -> None:
    gone = {"VENTLY_DATABASE_URL": "postgresql://authenticator@127.0.0.1:1/vently"}
    assert "cannot be reached" in examined(Terminal(tmp_path), **gone)["database"]["said"]


def test_what_it_says_of_mail(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path)
    assert "confirmed at once" in examined(terminal)["mail"]["said"]
    named = examined(terminal, VENTLY_SMTP_URL="smtp://me:hush@mail.example.org:587")["mail"]["said"]
    assert named == "Mail is handed to mail.example.org."
    unusable = examined(terminal, VENTLY_SMTP_URL="carrier pigeons")
    assert "VENTLY_SMTP_URL" in unusable["settings"]["said"]
    assert "mail" not in unusable


def test_every_setting_is_listed_with_its_meaning(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path)
    listed = json.loads(terminal.types("doctor", "--settings", "--json").stdout)
    assert {"VENTLY_DATA", "VENTLY_DATABASE_URL", "VENTLY_SITE_URL", "SUPABASE_URL"} <= {
        row["variable"] for row in listed
    }
    assert all(row["meaning"] for row in listed)
    text = terminal.types("doctor", "--settings").stdout
    assert all(f"{row['variable']}" in text and row["meaning"] in text for row in listed)
