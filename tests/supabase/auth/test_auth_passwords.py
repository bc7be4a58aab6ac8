"""Passwords at rest."""

import time

import bcrypt
import pytest
from auth_cast import PASSWORD

from vently.supabase.auth import passwords
from vently.supabase.auth.accounts import accounts
from vently.supabase.auth.errors import AuthError


async def test_a_password_is_kept_as_argon2id(owner, alice):
    stored = await owner.fetchval("select encrypted_password from auth.users where email = $1", alice.email)
    assert stored.startswith("$argon2id$v=19$m=19456,t=2,p=1$")


async def test_a_bcrypt_hash_signs_in_and_is_replaced(owner, auth, alice):
    """Accounts that come from a Supabase project keep their passwords."""
    bcrypted = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(10, prefix=b"2a")).decode()
    await owner.execute("update auth.users set encrypted_password = $2 where email = $1", alice.email, bcrypted)
    with pytest.raises(AuthError):
        await accounts.sign_in(auth, alice.email, "wrong")
    assert await accounts.sign_in(auth, alice.email, PASSWORD)
    stored = await owner.fetchval("select encrypted_password from auth.users where email = $1", alice.email)
    assert stored.startswith("$argon2id$")
    assert await accounts.sign_in(auth, alice.email, PASSWORD)


@pytest.mark.parametrize("stored", [None, "", "plain", "$fbscrypt$v=1", "$2b$10$short", "$argon2id$broken"])
async def test_a_hash_that_is_none_never_matches(owner, auth, alice, stored):
    await owner.execute("update auth.users set encrypted_password = $2 where email = $1", alice.email, stored)
    for password in (PASSWORD, "", stored or ""):
        with pytest.raises(AuthError, match="Invalid login credentials"):
            await accounts.sign_in(auth, alice.email, password)


async def test_what_is_longer_than_bcrypt_reads_is_wrong_not_cut(auth, owner, alice):
    bcrypted = bcrypt.hashpw(b"x" * 72, bcrypt.gensalt(4)).decode()
    await owner.execute("update auth.users set encrypted_password = $2 where email = $1", alice.email, bcrypted)
    with pytest.raises(AuthError):
        await accounts.sign_in(auth, alice.email, "x" * 73)
    assert await accounts.sign_in(auth, alice.email, "x" * 72)


async def test_an_unknown_address_takes_as_long_as_a_wrong_password(auth, alice, monkeypatch):
    """In processor time of the hashing thread, which a busy machine does not change."""
    spent: list[float] = []
    judge = passwords._matches

    def measured(password: str, stored: str) -> tuple[bool, str]:
        started = time.thread_time()
        answer = judge(password, stored)
        spent.append(time.thread_time() - started)
        return answer

    monkeypatch.setattr(passwords, "_matches", measured)
    await passwords.matches("makes the decoy", None)
    spent.clear()
    for email in (alice.email, "nobody.at.all@example.com", "no address"):
        for _ in range(5):
            with pytest.raises(AuthError, match="Invalid login credentials"):
                await accounts.sign_in(auth, email, "a wrong password")
    known, unknown, nonsense = min(spent[:5]), min(spent[5:10]), min(spent[10:])
    assert len(spent) == 15
    assert 0.7 < unknown / known < 1.4
    assert 0.7 < nonsense / known < 1.4


async def test_no_decoy_is_anybodys_password():
    assert (await passwords.matches("nobody's password", None))[0] is False
