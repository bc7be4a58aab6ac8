"""Settings: every environment variable Vently reads, typed, with its meaning."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Meta


class SettingsError(Exception):
    """A setting is not usable; the sentence names the variable and what it takes."""


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """One field a variable: `database_url` is `VENTLY_DATABASE_URL` unless `NAMES` says otherwise."""

    data: Annotated[Path, Meta(description="folder of the embedded Postgres, keys, mail and files")] = Path("data")
    database_url: Annotated[
        str, Meta(description="Postgres the nodes log in to, as `authenticator` or a role like it; empty: embedded")
    ] = ""
    owner_url: Annotated[
        str, Meta(description="Postgres as the role that migrates (`postgres` on Supabase); empty: VENTLY_DATABASE_URL")
    ] = ""
    platform_url: Annotated[
        str, Meta(description="Postgres as a superuser, to make Supabase's roles on a plain Postgres; empty: not done")
    ] = ""
    database_pooler: Annotated[
        Literal["session", "transaction"], Meta(description="transaction: a transaction-mode pooler stands between")
    ] = "session"
    database_connections: Annotated[int, Meta(ge=2, le=500, description="connections of one worker process")] = 10
    worker: Annotated[
        Literal["on", "off"], Meta(description="off: nodes do no jobs; then `vently work` must run somewhere")
    ] = "on"
    pg_bin: Annotated[str, Meta(description="folder with Postgres' programs, instead of the packaged ones")] = ""
    site_url: Annotated[str, Meta(description="address people see, without a slash at the end")] = (
        "http://127.0.0.1:8000"
    )
    secret: Annotated[
        str, Meta(description="signs forms, seals signing keys; the same on every node; empty: made under VENTLY_DATA")
    ] = ""
    organizer_approval: Annotated[
        Literal["automatic", "manual"], Meta(description="manual: a platform admin approves each organiser")
    ] = "automatic"
    smtp_url: Annotated[
        str,
        Meta(description="mail server, smtp://user:password@host:587 or smtps://…; empty: mail is kept in VENTLY_DATA"),
    ] = ""
    mail_sender: Annotated[str, Meta(description="sender, `Name <address>`; empty: Vently at the site's name")] = ""
    redirect_urls: Annotated[
        str,
        Meta(description="where else sign-in may lead, with commas between: https://app.example.org/** or myapp://**"),
    ] = ""
    google_client_id: Annotated[str, Meta(description="sign-in with Google: the client of its console")] = ""
    google_client_secret: Annotated[str, Meta(description="its secret")] = ""
    github_client_id: Annotated[str, Meta(description="sign-in with GitHub: the client of an OAuth app")] = ""
    github_client_secret: Annotated[str, Meta(description="its secret")] = ""
    facebook_client_id: Annotated[str, Meta(description="sign-in with Facebook: the id of an app")] = ""
    facebook_client_secret: Annotated[str, Meta(description="its secret")] = ""
    apple_client_id: Annotated[str, Meta(description="sign-in with Apple: the services id")] = ""
    apple_team_id: Annotated[str, Meta(description="the team it belongs to")] = ""
    apple_key_id: Annotated[str, Meta(description="the id of the key for signing in")] = ""
    apple_key: Annotated[str, Meta(description="that private key, the text of its .p8 file")] = ""
    oidc_issuer: Annotated[
        str, Meta(description="sign-in with any OpenID Connect issuer: its address, whose discovery document is read")
    ] = ""
    oidc_client_id: Annotated[str, Meta(description="the client there")] = ""
    oidc_client_secret: Annotated[str, Meta(description="its secret")] = ""
    oidc_name: Annotated[
        str,
        Meta(
            pattern=r"^[a-z][a-z0-9_:-]{0,40}\Z",
            description="what programs call it; some clients of Supabase take only names they know, as keycloak",
        ),
    ] = "oidc"
    oidc_label: Annotated[str, Meta(description="what its button says")] = "OpenID Connect"
    anonymous_sign_ins: Annotated[
        Literal["on", "off"], Meta(description="on: programs may make accounts of people who do not say who they are")
    ] = "off"
    supabase_url: Annotated[
        str,
        Meta(
            pattern=r"^https?://[^\s/?#@]+(/[^\s?#]*)?$",
            description="address of a Supabase project that signs people in, https://….supabase.co; empty: Vently does",
        ),
    ] = ""
    supabase_publishable_key: Annotated[
        str, Meta(description="the project's publishable (or anon) key, with which the pages speak to it")
    ] = ""
    supabase_jwt_secret: Annotated[
        str, Meta(description="the project's legacy JWT secret, while it still signs with one; empty: HS256 is refused")
    ] = ""
    stripe_secret_key: Annotated[
        str,
        Meta(description="secret or restricted key of Stripe's, which takes the money; empty: a page pretends to"),
    ] = ""
    stripe_webhook_secret: Annotated[
        str, Meta(description="signing secret of the endpoint at Stripe that leads to /hooks/payments/stripe")
    ] = ""
    stripe_api_base: Annotated[
        str,
        Meta(
            pattern=r"^https?://[^\s/?#@]+$",
            description="address of Stripe's API when a proxy stands before it, without a slash at the end",
        ),
    ] = ""
    platform_fee_percent: Annotated[
        float, Meta(ge=0, le=50, description="what this site keeps of a ticket sold for an organiser's own account")
    ] = 0
    log_level: Annotated[
        Literal["debug", "info", "warning", "error", "critical"], Meta(description="least severe line logged")
    ] = "info"
    log_format: Annotated[Literal["auto", "json", "console"], Meta(description="auto: console on a terminal")] = "auto"
    drain_seconds: Annotated[
        float,
        Meta(ge=0, le=300, description="how long /readyz says 503 before a node that was told to end stops listening"),
    ] = 0
    trusted_proxies: Annotated[
        str, Meta(description="addresses of load balancers whose X-Forwarded-For is believed, with commas between")
    ] = "127.0.0.1"
    rate_limits: Annotated[Literal["on", "off"], Meta(description="off: for load tests only")] = "on"

    @property
    def embedded(self) -> bool:
        return not self.database_url

    @property
    def secure(self) -> bool:
        """Whether people come by https."""
        return self.site_url.startswith("https://")

    @classmethod
    def load(cls, environment: Mapping[str, str]) -> "Settings":
        """Raises SettingsError for a value that is not usable, naming the variable."""
        given: dict[str, object] = {}
        for field in cls.__struct_fields__:
            text = environment.get(variable(field), "")
            if text:
                given[field] = text
        try:
            settings = msgspec.convert(given, cls, strict=False, dec_hook=_path)
        except msgspec.ValidationError as error:
            what, _, where = str(error).partition(" - at `$.")
            name = variable(where.rstrip("`"))
            meaning = next((meaning for known, meaning, _ in described() if known == name), "")
            raise SettingsError(f"{name} is not usable ({what}); it is: {meaning}.") from None
        _check_groups(settings)
        if settings.supabase_url and settings.embedded:
            raise SettingsError(
                "SUPABASE_URL is set and VENTLY_DATABASE_URL is not, and people's accounts are in the project's "
                "database: set both."
            )
        return msgspec.structs.replace(
            settings, site_url=settings.site_url.rstrip("/"), supabase_url=settings.supabase_url.rstrip("/")
        )

    def __repr__(self) -> str:
        """Without values: some are secrets, and tracebacks are read by many."""
        return "Settings(…)"


TOGETHER = (
    ("google_client_id", "google_client_secret"),
    ("github_client_id", "github_client_secret"),
    ("facebook_client_id", "facebook_client_secret"),
    ("apple_client_id", "apple_team_id", "apple_key_id", "apple_key"),
    ("oidc_issuer", "oidc_client_id", "oidc_client_secret"),
    ("stripe_secret_key", "stripe_webhook_secret"),
)
"""Settings that mean something only with one another."""

NAMES = {
    "supabase_url": "SUPABASE_URL",
    "supabase_publishable_key": "SUPABASE_PUBLISHABLE_KEY",
    "supabase_jwt_secret": "SUPABASE_JWT_SECRET",
    "stripe_secret_key": "STRIPE_SECRET_KEY",
    "stripe_webhook_secret": "STRIPE_WEBHOOK_SECRET",
}


def variable(field: str) -> str:
    """The environment variable of a field."""
    return NAMES.get(field, f"VENTLY_{field.upper()}")


def described() -> list[tuple[str, str, str]]:
    """Each variable with its meaning and default, for `vently doctor --settings`."""
    hints = get_type_hints(Settings, include_extras=True)
    rows = []
    for field, default in zip(Settings.__struct_fields__, Settings.__struct_defaults__, strict=True):
        meaning = next((m.description for m in hints[field].__metadata__ if isinstance(m, Meta)), "") or ""
        kind = get_args(hints[field])[0]
        choices = " | ".join(get_args(kind)) if get_origin(kind) is Literal else ""
        rows.append((variable(field), meaning + (f" ({choices})" if choices else ""), str(default)))
    return rows


def _check_groups(settings: Settings) -> None:
    for group in TOGETHER:
        given = [field for field in group if getattr(settings, field)]
        missing = [variable(field) for field in group if field not in given]
        if given and missing:
            raise SettingsError(f"{variable(given[0])} is set, so {' and '.join(missing)} must be set too.")


def _path(kind: type, value: object) -> object:
    if kind is Path:
        return Path(str(value))
    raise NotImplementedError
