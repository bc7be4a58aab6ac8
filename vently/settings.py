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
    pg_bin: Annotated[str, Meta(description="folder with Postgres' programs, instead of the packaged ones")] = ""
    site_url: Annotated[str, Meta(description="address people see, without a slash at the end")] = (
        "http://127.0.0.1:8000"
    )
    secret: Annotated[
        str, Meta(description="signs cursors and forms; the same on every node; empty: made under VENTLY_DATA")
    ] = ""
    organizer_approval: Annotated[
        Literal["automatic", "manual"], Meta(description="manual: a platform admin approves each organiser")
    ] = "automatic"
    smtp_url: Annotated[
        str,
        Meta(description="mail server, smtp://user:password@host:587 or smtps://…; empty: mail is kept in VENTLY_DATA"),
    ] = ""
    mail_from: Annotated[str, Meta(description="sender, `Name <address>`; empty: Vently at the site's name")] = ""
    redirect_urls: Annotated[
        str,
        Meta(description="where else sign-in may lead, with commas between: https://app.example.org/** or myapp://**"),
    ] = ""
    anonymous_sign_ins: Annotated[
        Literal["on", "off"], Meta(description="on: programs may make accounts of people who do not say who they are")
    ] = "off"
    supabase_url: Annotated[str, Meta(description="a Supabase project whose tokens are taken")] = ""
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
        return msgspec.structs.replace(settings, site_url=settings.site_url.rstrip("/"))


NAMES = {"supabase_url": "SUPABASE_URL"}


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


def _path(kind: type, value: object) -> object:
    if kind is Path:
        return Path(str(value))
    raise NotImplementedError
