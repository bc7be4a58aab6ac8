"""The one place where rooms and adapters are joined."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from vently.communities import api as communities_api
from vently.communities import member_pages
from vently.communities import pages as communities_pages
from vently.database.migrate import Room
from vently.database.pool import Database, Viewer
from vently.database.readiness import until_current
from vently.events import api as events_api
from vently.events import discovery, editing_pages, import_api
from vently.events import pages as events_pages
from vently.jobs import sweeping
from vently.jobs.worker import Jobs
from vently.outside.mail import Mailer, Post
from vently.outside.mail.folder import FolderMailer
from vently.outside.mail.smtp import SmtpMailer
from vently.outside.payments import Payments
from vently.outside.payments.pretend import Pretend
from vently.outside.payments.stripe import Stripe
from vently.outside.places import Places
from vently.outside.places.offline import OfflinePlaces
from vently.outside.signin import Provider
from vently.outside.signin.apple import Apple
from vently.outside.signin.facebook import Facebook
from vently.outside.signin.github import GitHub
from vently.outside.signin.google import google
from vently.outside.signin.oidc import Oidc
from vently.people import api as people_api
from vently.people import (
    callback_pages,
    factor_pages,
    mail_pages,
    passkey_pages,
    profiles,
    second_factor_pages,
    security_pages,
    sign_in_pages,
)
from vently.people import pages as people_pages
from vently.settings import Settings, SettingsError
from vently.supabase.auth.auth import Auth
from vently.supabase.auth.errors import AuthError
from vently.supabase.auth.rules import Rules
from vently.supabase.auth.sealing import Sealing
from vently.supabase.client import Asker
from vently.supabase.conversation import Conversation
from vently.supabase.project import Project
from vently.tickets import api as tickets_api
from vently.tickets import jobs
from vently.tickets import pages as tickets_pages
from vently.tickets.issued.codes import Codes
from vently.tickets.orders import cart_pages
from vently.tickets.payments.pretending import Memory, Messenger
from vently.tickets.till.till import Till
from vently.web import facts, health, logs, openapi, shell, signing
from vently.web.doors import Door, OurDoor, ProjectDoor
from vently.web.envelope import Envelope
from vently.web.facts import Parts
from vently.web.signing import Signer

HERE = Path(__file__).parent
ROOMS = [
    Room(name.replace("/", "_"), HERE / name / "rules.sql")
    for name in (
        "database",
        "jobs",
        "people",
        "communities",
        "events",
        "tickets",
        "tickets/types",
        "tickets/orders",
        "tickets/till",
        "tickets/invoices",
        "tickets/payments",
        "tickets/refunds",
        "tickets/books",
        "tickets/issued",
        "tickets/checkin",
        "tickets/sales",
    )
]
"""Rooms with rules, from the bottom up: what a room's rules name must stand before."""
SWEEPS = (sweeping.answers, sweeping.finished_jobs)
GRACE = 10
"""Seconds that mail under way may take when a node ends."""
API = [*people_api.ROUTES, *communities_api.ROUTES, *events_api.ROUTES, *import_api.ROUTES, *tickets_api.ROUTES]
PAGES = [
    *sign_in_pages.ROUTES,
    *mail_pages.ROUTES,
    *callback_pages.ROUTES,
    *second_factor_pages.ROUTES,
    *passkey_pages.ROUTES,
    *security_pages.ROUTES,
    *factor_pages.ROUTES,
    *people_pages.ROUTES,
    *communities_pages.ROUTES,
    *member_pages.ROUTES,
    *events_pages.ROUTES,
    *editing_pages.ROUTES,
    *import_api.PAGES,
    *tickets_pages.ROUTES,
]


