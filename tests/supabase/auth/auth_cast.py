"""The people of the sign-in tests, and how they come to be."""

import copy
from dataclasses import dataclass

import httpx
import msgspec

from vently.supabase.auth.auth import Auth

SITE = "https://vently.example"
PASSWORD = "correct horse battery"
NEW_VERSION = {"X-Supabase-Api-Version": "2024-01-01"}
API_KEY = "sb_publishable_of_the_tests"
SECRET_KEY = "sb_secret_of_the_tests"


@dataclass(frozen=True)
class Account:
    email: str
    password: str
    session: dict

    @property
    def bearer(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.session['access_token']}"}

    @property
    def refresh_token(self) -> str:
        return self.session["refresh_token"]


async def sign_up(http: httpx.AsyncClient, email: str, password: str = PASSWORD, **more: object) -> Account:
    answer = await http.post("/signup", json={"email": email, "password": password, **more})
    assert answer.status_code == 200, answer.text
    return Account(email, password, answer.json())


def ruled(auth: Auth, **rules: object) -> Auth:
    """The same sign-in under other rules."""
    other = copy.copy(auth)
    other.rules = msgspec.structs.replace(auth.rules, **rules)
    return other
