"""What the pages ask of sign-in for one person: each method is one call of `/auth/v1`."""

from typing import Any, TypeVar
from urllib.parse import quote, urlencode

import msgspec

from vently.refusals import Unavailable
from vently.supabase.accounts import Account, Ceremony, Challenge, Enrolment, Offer, Passkey, Session
from vently.supabase.auth.errors import AuthError
from vently.supabase.client import Asker, SignIn

T = TypeVar("T")


class Conversation:
    """Every method raises AuthError for what is refused and Unavailable when sign-in does not answer."""

    def __init__(self, sign_in: SignIn, asker: Asker) -> None:
        self._sign_in = sign_in
        self._asker = asker

    def holding(self, token: str) -> "Conversation":
        """The same browser with this access token."""
        return Conversation(self._sign_in, msgspec.structs.replace(self._asker, token=token))

    @property
    def ours(self) -> bool:
        return self._sign_in.ours

    async def offer(self) -> Offer:
        return await self._sign_in.offer()

    # Signing up and in

    async def sign_up(
        self, email: str, password: str, data: dict[str, Any], *, challenge: str, back: str
    ) -> Session | Account:
        """A session when addresses need no confirmation; else the account, and a mail is on its way."""
        body = {"email": email, "password": password, "data": data, **_pkce(challenge)}
        told = await self._ask("POST", "/signup", body, redirect_to=back)
        return _as(Session, told) if "access_token" in told else _as(Account, told)

    async def sign_in(self, email: str, password: str) -> Session:
        return await self._session("password", {"email": email, "password": password})

    async def refresh(self, refresh_token: str) -> Session:
        return await self._session("refresh_token", {"refresh_token": refresh_token})

    async def exchange(self, code: str, verifier: str) -> Session:
        """The session behind the `code` of a callback."""
        return await self._session("pkce", {"auth_code": code, "code_verifier": verifier})

    async def sign_out(self, scope: str = "local") -> None:
        await self._ask("POST", "/logout", scope=scope)

    def authorize_url(self, provider: str, *, challenge: str, back: str) -> str:
        """Where a browser goes to sign in with another site."""
        asked = {"provider": provider, "redirect_to": back, **_pkce(challenge)}
        return f"{self._sign_in.place}/authorize?{urlencode(asked)}"

    # By mail

    async def otp(self, email: str, *, challenge: str, back: str) -> None:
        """A link and a code to sign in with, to people who have an account."""
        body = {"email": email, "create_user": False, **_pkce(challenge)}
        await self._ask("POST", "/otp", body, redirect_to=back)

    async def recover(self, email: str, *, challenge: str, back: str) -> None:
        await self._ask("POST", "/recover", {"email": email, **_pkce(challenge)}, redirect_to=back)

    async def resend(self, kind: str, email: str, *, back: str) -> None:
        """`kind`: signup or email_change."""
        await self._ask("POST", "/resend", {"type": kind, "email": email}, redirect_to=back)

    async def verify(self, kind: str, email: str, code: str) -> Session | None:
        """The session of a code from a mail; None when another address has to confirm, too."""
        told = await self._ask("POST", "/verify", {"type": kind, "email": email, "token": code})
        return _as(Session, told) if told and "access_token" in told else None

    # Who one is

    async def user(self) -> Account:
        return _as(Account, await self._ask("GET", "/user"))

    async def update_user(self, *, challenge: str = "", back: str = "", **changes: Any) -> Account:
        """`changes`: email, password, current_password, nonce or data."""
        told = await self._ask("PUT", "/user", {**changes, **_pkce(challenge)}, redirect_to=back)
        return _as(Account, told)

    async def reauthenticate(self) -> None:
        """A code (`nonce`) by mail, for a new password in an old session."""
        await self._ask("GET", "/reauthenticate")

    async def link_url(self, provider: str, *, challenge: str, back: str) -> str:
        """Where a browser goes to link an account at another site to this one."""
        asked = {"provider": provider, "redirect_to": back, "skip_http_redirect": "true", **_pkce(challenge)}
        told = await self._ask("GET", "/user/identities/authorize", **asked)
        return str(told["url"])

    async def unlink(self, identity: str) -> None:
        await self._ask("DELETE", f"/user/identities/{quote(identity, safe='')}")

    # Second factors

    async def enrol(self, kind: str, name: str) -> Enrolment:
        """`kind`: totp or webauthn."""
        body = {"factor_type": kind, "friendly_name": name, "issuer": "Vently" if kind == "totp" else None}
        return _as(Enrolment, await self._ask("POST", "/factors", _given(body)))

    async def challenge(self, factor: str, webauthn: dict[str, Any] | None = None) -> Challenge:
        """`webauthn`: {rpId, rpOrigins} for a key."""
        body = _given({"webauthn": webauthn})
        return _as(Challenge, await self._ask("POST", f"/factors/{quote(factor, safe='')}/challenge", body))

    async def answer(self, factor: str, challenge: str, **given: Any) -> Session:
        """`given`: the `code` of an app, or what the browser's key answered as `webauthn`. Gives a session at AAL2."""
        path = f"/factors/{quote(factor, safe='')}/verify"
        return _as(Session, await self._ask("POST", path, {"challenge_id": challenge, **given}))

    async def unenrol(self, factor: str) -> None:
        await self._ask("DELETE", f"/factors/{quote(factor, safe='')}")

    # Only where sign-in is ours

    async def spend_recovery_code(self, code: str) -> Session:
        """A session at AAL2, for who has lost their second factor."""
        return _as(Session, await self._ask("POST", "/factors/recovery-codes/verify", {"code": code}))

    async def new_recovery_codes(self) -> list[str]:
        """Shown once; the ones before no longer count."""
        try:
            told = await self._ask("POST", "/factors/recovery-codes")
        except AuthError as error:
            if error.code != "mfa_verified_factor_exists":
                raise
            told = await self._ask("POST", "/factors/recovery-codes/regenerate")
        return _as(list[str], told["codes"])

    async def recovery_codes_left(self) -> int:
        try:
            return int((await self._ask("GET", "/factors/recovery-codes"))["remaining"])
        except AuthError as error:
            if error.code != "mfa_factor_not_found":
                raise
            return 0

    async def passkeys(self) -> list[Passkey]:
        return _as(list[Passkey], await self._ask("GET", "/passkeys"))

    async def begin_passkey(self, ceremony: str) -> Ceremony:
        """`ceremony`: registration (of who is signed in) or authentication (of anybody)."""
        return _as(Ceremony, await self._ask("POST", f"/passkeys/{ceremony}/options", {}))

    async def add_passkey(self, challenge: str, credential: dict[str, Any]) -> Passkey:
        body = {"challenge_id": challenge, "credential": credential}
        return _as(Passkey, await self._ask("POST", "/passkeys/registration/verify", body))

    async def sign_in_with_passkey(self, challenge: str, credential: dict[str, Any]) -> Session:
        body = {"challenge_id": challenge, "credential": credential}
        return _as(Session, await self._ask("POST", "/passkeys/authentication/verify", body))

    async def rename_passkey(self, passkey: str, name: str) -> None:
        await self._ask("PATCH", f"/passkeys/{quote(passkey, safe='')}", {"friendly_name": name})

    async def remove_passkey(self, passkey: str) -> None:
        await self._ask("DELETE", f"/passkeys/{quote(passkey, safe='')}")

    async def _session(self, grant: str, body: dict[str, Any]) -> Session:
        return _as(Session, await self._ask("POST", "/token", body, grant_type=grant))

    async def _ask(self, method: str, path: str, body: Any = None, **query: str) -> Any:
        return await self._sign_in.ask(method, path, self._asker, body, query)


def _pkce(challenge: str) -> dict[str, str]:
    return {"code_challenge": challenge, "code_challenge_method": "s256"} if challenge else {}


def _given(body: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if value is not None}


def _as(kind: type[T], told: Any) -> T:
    try:
        return msgspec.convert(told, kind, strict=False)
    except msgspec.ValidationError:
        raise Unavailable("Sign-in gave an answer that is none; try again in a moment.") from None
