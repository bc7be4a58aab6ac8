"""Signing in elsewhere: who a person is, as a third party says it."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from msgspec import Struct


class Claimed(Struct, frozen=True, kw_only=True):
    """What a provider says of a person. `subject` is the provider's own name for them, which never changes hands.

    An address the provider does not vouch for has `email_verified` false: anybody may have typed it in there.
    """

    subject: str
    email: str | None = None
    email_verified: bool = False
    name: str | None = None
    picture: str | None = None
    claims: dict[str, Any] = {}


class Grant(Struct, frozen=True, kw_only=True):
    """What came of an answer: who it is, and the keys to what they let us do there in their name."""

    claimed: Claimed
    provider_token: str
    provider_refresh_token: str | None = None


class ProviderRefused(Exception):
    """The provider said no, cannot be reached, or said something that is not to be believed; the sentence says which.

    `code` is RFC 6749's: `access_denied` when the person or the provider said no, else `server_error` or its like.
    """

    def __init__(self, sentence: str, *, code: str = "server_error") -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.code = code


class Provider(Protocol):
    """What Vently asks of one that knows people: OAuth 2.0's authorization code, with or without OpenID Connect."""

    @property
    def name(self) -> str:
        """`google`, `github`, `apple`, `facebook` or `oidc`: the word in addresses and in the database."""

    @property
    def label(self) -> str:
        """What its button says."""

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
        """Where the browser goes. `scopes` are asked for besides ours; of `more` what is in HINTS goes along."""

    async def grant(self, *, answer: Mapping[str, str], nonce: str, code_verifier: str, redirect_uri: str) -> Grant:
        """What the callback's parameters are worth; their `state` was checked before. Raises ProviderRefused."""


HINTS = frozenset({
    "access_type", "acr_values", "allow_signup", "auth_type", "display", "domain_hint", "hd", "include_granted_scopes",
    "login_hint", "max_age", "prompt", "ui_locales",
})  # fmt: skip
"""Parameters a page may pass on to the provider: they say how to ask, none says where the answer goes."""


def hints(more: Mapping[str, str] | None) -> dict[str, str]:
    return {name: value for name, value in (more or {}).items() if name in HINTS}
