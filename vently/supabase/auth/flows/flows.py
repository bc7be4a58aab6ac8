"""Beginning a flow, giving out its code, and taking that code once from whoever knows the challenge's verifier."""

import hashlib
import hmac
import re
import secrets
from base64 import urlsafe_b64encode
from typing import Any, Literal
from uuid import UUID, uuid4

import msgspec

from vently.database.pool import Transaction
from vently.database.queries import load
from vently.supabase.auth.auth import Auth
from vently.supabase.auth.devices import Device
from vently.supabase.auth.errors import AuthError
from vently.supabase.auth.sessions import sessions

sql = load(__package__)

LONGEST_VERIFIER = 128

_CHALLENGE = re.compile(r"[A-Za-z0-9._~-]{43,128}")


class Challenge(msgspec.Struct, frozen=True):
    text: str
    method: Literal["s256", "plain"]

    def is_met_by(self, verifier: str) -> bool:
        if len(verifier) > LONGEST_VERIFIER:
            return False
        made = verifier
        if self.method == "s256":
            made = urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
        return hmac.compare_digest(made.encode(), self.text.encode())


class Linking(msgspec.Struct, frozen=True):
    """Whom an account elsewhere is to be linked to, and the session that asks for it: the flow ends with it."""

    person: UUID
    session: UUID | None


class Flow(msgspec.Struct, frozen=True):
    """A flow whose code was just taken."""

    id: UUID
    user_id: UUID
    authentication_method: str
    code_challenge: str
    code_challenge_method: Literal["s256", "plain"]
    provider_access_token: str | None
    provider_refresh_token: str | None
    expired: bool


def challenge_of(challenge: str | None, method: str | None) -> Challenge | None:
    """Of a request's `code_challenge` and `code_challenge_method`; None when it has neither. Raises AuthError."""
    if not challenge and not method:
        return None
    if not challenge or not method:
        raise AuthError("validation_failed", "PKCE flow requires code_challenge_method and code_challenge")
    if not _CHALLENGE.fullmatch(challenge):
        raise AuthError("validation_failed", "code challenge has to be 43 to 128 letters, digits, or any of -._~")
    match method.lower():
        case "s256":
            return Challenge(challenge, "s256")
        case "plain":
            return Challenge(challenge, "plain")
        case _:
            raise AuthError("validation_failed", "code_challenge_method has to be s256 or plain")


async def begin(
    tx: Transaction,
    challenge: Challenge | None,
    method: str,
    *,
    provider: str,
    flow: UUID | None = None,
    user: UUID | None = None,
    back: str | None = None,
    linking: Linking | None = None,
) -> UUID:
    """A flow that will end in a session by `method` (oauth, magiclink, recovery …; it becomes the session's `amr`).

    `provider` is what Supabase Auth calls provider_type: `google`, or for mail `email` or `magiclink`. `back`: where
    the person is sent at the end.
    """
    flow = flow or uuid4()
    await tx.execute(
        sql.begin_flow,
        flow=flow,
        user=user,
        provider=provider,
        method=method,
        challenge=challenge.text if challenge else None,
        challenge_method=challenge.method if challenge else None,
        back=back,
        link_to=linking.person if linking else None,
        session=linking.session if linking else None,
    )
    return flow


async def issue_code(
    tx: Transaction, auth: Auth, flow: UUID, user: UUID, *, token: str | None = None, refresh_token: str | None = None
) -> str:
    """The code that stands for a session of `user`, good for `rules.flow_seconds`; the provider's tokens wait with it,
    sealed. Raises AuthError `flow_state_not_found`.
    """
    code = secrets.token_urlsafe(32)
    issued = await tx.value(
        sql.issue_code,
        flow=flow,
        user=user,
        code=_hashed(code),
        token=auth.sealing.seal(token, _place("access", flow)) if token else None,
        refresh_token=auth.sealing.seal(refresh_token, _place("refresh", flow)) if refresh_token else None,
    )
    if issued is None:
        raise _not_found()
    return code


async def exchange(auth: Auth, code: str, verifier: str, *, device: Device) -> dict[str, Any]:
    """The session of a code, as the body of an answer, with the provider's tokens where there are any."""
    async with auth.acting() as tx:
        # Taken first: of two that come at once one waits here, and finds nothing. A refusal gives it back.
        flow = await tx.maybe_one(sql.take_code, Flow, code=_hashed(code), seconds=float(auth.rules.flow_seconds))
        if flow is None:
            raise _not_found()
        if flow.expired:
            raise AuthError("flow_state_expired", "invalid flow state, flow state has expired", 422)
        if not Challenge(flow.code_challenge, flow.code_challenge_method).is_met_by(verifier):
            raise AuthError("bad_code_verifier", "code challenge does not match previously saved code verifier")
        session = await sessions.begin(tx, auth, flow.user_id, flow.authentication_method, device=device)
    sealed = {
        "provider_token": (flow.provider_access_token, _place("access", flow.id)),
        "provider_refresh_token": (flow.provider_refresh_token, _place("refresh", flow.id)),
    }
    return msgspec.structs.asdict(session) | {
        name: auth.sealing.open(text, place) for name, (text, place) in sealed.items() if text
    }


def _not_found() -> AuthError:
    return AuthError("flow_state_not_found", "invalid flow state, no valid flow state found", 404)


def _hashed(code: str) -> str:
    """Whoever reads the table learns no code."""
    return hashlib.sha256(code.encode("utf-8", "replace")).hexdigest()


def _place(which: str, flow: UUID) -> str:
    return f"flow_state.provider_{which}_token/{flow}"
