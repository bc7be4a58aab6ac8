"""GitHub's sign-in: OAuth 2.0 without OpenID Connect, so who it is has to be asked for."""

from collections.abc import Mapping, Sequence
from typing import Any

import httpx
import msgspec

from vently.outside.signin import Claimed, Grant, ProviderRefused, hints
from vently.outside.signin.asking import asking, code_of, json_of, maybe_text, token_of

SCOPES = ("read:user", "user:email")


class _Address(msgspec.Struct):
    email: str
    primary: bool
    verified: bool


class GitHub:
    name = "github"
    label = "GitHub"

    def __init__(
        self,
        client_id: str,
        client_secret: str,
        *,
        url: str = "https://github.com",
        api: str = "https://api.github.com",
        wire: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._client_id, self._client_secret = client_id, client_secret
        self._url, self._api = url, api
        self._wire = wire

    async def address(
        self,
        *,
        state: str,
        nonce: str,  # noqa: ARG002 - there is no ID token that could carry it back
        code_verifier: str,
        redirect_uri: str,
        scopes: Sequence[str] = (),
        more: Mapping[str, str] | None = None,
    ) -> str:
        async with asking(self.label, self._wire, self._client_id, code_challenge_method="S256") as client:
            url, _ = client.create_authorization_url(
                f"{self._url}/login/oauth/authorize",
                state=state,
                code_verifier=code_verifier,
                redirect_uri=redirect_uri,
                scope=" ".join(dict.fromkeys((*SCOPES, *scopes))),
                **hints(more),
            )
        return str(url)

    async def grant(self, *, answer: Mapping[str, str], nonce: str, code_verifier: str, redirect_uri: str) -> Grant:  # noqa: ARG002
        if answer.get("iss") not in (None, self._url, f"{self._url}/login/oauth"):
            raise ProviderRefused("The answer does not come from GitHub: start again.", code="invalid_request")
        code = code_of(self.label, answer)
        async with asking(
            self.label,
            self._wire,
            self._client_id,
            self._client_secret,
            token_endpoint_auth_method="client_secret_post",  # noqa: S106 - the name of a way, no secret
        ) as client:
            token = await token_of(
                client,
                f"{self._url}/login/oauth/access_token",
                code=code,
                redirect_uri=redirect_uri,
                code_verifier=code_verifier,
            )
            bearer = token["access_token"]
            user = msgspec.convert(await json_of(client, f"{self._api}/user", bearer), dict[str, Any])
            listed = await json_of(client, f"{self._api}/user/emails", bearer)
            claimed = _claimed(user, msgspec.convert(listed, list[_Address]))
        return Grant(claimed=claimed, provider_token=bearer, provider_refresh_token=maybe_text(token, "refresh_token"))


def _claimed(user: dict[str, Any], addresses: list[_Address]) -> Claimed:
    """By number: names are given up there and taken by others. The address on the profile is whatever they typed."""
    if not isinstance(user["id"], int) or isinstance(user["id"], bool):
        raise TypeError("id is a number")
    email = next((each.email for each in addresses if each.primary and each.verified), None)
    login, picture = maybe_text(user, "login"), maybe_text(user, "avatar_url")
    name = maybe_text(user, "name") or login
    return Claimed(
        subject=str(user["id"]),
        email=email,
        email_verified=email is not None,
        name=name,
        picture=picture if picture and picture.startswith("https://") else None,
        claims={"user_name": login, "preferred_username": login},
    )