def create(settings: Settings) -> Envelope:
    """The ASGI app of one worker process."""
    signer = signing.load(settings.secret, settings.data)
    door = door_of(settings, signer)

    async def refresh(token: str) -> facts.Session | None:
        return await _refreshed(app.parts, token)

    async def portray(viewer: Viewer) -> Any:
        async with app.parts.database.acting_as(viewer) as tx:
            return await profiles.portrait(tx)

    app = shell.create_app(
        settings,
        [*API, *PAGES, *door.routes],
        lifespan=partial(_living, door),
        verify=door.verify,
        refresh=refresh,
        publishable_keys=[settings.supabase_publishable_key or publishable_key(signer)],
        template_folders=[HERE / room / "templates" for room in ("people", "communities", "events", "tickets")],
        portray=portray,
        signer=signer,
        drain_seconds=settings.drain_seconds,
    )
    furnish(app.parts, messenger=Messenger(app))
    app.parts.other["sign_in"] = door.sign_in(app)
    app.parts.other["places"] = gazetteer()
    # Pages show what lives in a room above theirs: a community's and a person's its events, an event's its tickets.
    app.parts.other["agenda"], app.parts.other["agenda_of_person"] = discovery.of_community, discovery.of_person
    app.parts.other["ticket_box"] = cart_pages.ticket_box
    return app


@asynccontextmanager
async def _living(door: Door, parts: Parts) -> AsyncIterator[None]:
    """What a node opens before its first request, does meanwhile, and closes after its last."""
    settings = parts.settings
    parts.open_database = database = await _opened(settings)
    parts.readiness.append(until_current(database))
    await door.open(parts)
    provider: Payments = parts.other["payments"]
    fee = round(settings.platform_fee_percent * 100)
    parts.other["till"] = till = Till(database, provider=provider.name, platform_fee=fee)
    sweeps = asyncio.create_task(sweeping.hourly([door.sweep, *(partial(sweep, database) for sweep in SWEEPS)]))
    parts.other["jobs"] = work = jobs_for(parts)
    try:
        async with work.working() if settings.worker == "on" else nullcontext():
            yield
    finally:
        sweeps.cancel()
        await asyncio.gather(sweeps, return_exceptions=True)
        await till.close()
        await provider.aclose()
        await door.close()
        await database.close()


def jobs_for(parts: Parts) -> Jobs:
    """The queue with what is done for each kind of job, to be worked through or only nudged."""
    handlers = {kind: partial(handler, parts) for kind, handler in jobs.HANDLERS.items()}
    return Jobs(parts.database, handlers, jobs.TIMETABLE)


@asynccontextmanager
async def jobs_of(settings: Settings) -> AsyncIterator[Jobs]:
    """The queue over connections of its own, for a process that does jobs alone."""
    parts = Parts(settings, signing.load(settings.secret, settings.data), _nobody)
    furnish(parts)
    parts.open_database = database = await _opened(settings)
    parts.other["jobs"] = work = jobs_for(parts)
    try:
        yield work
    finally:
        await parts.other["payments"].aclose()
        await database.close()


async def _nobody(_: str, /) -> dict[str, Any]:
    raise facts.TokenRefused("Nobody signs in here.")


def furnish(parts: Parts, *, messenger: Messenger | None = None) -> None:
    """What rooms reach by name. `messenger` takes the pretend provider's webhooks to us; a process of jobs has none."""
    parts.other["codes"] = Codes(parts.signer.key("ticket codes"))
    parts.other["mailer"] = mailer(parts.settings)
    parts.other["payments"] = payments(parts, messenger)


def payments(parts: Parts, messenger: Messenger | None) -> Payments:
    """Stripe when there is a key, else a pretender: no money moves."""
    settings = parts.settings
    if settings.stripe_secret_key:
        return stripe_of(settings)
    key = parts.signer.key("pretend payments")
    return Pretend(key, messenger or _undelivered, Memory(parts), site_url=settings.site_url)


def stripe_of(settings: Settings) -> Stripe:
    """Raises StripeKeyUnusable, which is a ValueError."""
    return Stripe(settings.stripe_secret_key, settings.stripe_webhook_secret, api_base=settings.stripe_api_base)


async def _undelivered(_: bytes, __: dict[str, str]) -> None:
    """The reconciler finds out by itself."""


async def _opened(settings: Settings) -> Database:
    return await Database.open(
        settings.database_url,
        site=settings.site_url,
        size=settings.database_connections,
        pooler=settings.database_pooler == "transaction",
    )


