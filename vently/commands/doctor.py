"""`vently doctor`: what is wrong with this Vently, each thing in a sentence and how to mend it."""

import asyncio
import os
import stat
import sys
import urllib.request
from collections.abc import Iterator, Mapping
from ipaddress import ip_address
from pathlib import Path
from shutil import disk_usage
from urllib.parse import urlsplit

from rich.console import Console

from vently.app import mailer, providers, stripe_of
from vently.commands import doctor_database, doctor_project, findings
from vently.commands.connecting import reachable
from vently.commands.findings import Finding, fine, note, wrong
from vently.commands.printing import print_json
from vently.database.embedded import EmbeddedError
from vently.refusals import Refusal
from vently.settings import Settings, variable

OLDEST_PYTHON = (3, 11)
LITTLE, TOO_LITTLE = 1_000_000_000, 100_000_000
"""Bytes left on the disk of the data folder."""
SHORT = 32
"""Characters of a secret that can be guessed."""


def print_settings(rows: list[tuple[str, str, str]], *, as_json: bool) -> None:
    """Each environment variable with its meaning and default."""
    if as_json:
        named = [{"variable": name, "meaning": meaning, "default": default} for name, meaning, default in rows]
        print_json(named)
        return
    console = Console(soft_wrap=True, highlight=False, markup=False)
    for name, meaning, default in rows:
        console.print(name, style="bold", end="")
        console.print(f" = {default}" if default else "", style="dim")
        console.print(f"    {meaning}")


def run(settings: Settings, *, as_json: bool) -> int:
    """Exit code 1 when something is wrong. Changes nothing, but starts the embedded Postgres where it does not run."""
    checks = {
        "python": _python(),
        "settings": _environment(os.environ),
        "data": _folder(settings.data),
        "keys": _keys(settings),
        "database": _database(settings),
        "supabase": _project(settings),
        "mail": _mail(settings),
        "payments": _payments(settings),
        "limits": _limits(settings),
        "site": _site(settings.site_url),
    }
    found = [finding for name, check in checks.items() for finding in _to_the_end(name, check)]
    return findings.report(found, as_json=as_json)


def _to_the_end(name: str, check: Iterator[Finding]) -> Iterator[Finding]:
    """What one check may not look at does not keep the others from looking."""
    try:
        yield from check
    except OSError as error:
        yield wrong(
            name,
            f"Vently cannot use {error.filename} ({error.strerror}).",
            "Run Vently as the user who owns its data folder.",
        )


def _python() -> Iterator[Finding]:
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info >= OLDEST_PYTHON:
        yield fine("python", f"Python is {version}.")
    else:
        yield wrong("python", f"Python is {version}.", "Make the environment anew with Python 3.11 or newer.")


def _environment(environment: Mapping[str, str]) -> Iterator[Finding]:
    known = {variable(field) for field in Settings.__struct_fields__}
    for name in sorted(environment):
        if name.startswith("VENTLY_") and name not in known:
            yield note("settings", f"{name} is no setting of Vently's.", "See `vently doctor --settings` for its name.")


def _folder(data: Path) -> Iterator[Finding]:
    place = next(folder for folder in (data, *data.parents) if folder.exists())
    if not place.is_dir():
        yield wrong("data", f"{place} is no folder.", "Name another data folder with --data or VENTLY_DATA.")
        return
    if not os.access(place, os.W_OK | os.X_OK):
        yield wrong(
            "data",
            f"Vently may not write in {place}.",
            "Give it to the user who runs Vently, or name another data folder with --data or VENTLY_DATA.",
        )
        return
    free = disk_usage(place).free
    said = f"The data folder {data} has {free / 1e9:.1f} GB left."
    if free < TOO_LITTLE:
        yield wrong("data", said, "Make room on that disk, or move the folder to a larger one.")
    elif free < LITTLE:
        yield note("data", said, "Make room on that disk before it is full.")
    else:
        yield fine("data", said)


