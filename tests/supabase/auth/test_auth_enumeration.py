"""Nothing tells a stranger who has an account: whoever has an address, the same work is done and the same said."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

import pytest
import pytest_asyncio
from auth_cast import SECRET_KEY, sign_up

from vently.database.pool import Transaction
from vently.supabase.auth import passwords

SECRET = {"Authorization": f"Bearer {SECRET_KEY}"}
VARIES = {"date", "content-length"}
UNDER_WAY = {"signing_keys"}
"""What a node does by itself all the time."""


@pytest_asyncio.fixture
async def addresses(http, owner) -> dict[str, str]:
    """By what they stand for. Nobody's password is tried rightly."""
    found = {
        kind: f"{secrets.token_hex(6)}@example.com"
        for kind in ("known", "unknown", "unconfirmed", "banned", "without password", "deleted", "moved away")
    }
    for kind in ("known", "banned", "moved away"):
        await sign_up(http, found[kind])
    await owner.execute(
        "update auth.users set banned_until = now() + interval '1 day' where email = $1", found["banned"]
    )
    await owner.execute("update auth.users set email = 'x' || email where email = $1", found["moved away"])
    for kind in ("unconfirmed", "without password", "deleted"):
        answer = await http.post("/admin/users", headers=SECRET, json={"email": found[kind]})
        user = answer.json()["id"]
        if kind == "unconfirmed":
            await owner.execute(
                "update auth.users set encrypted_password = $2 where id = $1",
                UUID(user),
                await passwords.hashed("right"),
            )
        if kind == "deleted":
            await http.request("DELETE", f"/admin/users/{user}", headers=SECRET, json={"should_soft_delete": True})
    return found


@contextmanager
def work(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """What is done meanwhile: statements by name, and passwords checked."""
    done: list[str] = []
    judge = passwords._matches
    with monkeypatch.context() as patch:
        patch.setattr(passwords, "_matches", lambda *given: (done.append("a hash"), judge(*given))[1])
        for name in ("maybe_one", "many", "value", "execute"):
            ask = getattr(Transaction, name)

            async def watched(self, query, *given, _ask=ask, **more):
                if query.name not in UNDER_WAY:
                    done.append(query.name)
                return await _ask(self, query, *given, **more)

            patch.setattr(Transaction, name, watched)
        yield done


async def test_a_wrong_password_is_the_same_work_and_the_same_answer_for_every_address(
    http, auth, addresses, monkeypatch
):
    await auth.post.settled()  # letters about new accounts are written behind the answers
    seen = {}
    for kind, email in addresses.items():
        with work(monkeypatch) as done:
            answer = await http.post("/token?grant_type=password", json={"email": email, "password": "wrong"})
        headers = {name for name in answer.headers if name not in VARIES}
        seen[kind] = (tuple(done), answer.status_code, answer.content, frozenset(headers))
    assert set(seen.values()) == {seen["known"]}, seen
    assert seen["known"][0] == ("login_by_email", "a hash")
    assert seen["known"][1] == 400
