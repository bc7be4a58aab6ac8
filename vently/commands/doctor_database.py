"""The doctor's look at the database: the server, the schema, and what the nodes' login can do."""

from collections.abc import Iterator
from datetime import UTC, datetime

from vently.app import ROOMS, sign_in
from vently.commands.connecting import database
from vently.commands.findings import Finding, fine, note, wrong
from vently.database import inspection, migrate
from vently.database.inspection import Found
from vently.database.schema import CannotMigrate
from vently.refusals import Refusal
from vently.settings import Settings
from vently.supabase.auth.keys import kept
from vently.supabase.auth.keys.keys import KeysUnusableError
from vently.tickets.books import books
from vently.web import signing

OLDEST_POSTGRES = 15
SKEW = 5
"""Seconds by which two clocks may differ before tokens are refused as expired or not yet valid."""
SHOWN = 3
"""Tables named before the rest is counted."""


async def examine(settings: Settings, *, embedded: bool) -> list[Finding]:
    """Raises Unavailable when the database does not answer."""
    found = await inspection.look(settings.database_url)
    schema = await _schema(settings, embedded=embedded)
    return [
        *_server(found, embedded=embedded),
        *_durability(found),
        *_clock(found),
        schema,
        *_login(found, settings),
        *([] if settings.supabase_url else await _signing_keys(settings)),
        *(await _books(settings) if schema.state == "fine" else []),
    ]


def _server(found: Found, *, embedded: bool) -> Iterator[Finding]:
    whose = "The embedded Postgres" if embedded else "The database named by VENTLY_DATABASE_URL"
    if found.version < OLDEST_POSTGRES:
        yield wrong("database", f"{whose} is PostgreSQL {found.version}.", "Use PostgreSQL 15 or newer.")
    elif found.replica:
        yield wrong("database", f"{whose} is a read-only replica.", "Let VENTLY_DATABASE_URL name the primary server.")
    else:
        yield fine("database", f"{whose} answers; it is PostgreSQL {found.version}.")
    if found.encoding != "UTF8":
        yield wrong(
            "encoding", f"{whose} keeps text as {found.encoding}.", "Make the database anew with encoding UTF8."
        )


def _durability(found: Found) -> Iterator[Finding]:
    for name in found.careless:
        yield wrong(
            "durability",
            f"Postgres runs with {name} off: a crash can lose what people were told is done.",
            f"Set {name} = on and start Postgres again.",
        )
    if not found.careless:
        yield fine("durability", "What is written survives a crash (fsync is on).")


def _clock(found: Found) -> Iterator[Finding]:
    skew = abs((found.clock - datetime.now(UTC)).total_seconds())
    if skew > SKEW:
        yield wrong(
            "clock",
            f"This machine's clock and the database's differ by {skew:.0f} seconds.",
            "Let both keep time with NTP (`timedatectl set-ntp true`).",
        )
    else:
        yield fine("clock", "This machine's clock and the database's agree.")


async def _schema(settings: Settings, *, embedded: bool) -> Finding:
    if not (embedded or settings.owner_url):
        return note(
            "schema",
            "Whether the schema is up to date is not known here: VENTLY_OWNER_URL is not set.",
            "Run `vently doctor` where `vently migrate` is run.",
        )
    try:
        pending = await migrate.plan(settings.owner_url, rooms=ROOMS, platform_url=settings.platform_url or None)
    except CannotMigrate as error:
        return wrong("schema", str(error))
    if not pending.changed:
        return fine("schema", "The schema is up to date.")
    waiting = [*pending.migrations, *(f"the rules of {room}" for room in pending.rules)]
    return wrong("schema", f"The schema is not up to date: {_some(waiting)} to be applied.", "Run `vently migrate`.")


async def _signing_keys(settings: Settings) -> list[Finding]:
    """Opened with this node's secret, where it has one; nothing is made."""
    if not settings.secret and not (settings.data / "keys" / "web.json").exists():
        return []
    auth = sign_in(settings, signing.load(settings.secret, settings.data))
    try:
        async with database(settings) as auth.database, auth.acting() as tx:
            keys = await kept.read(tx, auth.sealing)
    except (KeysUnusableError, Refusal) as error:
        return [wrong("signing-keys", str(error))]
    if keys is None:
        return [note("signing-keys", "There are no signing keys in the database yet; the first start makes them.")]
    return [fine("signing-keys", f"The {len(keys.by_id)} signing keys in the database can be opened.")]


async def _books(settings: Settings) -> list[Finding]:
    """What was sold, held and paid, counted twice."""
    try:
        async with database(settings) as opened, opened.acting_as_system() as tx:
            found = await books.differences(tx)
    except Refusal as error:
        return [wrong("till", error.detail)]
    if not found:
        return [fine("till", "Stock, tickets, payments and the ledger agree.")]
    told = [f"{each.detail} ({each.order_id or each.event_id})" for each in found]
    sentence = f"Stock, tickets, payments and the ledger do not agree: {_some(told)}."
    return [wrong("till", sentence, "Keep a backup of how it is now, and report it with these lines.")]


def _login(found: Found, settings: Settings) -> Iterator[Finding]:
    """Row-level security judges the role that a request takes; so the login itself must have no power beside."""
    powers = [
        *(["is a superuser"] if found.superuser else []),
        *(["passes by row-level security"] if found.bypasses_rules else []),
        *([f"may become the superuser {_some(found.becomes_superuser)}"] if found.becomes_superuser else []),
        *([f"owns {_some(found.owns)}"] if found.owns else []),
        *([f"reads {_some(found.reads)} without taking a role"] if found.reads else []),
    ]
    for power in powers:
        yield wrong(
            "login",
            f"The login {found.login} {power}: a mistake in Vently would not be stopped by row-level security.",
            "Let VENTLY_DATABASE_URL log in as `authenticator`, which has no rights but to take the three API roles.",
        )
    wanted = ["anon", "authenticated", "service_role"] + ([] if settings.supabase_url else ["supabase_auth_admin"])
    missing = [] if found.superuser else [role for role in wanted if role not in found.becomes]
    if missing:
        yield wrong(
            "login",
            f"The login {found.login} cannot take the role {_some(missing)}.",
            f"As an administrator of the database: grant {', '.join(missing)} to {found.login}.",
        )
    if not powers and not missing:
        yield fine("login", f"The login {found.login} reads and owns nothing until it takes a viewer's role.")


def _some(names: list[str]) -> str:
    more = len(names) - SHOWN
    return ", ".join(names[:SHOWN]) + (f" and {more} more" if more > 0 else "")
