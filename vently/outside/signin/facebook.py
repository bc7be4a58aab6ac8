"""Facebook's sign-in (https://developers.facebook.com/docs/facebook-login/guides/advanced/manual-flow)."""

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from typing import Any

import httpx
import msgspec

from vently.outside.signin import Claimed, Grant, ProviderRefused, hints
from vently.outside.signin.asking import asking, code_of, json_of, maybe_text, text_of, token_of

SCOPES = ("email", "public_profile")
FIELDS = "id,name,email,picture.type(large)"


class Facebook:
    name = "facebook"
    label = "Facebook"

    def __init__(
        self,
        client_id: str,
        client_secret: str,
        *,
        version: str = "v24.0",
        wire: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._client_id, self._client_secret = client_id, client_secret
        self._dialog = f"https://www.facebook.com/{version}/dialog/oauth"
        self._graph = f"https://graph.facebook.com/{version}"
        self._wire = wire

    async def address(
        self,
        *,
        state: str,
        nonce: str,  # noqa: ARG002 - there is no ID token that could carry it back
        code_verifier: str,  # noqa: ARG002 - this flow of theirs takes none
        redirect_uri: str,
        scopes: Sequence[str] = (),
        more: Mapping[str, str] | None = None,
    ) -> str:
        async with asking(self.label, self._wire, self._client_id) as client:
            url, _ = client.create_authorization_url(
                self._dialog,
                state=state,
                redirect_uri=redirect_uri,
                scope=",".join(dict.fromkeys((*SCOPES, *scopes))),
                **hints(more),
            )
        return str(url)

    async def grant(self, *, answer: Mapping[str, str], nonce: str, code_verifier: str, redirect_uri: str) -> Grant:  # noqa: ARG002
        if "iss" in answer:
            raise ProviderRefused("The answer does not come from Facebook: start again.", code="invalid_request")
        code = code_of(self.label, answer)
        async with asking(
            self.label,
            self._wire,
            self._client_id,
            self._client_secret,
            token_endpoint_auth_method="client_secret_post",  # noqa: S106 - the name of a way, no secret
        ) as client:
            token = await token_of(client, f"{self._graph}/oauth/access_token", code=code, redirect_uri=redirect_uri)
            bearer = token["access_token"]
            # Their proof that the token is used by the app it was given to.
            proof = hmac.new(self._client_secret.encode(), bearer.encode(), hashlib.sha256).hexdigest()
            said = await json_of(client, f"{self._graph}/me", bearer, fields=FIELDS, appsecret_proof=proof)
            claimed = _claimed(msgspec.convert(said, dict[str, Any]))
        return Grant(claimed=claimed, provider_token=bearer)


def _claimed(said: dict[str, Any]) -> Claimed:
    """Facebook does not say whether an address was confirmed, so it was not."""
    data = said["picture"].get("data", {}) if isinstance(said.get("picture"), dict) else {}
    picture = maybe_text(data, "url") if isinstance(data, dict) else None
    return Claimed(
        subject=text_of(said, "id"),
        email=maybe_text(said, "email"),
        email_verified=False,
        name=maybe_text(said, "name"),
        picture=picture if picture and picture.startswith("https://") else None,
        claims={},
    )
