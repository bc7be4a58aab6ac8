"""Google's sign-in (https://developers.google.com/identity/openid-connect/openid-connect)."""

import httpx

from vently.outside.signin.oidc import Oidc, Ways

ISSUER = "https://accounts.google.com"


def google(client_id: str, client_secret: str, *, wire: httpx.AsyncBaseTransport | None = None) -> Oidc:
    return Oidc(
        ISSUER,
        client_id,
        client_secret,
        name="google",
        label="Google",
        ways=Ways(also_called=("accounts.google.com",)),  # its tokens of old; the documentation still says so
        wire=wire,
    )