async def _refreshed(parts: Parts, token: str) -> facts.Session | None:
    known = facts.current.get()
    asker = Asker(known.address, known.user_agent, request_id=known.request_id) if known else Asker()
    try:
        session = await Conversation(parts.other["sign_in"], asker).refresh(token)
    except AuthError:
        return None
    return facts.Session(session.access_token, session.refresh_token, session.expires_in)


def door_of(settings: Settings, signer: Signer) -> Door:
    """Sign-in of ours, unless a Supabase project signs people in."""
    if settings.supabase_url:
        return ProjectDoor(project_of(settings), settings.supabase_publishable_key)
    return OurDoor(sign_in(settings, signer), grace=GRACE)


def project_of(settings: Settings) -> Project:
    """The Supabase project whose tokens are taken."""
    return Project(settings.supabase_url, hs256_secret=settings.supabase_jwt_secret)


def check(settings: Settings) -> None:
    """Raises SettingsError for what only shows when the parts are made: better once, before any node starts."""
    try:
        mailer(settings)
        providers(settings)
        if settings.stripe_secret_key:
            stripe_of(settings)
        if settings.supabase_url:
            project_of(settings)
    except ValueError as error:
        raise SettingsError(str(error)) from None


def sign_in(settings: Settings, signer: Signer) -> Auth:
    """Sign-in as the settings want it; the database is opened later."""
    rules = Rules(
        site_url=settings.site_url,
        redirect_urls=tuple(each.strip() for each in settings.redirect_urls.split(",") if each.strip()),
        autoconfirm=not settings.smtp_url,
        anonymous=settings.anonymous_sign_ins == "on",
        limited=settings.rate_limits == "on",
        secret_key=secret_key(signer),
    )
    return Auth(
        Database.closed(),
        rules,
        sealing=Sealing(signer.key("sealing of sign-in")),
        post=Post(mailer(settings)),
        providers=providers(settings),
    )


def secret_key(signer: Signer) -> str:
    """The key of programs that act as `service_role`; `vently keys api` shows it."""
    return f"sb_secret_{signing.encode(signer.key('secret key'))}"


def publishable_key(signer: Signer) -> str:
    """The key of programs that people run: it says which Vently they mean, and opens nothing."""
    return f"sb_publishable_{signing.encode(signer.key('publishable key'))}"


def mailer(settings: Settings) -> Mailer:
    """By SMTP when there is a server, else into a folder that the operator can look into."""
    host = urlsplit(settings.site_url).hostname or ""
    sender = settings.mail_sender or f"Vently <hello@{'localhost' if ':' in host else host}>"
    if settings.smtp_url:
        return SmtpMailer(settings.smtp_url, sender)
    return FolderMailer(settings.data / "mail", sender)


def providers(settings: Settings) -> dict[str, Provider]:
    """Whom people may sign in with besides us: those that are configured."""
    found: list[Provider] = []
    if settings.google_client_id:
        found.append(google(settings.google_client_id, settings.google_client_secret))
    if settings.apple_client_id:
        team, key_id = settings.apple_team_id, settings.apple_key_id
        found.append(Apple(settings.apple_client_id, team_id=team, key_id=key_id, key=settings.apple_key))
    if settings.github_client_id:
        found.append(GitHub(settings.github_client_id, settings.github_client_secret))
    if settings.facebook_client_id:
        found.append(Facebook(settings.facebook_client_id, settings.facebook_client_secret))
    if settings.oidc_issuer:
        client = (settings.oidc_client_id, settings.oidc_client_secret)
        found.append(Oidc(settings.oidc_issuer, *client, name=settings.oidc_name, label=settings.oidc_label))
    return {provider.name: provider for provider in found}


def gazetteer() -> Places:
    """The places this Vently knows."""
    return OfflinePlaces()


def worker() -> Envelope:
    """What uvicorn calls in each worker process: settings from the environment alone."""
    settings = Settings.load(os.environ)
    logs.set_up(settings.log_level, settings.log_format)
    return create(settings)


def describe(settings: Settings) -> dict[str, Any]:
    """The OpenAPI document of everything below /api."""
    return openapi.document(shell.operations([*health.ROUTES, *API]), settings.site_url)
