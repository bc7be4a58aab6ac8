"""OpenID Connect: any issuer that can be discovered."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import httpx
from msgspec import Struct

from vently.outside.signin import Claimed, Grant, ProviderRefused, hints, id_tokens
from vently.outside.signin.asking import asking, code_of, json_of, maybe_text, text_of, token_of
from vently.outside.signin.issuers import Issuer, Metadata


class Ways(Struct, frozen=True, kw_only=True):
    """What one provider does otherwise than the next. `asks` goes into every authorisation request."""

    scopes: tuple[str, ...] = ("openid", "email", "profile")
    asks: dict[str, str] = {}
    also_called: tuple[str, ...] = ()
    pkce: bool = True


USUAL = Ways()


class Oidc:
    """A provider known by its issuer's address. `client_secret` may be made anew for each use, as Apple wants."""

    def __init__(
        self,
        issuer: str,
        client_id: str,
        client_secret: str | Callable[[], str] = "",
        *,
        name: str = "oidc",
        label: str = "OpenID Connect",
        ways: Ways = USUAL,
        wire: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.name = name
        self.label = label
        self.client_id = client_id
        self._secret = client_secret
        self._ways = ways
        self._called = (issuer, *ways.also_called)
        self._wire = wire
        self._issuer = Issuer(issuer, label, wire)

    async def address(
        self,
        *,
        state: str,
        nonce: str,
        code_verifier: str,
        redirect_uri: str,
        scopes: Sequence[str] = (),
        more: Mapping[str, str] | None = None,
    ) -> str:
        metadata = await self._issuer.metadata()
        wanted = {**hints(more), **self._ways.asks, "nonce": nonce, "redirect_uri": redirect_uri}
        method = "S256" if self._ways.pkce else None
        async with asking(self.label, self._wire, self.client_id, code_challenge_method=method) as client:
            url, _ = client.create_authorization_url(
                metadata.authorization_endpoint,
                state=state,
                code_verifier=code_verifier,
                scope=" ".join(dict.fromkeys((*self._ways.scopes, *scopes))),
                **wanted,
            )
        return str(url)

    async def grant(self, *, answer: Mapping[str, str], nonce: str, code_verifier: str, redirect_uri: str) -> Grant:
        metadata = await self._issuer.metadata()
        self._check_sender(answer, metadata)
        code = code_of(self.label, answer)
        method = _method(metadata) if self._secret else "none"
        async with asking(
            self.label, self._wire, self.client_id, self._make_secret(), token_endpoint_auth_method=method
        ) as client:
            verifier = {"code_verifier": code_verifier} if self._ways.pkce else {}
            token = await token_of(client, metadata.token_endpoint, code=code, redirect_uri=redirect_uri, **verifier)
            claims = await id_tokens.verified(
                text_of(token, "id_token"),
                label=self.label,
                issuer=self._issuer,
                called=self._called,
                client_id=self.client_id,
                nonce=nonce,
            )
            if metadata.userinfo_endpoint and ("email" not in claims or "email_verified" not in claims):
                said = await json_of(client, metadata.userinfo_endpoint, token["access_token"])
                claims = _joined(claims, said, self.label)
        return Grant(
            claimed=claimed(claims),
            provider_token=token["access_token"],
            provider_refresh_token=maybe_text(token, "refresh_token"),
        )

    def _check_sender(self, answer: Mapping[str, str], metadata: Metadata) -> None:
        """RFC 9207: an answer that another issuer gave is not ours to redeem (mix-up)."""
        sender = answer.get("iss")
        if sender is None and not metadata.authorization_response_iss_parameter_supported:
            return
        if sender not in self._called:
            raise ProviderRefused(f"The answer does not come from {self.label}: start again.", code="invalid_request")

    def _make_secret(self) -> str:
        return self._secret if isinstance(self._secret, str) else self._secret()


def claimed(claims: dict[str, Any]) -> Claimed:
    """Standard claims (OpenID Connect Core 1.0, section 5.1)."""
    picture = maybe_text(claims, "picture")
    parts = [part for part in (maybe_text(claims, "given_name"), maybe_text(claims, "family_name")) if part]
    email, verified = maybe_text(claims, "email"), claims.get("email_verified")
    return Claimed(
        subject=claims["sub"],
        email=email,
        # Apple and Amazon write it as text.
        email_verified=email is not None and (verified is True or verified == "true"),
        name=maybe_text(claims, "name") or " ".join(parts) or maybe_text(claims, "preferred_username"),
        picture=picture if picture and picture.startswith("https://") else None,
        claims=claims,
    )


def _joined(claims: dict[str, Any], said: Any, label: str) -> dict[str, Any]:
    """With what userinfo adds. Address and whether it is verified come from one mouth: never half from each."""
    if not isinstance(said, dict) or said.get("sub") != claims["sub"]:
        raise ProviderRefused(f"{label} gave details of somebody else: start again.")
    address = {"email", "email_verified"}
    more = {name: value for name, value in said.items() if name not in claims and name not in address}
    if "email" in said:
        more |= {"email": said["email"], "email_verified": said.get("email_verified", False)}
    return {**claims, **more}


def _method(metadata: Metadata) -> Literal["client_secret_post", "client_secret_basic"]:
    """In the body where it may be: in the header each provider decodes odd characters its own way."""
    offered = metadata.token_endpoint_auth_methods_supported
    return "client_secret_post" if "client_secret_post" in offered else "client_secret_basic"
