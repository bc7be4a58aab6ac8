"""People with second factors, and what they hold in their hands."""

from typing import Any

import httpx
import msgspec
import pyotp
from auth_cast import PASSWORD, Account
from joserfc.util import urlsafe_b64decode

from vently.supabase.auth.factors import totp


class App:
    """Somebody's authenticator app, whose clock a test may turn."""

    def __init__(self, secret: str) -> None:
        self.totp = pyotp.TOTP(secret)

    def code(self, steps: int = 0) -> str:
        return self.totp.generate_otp(totp.current_step() + steps)

    def wrong(self) -> str:
        right = {self.code(steps) for steps in (-2, -1, 0, 1, 2)}
        return next(code for code in (f"{n:06}" for n in range(9)) if code not in right)


class Door:
    """The calls of one signed-in person."""

    def __init__(self, http: httpx.AsyncClient, session: dict[str, Any]) -> None:
        self.http = http
        self.session = session

    async def __call__(self, method: str, path: str, body: Any = None) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.session['access_token']}"}
        return await self.http.request(method, path, json=body, headers=headers)

    async def enrols(self, name: str = "phone", kind: str = "totp") -> dict[str, Any]:
        answer = await self("POST", "/factors", {"factor_type": kind, "friendly_name": name})
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def challenges(self, factor: str) -> dict[str, Any]:
        answer = await self("POST", f"/factors/{factor}/challenge", {})
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def verifies(self, factor: str, code: str) -> httpx.Response:
        challenge = await self.challenges(factor)
        return await self("POST", f"/factors/{factor}/verify", {"challenge_id": challenge["id"], "code": code})

    async def raises(self, factor: str, code: str) -> None:
        answer = await self.verifies(factor, code)
        assert answer.status_code == 200, answer.text
        self.session = answer.json()

    @property
    def claims(self) -> dict[str, Any]:
        return claims_of(self.session)


def claims_of(session: dict[str, Any]) -> dict[str, Any]:
    return msgspec.json.decode(urlsafe_b64decode(session["access_token"].split(".")[1].encode()))


async def sign_in(http: httpx.AsyncClient, account: Account) -> Door:
    answer = await http.post("/token?grant_type=password", json={"email": account.email, "password": PASSWORD})
    assert answer.status_code == 200, answer.text
    return Door(http, answer.json())


def refused(answer: httpx.Response, status: int, code: str) -> None:
    assert (answer.status_code, answer.json().get("code")) == (status, code), answer.text


def one_wins(answers: list[httpx.Response]) -> None:
    """Where the machine is so busy that somebody waits for three seconds, they are asked to come again."""
    statuses = sorted(answer.status_code for answer in answers)
    assert statuses[0] == 200, statuses
    assert set(statuses[1:]) <= {422, 503}, statuses