def _keys(settings: Settings) -> Iterator[Finding]:
    if settings.secret and len(settings.secret) < SHORT:
        yield wrong(
            "secret",
            f"VENTLY_SECRET has only {len(settings.secret)} characters and can be guessed.",
            "Set it to 32 random ones or more, the same on every node: `openssl rand -hex 32`.",
        )
    if settings.database_url and not settings.secret:
        yield note(
            "secret",
            "VENTLY_DATABASE_URL is set and VENTLY_SECRET is not: a second node cannot open the keys of the first.",
            "With several nodes, set VENTLY_SECRET to the same 32 random characters or more on each: "
            "`openssl rand -hex 32`.",
        )
    folder = settings.data / "keys"
    if settings.secret and not folder.exists():
        return
    if not folder.exists():
        yield note("keys", f"There are no keys in {folder} yet; the first start makes them.")
        return
    open_to_others = [path for path in (folder, *sorted(folder.iterdir())) if _others_may_look(path)]
    for path in open_to_others:
        mode = "700" if path.is_dir() else "600"
        yield wrong("keys", f"Others on this machine may look into {path}.", f"chmod {mode} '{path}'")
    if not open_to_others:
        yield fine("keys", f"The keys in {folder} are readable to Vently alone.")


def _others_may_look(path: Path) -> bool:
    return bool(path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO))


def _database(settings: Settings) -> Iterator[Finding]:
    if settings.embedded and not (settings.data / "postgres" / "cluster").exists():
        yield note("database", f"There is no database in {settings.data} yet; `vently up` makes it.")
        return
    try:
        with reachable(settings) as found:
            yield from asyncio.run(doctor_database.examine(found, embedded=settings.embedded))
    except (EmbeddedError, Refusal) as error:
        yield wrong("database", error.detail if isinstance(error, Refusal) else _sentence(str(error)))


def _project(settings: Settings) -> Iterator[Finding]:
    yield from asyncio.run(doctor_project.examine(settings))


def _mail(settings: Settings) -> Iterator[Finding]:
    try:
        mailer(settings)
        providers(settings)
    except ValueError as error:
        yield wrong("settings", str(error))
    else:
        if settings.smtp_url:
            yield fine("mail", f"Mail is handed to {urlsplit(settings.smtp_url).hostname}.")
        elif not settings.supabase_url:
            yield note("mail", "No mail server is configured: whoever signs up is confirmed at once, without a mail.")


def _payments(settings: Settings) -> Iterator[Finding]:
    if not settings.stripe_secret_key:
        yield note("payments", "No payment provider is configured: a page pretends to take cards, and no money moves.")
        return
    try:
        stripe_of(settings)
    except ValueError as error:
        yield wrong("payments", str(error))
        return
    mode = "real money" if "_live_" in settings.stripe_secret_key else "test mode, in which no money moves"
    yield fine("payments", f"Stripe takes cards ({mode}).")


def _limits(settings: Settings) -> Iterator[Finding]:
    if settings.rate_limits == "off":
        yield note("limits", "Rate limits are off, which is for load tests.", "Unset VENTLY_RATE_LIMITS.")


def _site(site: str) -> Iterator[Finding]:
    address = urlsplit(site)
    if address.scheme not in {"http", "https"} or not address.hostname or address.path or address.query:
        yield wrong("site", f"VENTLY_SITE_URL is {site!r}.", "Set it to an address like https://events.example.org.")
        return
    if address.scheme == "https":
        yield fine("site", f"People come to {site}.")
    elif _is_this_machine(address.hostname):
        yield note(
            "site", f"People come to {site}, from this machine alone.", "Set VENTLY_SITE_URL for everybody else."
        )
    else:
        yield wrong(
            "site",
            f"People come to {site}, and passwords and cookies travel there unencrypted.",
            "Put a server that speaks https in front of Vently and set VENTLY_SITE_URL to its address.",
        )
    yield _answer(site)


def _answer(site: str) -> Finding:
    straight = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with straight.open(f"{site}/readyz", timeout=3):
            return fine("server", f"A Vently answers at {site} and is ready.")
    except (OSError, ValueError) as error:
        return note(
            "server", f"No Vently answers at {site} ({getattr(error, 'reason', error)}).", "Start one with `vently up`."
        )


def _is_this_machine(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:].rstrip(".") + "."
