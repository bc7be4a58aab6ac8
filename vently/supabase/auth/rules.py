"""The rules of sign-in that the operator sets."""

import msgspec


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """Defaults are Supabase Auth's. Times are seconds."""

    site_url: str
    """Where people see Vently, without a slash at the end; sign-in leads there unless an allowed place is named."""
    redirect_urls: tuple[str, ...] = ()
    """Other places a person may be sent to with a session; `*` and `**` as in Supabase's allow-list."""
    autoconfirm: bool = True
    """An address counts as confirmed at once: only where no mail can be sent."""
    anonymous: bool = False
    """Whether people may sign in without saying who they are."""
    limited: bool = True
    """Whether rate limits are in force."""
    jwt_seconds: int = 3600
    code_seconds: int = 3600
    """Life of a code or link sent by mail."""
    resend_seconds: int = 60
    """From one mail to the next to the same address."""
    flow_seconds: int = 300
    """From an authorisation code to its exchange."""
    challenge_seconds: int = 300
    """From a second factor's challenge to its answer."""
    most_factors: int = 10
    secret_key: str = ""
    """`sb_secret_…`: whoever sends it acts as `service_role`; empty: nobody does."""

    @property
    def issuer(self) -> str:
        return f"{self.site_url.rstrip('/')}/auth/v1"
